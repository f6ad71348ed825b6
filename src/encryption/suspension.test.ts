import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toBase64Url } from '../base/base64url.ts';
import { newGuid } from '../base/new-guid.ts';
import { parseVersionedKeyId } from '../base/key-id.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { ClusterKeyRecord } from './cluster-key-state.ts';
import { bareRecord, parseClusterKeyRecord } from './cluster-key-state.ts';
import type { KeyFailure } from './key-wrapper.ts';
import type { TwoClocks } from './lease.ts';
import { defaultLeaseSettings } from './lease.ts';
import type { CheckOutcome } from './suspension.ts';
import { afterCheck } from './suspension.ts';

const settings = defaultLeaseSettings;
const at = (kustody: number, real = kustody): TwoClocks => ({ kustody, real: { boot: 'a', at: real } });
const fail = (kind: KeyFailure['kind'], cause: KeyFailure['cause']): KeyFailure => ({
  outcome: 'failed',
  kind,
  cause,
  message: cause,
});
const refused = fail('refusal', 'keyDisabled');
const hidden = fail('outage', 'serverError');
const broken = fail('integrity', 'wrongLength');
const opened: CheckOutcome = { outcome: 'opened' };

function record(more: Partial<ClusterKeyRecord> = {}): ClusterKeyRecord {
  const kid = parseVersionedKeyId(`https://contoso.vault.azure.net/keys/k/${'a'.repeat(32)}`);
  if (kid === undefined) throw new Error('no kid');
  return {
    format: 1,
    clusterId: newGuid(systemRandomBytes),
    generation: 1,
    custody: {
      kind: 'customer',
      key: {
        vaultUri: 'https://Contoso.vault.azure.net',
        vaultHost: kid.vaultHost,
        keyName: kid.name,
        identity: newGuid(systemRandomBytes),
      },
    },
    kid,
    wrapped: toBase64Url(systemRandomBytes(256)),
    check: toBase64Url(systemRandomBytes(16)),
    lease: { unwrapped: at(0) },
    stopped: false,
    ...more,
  };
}

describe('afterCheck', () => {
  it('an unwrap renews the lease and forgets outages', () => {
    const before = record({ lease: { unwrapped: at(0), outage: { at: at(1), failure: hidden } } });
    const decision = afterCheck(before, opened, at(30_000), settings);
    expect(decision).toMatchObject({ running: true, change: 'none' });
    expect(decision.record.lease).toEqual({ unwrapped: at(30_000) });
  });

  it('a refusal suspends at once and says vault, key, cause and remedy with the names as they were sent', () => {
    const decision = afterCheck(record(), refused, at(1000), settings);
    expect(decision).toMatchObject({ running: false, change: 'suspended' });
    expect(decision.record.lease).toBeUndefined();
    expect(decision.record.suspension).toMatchObject({ since: '1970-01-01T00:00:01.000Z', failure: refused });
    expect(decision.record.suspension?.reason).toBe(
      `Key 'k' in KeyVault 'https://Contoso.vault.azure.net' (https://contoso.vault.azure.net/keys/k/${'a'.repeat(32)}) ` +
        'cannot be used: the key version is disabled. Enable the key version. The cluster resumes by itself.',
    );
  });

  it('an outage while suspended does not hide the refusal before it; another refusal replaces it', () => {
    const first = afterCheck(record(), refused, at(1000), settings).record;
    const second = afterCheck(first, hidden, at(2000), settings);
    expect(second).toMatchObject({ running: false, change: 'none' });
    expect(second.record.suspension).toEqual(first.suspension);
    const third = afterCheck(second.record, fail('refusal', 'keyNotFound'), at(3000), settings).record;
    expect(third.suspension).toMatchObject({ since: first.suspension?.since, failure: { cause: 'keyNotFound' } });
  });

  it('an unwrap resumes', () => {
    const suspended = afterCheck(record(), refused, at(1000), settings).record;
    const decision = afterCheck(suspended, opened, at(2000), settings);
    expect(decision).toMatchObject({ running: true, change: 'resumed' });
    expect(decision.record.suspension).toBeUndefined();
  });

  it('an outage without a lease (after a start) suspends: there is no key', () => {
    expect(afterCheck(bareRecord(record()), hidden, at(0), settings)).toMatchObject({
      running: false,
      change: 'suspended',
    });
  });

  it('an integrity error ends the grace of earlier outages', () => {
    const inGrace = record({ lease: { unwrapped: at(0), outage: { at: at(1_000_000), failure: hidden } } });
    expect(afterCheck(inGrace, broken, at(1_000_001), settings)).toMatchObject({ running: false });
    expect(afterCheck(record(), broken, at(299_999), settings)).toMatchObject({ running: true });
  });

  it('over any sequence of checks: runs if and only if it holds a lease and is not suspended; the record survives its parser', () => {
    const outcome = fc.constantFrom<CheckOutcome>(opened, refused, hidden, broken);
    const step = fc.tuple(outcome, fc.integer({ min: 0, max: 4_000_000 }), fc.integer({ min: 0, max: 4_000_000 }));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let current = record();
        let now = at(0);
        let lastUnwrap = now;
        for (const [seen, kustody, real] of steps) {
          now = at(now.kustody + kustody, now.real.at + real);
          const decision = afterCheck(current, seen, now, settings);
          current = parseClusterKeyRecord(JSON.parse(JSON.stringify(decision.record)) as never);
          expect(current).toEqual(decision.record);
          if (seen.outcome === 'opened') lastUnwrap = now;
          expect(decision.running).toBe(current.lease !== undefined && current.suspension === undefined);
          if (seen === refused) expect(decision.running).toBe(false);
          const age = Math.max(now.kustody - lastUnwrap.kustody, now.real.at - lastUnwrap.real.at);
          if (decision.running && seen.outcome === 'failed') expect(age).toBeLessThan(3_600_000);
        }
      }),
    );
  });
});

describe('parseClusterKeyRecord', () => {
  it.each([
    ['format', 2],
    ['generation', 0],
    ['wrapped', 'AAAA'],
    ['check', toBase64Url(new Uint8Array(15))],
    ['custody', { kind: 'somebody' }],
    ['kid', { vaultHost: 'x', name: 'k', version: 'latest' }],
    ['clusterId', '1'],
  ])('refuses a damaged %s', (field, value) => {
    const damaged = { ...(JSON.parse(JSON.stringify(record())) as Record<string, unknown>), [field]: value };
    expect(() => parseClusterKeyRecord(damaged as never)).toThrow(/damaged|newer/);
  });
});
