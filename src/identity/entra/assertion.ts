import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { instant } from '../../clock/clock.ts';
import type { Instant } from '../../clock/clock.ts';
import { entraError } from './entra-error.ts';

/** The only way in which clients prove themselves with a token. */
export const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** What an assertion says of itself, before its signature is checked. */
export interface UnverifiedAssertion {
  /** The whole token, for the check of its signature. */
  readonly token: string;
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly issuer: string;
  readonly subject: string;
  /** Kubernetes writes a list, with one at least. */
  readonly audience: string | readonly string[];
  /** Zero when it does not say. */
  readonly notBefore: Instant;
  readonly expires: Instant;
}

/** As .NET writes the last instant that it knows: the year 9999. */
const secondsMax = 253_402_300_799;

/** Reads a JWS in compact form. Header and claims are read here once, so that nothing is checked on one reading and used
 * on another. @throws EntraError when it is no signed token with the claims that every assertion has */
export function parseAssertion(token: string): UnverifiedAssertion {
  const [headerText = '', claimsText = '', signature = '', ...more] = token.split('.');
  const header = decodePart(headerText);
  const claims = decodePart(claimsText);
  if (header === undefined || claims === undefined || signature === '' || more.length > 0)
    throw entraError('AssertionMalformed');
  if (header['crit'] !== undefined) throw entraError('AssertionMalformed'); // no extension is known here
  const { iss, sub, aud, nbf = 0, exp } = claims;
  const audiences = Array.isArray(aud) ? (aud as readonly Json[]) : [aud];
  if (typeof iss !== 'string' || typeof sub !== 'string') throw entraError('AssertionMalformed');
  if (audiences.length === 0 || !audiences.every((one) => typeof one === 'string'))
    throw entraError('AssertionMalformed');
  return {
    ...{ token, header, claims, issuer: iss, subject: sub },
    audience: Array.isArray(aud) ? audiences : (audiences[0] ?? ''),
    notBefore: timeOf(nbf),
    expires: timeOf(exp),
  };
}

/** Without leeway: clients and this server read the same clock, as a rule. @throws EntraError */
export function requireValidTime({ notBefore, expires }: UnverifiedAssertion, now: Instant): void {
  if (notBefore > now || expires <= now)
    throw entraError('AssertionOutOfTime', ticksOf(now), ticksOf(notBefore), ticksOf(expires));
}

/** Clients write fractions of seconds, too. */
function timeOf(seconds: Json | undefined): Instant {
  if (typeof seconds !== 'number' || seconds < 0 || seconds > secondsMax) throw entraError('AssertionMalformed');
  return instant(Math.floor(seconds * 1000));
}

/** Seven digits of a second, as .NET writes times. */
export const ticksOf = (at: Instant): string => new Date(at).toISOString().replace('Z', '0000Z');

function decodePart(text: string): JsonObject | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text)) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64url')));
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
