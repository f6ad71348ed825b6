import { drawOnce } from '../../base/random.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Application } from '../principals/application.ts';
import { toUnixSeconds } from '../../clock/clock.ts';
import type { TokenSubject } from './claims.ts';
import { accessTokenClaims, lifetimeOf, randomBytesOfToken } from './claims.ts';
import { signToken } from './sign-token.ts';
import type { SigningKeys } from './signing-keys.ts';
import type { UserSubject } from './user-claims.ts';
import { idTokenClaims, userAccessTokenClaims } from './user-claims.ts';

/** Times in Unix seconds. */
export interface IssuedToken {
  readonly token: string;
  readonly notBefore: number;
  readonly expires: number;
  /** What clients are told: a second less than there is. */
  readonly expiresIn: number;
}

export interface TokenServiceOptions {
  readonly signingKeys: SigningKeys;
  readonly randomBytes: RandomBytes;
  /** Never the virtual clock: clients compare token times with their own. */
  readonly wallClock: () => Instant;
}

/** Signs an access token; the caller has established that `principal` may have it. A fresh one each time. */
export type IssueToken = (subject: TokenSubject) => Promise<IssuedToken>;

export interface UserTokens extends IssuedToken {
  readonly idToken: string | undefined;
}

/** Signs the tokens of a user for one application; the caller has established that it may have them. */
export type IssueUserToken = (
  subject: UserSubject,
  more: { readonly version: 1 | 2; readonly nonce: string | undefined; readonly idTokenFor: IdTokenFor },
) => Promise<UserTokens>;

/** An application gets one only where it asks for it; one of Microsoft's is not registered here. */
export type IdTokenFor = 'none' | { readonly client: Application | undefined };

const userLifetimeSeconds = 3600;

export function createUserTokenService({ signingKeys, randomBytes, wallClock }: TokenServiceOptions): IssueUserToken {
  return async (subject, { version, nonce, idTokenFor }) => {
    const { signing } = await signingKeys.load();
    const now = wallClock();
    const seconds = toUnixSeconds(now);
    const lifetime = { notBefore: seconds - 300, expires: seconds + userLifetimeSeconds };
    const sign = (claims: JsonObject): Promise<string> =>
      signToken({ x5t: signing.kid, kid: signing.kid }, claims, signing.key);
    const token = await sign(userAccessTokenClaims(subject, lifetime, now, randomBytes));
    const idToken =
      idTokenFor === 'none'
        ? undefined
        : await sign(idTokenClaims(version, subject, lifetime, now, { randomBytes, nonce, ...idTokenFor }));
    return { token, idToken, ...lifetime, expiresIn: userLifetimeSeconds - 1 };
  };
}

export function createTokenService({ signingKeys, randomBytes, wallClock }: TokenServiceOptions): IssueToken {
  return async (subject) => {
    const { signing } = await signingKeys.load();
    const now = wallClock();
    const lifetime = lifetimeOf(subject.principal, now);
    const claims = accessTokenClaims(subject, lifetime, now, drawOnce(randomBytes, randomBytesOfToken));
    const { kid, key } = signing;
    const token = await signToken(subject.resource.tokenVersion === 1 ? { x5t: kid, kid } : { kid }, claims, key);
    return { token, ...lifetime, expiresIn: lifetime.expires - Math.floor(now / 1000) - 1 };
  };
}
