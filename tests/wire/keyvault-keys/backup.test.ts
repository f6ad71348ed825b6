import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { geographyOf } from '../../../src/base/geographies.ts';
import { parseRegion } from '../../../src/base/names.ts';
import type { Region } from '../../../src/base/names.ts';
import { locations } from '../../../src/arm/locations.ts';
import { failure, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

const region = (name: string): Region => {
  const parsed = parseRegion(name);
  if (parsed === undefined) throw new Error(`no region ${name}`);
  return parsed;
};

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
  const { resourceId } = vault.addVault('original', { sku: 'premium' });
  const beside = (name: string): string => resourceId.replace(/[^/]+$/, name).replace('Group', 'OtherGroup');
  vault.addVault('neighbour', { resourceId: beside('neighbour'), region: region('eastus'), sku: 'premium' });
  vault.addVault('standard', { resourceId: beside('standard') });
  vault.addVault('abroad', { resourceId: beside('abroad'), region: region('northeurope') });
  vault.addVault('stranger');
});
afterAll(() => vault.close());

async function backedUp(name: string): Promise<Uint8Array> {
  const backup = await vault.keyClient('original').backupKey(name);
  if (backup === undefined) throw new Error('a backup has bytes');
  return backup;
}

describe('BackupKey, RestoreKey', () => {
  it('bring all versions of a key to another vault of the subscription and geography, where they go on', async () => {
    const client = vault.keyClient('original');
    const first = await client.createRsaKey('kept', { tags: { of: 'mine' } });
    const { result } = await vault.cryptographyClient(first).wrapKey('RSA-OAEP-256', Buffer.from('old data'));
    await client.createKey('kept', 'EC', { curve: 'P-384' });
    const third = await client.createRsaKey('kept', { enabled: false });
    const backup = await backedUp('kept');
    await vault.clock.advance(60_000);
    const restored = await vault.keyClient('neighbour').restoreKeyBackup(backup);
    expect(restored.id).toBe(third.id?.replace('original', 'neighbour'));
    expect(restored.properties).toMatchObject({ enabled: false, createdOn: third.properties.createdOn });
    const versions = [];
    for await (const one of vault.keyClient('neighbour').listPropertiesOfKeyVersions('kept')) versions.push(one);
    expect(versions).toHaveLength(3);
    expect(versions.find(({ version }) => version === first.properties.version)?.tags).toEqual({ of: 'mine' });
    const moved = vault.cryptographyClient(first.id?.replace('original', 'neighbour') ?? '');
    expect(Buffer.from((await moved.unwrapKey('RSA-OAEP-256', result)).result).toString()).toBe('old data');
  });

  it('refuse a name that is there, live or deleted, and take it once it has been purged', async () => {
    const client = vault.keyClient('original');
    const key = await client.createEcKey('again');
    const backup = await backedUp('again');
    const conflict = {
      statusCode: 409,
      code: 'Conflict',
      message: `Conflict while restoring key ${key.id ?? ''} - key already exists or concurrent access`,
    };
    expect(await failure(client.restoreKeyBackup(backup))).toMatchObject(conflict);
    await (await client.beginDeleteKey('again', { intervalInMs: 1 })).pollUntilDone();
    expect(await failure(client.restoreKeyBackup(backup))).toMatchObject(conflict);
    await client.purgeDeletedKey('again');
    expect((await client.restoreKeyBackup(backup)).id).toBe(key.id);
    const digest = randomBytes(32);
    const { result } = await vault.cryptographyClient(key).sign('ES256', digest);
    expect((await vault.cryptographyClient(key).verify('ES256', digest, result)).result).toBe(true);
  });

  it.each(['abroad', 'stranger'])('do not open in another geography or subscription: %s', async (where) => {
    await vault.keyClient('original').createEcKey('stays');
    await vault.keyClient(where).createEcKey('own');
    expect(await vault.keyClient(where).backupKey('own')).toBeDefined();
    expect(await failure(vault.keyClient(where).restoreKeyBackup(await backedUp('stays')))).toMatchObject({
      statusCode: 400,
      message: 'Cannot decrypt backup blob.',
    });
  });

  it('take nothing that was changed, cut or made up', async () => {
    await vault.keyClient('original').createEcKey('whole');
    const backup = Buffer.from(await backedUp('whole'));
    const changed = (at: number): Buffer => {
      const copy = Buffer.from(backup);
      copy[at] = (copy[at] ?? 0) ^ 1;
      return copy;
    };
    const client = vault.keyClient('neighbour');
    for (const bad of [changed(45), changed(60), changed(backup.length - 1), backup.subarray(0, -1)])
      expect(await failure(client.restoreKeyBackup(bad))).toMatchObject({ statusCode: 400 });
    for (const bad of [changed(3), Buffer.alloc(8693)])
      expect(await failure(client.restoreKeyBackup(bad))).toMatchObject({
        code: 'BadParameter',
        message: 'Backup blob contains invalid or corrupt version.',
      });
    for (const bad of [backup.subarray(0, 60), Buffer.from('non-existing')])
      expect(await failure(client.restoreKeyBackup(bad))).toMatchObject({
        code: 'Malformed backup blob',
        message: 'Backup blob is corrupt.',
      });
    for (const body of [{}, { value: 7 }, { value: '*' }, []])
      expect(await vault.raw('POST', '/keys/restore?api-version=7.4', { vault: 'neighbour', body })).toMatchObject({
        status: 400,
      });
  });

  it('hold nothing that can be read', async () => {
    const key = await vault.keyClient('original').createRsaKey('secret', { tags: { canary: 'seen-in-clear' } });
    const backup = Buffer.from(await backedUp('secret'));
    expect(backup.includes('seen-in-clear')).toBe(false);
    expect(backup.includes(Buffer.from(key.key?.n ?? []).subarray(0, 32))).toBe(false);
    expect(backup.toString('latin1').startsWith('&AzureKeyVaultKeyBackupV1.microsoft.com')).toBe(true);
  });

  it('bring keys of an HSM to premium vaults only; a key that is not there has no backup', async () => {
    await vault.keyClient('original').createRsaKey('hsm', { hsm: true });
    const backup = await backedUp('hsm');
    expect(await failure(vault.keyClient('standard').restoreKeyBackup(backup))).toMatchObject({ statusCode: 403 });
    expect((await vault.keyClient('neighbour').restoreKeyBackup(backup)).keyType).toBe('RSA-HSM');
    expect(await failure(vault.keyClient('original').backupKey('none'))).toMatchObject({ code: 'KeyNotFound' });
  });
});

describe('geographies', () => {
  it('part the regions that are offered', () => {
    const names = new Map(locations.map(({ name }) => [name, geographyOf(region(name))]));
    expect(names.get('eastus')).toBe(names.get('westus3'));
    expect(names.get('uksouth')).not.toBe(names.get('westeurope'));
    // Those that stand alone are the only region of their country.
    const alone = [...names].flatMap(([name, geography]) => (name === geography ? [name] : []));
    expect(alone.sort()).toEqual([
      ...['austriaeast', 'belgiumcentral', 'chilecentral', 'indonesiacentral', 'israelcentral', 'italynorth'],
      ...['malaysiawest', 'mexicocentral', 'newzealandnorth', 'polandcentral', 'qatarcentral', 'spaincentral'],
    ]);
  });
});
