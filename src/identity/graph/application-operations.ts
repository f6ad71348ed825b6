import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import { emptyApplication } from '../principals/directory.ts';
import { BodyReader } from './body.ts';
import { listReply, showReply } from './collection.ts';
import { readKeyCredentials } from './credential-operations.ts';
import { applications, requireApplication, showApplicationOf } from './entity-sets.ts';
import { readExposedPermissions } from './exposed-permissions.ts';
import { graphErrors } from './graph-error.ts';
import type { GraphDependencies, GraphOperation, GraphRequest } from './graph-operation.ts';
import { createdReply, noContent } from './graph-operation.ts';
import { readOptionalClaims } from './optional-claims.ts';
import { ownersOfApplication } from './owner-operations.ts';
import { readRequiredAccess } from './required-access.ts';

/** Applications as registered: who they are, their credentials, where sign-ins go, and what they expose: roles and scopes. */
export const applicationOperations: readonly GraphOperation[] = [
  {
    id: 'Applications_List',
    method: 'GET',
    path: '/applications',
    right: 'directory.read',
    handle: async (deps, request) => {
      const all = await deps.directory.applications.list(request.caller.tenantId);
      const shown = await Promise.all(all.map((one) => showApplicationOf(deps, one)));
      return listReply(request, applications, shown, '/applications');
    },
  },
  {
    id: 'Applications_Create',
    method: 'POST',
    path: '/applications',
    right: 'application.create',
    handle: async (deps, request) => {
      const { tenantId, objectId, user } = request.caller;
      if (!(await deps.directory.hasRoom(tenantId))) throw graphErrors.quota();
      const fresh: Application = {
        ...emptyApplication,
        objectId: newGuid(deps.randomBytes),
        appId: newGuid(deps.randomBytes),
        ...{ tenantId, displayName: '', accessTokenVersion: undefined },
        owners: user === undefined ? [] : [objectId],
        createdAt: deps.wallClock(),
      };
      new BodyReader(request.body, 'Application').requiredText('displayName');
      const application = (await readChange(deps, request, fresh))(fresh);
      await deps.directory.applications.create(application);
      return createdReply('applications', 'Application', tenantId, await showApplicationOf(deps, application));
    },
  },
  {
    id: 'Applications_Get',
    method: 'GET',
    path: '/applications/{id}',
    right: 'directory.read',
    isInBeta: true,
    handle: async (deps, request) => {
      const shown = await showApplicationOf(deps, await requireApplication(deps, request));
      return showReply(request, applications, request.version === 'beta' ? { ...shown, ...onlyInBeta } : shown);
    },
  },
  {
    id: 'Applications_Update',
    method: 'PATCH',
    path: '/applications/{id}',
    right: 'application.write',
    owners: ownersOfApplication,
    handle: async (deps, request) => {
      const application = await requireApplication(deps, request);
      const change = await readChange(deps, request, application, await showApplicationOf(deps, application));
      await deps.directory.applications.update(application.objectId, change);
      await rename(deps, application, change(application));
      return noContent;
    },
  },
  {
    id: 'Applications_Delete',
    method: 'DELETE',
    path: '/applications/{id}',
    right: 'application.write',
    owners: ownersOfApplication,
    handle: async (deps, request) => {
      await deps.directory.remove((await requireApplication(deps, request)).objectId);
      return noContent;
    },
  },
];

/** Of what beta has more, the part that azuread 3 asks for with each application. Neither can be changed here. */
const onlyInBeta = { isDisabled: null, oauth2RequirePostResponse: false } as const;

/** A service principal is called as its application, and takes the tokens that this takes. */
async function rename({ directory }: GraphDependencies, before: Application, after: Application): Promise<void> {
  const principal = await directory.principals.findByAppId(before.tenantId, before.appId);
  if (principal === undefined) return;
  await directory.principals.store.update(principal.objectId, (one) => ({
    ...one,
    displayName: after.displayName,
    accessTokenVersion: after.accessTokenVersion ?? 1,
  }));
}

const audiences = ['AzureADMyOrg', 'AzureADMultipleOrgs', 'AzureADandPersonalMicrosoftAccount'];
const known = [
  ...['displayName', 'identifierUris', 'signInAudience', 'isFallbackPublicClient', 'tags', 'notes', 'web', 'spa'],
  ...['publicClient', 'api', 'keyCredentials', 'passwordCredentials', 'serviceManagementReference', 'appRoles'],
  ...['groupMembershipClaims', 'requiredResourceAccess', 'optionalClaims'],
];
const notBuilt = [
  ...['addIns', 'info', 'logo'],
  ...['parentalControlSettings', 'tokenEncryptionKeyId', 'servicePrincipalLockConfiguration', 'description'],
  ...['isDeviceOnlyAuthSupported', 'oauth2RequirePostResponse', 'samlMetadataUrl', 'uniqueName', 'defaultRedirectUri'],
  ...['requestSignatureVerification', 'certification', 'verifiedPublisher', 'owners@odata.bind'],
];

type Change = (application: Application) => Application;

/** @param shown what is shown of it; none for a new one */
async function readChange(
  deps: GraphDependencies,
  request: GraphRequest,
  present: Application,
  shown?: JsonObject,
): Promise<Change> {
  const body = new BodyReader(request.body, 'Application', undefined, shown);
  body.refuseOthers(known, notBuilt);
  const exposed = readExposedPermissions(body, present);
  const requiredAccess = readRequiredAccess(body);
  const optionalClaims = readOptionalClaims(body);
  const expose: Change = (before) => ({
    ...before,
    ...exposed,
    requiredAccess: requiredAccess ?? before.requiredAccess,
    optionalClaims: optionalClaims === 'none' ? undefined : (optionalClaims ?? before.optionalClaims),
  });
  const changes: Change[] = [readPlain(body), readUris(body), readCredentials(deps, body, present), expose];
  const identifierUris = body.texts('identifierUris');
  if (identifierUris !== undefined) await requireFreeUris(deps, present, identifierUris);
  return (application) => changes.reduce((changed, change) => change(changed), application);
}

function readPlain(body: BodyReader): Change {
  const displayName = body.has('displayName') ? body.requiredText('displayName') : undefined;
  const signInAudience = body.text('signInAudience');
  if (signInAudience !== undefined && !audiences.includes(signInAudience))
    throw graphErrors.invalidValue('signInAudience', 'Application');
  const isFallbackPublicClient = body.flag('isFallbackPublicClient');
  const [identifierUris, tags] = [body.texts('identifierUris'), body.texts('tags')];
  const [notes, reference] = [body.text('notes'), body.text('serviceManagementReference')];
  const api = body.object('api');
  api?.refuseOthers(apiKnown, apiNotBuilt);
  const version = api?.number('requestedAccessTokenVersion');
  if (version !== undefined && version !== 1 && version !== 2) throw graphErrors.invalidValue('api', 'Application');
  return (before) => ({
    ...before,
    displayName: displayName ?? before.displayName,
    signInAudience: signInAudience ?? before.signInAudience,
    isFallbackPublicClient: body.has('isFallbackPublicClient') ? isFallbackPublicClient : before.isFallbackPublicClient,
    identifierUris: identifierUris ?? before.identifierUris,
    tags: tags ?? before.tags,
    notes: body.has('notes') ? notes : before.notes,
    serviceManagementReference: body.has('serviceManagementReference') ? reference : before.serviceManagementReference,
    accessTokenVersion: api?.has('requestedAccessTokenVersion') === true ? version : before.accessTokenVersion,
  });
}

const apiKnown = ['requestedAccessTokenVersion', 'oauth2PermissionScopes', 'preAuthorizedApplications'];
const apiNotBuilt = ['knownClientApplications', 'acceptMappedClaims'];
const webNotBuilt = ['homePageUrl', 'logoutUrl', 'implicitGrantSettings', 'redirectUriSettings'];

function readUris(body: BodyReader): Change {
  const parts = { web: webNotBuilt, publicClient: [], spa: [] } as const;
  const read = (part: keyof typeof parts): readonly string[] | undefined => {
    const section = body.object(part);
    const others = section?.object('implicitGrantSettings');
    if (others?.flag('enableIdTokenIssuance') === true || others?.flag('enableAccessTokenIssuance') === true)
      throw graphErrors.notBuilt('the implicit grant');
    section?.refuseOthers(['redirectUris', 'implicitGrantSettings'], parts[part]);
    const uris = section?.texts('redirectUris');
    if (uris?.some((uri) => !isRedirectUri(uri)) === true)
      throw graphErrors.invalidValue(`${part}.redirectUris`, 'Application');
    return uris;
  };
  const [web, publicClient, spa] = [read('web'), read('publicClient'), read('spa')];
  return (before) => ({
    ...before,
    redirectUris: {
      web: web ?? before.redirectUris.web,
      publicClient: publicClient ?? before.redirectUris.publicClient,
      spa: spa ?? before.redirectUris.spa,
    },
  });
}

/** An absolute URI without fragment and wildcard; plain HTTP on this machine only. */
function isRedirectUri(text: string): boolean {
  const url = URL.parse(text);
  if (url === null || url.hash !== '' || text.includes('*') || /^(javascript|data|vbscript|file):/i.test(text))
    return false;
  return url.protocol !== 'http:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
}

function readCredentials(deps: GraphDependencies, body: BodyReader, present: Application): Change {
  const sentKeys = body.list('keyCredentials');
  const keys = sentKeys && readKeyCredentials(deps, sentKeys, present.keys);
  const sentSecrets = body.list('passwordCredentials');
  // Secrets are made by `addPassword` alone; a list can only leave some out.
  const kept = sentSecrets?.map((item) => new BodyReader(item, 'passwordCredential').text('keyId'));
  if (kept?.some((keyId) => !present.secrets.some((secret) => secret.keyId === keyId)) === true)
    throw graphErrors.badRequest('New password credentials must be generated with service actions.');
  return (before) => ({
    ...before,
    keys: keys ?? before.keys,
    secrets: kept === undefined ? before.secrets : before.secrets.filter((secret) => kept.includes(secret.keyId)),
  });
}

/** One application of a tenant has an identifier URI; `api://` is followed by the application's own id, as by default in Entra ID. */
async function requireFreeUris(deps: GraphDependencies, present: Application, uris: readonly string[]): Promise<void> {
  const tenant = await deps.tenants.get(present.tenantId);
  for (const uri of uris) {
    const url = URL.parse(uri);
    const isOwn = uri.toLowerCase().startsWith(`api://${present.appId}`) && /^api:\/\/[0-9a-f-]{36}(\/|$)/i.test(uri);
    const isOfDomain =
      url?.protocol === 'https:' && (tenant?.domains ?? []).some((domain) => url.hostname.endsWith(domain));
    if (!isOwn && !isOfDomain)
      throw graphErrors.badRequest(
        `Failed to add identifier URI ${uri.slice(0, 256)}. All newly added URIs must contain a tenant verified domain, tenant ID, or app ID, as per the default app management policy of your organization.`,
      );
  }
  const others = (await deps.directory.applications.list(present.tenantId)).filter(
    (one) => one.objectId !== present.objectId,
  );
  if (others.some((one) => one.identifierUris.some((uri) => uris.includes(uri))))
    throw graphErrors.nameTaken('identifierUris');
}
