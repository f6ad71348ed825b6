import { VaultError, vaultErrors } from './vault-error.ts';

/** What a vault does when told to misbehave: an error status (429 or 5xx), or no answer at all. */
export type VaultFault = 'drop' | { readonly status: number; readonly retryAfterSeconds?: number };

export function faultError(fault: Exclude<VaultFault, 'drop'>): VaultError {
  const { code, text } = fault.status === 429 ? vaultErrors.throttled : vaultErrors.unavailable;
  const headers = fault.retryAfterSeconds === undefined ? {} : { 'retry-after': String(fault.retryAfterSeconds) };
  return new VaultError(fault.status, code, undefined, text(), headers);
}
