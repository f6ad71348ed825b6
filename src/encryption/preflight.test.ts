import { describe, expect, it } from 'vitest';
import { FakeKeyWrapper, described } from '../../tests/support/fake-key-wrapper.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { CustomerKey } from './cluster-keys.ts';
import type { KeyFailure } from './key-wrapper.ts';
import { preflightKey } from './preflight.ts';

const nowSeconds = 1_800_000_000;
const key: CustomerKey = {
  vaultUri: 'https://contoso.vault.azure.net/',
  vaultHost: described().kid.vaultHost,
  keyName: described().kid.name,
  identity: newGuid(systemRandomBytes),
};
const fail = (kind: KeyFailure['kind'], cause: KeyFailure['cause'], region?: string): KeyFailure => ({
  outcome: 'failed',
  kind,
  cause,
  message: cause,
  ...(region === undefined ? {} : { region }),
});
const run = (wrapper: FakeKeyWrapper, region = 'East US') =>
  preflightKey({ wrapper, randomBytes: systemRandomBytes, nowSeconds }, key, region);

/** Defects, each earlier one hiding all later ones. */
const defects: readonly (readonly [string, (wrapper: FakeKeyWrapper) => void, object])[] = [
  [
    'purge protection off',
    (w) => (w.key = described({ ...w.key, recoveryLevel: 'Recoverable+Purgeable' })),
    { outcome: 'purgeProtectionOff' },
  ],
  [
    'soft delete off',
    (w) => (w.key = described({ ...w.key, recoveryLevel: 'Purgeable' })),
    { outcome: 'softDeleteOff' },
  ],
  [
    'no unwrap',
    (w) => (w.fail.unwrap = fail('refusal', 'forbiddenByPolicy')),
    { outcome: 'noAccess', operation: 'unwrapKey' },
  ],
  [
    'no wrap',
    (w) => (w.fail.wrap = fail('refusal', 'forbiddenByPolicy')),
    { outcome: 'noAccess', operation: 'wrapKey' },
  ],
  [
    'expired',
    (w) => (w.key = described({ ...w.key, expires: nowSeconds })),
    { outcome: 'notUsableNow', why: 'expired', at: nowSeconds },
  ],
  [
    'not yet valid',
    (w) => (w.key = described({ ...w.key, notBefore: nowSeconds + 1 })),
    { outcome: 'notUsableNow', why: 'notYetValid' },
  ],
  ['disabled', (w) => (w.key = described({ ...w.key, enabled: false })), { outcome: 'notUsableNow', why: 'disabled' }],
  ['wrong size', (w) => (w.key = described({ ...w.key, bits: 1024 })), { outcome: 'wrongType', found: 'RSA 1024' }],
  ['wrong type', (w) => (w.key = described({ ...w.key, keyType: 'EC' })), { outcome: 'wrongType', found: 'EC' }],
  ['no get', (w) => (w.fail.describe = fail('refusal', 'forbiddenByRbac')), { outcome: 'noAccess', operation: 'get' }],
  [
    'other region',
    (w) => (w.fail.describe = fail('refusal', 'forbiddenByRbac', 'westus')),
    { outcome: 'vaultNotFound', why: 'otherRegion', found: 'westus' },
  ],
  [
    'no such host',
    (w) => (w.fail.describe = fail('refusal', 'noSuchHost')),
    { outcome: 'vaultNotFound', why: 'noSuchHost' },
  ],
];

describe('preflightKey', () => {
  it('a key without defects is usable', async () => {
    const wrapper = new FakeKeyWrapper();
    expect(await run(wrapper)).toEqual({ outcome: 'usable', key: wrapper.key });
    const version = wrapper.key.kid.version;
    expect(wrapper.calls).toEqual(['get ', `wrapKey ${version}`, `unwrapKey ${version}`]);
  });

  it.each(defects)('%s is told', async (_name, apply, expected) => {
    const wrapper = new FakeKeyWrapper();
    apply(wrapper);
    expect(await run(wrapper)).toMatchObject(expected);
  });

  it('the earlier check wins, for every set of defects that ends with it', async () => {
    for (let last = 0; last < defects.length; last += 1) {
      for (let other = 0; other < last; other += 1) {
        const wrapper = new FakeKeyWrapper();
        defects[other]?.[1](wrapper);
        defects[last]?.[1](wrapper);
        expect(await run(wrapper), `${defects[other]?.[0]} and ${defects[last]?.[0]}`).toMatchObject(
          defects[last]?.[2] ?? {},
        );
      }
    }
  });

  it('a missing permission is told before a missing key; the probes of a missing key touch no real version', async () => {
    const missing = () => {
      const wrapper = new FakeKeyWrapper();
      wrapper.fail.describe = fail('refusal', 'keyNotFound', 'eastus');
      return wrapper;
    };
    const both = missing();
    both.fail.unwrap = fail('refusal', 'forbiddenByPolicy');
    expect(await run(both)).toMatchObject({ outcome: 'noAccess', operation: 'unwrapKey' });
    const wrap = missing();
    wrap.fail.wrap = fail('refusal', 'forbiddenByPolicy');
    expect(await run(wrap)).toMatchObject({ outcome: 'noAccess', operation: 'wrapKey' });
    const none = missing();
    none.fail.wrap = fail('refusal', 'keyNotFound');
    none.fail.unwrap = fail('refusal', 'keyNotFound');
    expect(await run(none)).toMatchObject({ outcome: 'keyNotFound' });
    expect(none.calls.slice(1)).toEqual([`wrapKey ${'0'.repeat(32)}`, `unwrapKey ${'0'.repeat(32)}`]);
    const elsewhere = missing();
    expect(await run(elsewhere, 'westus')).toMatchObject({
      outcome: 'vaultNotFound',
      why: 'otherRegion',
      found: 'eastus',
    });
  });

  it.each(['describe', 'wrap', 'unwrap'] as const)('an outage of %s says nothing about the key', async (operation) => {
    const wrapper = new FakeKeyWrapper();
    wrapper.fail[operation] = fail('outage', 'throttled');
    expect(await run(wrapper)).toMatchObject({ outcome: 'unavailable', failure: { cause: 'throttled' } });
  });

  it('a probe that comes back changed is no usable key', async () => {
    const wrapper = new FakeKeyWrapper();
    wrapper.tamper = (plaintext) => plaintext.map((byte) => byte ^ 1);
    expect(await run(wrapper)).toMatchObject({ outcome: 'unavailable', failure: { cause: 'mismatch' } });
  });

  it.each([
    ['Recoverable', 'usable'],
    ['CustomizedRecoverable', 'usable'],
    ['Recoverable+ProtectedSubscription', 'usable'],
    ['CustomizedRecoverable+ProtectedSubscription', 'usable'],
    ['Recoverable+Purgeable', 'purgeProtectionOff'],
    ['CustomizedRecoverable+Purgeable', 'purgeProtectionOff'],
    ['Purgeable', 'softDeleteOff'],
    ['', 'softDeleteOff'],
  ])('recoveryLevel %s: %s', async (recoveryLevel, outcome) => {
    const wrapper = new FakeKeyWrapper();
    wrapper.key = described({ recoveryLevel });
    expect((await run(wrapper)).outcome).toBe(outcome);
  });

  it.each([2048, 3072, 4096])('RSA-HSM of %i bits is usable', async (bits) => {
    const wrapper = new FakeKeyWrapper();
    wrapper.key = described({ keyType: 'RSA-HSM', bits });
    expect((await run(wrapper)).outcome).toBe('usable');
  });
});
