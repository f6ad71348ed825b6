import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failure, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

const dayMs = 86_400_000;

describe('keys through KeyClient, with the challenge verified', () => {
  it('CreateKey: asks for a token first, without the body, and then makes the key', async () => {
    vault.addVault('lifecycle');
    vault.wire.length = 0;
    const key = await vault.keyClient('lifecycle').createRsaKey('First-Key');
    expect(vault.wire).toEqual(['POST /keys/First-Key/create 401', 'POST /keys/First-Key/create 200']);
    expect(key.id).toMatch(/^https:\/\/lifecycle\.vault\.azure\.net\/keys\/First-Key\/[0-9a-f]{32}$/);
    expect(key.keyType).toBe('RSA');
    expect(key.key?.n?.length).toBe(256);
    expect([...(key.key?.e ?? [])]).toEqual([1, 0, 1]);
    expect(key.keyOperations).toEqual(['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey']);
    expect(key.properties).toMatchObject({
      enabled: true,
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
      createdOn: new Date(startOfTest),
      updatedOn: new Date(startOfTest),
    });
    expect(key.properties.tags).toBeUndefined();
  });

  it.each([3072, 4096])('CreateKey: makes RSA keys of %i bits', async (keySize) => {
    vault.addVault('sizes');
    const key = await vault.keyClient('sizes').createRsaKey(`rsa-${keySize}`, { keySize });
    expect(key.key?.n?.length).toBe(keySize / 8);
  });

  it('CreateKey: an existing name gets a new version, and GetKey finds both', async () => {
    vault.addVault('versions');
    const client = vault.keyClient('versions');
    const first = await client.createRsaKey('k', { tags: { a: '1' }, keyOps: ['wrapKey', 'unwrapKey'] });
    const second = await client.createRsaKey('K', {
      notBefore: new Date(startOfTest + dayMs),
      expiresOn: new Date(startOfTest + 2 * dayMs),
      enabled: false,
    });
    expect(second.name).toBe('k');
    expect((await client.getKey('k')).id).toBe(second.id);
    const old = await client.getKey('K', { version: first.properties.version?.toUpperCase() ?? '' });
    expect(old.id).toBe(first.id);
    expect(old.properties.tags).toEqual({ a: '1' });
    expect(old.keyOperations).toEqual(['wrapKey', 'unwrapKey']);
    expect(second.properties).toMatchObject({
      enabled: false,
      notBefore: new Date(startOfTest + dayMs),
      expiresOn: new Date(startOfTest + 2 * dayMs),
    });
  });

  it('GetKey: a name or version that is not there is 404 KeyNotFound with the text of the service', async () => {
    vault.addVault('missing');
    const client = vault.keyClient('missing');
    const error = await failure(client.getKey('nope'));
    expect([error.statusCode, error.code]).toEqual([404, 'KeyNotFound']);
    expect(error.message).toBe(
      'A key with (name/id) nope was not found in this key vault. If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182',
    );
    await client.createRsaKey('there');
    const version = '0123456789abcdef0123456789abcdef';
    const noVersion = await failure(client.getKey('there', { version }));
    expect(noVersion.message).toContain(`(name/id) there/${version} was not found`);
  });

  it('UpdateKey: changes what is sent, keeps the rest, and moves `updated`', async () => {
    vault.addVault('update');
    const client = vault.keyClient('update');
    const key = await client.createRsaKey('k', { tags: { a: '1' }, expiresOn: new Date(startOfTest + 9 * dayMs) });
    await vault.clock.advance(5000);
    const changed = await client.updateKeyProperties('k', key.properties.version ?? '', {
      enabled: false,
      tags: { b: '2' },
    });
    expect(changed.properties).toMatchObject({
      enabled: false,
      tags: { b: '2' },
      expiresOn: new Date(startOfTest + 9 * dayMs),
    });
    expect(changed.properties.updatedOn?.getTime()).toBe((key.properties.updatedOn?.getTime() ?? 0) + 5000);
    expect(changed.properties.createdOn).toEqual(key.properties.createdOn);
    const latest = await client.updateKeyProperties('k', { keyOps: ['decrypt'], enabled: true });
    expect(latest.keyOperations).toEqual(['decrypt']);
    expect((await client.getKey('k')).properties.tags).toEqual({ b: '2' });
  });

  it('DeleteKey, GetDeletedKey, RecoverDeletedKey: through the pollers of the SDK', async () => {
    vault.addVault('recover', { retentionDays: 7, purgeProtection: true });
    const client = vault.keyClient('recover');
    const key = await client.createRsaKey('k');
    const poller = await client.beginDeleteKey('k', { intervalInMs: 1 });
    const deleted = await poller.pollUntilDone();
    expect(deleted.properties.recoveryId).toBe('https://recover.vault.azure.net/deletedkeys/k');
    expect(deleted.properties.recoveryLevel).toBe('CustomizedRecoverable');
    const { deletedOn, scheduledPurgeDate } = deleted.properties;
    expect((scheduledPurgeDate?.getTime() ?? 0) - (deletedOn?.getTime() ?? 0)).toBe(7 * dayMs);
    expect((await failure(client.getKey('k'))).code).toBe('KeyNotFound');
    const again = await failure(client.createRsaKey('K'));
    expect([again.statusCode, again.code]).toEqual([409, 'Conflict']);
    expect(again.message).toBe(
      'Key k is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.',
    );
    const purge = await failure(client.purgeDeletedKey('k'));
    expect(purge.statusCode).toBe(403);
    expect(purge.message).toBe(
      'Operation "purge" is not allowed because purge protection is enabled for this vault. Key Vault service will automatically purge it after the retention period has passed. Vault: recover;location=westus2',
    );
    const recovered = await (await client.beginRecoverDeletedKey('k', { intervalInMs: 1 })).pollUntilDone();
    expect(recovered.id).toBe(key.id);
    expect((await failure(client.getDeletedKey('k'))).message).toBe('Deleted Key not found: k');
  });

  it('PurgeDeletedKey: answers 204, and the name is free again without the old versions', async () => {
    vault.addVault('purge');
    const client = vault.keyClient('purge');
    const old = await client.createRsaKey('k');
    await (await client.beginDeleteKey('k', { intervalInMs: 1 })).pollUntilDone();
    vault.wire.length = 0;
    await client.purgeDeletedKey('k');
    expect(vault.wire).toEqual(['DELETE /deletedkeys/k 204']);
    const fresh = await client.createRsaKey('k');
    expect(fresh.id).not.toBe(old.id);
    const ids: string[] = [];
    for await (const properties of client.listPropertiesOfKeyVersions('k')) ids.push(properties.id ?? '');
    expect(ids).toEqual([fresh.id]);
  });

  it('DeleteKey: without soft delete the key is gone and the poller stops at once', async () => {
    vault.addVault('nosoftdelete', { softDelete: false });
    const client = vault.keyClient('nosoftdelete');
    const key = await client.createRsaKey('k');
    expect(key.properties.recoveryLevel).toBe('Purgeable');
    const poller = await client.beginDeleteKey('k', { intervalInMs: 1 });
    expect(poller.isDone()).toBe(true);
    expect((await failure(client.getKey('k'))).code).toBe('KeyNotFound');
    expect((await failure(client.getDeletedKey('k'))).code).toBe('KeyNotFound');
  });

  it('GetDeletedKey: a key whose retention is over is gone, at the second and not before', async () => {
    vault.addVault('retention', { retentionDays: 7, purgeProtection: true });
    const client = vault.keyClient('retention');
    await client.createRsaKey('k');
    await (await client.beginDeleteKey('k', { intervalInMs: 1 })).pollUntilDone();
    await vault.clock.advance(7 * dayMs - 1);
    expect((await client.getDeletedKey('k')).name).toBe('k');
    await vault.clock.advance(1);
    expect((await failure(client.getDeletedKey('k'))).code).toBe('KeyNotFound');
    expect((await client.createRsaKey('k')).properties.enabled).toBe(true);
  });

  it('GetKeys, GetKeyVersions, GetDeletedKeys: page by page, each key once', async () => {
    vault.addVault('paging');
    const client = vault.keyClient('paging');
    for (const name of ['b', 'A', 'c', 'gone', 'd']) await client.createRsaKey(name);
    await client.createRsaKey('c', { tags: { second: 'yes' } });
    await (await client.beginDeleteKey('gone', { intervalInMs: 1 })).pollUntilDone();
    const pages: string[][] = [];
    for await (const page of client.listPropertiesOfKeys().byPage({ maxPageSize: 3 })) {
      pages.push(page.map((properties) => `${properties.name} ${properties.version ?? '-'}`));
    }
    expect(pages).toEqual([['A -', 'b -', 'c -'], ['d -']]);
    const versions: string[] = [];
    for await (const page of client.listPropertiesOfKeyVersions('C').byPage({ maxPageSize: 1 })) {
      expect(page).toHaveLength(1);
      versions.push(...page.map((properties) => properties.version ?? ''));
    }
    expect(new Set(versions).size).toBe(2);
    const deleted: string[] = [];
    for await (const key of client.listDeletedKeys()) deleted.push(key.name);
    expect(deleted).toEqual(['gone']);
    const none: unknown[] = [];
    for await (const properties of client.listPropertiesOfKeyVersions('never-made')) none.push(properties);
    expect(none).toEqual([]);
  });

  it('keeps the keys of two vaults apart, and a vault made again under its name has none', async () => {
    vault.addVault('apart-one');
    vault.addVault('apart-two');
    await vault.keyClient('apart-one').createRsaKey('k');
    expect((await failure(vault.keyClient('apart-two').getKey('k'))).code).toBe('KeyNotFound');
    vault.addVault('apart-one');
    expect((await failure(vault.keyClient('apart-one').getKey('k'))).code).toBe('KeyNotFound');
  });
});
