import { generateKeyPair } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { newGuid } from '../../base/new-guid.ts';
import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import { tokenExchange } from '../entra/resources.ts';
import { signToken } from '../entra/sign-token.ts';
import type { TrustedIssuer } from '../principals/federated-credential.ts';

export interface WorkloadToken {
  readonly token: string;
  readonly expiresOn: Instant;
}

/** Issues what a cluster of AKS puts into the token files of its pods. Its key lives as long as the program, and its name is of this run
 * alone: tokens of another run are those of a stranger. */
export interface WorkloadIssuer {
  readonly issuer: string;
  issue(endpoint: Guid): Promise<WorkloadToken>;
  /** What the identity of an endpoint trusts, as its federated credential would say it. */
  trust(endpoint: Guid): TrustedIssuer;
  findKey(keyId: string): Promise<KeyObject | undefined>;
}

/** As Kubernetes writes them by default. */
const lifetimeSeconds = 3600;

export function openWorkloadIssuer(options: {
  readonly randomBytes: RandomBytes;
  readonly wallClock: () => Instant;
}): WorkloadIssuer {
  const issuer = `https://workloads.kustody.invalid/${newGuid(options.randomBytes)}/`;
  const keyId = newGuid(options.randomBytes);
  let keys: Promise<{ readonly publicKey: KeyObject; readonly privateKey: KeyObject }> | undefined;
  const subjectOf = (endpoint: Guid): string => `system:serviceaccount:kustody:${endpoint}`;
  return {
    issuer,
    issue: async (endpoint) => {
      keys ??= promisify(generateKeyPair)('rsa', { modulusLength: 2048 }); // when it is first needed
      const { privateKey } = await keys;
      const now = toUnixSeconds(options.wallClock());
      const expires = now + lifetimeSeconds;
      const claims = { aud: [tokenExchange.uri], exp: expires, iat: now, iss: issuer, nbf: now };
      const own = { jti: newGuid(options.randomBytes), sub: subjectOf(endpoint) };
      const token = await signToken({ kid: keyId }, { ...claims, ...own }, privateKey);
      return { token, expiresOn: instant(expires * 1000) };
    },
    trust: (endpoint) => ({ issuer, subject: subjectOf(endpoint), audience: tokenExchange.uri }),
    findKey: async (wanted) => (wanted === keyId ? (await keys)?.publicKey : undefined),
  };
}
