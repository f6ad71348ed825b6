import type { Guid } from '../../base/guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { AskedScope } from './delegated-scope.ts';
import { OneTimeCodes } from './one-time-codes.ts';

/** What an authorization code stands for. */
export interface AuthorizedCode {
  readonly userId: Guid;
  readonly tenantId: Guid;
  readonly clientId: Guid;
  readonly redirectUri: string;
  readonly scope: AskedScope;
  readonly nonce: string | undefined;
  /** `S256` of the verifier, or the verifier itself. */
  readonly challenge: { readonly method: 'S256' | 'plain'; readonly text: string } | undefined;
}

/** What a device code stands for: nobody's, until a user has entered the user code. */
export interface DeviceRequest {
  readonly userCode: string;
  readonly clientId: Guid;
  readonly tenantName: string;
  readonly scope: AskedScope;
  approvedBy?: { readonly userId: Guid; readonly tenantId: Guid };
}

export const deviceCodeSeconds = 900;
export const devicePollSeconds = 5;

/** Sign-ins under way. In memory: a restart ends them, and their users start anew. */
export interface PendingSignIns {
  readonly codes: OneTimeCodes<AuthorizedCode>;
  readonly devices: OneTimeCodes<DeviceRequest>;
  newUserCode(): string;
}

export function openPendingSignIns(randomBytes: RandomBytes, monotonicMs: () => number): PendingSignIns {
  const options = { randomBytes, monotonicMs, countMax: 1_000 };
  return {
    codes: new OneTimeCodes({ ...options, lifetimeMs: 600_000 }),
    devices: new OneTimeCodes({ ...options, lifetimeMs: deviceCodeSeconds * 1000 }),
    // 45 bits of 32 signs that are not taken for each other.
    newUserCode: () => Array.from(randomBytes(9), (byte) => userCodeSigns[byte % userCodeSigns.length] ?? 'A').join(''),
  };
}

const userCodeSigns = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789';
