import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { MonotonicMs } from '../../../src/clock/monotonic-clock.ts';
import { startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
let now = 0;
let areOn = true;
beforeAll(async () => {
  const limits = { areOn: () => areOn, monotonic: { now: () => now as MonotonicMs } };
  vault = await startVaultFixture({ limits });
  vault.addVault('limited', { sku: 'premium' });
  vault.addVault('another');
});
afterAll(() => vault.close());
beforeEach(() => {
  now += 10_000;
  areOn = true;
});

const create = (kty: string, host = 'limited') =>
  vault.raw('POST', '/keys/many/create?api-version=7.4', { vault: host, body: { kty } });
const get = () => vault.raw('GET', '/keys/many?api-version=7.4', { vault: 'limited' });
const statusesOf = async (count: number, call: () => Promise<{ readonly status: number }>): Promise<string> => {
  const statuses = new Map<number, number>();
  for (let i = 0; i < count; i++) {
    const { status } = await call();
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
  }
  return [...statuses].map(([status, times]) => `${status} × ${times}`).join(', ');
};

describe('the limits of a vault', () => {
  it('CreateKey, RotateKey: twenty in ten seconds, those of an HSM count twice, and 429 says when to come again', async () => {
    expect(await statusesOf(18, () => create('EC'))).toBe('200 × 18');
    expect(await statusesOf(1, () => create('EC-HSM'))).toBe('200 × 1');
    now += 3500;
    const refused = await create('EC');
    expect(refused).toMatchObject({ status: 429, json: { error: { code: 'Throttled' } } });
    expect(refused.headers['retry-after']).toBe('7');
    expect((await vault.raw('POST', '/keys/many/rotate?api-version=7.4', { vault: 'limited' })).status).toBe(429);
    expect((await get()).status).toBe(200);
    expect((await create('EC', 'another')).status).toBe(200);
    now += 6500;
    expect((await create('EC')).status).toBe(200);
  });

  it('Sign: as many as the key allows, together with all else', async () => {
    await vault.keyClient('limited').createRsaKey('slow', { hsm: true, keySize: 4096 });
    now += 10_000;
    const value = Buffer.alloc(32).toString('base64url');
    const verify = () =>
      vault.raw('POST', '/keys/slow/verify?api-version=7.4', {
        vault: 'limited',
        body: { alg: 'RS256', digest: value, value },
      });
    expect(await statusesOf(200, verify)).toBe('200 × 200');
    expect(await statusesOf(400, get)).toBe('200 × 400');
    expect(await statusesOf(30, verify)).toBe('200 × 25, 429 × 5');
    expect(await statusesOf(3, get)).toBe('429 × 3');
  });

  it('are off unless they are asked for', async () => {
    areOn = false;
    expect(await statusesOf(25, () => create('EC'))).toBe('200 × 25');
  });
});
