import { describe, expect, it } from 'vitest';
import { cluster, facts, ids, key, now, target, vault, without } from './cmk-facts.fixture.ts';
import type { Facts } from './facts.ts';
import { verify } from './verify.ts';

const failed = (found: Facts, warnDays = 30): readonly string[] =>
  verify({ target, facts: found, now, warnDays })
    .filter(({ ok }) => !ok)
    .map(({ id }) => id);

const expiring = (day: string): Facts => ({
  ...facts,
  key: { outcome: 'found', key: { ...key, expiresOn: new Date(`${day}T00:00:00Z`) } },
});

describe('verify', () => {
  it('finds all well', () => {
    expect(failed(facts)).toEqual([]);
    expect(verify({ target, facts, now, warnDays: 30 })).toHaveLength(10);
  });

  it.each([
    ['2026-01-31', []], // 30 days are enough
    ['2026-01-30', ['expiry']],
    ['2025-12-31', ['key', 'expiry']],
  ])('a key that expires on %s fails %j', (day, checks) => {
    expect(failed(expiring(day))).toEqual(checks);
  });

  it('takes the days that it is told', () => {
    expect(failed(expiring('2026-01-30'), 29)).toEqual([]);
    expect(failed(expiring('2026-01-30'), 60)).toEqual(['expiry']);
  });

  it.each<[string, Facts, readonly string[]]>([
    ['a failed operation', { ...facts, cluster: { ...cluster, provisioningState: 'Failed' } }, ['provisioningState']],
    [
      'an operation under way',
      { ...facts, cluster: { ...cluster, provisioningState: 'Running' } },
      ['cluster', 'provisioningState'],
    ],
    ['a suspended cluster', { ...facts, cluster: { ...cluster, state: 'Unavailable' } }, ['cluster']],
    ["Microsoft's key", { ...facts, cluster: without(cluster, 'key') }, ['clusterKey']],
    ['purge protection that is off', { ...facts, vault: { ...vault, purgeProtection: false } }, ['purgeProtection']],
    ['no permission', { ...facts, vault: { ...vault, policies: [] } }, ['permissions']],
    [
      'another version',
      {
        ...facts,
        cluster: { ...cluster, key: { keyName: 'k', keyVaultUri: vault.uri, keyVersion: ids.otherVersion } },
      },
      ['clusterKey'],
    ],
    ['a key that is not shown to us', { ...facts, key: { outcome: 'refused', message: 'no' } }, ['key']],
  ])('%s fails', (_name, found, checks) => {
    expect(failed(found)).toEqual(checks);
  });

  it('says what is wrong with whatever fails', () => {
    const nothing: Facts = { ...without(without(facts, 'cluster'), 'vault'), key: { outcome: 'notAsked' } };
    const checks = verify({ target, facts: nothing, now, warnDays: 30 });
    expect(checks.filter(({ ok, note, id }) => !ok && note === undefined && id !== 'provisioningState')).toEqual([]);
  });
});
