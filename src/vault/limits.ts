import type { Guid } from '../base/guid.ts';
import type { MonotonicClock } from '../clock/monotonic-clock.ts';
import { faultError } from './faults.ts';

/** What an operation takes of what a vault may do: one of so many in ten seconds. Creations are counted apart. */
export interface LimitCost {
  readonly bucket: 'create' | 'other';
  readonly perTenSeconds: number;
}

/** Of what is no work with a key, and of secrets and certificates. */
export const plainCost: LimitCost = { bucket: 'other', perTenSeconds: 4000 };

export interface VaultLimits {
  areOn(): boolean;
  /** @throws VaultError 429 with `Retry-After`; then nothing is counted */
  take(vaultId: Guid, cost: LimitCost): void;
}

const windowMs = 10_000;
const windowsMax = 1000;

/** The documented limits of each vault, in windows that begin with the first request after the one before is over. Operations of several
 * kinds add up by their share.
 * @see Azure Key Vault service limits */
export function createVaultLimits(
  monotonic: Pick<MonotonicClock, 'now'> | undefined,
  areOn: () => boolean,
): VaultLimits {
  const windows = new Map<string, { readonly start: number; used: number }>();
  const windowOf = (id: string, now: number) => {
    const open = windows.get(id);
    if (open !== undefined && now - open.start < windowMs) return open;
    const window = { start: now, used: 0 };
    windows.delete(id);
    windows.set(id, window);
    for (const [oldest, { start }] of windows) {
      if (windows.size <= windowsMax && now - start < windowMs) break;
      windows.delete(oldest);
    }
    return window;
  };
  return {
    areOn,
    take: (vaultId, { bucket, perTenSeconds }) => {
      const now = monotonic?.now() ?? 0;
      const window = windowOf(`${vaultId}/${bucket}`, now);
      const used = window.used + 1 / perTenSeconds;
      // Shares are no exact numbers: a millionth of one is no request.
      if (used > 1 + 1e-6)
        throw faultError({ status: 429, retryAfterSeconds: Math.ceil((window.start + windowMs - now) / 1000) });
      window.used = used;
    },
  };
}
