import type { Instant } from '../../clock/clock.ts';
import { parseGuid } from '../../base/guid.ts';
import { parseHostName } from '../../base/names.ts';
import type { Application } from '../principals/application.ts';
import type { StoredSecret } from '../principals/client-secret.ts';
import { isSecret } from '../principals/client-secret.ts';
import type { DirectoryStore } from '../principals/directory-store.ts';
import type { TrustedIssuer } from '../principals/federated-credential.ts';
import type { Principal } from '../principals/principal.ts';
import type { Principals } from '../principals/principals.ts';
import type { Tenant, Tenants } from '../tenants.ts';
import { parseAssertion } from './assertion.ts';
import { requireCertificateAssertion } from './certificate-assertion.ts';
import type { ClientProof } from './claims.ts';
import { entraError } from './entra-error.ts';
import { requireFederatedAssertion } from './federated-assertion.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { audienceOf, findResource } from './resources.ts';
import { readCredentials, readResource } from './token-request.ts';
import type { Credentials } from './token-request.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { IssuedToken, IssueToken } from './token-service.ts';

export interface GrantOptions {
  readonly tenants: Tenants;
  readonly principals: Principals;
  readonly applications: DirectoryStore<Application>;
  readonly issueToken: IssueToken;
  readonly signingKeys: SigningKeys;
  readonly issuerKeys: IssuerKeys;
  /** The federated credentials of a user-assigned identity, by the ARM id of its resource. */
  readonly trustOfIdentity: (resourceId: string) => Promise<readonly TrustedIssuer[]>;
  readonly wallClock: () => Instant;
}

export interface GrantRequest {
  readonly version: 1 | 2;
  /** The first segment of the path. */
  readonly tenant: string;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

export interface Grant extends IssuedToken {
  readonly resource: string;
}

/** Names in place of a tenant, for clients that do not know the user's. */
export const sharedTenantNames: readonly string[] = ['common', 'organizations'];

/** The client credentials grant. The order of the steps decides which error a client sees first. @throws EntraError */
export async function grantClientCredentials(request: GrantRequest, options: GrantOptions): Promise<Grant> {
  const tenant = await requireTenant(request.tenant, options.tenants);
  const credentials = readCredentials(request.form, request.authorization);
  const principal = await requireApplication(credentials.clientId, tenant, options.principals);
  const provedBy = await requireProof(credentials, principal, tenant, options);
  const identifier = readResource(request.form, request.version);
  const resource = await findResource(identifier, tenant.tenantId, options.principals);
  if (resource === undefined) throw entraError('ResourceNotFound', identifier, tenant.tenantId);
  const audience = audienceOf(resource, identifier);
  return { ...(await options.issueToken({ principal, tenant, resource, audience, provedBy })), resource: identifier };
}

export const zeroGuid = '00000000-0000-0000-0000-000000000000';

/** @throws EntraError */
export async function requireTenant(name: string, tenants: Tenants): Promise<Tenant> {
  if (sharedTenantNames.includes(name.toLowerCase())) throw entraError('NoTenant');
  const tenant = await tenants.find(name);
  if (tenant !== undefined) return tenant;
  const isName = parseGuid(name) !== undefined || (name.includes('.') && parseHostName(name) !== undefined);
  throw entraError(isName ? 'TenantNotFound' : 'TenantNameInvalid', name);
}

async function requireApplication(clientId: string, tenant: Tenant, principals: Principals): Promise<Principal> {
  const appId = parseGuid(clientId);
  if (appId === zeroGuid) throw entraError('ApplicationInvalid', clientId);
  const principal = appId && (await principals.findByAppId(tenant.tenantId, appId));
  if (principal === undefined) throw entraError('ApplicationNotFound', clientId, tenant.displayName);
  if (!principal.enabled) throw entraError('ApplicationDisabled', clientId, principal.displayName);
  return principal;
}

/** @throws EntraError */
async function requireProof(
  credentials: Credentials,
  principal: Principal,
  tenant: Tenant,
  options: GrantOptions,
): Promise<ClientProof> {
  const application = await options.applications.findByName(tenant.tenantId, principal.appId);
  const now = options.wallClock();
  if ('clientSecret' in credentials) {
    const secrets = [...principal.secrets, ...(application?.secrets ?? [])];
    requireSecret(credentials.clientSecret, principal, secrets, now);
    return 'secret';
  }
  const assertion = parseAssertion(credentials.clientAssertion);
  if (/^https:/i.test(assertion.issuer)) {
    const trusted = await trustOf(principal, application, options);
    await requireFederatedAssertion(assertion, trusted, { principal, now }, options);
  } else {
    await requireCertificateAssertion(assertion, application?.keys ?? [], { principal, tenant, now });
  }
  return 'assertion';
}

async function trustOf(
  { resourceId }: Principal,
  application: Application | undefined,
  { trustOfIdentity }: GrantOptions,
): Promise<readonly TrustedIssuer[]> {
  return resourceId === undefined ? (application?.federatedCredentials ?? []) : trustOfIdentity(resourceId);
}

/** Of the service principal or of its application. */
function requireSecret(text: string, principal: Principal, secrets: readonly StoredSecret[], now: Instant): void {
  const matching = secrets.filter(
    (secret) => isSecret(text, secret) && (secret.startDateTime === undefined || secret.startDateTime <= now),
  );
  if (matching.length === 0) throw entraError('SecretInvalid', principal.appId);
  if (matching.every((secret) => secret.endDateTime <= now)) throw entraError('SecretExpired', principal.appId);
}
