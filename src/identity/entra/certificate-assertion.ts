import { createHash } from 'node:crypto';
import { compactVerify, errors } from 'jose';
import { parseGuid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { readCertificate } from '../principals/key-credential.ts';
import type { KeyCredential } from '../principals/key-credential.ts';
import type { Principal } from '../principals/principal.ts';
import type { Tenant } from '../tenants.ts';
import { requireValidTime } from './assertion.ts';
import type { UnverifiedAssertion } from './assertion.ts';
import { entraHosts } from './discovery.ts';
import { entraError } from './entra-error.ts';

/** Pinned: what the official clients sign with. Neither `none` nor anything with a shared secret. */
const algorithms = ['RS256', 'PS256'];

/** An assertion that the application itself signed with the key of one of its certificates. The key is looked up among what the
 * application registered and nowhere else: `x5c` and `jwk` of the header count for nothing. It counts as often as it is
 * sent until it expires, as in Entra ID: MSAL keeps one for ten minutes and sends it with each request.
 * @throws EntraError */
export async function requireCertificateAssertion(
  assertion: UnverifiedAssertion,
  keys: readonly KeyCredential[],
  { principal, tenant, now }: { readonly principal: Principal; readonly tenant: Tenant; readonly now: Instant },
): Promise<void> {
  if (typeof assertion.audience !== 'string') throw entraError('AssertionMalformed');
  const { alg } = assertion.header;
  const algorithm = typeof alg === 'string' ? alg : '';
  if (!algorithms.includes(algorithm))
    throw entraError('AssertionAlgorithm', algorithm.slice(0, 32), algorithms.join(','));
  const named = thumbprintsOf(assertion);
  const key = keys.find((one) => hasThumbprints(one, named));
  const certificate = key && readCertificate(Buffer.from(key.certificate, 'base64url'));
  if (key === undefined || certificate === undefined)
    throw entraError('AssertionKeyNotFound', shown(named), principal.appId);
  const found = `Start=${dateOf(key.startDateTime)}, End=${dateOf(key.endDateTime)}`;
  if (key.startDateTime > now || key.endDateTime <= now)
    throw entraError('AssertionKeyExpired', shown(named), found, principal.appId);
  try {
    await compactVerify(assertion.token, certificate.publicKey, { algorithms });
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
    throw entraError('AssertionSignature', shown(named), found, principal.appId);
  }
  requireValidTime(assertion, now);
  if (parseGuid(assertion.issuer) !== principal.appId || parseGuid(assertion.subject) !== principal.appId)
    throw entraError('AssertionOfAnother');
  if (!isOwnAudience(assertion.audience, tenant)) throw entraError('AssertionAudience');
}

/** Base64url without padding; one at least. */
interface Thumbprints {
  readonly sha1: string | undefined;
  readonly sha256: string | undefined;
}

/** @throws EntraError when the header names no certificate */
function thumbprintsOf({ header }: UnverifiedAssertion): Thumbprints {
  const read = (name: string): string | undefined => {
    const value = header[name];
    if (value === undefined) return undefined;
    // MSAL for Python pads, against RFC 7515, and those for Go and Java write plain base64.
    const text = typeof value === 'string' ? /^([\w-]{1,64}|[A-Za-z0-9+/]{1,64})={0,2}$/.exec(value)?.[1] : undefined;
    if (text === undefined) throw entraError('AssertionMalformed');
    return text.replaceAll('+', '-').replaceAll('/', '_');
  };
  const thumbprints = { sha1: read('x5t'), sha256: read('x5t#S256') };
  if (thumbprints.sha1 === undefined && thumbprints.sha256 === undefined) throw entraError('AssertionWithoutKey');
  return thumbprints;
}

/** Thumbprints are public: a plain comparison gives nothing away. Of two that are named, both have to fit. */
function hasThumbprints({ certificate }: KeyCredential, { sha1, sha256 }: Thumbprints): boolean {
  const der = Buffer.from(certificate, 'base64url');
  const is = (hash: string, named: string | undefined): boolean =>
    named === undefined || createHash(hash).update(der).digest('base64url') === named;
  return is('sha1', sha1) && is('sha256', sha256);
}

const shown = ({ sha1, sha256 }: Thumbprints): string =>
  Buffer.from(sha1 ?? sha256 ?? '', 'base64url')
    .toString('hex')
    .toUpperCase();

/** `01/31/2026 23:59:59` */
function dateOf(at: Instant): string {
  const [year = '', month = '', day = ''] = new Date(at).toISOString().slice(0, 10).split('-');
  return `${month}/${day}/${year} ${new Date(at).toISOString().slice(11, 19)}`;
}

/** Either token endpoint or either issuer of this tenant, by its id or one of its domains.
 * @see Microsoft identity platform "Certificate credentials" */
function isOwnAudience(audience: string, tenant: Tenant): boolean {
  const [, host, name = '', path = ''] = /^https:\/\/([a-z.]+)\/([^/]+)(\/.*)?$/i.exec(audience) ?? [];
  const isHost = entraHosts.some((one) => one === host?.toLowerCase());
  const isTenant = [tenant.tenantId, ...tenant.domains].some((one) => one.toLowerCase() === name.toLowerCase());
  const paths = ['/v2.0', '/oauth2/v2.0/token', '/oauth2/token', ...(host === 'sts.windows.net' ? ['', '/'] : [])];
  return isHost && isTenant && paths.includes(path.toLowerCase());
}
