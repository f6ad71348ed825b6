import { hash } from 'node:crypto';
import { compactVerify, errors } from 'jose';
import type { Caller, ManagedIdentityClaims, TokenVerdict, VerifyToken } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import type { Instant } from '../../clock/clock.ts';
import type { Marks } from '../../state/while-unchanged.ts';
import { WhileUnchanged } from '../../state/while-unchanged.ts';
import type { Directory } from '../principals/directory.ts';
import type { Tenants } from '../tenants.ts';
import { issueInstantOf, issuerV1 } from './claims.ts';
import type { SigningKeySet, SigningKeys } from './signing-keys.ts';

/** Ours have less than 2,000. */
const tokenCharsMax = 16_384;
const cachedTokensMax = 10_000;

/** The fault «token expiry»: whether a token issued at that instant counts as expired before its time. */
export type TokenExpiry = (issuedAt: Instant) => boolean | Promise<boolean>;

export interface TokenVerifierOptions {
  readonly signingKeys: SigningKeys;
  readonly tenants: Tenants;
  readonly directory: Pick<Directory, 'principals' | 'users' | 'memberships'>;
  readonly wallClock: () => Instant;
  readonly tokenExpiry?: TokenExpiry;
  /** Of the records of tenants, principals, users and groups. Without them a principal is looked up with every request. */
  readonly directoryMarks?: () => Marks;
  /** Of the state that they are of. */
  readonly markOfAll?: () => object | undefined;
}

interface VerifiedToken {
  readonly audience: string;
  readonly issuer: string;
  readonly tenantId: Guid;
  readonly objectId: Guid;
  readonly appId: Guid | undefined;
  /** Of a token that an application got for a user. */
  readonly scopes: readonly string[] | undefined;
  /** Unix seconds. */
  readonly notBefore: number;
  readonly expires: number;
  readonly issuedAt: Instant;
  readonly managedIdentity: ManagedIdentityClaims | undefined;
}

/** Signatures are remembered, and whose a token is as long as no record of the directory changes; time and audience are looked at every time. */
export function createTokenVerifier(options: TokenVerifierOptions): VerifyToken {
  const signatures = signatureCache();
  const callers = new WhileUnchanged<VerifiedToken, TokenVerdict>(cachedTokensMax, options.markOfAll);
  const judge = (token: string, verified: VerifiedToken, audiences: readonly string[]): Soon<TokenVerdict> => {
    const seconds = options.wallClock() / 1000;
    if (seconds >= verified.expires) {
      signatures.forget(token);
      callers.delete(verified);
    }
    if (seconds >= verified.expires || seconds < verified.notBefore) return { outcome: 'expired' };
    return soon(options.tokenExpiry?.(verified.issuedAt) ?? false, (isOver): Soon<TokenVerdict> => {
      if (isOver) return { outcome: 'expired' };
      if (!audiences.includes(verified.audience)) return { outcome: 'wrongAudience', found: verified.audience };
      return callerOf(verified);
    });
  };
  const callerOf = (verified: VerifiedToken): Soon<TokenVerdict> => {
    const marks = (): Marks => options.directoryMarks?.() ?? [];
    const known = callers.get(verified, marks);
    if (known !== undefined) return known;
    const before = marks();
    return judgePrincipal(verified, options).then((verdict) => {
      if (verdict.outcome === 'valid') callers.keep(verified, before, verdict);
      return verdict;
    });
  };
  return (authorization, audiences) => {
    const token = bearerToken(authorization);
    if (token === undefined) return { outcome: 'missing' };
    if (token.length > tokenCharsMax) return { outcome: 'malformed' };
    return soon(options.signingKeys.load(), (keys) =>
      soon(signatures.verify(token, keys), (verified) =>
        'outcome' in verified ? verified : judge(token, verified, audiences),
      ),
    );
  };
}

async function judgePrincipal(
  verified: VerifiedToken,
  { tenants, directory }: TokenVerifierOptions,
): Promise<TokenVerdict> {
  const { tenantId, objectId, issuer } = verified;
  // Every service here is one of Microsoft's, which get tokens of version 1.0 from both endpoints and take no others.
  if (issuer !== issuerV1(tenantId) || (await tenants.get(tenantId)) === undefined)
    return { outcome: 'wrongIssuer', found: issuer };
  const { scopes } = verified;
  const user = scopes === undefined ? undefined : await directory.users.get(objectId);
  const principal = scopes === undefined ? await directory.principals.get(objectId) : user;
  if (!principal?.enabled || principal.tenantId !== tenantId) return { outcome: 'unknownPrincipal' };
  const caller: Caller = {
    objectId,
    appId: verified.appId,
    tenantId,
    issuer,
    groupIds: await directory.memberships.groupsOf(objectId),
    displayName: principal.displayName,
    ...(user === undefined || scopes === undefined ? {} : { user: { principalName: user.userPrincipalName, scopes } }),
    ...(verified.managedIdentity === undefined ? {} : { managedIdentity: verified.managedIdentity }),
  };
  return { outcome: 'valid', caller };
}

/** @returns undefined when the header holds no bearer token at all */
function bearerToken(authorization: string | undefined): string | undefined {
  // As all clients write it: without a look at each character of the token.
  if (authorization !== undefined && /^Bearer [\w-]/.test(authorization) && /[\w-]$/.test(authorization.slice(-1)))
    return authorization.slice('Bearer '.length);
  return /^bearer +(\S.*)$/i.exec(authorization?.trim() ?? '')?.[1];
}

/** Remembers tokens by their SHA-256, never the tokens; all are dropped when the signing keys change. */
function signatureCache() {
  let keysVersion: number | undefined;
  const verified = new Map<string, VerifiedToken>();
  const keyOf = (token: string): string => hash('sha256', token, 'base64');
  return {
    verify(token: string, keys: SigningKeySet): Soon<VerifiedToken | TokenVerdict> {
      if (keysVersion !== keys.version) verified.clear();
      keysVersion = keys.version;
      const key = keyOf(token);
      const known = verified.get(key);
      if (known !== undefined) return known;
      return verifySignature(token, keys).then((result) => {
        if (!('outcome' in result) && keysVersion === keys.version) {
          const oldest = verified.size < cachedTokensMax ? undefined : verified.keys().next().value;
          if (oldest !== undefined) verified.delete(oldest);
          verified.set(key, result);
        }
        return result;
      });
    },
    forget: (token: string): void => void verified.delete(keyOf(token)),
  };
}

async function verifySignature(token: string, keys: SigningKeySet): Promise<VerifiedToken | TokenVerdict> {
  try {
    const { payload } = await compactVerify(
      token,
      ({ kid }) => {
        const key = keys.published.find((published) => published.kid === kid);
        if (key === undefined) throw new errors.JWKSNoMatchingKey();
        return key.verify;
      },
      { algorithms: ['RS256'] },
    );
    return readClaims(payload) ?? { outcome: 'malformed' };
  } catch (error) {
    if (!(error instanceof errors.JOSEError) && !(error instanceof TypeError)) throw error;
    return { outcome: isBadSignature(error) ? 'badSignature' : 'malformed' };
  }
}

/** Well formed, but not signed by a key of ours in the only way we take. */
function isBadSignature(error: Error): boolean {
  return (
    error instanceof errors.JWSSignatureVerificationFailed ||
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JOSEAlgNotAllowed
  );
}

/** @returns undefined when a claim that we always write is missing */
function readClaims(payload: Uint8Array): VerifiedToken | undefined {
  const claims: unknown = JSON.parse(new TextDecoder().decode(payload));
  if (!isJsonObject(claims)) return undefined;
  const { aud, iss, nbf, exp, uti } = claims;
  const text = (name: string): string => (typeof claims[name] === 'string' ? claims[name] : '');
  const tenantId = parseGuid(text('tid'));
  const objectId = parseGuid(text('oid'));
  const issuedAt = issueInstantOf(typeof uti === 'string' ? uti : '');
  if (typeof aud !== 'string' || typeof iss !== 'string' || typeof nbf !== 'number' || typeof exp !== 'number')
    return undefined;
  if (tenantId === undefined || objectId === undefined || issuedAt === undefined) return undefined;
  const appId = parseGuid(text('appid'));
  const scopes = typeof claims['scp'] === 'string' ? claims['scp'].split(' ') : undefined;
  const [resourceId, usedBy] = [text('xms_mirid'), text('xms_az_rid')];
  const managedIdentity = resourceId === '' ? undefined : { resourceId, ...(usedBy === '' ? {} : { usedBy }) };
  return {
    ...{ audience: aud, issuer: iss, tenantId, objectId, appId, scopes, notBefore: nbf, expires: exp, issuedAt },
    managedIdentity,
  };
}
