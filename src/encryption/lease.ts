import type { Moment } from '../clock/monotonic-clock.ts';
import type { KeyFailure } from './key-wrapper.ts';

/** The same moment on the Kustody clock, in milliseconds since 1970, and in real time. */
export interface TwoClocks {
  readonly kustody: number;
  readonly real: Moment;
}

export interface LeaseSettings {
  /** How long an unwrap lets a cluster use its key. */
  readonly keyCacheSeconds: number;
  /** How long after the last unwrap a cluster goes on while there are only outages; 0 = not beyond `keyCacheSeconds`. */
  readonly keyOutageGraceSeconds: number;
  readonly keyRecheckSeconds: number;
}

export const defaultLeaseSettings: LeaseSettings = {
  keyCacheSeconds: 300,
  keyOutageGraceSeconds: 3600,
  keyRecheckSeconds: 30,
};

/** The right to use a cluster key that was unwrapped at `unwrapped`. */
export interface Lease {
  readonly unwrapped: TwoClocks;
  /** Set while every check since the unwrap was an outage: the latest one. */
  readonly outage?: { readonly at: TwoClocks; readonly failure: KeyFailure };
}

/** How far the Kustody clock may seem to run backwards (a corrected clock) before a lease counts as unknown. */
const skewMsMax = 60_000;

/** @returns milliseconds until the lease ends by the clock that says so first; 0 or less: it has ended. Real time of another boot
 * means nothing, so a lease from there has ended. */
export function leaseRemainingMs(lease: Lease | undefined, now: TwoClocks, settings: LeaseSettings): number {
  if (lease === undefined) return 0;
  const { unwrapped, outage } = lease;
  const { boot } = now.real;
  if (unwrapped.real.boot !== boot || unwrapped.real.at > now.real.at) return 0;
  if (outage !== undefined && outage.at.real.boot !== boot) return 0;
  const kustody = remaining(now.kustody - unwrapped.kustody, outage && now.kustody - outage.at.kustody, settings);
  const real = remaining(now.real.at - unwrapped.real.at, outage && now.real.at - outage.at.real.at, settings);
  return Math.min(kustody, real);
}

export function leaseHeld(lease: Lease | undefined, now: TwoClocks, settings: LeaseSettings): boolean {
  return leaseRemainingMs(lease, now, settings) > 0;
}

/** The lease after a check that was an outage. @returns undefined when it has ended, however recent the outage is */
export function leaseInOutage(
  lease: Lease | undefined,
  failure: KeyFailure,
  now: TwoClocks,
  settings: LeaseSettings,
): Lease | undefined {
  if (lease === undefined) return undefined;
  const extended = { unwrapped: lease.unwrapped, outage: { at: now, failure } };
  return leaseHeld(extended, now, settings) ? extended : undefined;
}

function remaining(sinceUnwrap: number, sinceOutage: number | undefined, settings: LeaseSettings): number {
  if (sinceUnwrap < -skewMsMax) return 0;
  const cache = settings.keyCacheSeconds * 1000 - sinceUnwrap;
  if (sinceOutage === undefined) return cache;
  // Grace needs evidence that there still is only an outage: without a later check it lasts no longer than a cached key.
  const grace = settings.keyOutageGraceSeconds * 1000 - sinceUnwrap;
  const evidence = settings.keyCacheSeconds * 1000 - sinceOutage;
  return Math.max(cache, Math.min(grace, evidence));
}
