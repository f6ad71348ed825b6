import type { Instant } from '../../clock/clock.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid, zeroGuid } from '../../base/guid.ts';
import type { Application } from '../principals/application.ts';
import type { StoredSecret } from '../principals/client-secret.ts';
import { isSecret } from '../principals/client-secret.ts';
import type { Directory } from '../principals/directory.ts';
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
import type { SigningKeys } from './signing-keys.ts';
import type { Credentials } from './token-request.ts';

export interface ProofOptions {
  readonly tenants: Tenants;
  readonly principals: Principals;
  readonly directory: Directory;
  readonly signingKeys: SigningKeys;
  readonly issuerKeys: IssuerKeys;
  /** The federated credentials of a user-assigned identity, by the ARM id of its resource. */
  readonly trustOfIdentity: (resourceId: string) => Promise<readonly TrustedIssuer[]>;
  /** Somebody proved to be that managed identity by a token of another issuer, and gets tokens of it. */
  readonly identityProved: (objectId: Guid) => void;
  readonly wallClock: () => Instant;
}

/** An application that has proved who it is. */
export interface ProvedClient {
  readonly principal: Principal;
  readonly provedBy: ClientProof;
}

/** @throws EntraError */
export async function requireClient(
  credentials: Credentials,
  tenant: Tenant,
  options: ProofOptions,
): Promise<ProvedClient> {
  const principal = await requireApplication(credentials.clientId, tenant, options.principals);
  return { principal, provedBy: await requireProof(credentials, principal, tenant, options) };
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
  options: ProofOptions,
): Promise<ClientProof> {
  const application = await options.directory.applications.findByName(tenant.tenantId, principal.appId);
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
    if (principal.kind !== 'application') options.identityProved(principal.objectId);
  } else {
    await requireCertificateAssertion(assertion, application?.keys ?? [], { principal, tenant, now });
  }
  return 'assertion';
}

async function trustOf(
  { resourceId }: Principal,
  application: Application | undefined,
  { trustOfIdentity }: ProofOptions,
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
