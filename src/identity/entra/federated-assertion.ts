import { compactVerify, errors } from 'jose';
import type { CryptoKey, KeyObject } from 'jose';
import { parseGuid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { claimsHold, parseClaimsExpression } from '../principals/claims-expression.ts';
import type { TrustedIssuer } from '../principals/federated-credential.ts';
import type { Principal } from '../principals/principal.ts';
import { isUserAssigned } from '../principals/principal.ts';
import type { Principals } from '../principals/principals.ts';
import type { Tenants } from '../tenants.ts';
import type { UnverifiedAssertion } from './assertion.ts';
import { requireValidTime } from './assertion.ts';
import { issuerV1, issuerV2 } from './claims.ts';
import { entraError } from './entra-error.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { tokenExchange } from './resources.ts';
import type { SigningKeys } from './signing-keys.ts';

export interface FederationOptions {
  readonly tenants: Tenants;
  readonly principals: Principals;
  readonly signingKeys: SigningKeys;
  readonly issuerKeys: IssuerKeys;
}

/** What issuers elsewhere may sign with. @see Microsoft Learn "Workload identity federation considerations" */
const algorithms = ['RS256'];
/** Of issuer, subject and audience: no credential has longer ones. */
const charsMax = 600;

/** A token that another issuer gave to the workload. What it says has to be what a federated credential says before any key is asked for,
 * so that nobody but who may write such credentials decides which hosts this program reads keys from.
 * @throws EntraError */
export async function requireFederatedAssertion(
  assertion: UnverifiedAssertion,
  trusted: readonly TrustedIssuer[],
  { principal, now }: { readonly principal: Principal; readonly now: Instant },
  options: FederationOptions,
): Promise<void> {
  const isOwn = await isOwnIssuer(assertion.issuer, options.tenants);
  if (isOwn && principal.kind !== 'application') throw entraError('FederationOfEntra');
  requireTrust(assertion, trusted, principal, isOwn);
  requireValidTime(assertion, now);
  const { alg, kid } = assertion.header;
  const algorithm = typeof alg === 'string' ? alg : '';
  if (!algorithms.includes(algorithm))
    throw entraError('AssertionAlgorithm', algorithm.slice(0, 32), algorithms.join(','));
  if (typeof kid !== 'string' || kid === '') throw entraError('AssertionWithoutKey');
  const key = isOwn ? await ownKey(kid, options.signingKeys) : await options.issuerKeys.find(assertion.issuer, kid);
  const shownKey = kid.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 128);
  if (key === undefined) throw entraError('FederationKeyNotFound', shownKey, assertion.issuer);
  try {
    await compactVerify(assertion.token, key, { algorithms });
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw entraError('FederationSignature', shownKey);
  }
  if (isOwn) await requireIdentity(assertion.subject, options.principals);
}

/** Issuers that are this very server, whose keys need no network. */
async function isOwnIssuer(issuer: string, tenants: Tenants): Promise<boolean> {
  const id =
    /^https:\/\/(?:sts\.windows\.net\/([0-9a-f-]{36})\/|login\.microsoftonline\.com\/([0-9a-f-]{36})\/v2\.0)$/i;
  const [, first, second] = id.exec(issuer) ?? [];
  const tenantId = parseGuid(first ?? second ?? '');
  if (tenantId === undefined || (await tenants.get(tenantId)) === undefined) return false;
  return issuer === issuerV1(tenantId) || issuer === issuerV2(tenantId);
}

function requireTrust(
  { issuer, subject, audience, claims }: UnverifiedAssertion,
  trusted: readonly TrustedIssuer[],
  principal: Principal,
  isOwn: boolean,
): void {
  if (trusted.length === 0) throw entraError('FederationMissing', principal.appId, principal.displayName);
  const ofIssuer = trusted.filter((one) => one.issuer === issuer);
  if (ofIssuer.length === 0) throw entraError('FederationIssuer', shown(issuer));
  const ofSubject = ofIssuer.filter(({ subject: named, expression }) => {
    if (expression === undefined) return named === subject;
    const parsed = parseClaimsExpression(expression, issuer);
    return parsed !== undefined && claimsHold(parsed, claims);
  });
  if (ofSubject.length === 0) {
    const isCase = ofIssuer.some((one) => one.subject?.toLowerCase() === subject.toLowerCase());
    throw entraError(isCase ? 'FederationSubjectCase' : 'FederationSubject', shown(subject));
  }
  const audiences = typeof audience === 'string' ? [audience] : audience;
  const named = isOwn ? audiences.map((one) => (one === tokenExchange.appId ? tokenExchange.uri : '')) : audiences;
  if (!ofSubject.some((one) => named.includes(one.audience)))
    throw entraError('FederationAudience', shown(audiences.join(', ')));
}

const shown = (text: string): string => text.slice(0, charsMax);

async function ownKey(kid: string, signingKeys: SigningKeys): Promise<CryptoKey | KeyObject | undefined> {
  const { published } = await signingKeys.load();
  return published.find((one) => one.kid === kid)?.verify;
}

/** The token may be older than the end of its identity. @throws EntraError */
async function requireIdentity(subject: string, principals: Principals): Promise<void> {
  const objectId = parseGuid(subject);
  const found = objectId && (await principals.get(objectId));
  const isIdentity = found?.kind === 'managedIdentity' && found.enabled && isUserAssigned(found);
  if (!isIdentity) throw entraError('FederationOfEntra');
}
