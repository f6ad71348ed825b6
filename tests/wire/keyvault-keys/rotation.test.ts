import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KeyRotationLifetimeAction } from '@azure/keyvault-keys';
import { vaultEvents } from '../../support/audit-events.ts';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
  vault.addVault('rotating', { sku: 'premium' });
});
afterAll(() => vault.close());

const dayMs = 86_400_000;
const client = () => vault.keyClient('rotating');
const put = (name: string, body: unknown) =>
  vault.raw('PUT', `/keys/${name}/rotationpolicy?api-version=7.4`, { vault: 'rotating', body });
const rotate = (trigger: Record<string, unknown>) => ({ action: { type: 'Rotate' }, trigger });
const notify = (trigger: Record<string, unknown>) => ({ action: { type: 'Notify' }, trigger });

async function versionsOf(name: string): Promise<string[]> {
  const versions: { version: string; created: number }[] = [];
  for await (const { version = '', createdOn } of client().listPropertiesOfKeyVersions(name))
    versions.push({ version, created: createdOn?.getTime() ?? 0 });
  return versions.sort((left, right) => left.created - right.created).map(({ version }) => version);
}

async function actsOf(name: string): Promise<string[]> {
  const events = await vaultEvents(vault.state);
  return events
    .filter(({ id, caller }) => id?.includes(`/${name}/`) && caller.displayName === 'Azure Key Vault')
    .map(({ operation, time }) => `${operation} ${time.slice(0, 10)}`);
}

describe('RotateKey', () => {
  it.each([
    ['RSA', {}],
    ['RSA-HSM', { keySize: 3072 }],
    ['EC', { curve: 'P-384' }],
  ] as const)('%s: makes a new version like the current one', async (kty, options) => {
    const name = `by-hand-${kty}`;
    const keyOps = kty === 'EC' ? ['sign', 'verify'] : ['wrapKey', 'unwrapKey'];
    const first = await client().createKey(name, kty, { ...options, keyOps, tags: { of: 'mine' } });
    const second = await client().rotateKey(name);
    expect(second.properties.version).not.toBe(first.properties.version);
    expect(second).toMatchObject({ keyType: kty, keyOperations: keyOps, properties: { tags: { of: 'mine' } } });
    expect(second.properties.expiresOn).toBeUndefined();
    expect(second.key?.crv).toBe(first.key?.crv);
    expect(second.key?.n?.length).toBe(first.key?.n?.length);
    expect((await client().getKey(name)).properties.version).toBe(second.properties.version);
    expect((await client().getKey(name, { version: first.properties.version ?? '' })).properties.enabled).toBe(true);
  });

  it('gives the new version the expiry of the policy', async () => {
    await client().createEcKey('expiring');
    await client().updateKeyRotationPolicy('expiring', { expiresIn: 'P1Y2M', lifetimeActions: [] });
    const { properties } = await client().rotateKey('expiring');
    expect(properties.expiresOn?.toISOString().slice(0, 10)).toBe('2032-05-04');
  });

  it('of a key that is not there is 404', async () => {
    expect(await failure(client().rotateKey('none'))).toMatchObject({ statusCode: 404, code: 'KeyNotFound' });
    expect(await failure(client().getKeyRotationPolicy('none'))).toMatchObject({ statusCode: 404 });
    expect(await put('none', {})).toMatchObject({ status: 404 });
  });
});

describe('GetKeyRotationPolicy, UpdateKeyRotationPolicy', () => {
  it('without one a key has a notice of 30 days', async () => {
    await client().createEcKey('plain');
    const { body } = await vault.raw('GET', '/keys/plain/rotationpolicy?api-version=7.4', { vault: 'rotating' });
    expect(JSON.parse(body)).toEqual({
      id: 'https://rotating.vault.azure.net/keys/plain/rotationpolicy',
      lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'Notify' } }],
      attributes: {},
    });
  });

  it('are given back as they were set, by any client', async () => {
    await client().createEcKey('set');
    const lifetimeActions: KeyRotationLifetimeAction[] = [
      { action: 'Rotate', timeAfterCreate: 'P3M' },
      { action: 'Notify', timeBeforeExpiry: 'P45D' },
    ];
    const set = await client().updateKeyRotationPolicy('set', { lifetimeActions, expiresIn: 'P180D' });
    expect(set).toMatchObject({ expiresIn: 'P180D', createdOn: new Date(startOfTest), lifetimeActions });
    expect(await client().getKeyRotationPolicy('set')).toEqual(set);
    await vault.clock.advance(1000);
    const again = await client().updateKeyRotationPolicy('set', {
      lifetimeActions: [lifetimeActions[0] ?? { action: 'Rotate' }],
    });
    expect(again.expiresIn).toBeUndefined();
    expect(again.createdOn).toEqual(set.createdOn);
    expect(again.updatedOn?.getTime()).toBe(startOfTest + 1000);
    expect(again.lifetimeActions?.[1]).toMatchObject({ action: 'Notify', timeBeforeExpiry: 'P30D' });
    expect(
      (
        await put('set', {
          lifetimeActions: [
            { action: { type: 'rotate' }, trigger: { timeAfterCreate: 'P7D', timeBeforeExpiry: null } },
          ],
        })
      ).status,
    ).toBe(200);
  });

  it.each([
    [{ attributes: { expiryTime: 'P27D' } }],
    [{ attributes: { expiryTime: '90 days' } }],
    [{ attributes: { expiryTime: 'PT2H' } }],
    [{ attributes: { expiryTime: 'P' } }],
    [{ attributes: { expiryTime: 90 } }],
    [{ attributes: { expiryTime: 'P101Y' } }],
    [{ attributes: 'P90D' }],
    [{ lifetimeActions: {} }],
    [{ lifetimeActions: ['Rotate'] }],
    [{ lifetimeActions: [rotate({ timeAfterCreate: 'P6D' })] }],
    [{ lifetimeActions: [rotate({ timeAfterCreate: 'P30D', timeBeforeExpiry: 'P30D' })] }],
    [{ lifetimeActions: [rotate({})] }],
    [{ lifetimeActions: [rotate({ timeBeforeExpiry: 'P30D' })] }],
    [{ lifetimeActions: [rotate({ timeBeforeExpiry: 'P6D' })], attributes: { expiryTime: 'P90D' } }],
    [{ lifetimeActions: [rotate({ timeAfterCreate: 'P84D' })], attributes: { expiryTime: 'P90D' } }],
    [{ lifetimeActions: [rotate({ timeAfterCreate: 'P30D' }), rotate({ timeAfterCreate: 'P60D' })] }],
    [{ lifetimeActions: [notify({ timeAfterCreate: 'P30D' })] }],
    [{ lifetimeActions: [notify({ timeBeforeExpiry: 'P30D' }), notify({ timeBeforeExpiry: 'P60D' })] }],
    [{ lifetimeActions: [{ action: { type: 'Delete' }, trigger: { timeBeforeExpiry: 'P30D' } }] }],
  ])('%j is refused', async (body) => {
    await client().createEcKey('odd');
    expect(await put('odd', body)).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
  });
});

describe('the Kustody clock', () => {
  it('rotates a key so long after each version was made, and says when one expires soon', async () => {
    const { clock } = vault;
    const start = clock.now();
    await client().createRsaKey('clockwork');
    await client().updateKeyRotationPolicy('clockwork', {
      expiresIn: 'P90D',
      lifetimeActions: [
        { action: 'Rotate', timeAfterCreate: 'P75D' },
        { action: 'Notify', timeBeforeExpiry: 'P20D' },
      ],
    });
    await clock.advance(75 * dayMs - 1000);
    expect(await versionsOf('clockwork')).toHaveLength(1);
    await clock.advance(1000);
    const [, second = ''] = await versionsOf('clockwork');
    const { properties } = await client().getKey('clockwork');
    expect(properties.version).toBe(second);
    expect(properties.expiresOn?.getTime()).toBe(start + 165 * dayMs);
    await clock.advance(150 * dayMs);
    expect(await versionsOf('clockwork')).toHaveLength(4);
    const day = (days: number): string => new Date(start + days * dayMs).toISOString().slice(0, 10);
    expect(await actsOf('clockwork')).toEqual([
      `KeyRotateIfDue ${day(75)}`,
      `KeyNearExpiryEventGridNotification ${day(145)}`,
      `KeyRotateIfDue ${day(150)}`,
      `KeyNearExpiryEventGridNotification ${day(220)}`,
      `KeyRotateIfDue ${day(225)}`,
    ]);
  });

  it('rotates ahead of the expiry of the current version, also when that is changed', async () => {
    const { clock } = vault;
    const start = clock.now();
    await client().createEcKey('ahead', { expiresOn: new Date(start + 365 * dayMs) });
    await client().updateKeyRotationPolicy('ahead', {
      expiresIn: 'P1Y',
      lifetimeActions: [{ action: 'Rotate', timeBeforeExpiry: 'P30D' }],
    });
    await client().updateKeyProperties('ahead', { expiresOn: new Date(start + 60 * dayMs) });
    await clock.advance(29 * dayMs);
    expect(await versionsOf('ahead')).toHaveLength(1);
    await clock.advance(dayMs);
    expect(await versionsOf('ahead')).toHaveLength(2);
  });

  it('does not rotate what is deleted before it has come back', async () => {
    const { clock } = vault;
    await client().createEcKey('gone');
    await client().updateKeyRotationPolicy('gone', { lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P7D' }] });
    await (await client().beginDeleteKey('gone', { intervalInMs: 1 })).pollUntilDone();
    await clock.advance(10 * dayMs);
    expect(await actsOf('gone')).toEqual([]);
    await (await client().beginRecoverDeletedKey('gone', { intervalInMs: 1 })).pollUntilDone();
    await clock.advance(1);
    expect(await versionsOf('gone')).toHaveLength(2);
  });

  it('rotates a key that was restored in another vault by the policy it came with', async () => {
    const { clock } = vault;
    const { resourceId } = vault.addVault('rotating', { sku: 'premium' });
    vault.addVault('restored', { resourceId: resourceId.replace('rotating', 'restored') });
    await client().createEcKey('moved');
    await client().updateKeyRotationPolicy('moved', {
      lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P7D' }],
    });
    const backup = await client().backupKey('moved');
    await (await client().beginDeleteKey('moved', { intervalInMs: 1 })).pollUntilDone();
    const restored = vault.keyClient('restored');
    const { properties } = await restored.restoreKeyBackup(backup ?? new Uint8Array());
    await clock.advance(7 * dayMs);
    expect((await restored.getKey('moved')).properties.version).not.toBe(properties.version);
  });

  it('is not followed while it is doubtful, and what was due is done once when it is trusted', async () => {
    let held = true;
    const doubtful = await startVaultFixture({ purgesHeld: () => held });
    doubtful.addVault('rotating');
    const keys = doubtful.keyClient('rotating');
    await keys.createEcKey('waits');
    await keys.updateKeyRotationPolicy('waits', { lifetimeActions: [{ action: 'Rotate', timeAfterCreate: 'P7D' }] });
    await doubtful.clock.advance(30 * dayMs);
    const count = async (): Promise<number> => {
      const versions: unknown[] = [];
      for await (const version of keys.listPropertiesOfKeyVersions('waits')) versions.push(version);
      return versions.length;
    };
    expect(await count()).toBe(1);
    held = false;
    await doubtful.plane.startRetention();
    expect(await count()).toBe(2);
    await doubtful.close();
  });
});
