import type { Guid } from '../../base/guid.ts';
import { showOptionalClaims } from './optional-claims.ts';
import type { JsonObject } from '../../base/json.ts';
import { toIso } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Application } from '../principals/application.ts';
import type { StoredSecret } from '../principals/client-secret.ts';
import type { DirectoryObject } from '../principals/directory.ts';
import type { Group } from '../principals/group.ts';
import type { KeyCredential } from '../principals/key-credential.ts';
import type { Principal } from '../principals/principal.ts';
import type { User } from '../principals/user.ts';
import { userTextNames } from '../principals/user.ts';
import { showRole, showScope } from './exposed-permissions.ts';
import { showRequiredAccess } from './required-access.ts';

/** Directory times have no fractions of seconds. */
export const graphTime = (at: Instant): string => `${toIso(at).slice(0, 19)}Z`;

/** Everything about a user that can be selected; without `$select` the `usersShown`. */
export const showUser = (user: User): JsonObject => ({
  id: user.objectId,
  businessPhones: [],
  displayName: user.displayName,
  ...Object.fromEntries(userTextNames.map((name) => [name, user.texts[name] ?? null])),
  userPrincipalName: user.userPrincipalName,
  accountEnabled: user.enabled,
  mailNickname: user.mailNickname,
  userType: 'Member',
  createdDateTime: graphTime(user.createdAt),
});

export const usersShown: readonly string[] = [
  'id',
  'businessPhones',
  'displayName',
  ...userTextNames,
  'userPrincipalName',
];

export const showGroup = (group: Group): JsonObject => ({
  id: group.objectId,
  deletedDateTime: null,
  classification: null,
  createdDateTime: graphTime(group.createdAt),
  creationOptions: [],
  description: group.description ?? null,
  displayName: group.displayName,
  expirationDateTime: null,
  groupTypes: [],
  isAssignableToRole: null,
  mail: null,
  mailEnabled: false,
  mailNickname: group.mailNickname,
  membershipRule: null,
  membershipRuleProcessingState: null,
  onPremisesDomainName: null,
  onPremisesLastSyncDateTime: null,
  onPremisesNetBiosName: null,
  onPremisesSamAccountName: null,
  onPremisesSecurityIdentifier: null,
  onPremisesSyncEnabled: null,
  preferredDataLocation: null,
  preferredLanguage: null,
  proxyAddresses: [],
  renewedDateTime: graphTime(group.createdAt),
  resourceBehaviorOptions: [],
  resourceProvisioningOptions: [],
  securityEnabled: true,
  securityIdentifier: securityIdentifierOf(group.objectId),
  theme: null,
  visibility: null,
  onPremisesProvisioningErrors: [],
  serviceProvisioningErrors: [],
});

/** An object id as Windows writes it: four numbers of 32 bits, as .NET lays a GUID out. */
export function securityIdentifierOf(objectId: Guid): string {
  const bytes = Buffer.from(objectId.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return `S-1-12-1-${[0, 4, 8, 12].map((at) => bytes.readUInt32LE(at)).join('-')}`;
}

export const showSecret = (secret: StoredSecret): JsonObject => ({
  customKeyIdentifier: null,
  displayName: secret.displayName ?? null,
  endDateTime: graphTime(secret.endDateTime),
  hint: secret.hint,
  keyId: secret.keyId,
  secretText: null,
  startDateTime: secret.startDateTime === undefined ? null : graphTime(secret.startDateTime),
});

const showKey = (key: KeyCredential): JsonObject => ({
  customKeyIdentifier: key.customKeyIdentifier,
  displayName: key.displayName ?? null,
  endDateTime: graphTime(key.endDateTime),
  key: null,
  keyId: key.keyId,
  startDateTime: graphTime(key.startDateTime),
  type: 'AsymmetricX509Cert',
  usage: 'Verify',
});

const info = {
  logoUrl: null,
  marketingUrl: null,
  privacyStatementUrl: null,
  supportUrl: null,
  termsOfServiceUrl: null,
};
const verifiedPublisher = { displayName: null, verifiedPublisherId: null, addedDateTime: null };

export const showApplication = (application: Application, publisherDomain: string): JsonObject => ({
  id: application.objectId,
  deletedDateTime: null,
  appId: application.appId,
  applicationTemplateId: null,
  disabledByMicrosoftStatus: null,
  createdDateTime: graphTime(application.createdAt),
  displayName: application.displayName,
  description: null,
  groupMembershipClaims: application.groupMembershipClaims ?? null,
  identifierUris: application.identifierUris,
  isDeviceOnlyAuthSupported: null,
  isFallbackPublicClient: application.isFallbackPublicClient ?? null,
  notes: application.notes ?? null,
  publisherDomain,
  serviceManagementReference: application.serviceManagementReference ?? null,
  signInAudience: application.signInAudience,
  tags: application.tags,
  tokenEncryptionKeyId: null,
  samlMetadataUrl: null,
  defaultRedirectUri: null,
  certification: null,
  optionalClaims: showOptionalClaims(application.optionalClaims),
  servicePrincipalLockConfiguration: null,
  requestSignatureVerification: null,
  addIns: [],
  api: {
    acceptMappedClaims: null,
    knownClientApplications: [],
    requestedAccessTokenVersion: application.accessTokenVersion ?? null,
    oauth2PermissionScopes: application.permissionScopes.map(showScope),
    preAuthorizedApplications: application.preAuthorized.map(({ appId, permissionIds }) => ({
      appId,
      delegatedPermissionIds: permissionIds,
    })),
  },
  appRoles: application.appRoles.map(showRole),
  info,
  keyCredentials: application.keys.map(showKey),
  parentalControlSettings: { countriesBlockedForMinors: [], legalAgeGroupRule: 'Allow' },
  passwordCredentials: application.secrets.map(showSecret),
  publicClient: { redirectUris: application.redirectUris.publicClient },
  requiredResourceAccess: application.requiredAccess.map(showRequiredAccess),
  verifiedPublisher,
  web: {
    homePageUrl: null,
    logoutUrl: null,
    redirectUris: application.redirectUris.web,
    implicitGrantSettings: { enableAccessTokenIssuance: false, enableIdTokenIssuance: false },
    redirectUriSettings: application.redirectUris.web.map((uri) => ({ uri, index: null })),
  },
  spa: { redirectUris: application.redirectUris.spa },
});

/** Whose services are in every tenant. */
const microsoftTenant = 'f8cdef31-a31e-4b4a-93e4-5f571e91255a';

/** @param application that it is the presence of, when it is registered in this tenant */
export function showPrincipal(principal: Principal, application: Application | undefined): JsonObject {
  const isManaged = principal.kind === 'managedIdentity';
  return {
    id: principal.objectId,
    deletedDateTime: null,
    accountEnabled: principal.enabled,
    alternativeNames: isManaged
      ? [`isExplicit=${isUserAssigned(principal) ? 'True' : 'False'}`, principal.resourceId ?? '']
      : [],
    appDisplayName: isManaged ? null : principal.displayName,
    appDescription: null,
    appId: principal.appId,
    applicationTemplateId: null,
    appOwnerOrganizationId: isManaged ? null : principal.kind === 'service' ? microsoftTenant : principal.tenantId,
    appRoleAssignmentRequired: false,
    createdDateTime: principal.createdAt === undefined ? null : graphTime(principal.createdAt),
    description: null,
    disabledByMicrosoftStatus: null,
    displayName: principal.displayName,
    homepage: null,
    loginUrl: null,
    logoutUrl: null,
    notes: null,
    notificationEmailAddresses: [],
    preferredSingleSignOnMode: null,
    preferredTokenSigningKeyThumbprint: null,
    replyUrls: application?.redirectUris.web ?? [],
    servicePrincipalNames: [...(application?.identifierUris ?? []), principal.appId],
    servicePrincipalType: isManaged ? 'ManagedIdentity' : 'Application',
    signInAudience: application?.signInAudience ?? null,
    tags: principal.tags,
    tokenEncryptionKeyId: null,
    samlSingleSignOnSettings: null,
    addIns: [],
    appRoles: (application?.appRoles ?? []).map(showRole),
    info,
    keyCredentials: [],
    oauth2PermissionScopes: (application?.permissionScopes ?? []).map(showScope),
    passwordCredentials: principal.secrets.map(showSecret),
    resourceSpecificApplicationPermissions: [],
    verifiedPublisher,
  };
}

const isUserAssigned = ({ resourceId }: Principal): boolean =>
  /\/providers\/Microsoft\.ManagedIdentity\//i.test(resourceId ?? '');

/** Among objects of other kinds: with its type. */
export function showDirectoryObject(found: DirectoryObject, application?: Application): JsonObject {
  const type = { '@odata.type': `#microsoft.graph.${found.kind}` };
  switch (found.kind) {
    case 'user': {
      const user = showUser(found.object);
      return { ...type, ...Object.fromEntries(usersShown.map((name) => [name, user[name]])) };
    }
    case 'group':
      return { ...type, ...showGroup(found.object) };
    case 'application':
      return { ...type, ...showApplication(found.object, '') };
    case 'servicePrincipal':
      return { ...type, ...showPrincipal(found.object, application) };
  }
}
