import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KeyFailure } from './key-wrapper.ts';
import type { Lease, TwoClocks } from './lease.ts';
import { defaultLeaseSettings, leaseHeld, leaseInOutage, leaseRemainingMs } from './lease.ts';

const failure: KeyFailure = { outcome: 'failed', kind: 'outage', cause: 'timeout', message: '' };
const at = (kustody: number, real = kustody, boot = 'a'): TwoClocks => ({ kustody, real: { boot, at: real } });
const settings = defaultLeaseSettings;

describe('lease', () => {
  it.each([
    ['just unwrapped', at(0), true],
    ['at 299.999 s', at(299_999), true],
    ['at 300 s', at(300_000), false],
    ['when only real time says so', at(1000, 300_000), false],
    ['when the Kustody clock was set back and real time says so', at(-60_000, 300_000), false],
    ['when only the Kustody clock says so', at(300_000, 1000), false],
    ['when the Kustody clock seems to run a little backwards', at(-60_000, 0), true],
    ['when the Kustody clock ran far backwards', at(-60_001, 0), false],
    ['when real time is of another boot', at(1, 1, 'b'), false],
    ['when real time ran backwards', at(1, -1), false],
  ])('is held or not: %s', (_when, now, held) => {
    expect(leaseHeld({ unwrapped: at(0) }, now, settings)).toBe(held);
  });

  it('without an unwrap is never held', () => {
    expect(leaseHeld(undefined, at(0), settings)).toBe(false);
  });

  it('lasts into the grace while outages are seen, and no longer than a cached key without them', () => {
    const lease: Lease = { unwrapped: at(0), outage: { at: at(290_000), failure } };
    expect(leaseRemainingMs(lease, at(589_000), settings)).toBe(1000);
    expect(leaseHeld(lease, at(590_000), settings)).toBe(false);
    expect(leaseHeld({ ...lease, outage: { at: at(3_599_000), failure } }, at(3_599_999), settings)).toBe(true);
    expect(leaseHeld({ ...lease, outage: { at: at(3_599_000), failure } }, at(3_600_000), settings)).toBe(false);
  });

  it('has no grace when it is 0', () => {
    const none = { ...settings, keyOutageGraceSeconds: 0 };
    expect(leaseInOutage({ unwrapped: at(0) }, failure, at(299_999), none)).toBeDefined();
    expect(leaseInOutage({ unwrapped: at(0) }, failure, at(300_000), none)).toBeUndefined();
  });

  it('a grace shorter than the cache does not shorten the lease', () => {
    const short = { ...settings, keyOutageGraceSeconds: 10 };
    expect(leaseInOutage({ unwrapped: at(0) }, failure, at(200_000), short)).toBeDefined();
  });

  it('never outlives the later of cache and grace on either clock, and never comes back by waiting', () => {
    const time = fc.integer({ min: 0, max: 10_000_000 });
    fc.assert(
      fc.property(time, time, time, time, time, (outageAt, nowK, nowW, laterK, cache) => {
        const chosen = { ...settings, keyCacheSeconds: cache / 1000 };
        const lease: Lease = { unwrapped: at(0), outage: { at: at(outageAt), failure } };
        const now = at(nowK, nowW);
        const limit = Math.max(chosen.keyCacheSeconds, chosen.keyOutageGraceSeconds) * 1000;
        if (leaseHeld(lease, now, chosen)) expect(Math.max(nowK, nowW)).toBeLessThan(limit);
        else expect(leaseHeld(lease, at(nowK + laterK, nowW), chosen)).toBe(false);
      }),
    );
  });
});
