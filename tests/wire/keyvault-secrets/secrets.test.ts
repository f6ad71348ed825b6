import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vaultEvents } from '../../support/audit-events.ts';
import { failure, newCaller, startOfTest, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
beforeAll(async () => {
  vault = await startVaultFixture();
});
afterAll(() => vault.close());

const dayMs = 86_400_000;
const apiVersion = 'api-version=7.4';

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

describe('secrets through SecretClient, with the challenge verified', () => {
  it('SetSecret and GetSecret: keep the value, its attributes and every version', async () => {
    vault.addVault('values');
    const client = vault.secretClient('values');
    const first = await client.setSecret('Db-Password', 'first', { contentType: 'text/plain', tags: { a: '1' } });
    expect(first).toMatchObject({ name: 'Db-Password', value: 'first' });
    expect(first.properties).toMatchObject({
      id: expect.stringMatching(/^https:\/\/values\.vault\.azure\.net\/secrets\/Db-Password\/[0-9a-f]{32}$/) as string,
      contentType: 'text/plain',
      enabled: true,
      tags: { a: '1' },
      recoveryLevel: 'Recoverable+Purgeable',
      recoverableDays: 90,
      createdOn: new Date(startOfTest),
      updatedOn: new Date(startOfTest),
    });
    const second = await client.setSecret('DB-password', '');
    expect(second.name).toBe('Db-Password');
    expect((await client.getSecret('db-password')).value).toBe('');
    const version = first.properties.version ?? '';
    expect(await client.getSecret('Db-Password', { version })).toMatchObject({ value: 'first' });
    expect(second.properties.contentType).toBeUndefined();
  });

  it('SetSecret: writes members in the order of the service', async () => {
    vault.addVault('members');
    const body = { value: 'v', contentType: 'c', tags: { t: '1' }, attributes: { exp: 2_000_000_000, nbf: 1 } };
    const set = await vault.raw('PUT', `/secrets/ordered?${apiVersion}`, { vault: 'members', body });
    expect(Object.keys(set.json as object)).toEqual(['value', 'contentType', 'id', 'attributes', 'tags']);
    const removed = await vault.raw('DELETE', `/secrets/ordered?${apiVersion}`, { vault: 'members' });
    expect(Object.keys(removed.json as object)).toEqual([
      ...['recoveryId', 'deletedDate', 'scheduledPurgeDate'],
      ...['contentType', 'id', 'attributes', 'tags'],
    ]);
  });

  it('UpdateSecret: changes everything but the value, of the current version or of an older one', async () => {
    vault.addVault('updates');
    const client = vault.secretClient('updates');
    const { properties } = await client.setSecret('s', 'kept', { tags: { a: '1' } });
    await vault.clock.advance(1000);
    const expiresOn = new Date(startOfTest + dayMs);
    const changed = await client.updateSecretProperties('s', properties.version ?? '', {
      ...{ contentType: 'json', expiresOn, tags: { b: '2' } },
    });
    expect(changed).toMatchObject({ contentType: 'json', expiresOn, tags: { b: '2' } });
    expect(Number(changed.updatedOn)).toBe(startOfTest + 1000);
    expect((await client.getSecret('s')).value).toBe('kept');
    const raw = await vault.raw('PATCH', `/secrets/s?${apiVersion}`, { vault: 'updates', body: { value: 'other' } });
    expect(raw.status).toBe(200);
    expect(raw.json).not.toHaveProperty('value');
    expect((await client.getSecret('s')).value).toBe('kept');
  });

  it('GetSecret: refuses a disabled version, and shows one outside its dates', async () => {
    vault.addVault('disabled');
    const client = vault.secretClient('disabled');
    await client.setSecret('off', 'v', { enabled: false });
    const refused = await failure(client.getSecret('off'));
    expect(refused).toMatchObject({ statusCode: 403, code: 'Forbidden' });
    expect(refused.message).toContain('Operation get is not allowed on a disabled secret.');
    const raw = await vault.raw('GET', `/secrets/off?${apiVersion}`, { vault: 'disabled' });
    expect(raw.json).toMatchObject({ error: { innererror: { code: 'SecretDisabled' } } });
    await client.setSecret('old', 'v', { notBefore: new Date(1000), expiresOn: new Date(2000) });
    await client.setSecret('soon', 'v', { notBefore: new Date(startOfTest + 9 * dayMs) });
    expect((await client.getSecret('old')).value).toBe('v');
    expect((await client.getSecret('soon')).value).toBe('v');
  });

  it('GetSecrets and GetSecretVersions: page, and never show values', async () => {
    vault.addVault('lists');
    const client = vault.secretClient('lists');
    const names = Array.from({ length: 27 }, (_, index) => `s${String(index).padStart(2, '0')}`);
    for (const name of names) await client.setSecret(name, `value-of-${name}`, { contentType: 'text' });
    await client.setSecret('s00', 'again');
    expect((await all(client.listPropertiesOfSecrets())).map(({ name }) => name)).toEqual(names);
    expect(await all(client.listPropertiesOfSecretVersions('s00'))).toHaveLength(2);
    expect(await all(client.listPropertiesOfSecretVersions('nothing'))).toEqual([]);
    const raw = await vault.raw('GET', `/secrets?maxresults=2&${apiVersion}`, { vault: 'lists' });
    expect(raw.body).not.toContain('value-of');
    expect(raw.json).toMatchObject({ value: [{ id: 'https://lists.vault.azure.net/secrets/s00' }, {}] });
    expect((raw.json as { nextLink: string }).nextLink).toMatch(/^https:\/\/lists\.vault\.azure\.net:443\/secrets\?/);
  });

  it('DeleteSecret, GetDeletedSecret, GetDeletedSecrets, RecoverDeletedSecret and PurgeDeletedSecret: as keys do it', async () => {
    vault.addVault('deletion');
    const client = vault.secretClient('deletion');
    await client.setSecret('s', 'v');
    const deleted = await (await client.beginDeleteSecret('s', { intervalInMs: 0 })).pollUntilDone();
    expect(deleted).toMatchObject({ name: 's', recoveryId: 'https://deletion.vault.azure.net/deletedsecrets/s' });
    expect(await failure(client.getSecret('s'))).toMatchObject({ statusCode: 404, code: 'SecretNotFound' });
    const taken = await failure(client.setSecret('s', 'other'));
    expect(taken).toMatchObject({ statusCode: 409, code: 'Conflict' });
    expect(taken.message).toContain('the secret can only be recovered or purged');
    expect(await all(client.listDeletedSecrets())).toHaveLength(1);
    await (await client.beginRecoverDeletedSecret('s', { intervalInMs: 0 })).pollUntilDone();
    expect((await client.getSecret('s')).value).toBe('v');
    const live = await vault.raw('POST', `/deletedsecrets/s/recover?${apiVersion}`, { vault: 'deletion' });
    expect(live).toMatchObject({ status: 400, json: { error: { code: 'MethodNotAllowed' } } });
    expect(live.body).toContain('Secret exists already: s');
    await (await client.beginDeleteSecret('s', { intervalInMs: 0 })).pollUntilDone();
    await client.purgeDeletedSecret('s');
    const gone = await failure(client.getDeletedSecret('s'));
    expect(gone).toMatchObject({ statusCode: 404, code: 'SecretNotFound' });
    expect(gone.message).toContain('Deleted Secret not found: s');
  });

  it('keeps a deleted secret for its retention, and leaves nothing of it behind', async () => {
    vault.addVault('retention', { retentionDays: 7, purgeProtection: true });
    const client = vault.secretClient('retention');
    await client.setSecret('s', 'v');
    await (await client.beginDeleteSecret('s', { intervalInMs: 0 })).pollUntilDone();
    expect(await failure(client.purgeDeletedSecret('s'))).toMatchObject({ statusCode: 403 });
    await vault.clock.advance(7 * dayMs - 1);
    expect((await client.getDeletedSecret('s')).name).toBe('s');
    await vault.clock.advance(1);
    expect(await failure(client.getDeletedSecret('s'))).toMatchObject({ statusCode: 404 });
    expect((await client.setSecret('s', 'new')).value).toBe('new');
    expect(await all(client.listPropertiesOfSecretVersions('s'))).toHaveLength(1);
  });

  it('BackupSecret and RestoreSecret: all versions, in vaults of the subscription and geography only', async () => {
    const home = vault.addVault('backup-home');
    const { resourceId } = home;
    vault.addVault('backup-near', { resourceId, region: 'eastus' as never });
    vault.addVault('backup-far', { resourceId, region: 'northeurope' as never });
    vault.addVault('backup-other');
    const client = vault.secretClient('backup-home');
    const first = await client.setSecret('s', 'one', { contentType: 'text', tags: { a: '1' } });
    await client.setSecret('s', 'two', { enabled: false });
    const blob = await client.backupSecret('s');
    expect(blob).toBeDefined();
    expect(Buffer.from(blob ?? []).includes('one')).toBe(false);
    const taken = await failure(client.restoreSecretBackup(blob ?? Buffer.alloc(0)));
    expect(taken).toMatchObject({ statusCode: 409, code: 'Conflict' });
    expect(taken.message).toContain('secret already exists or concurrent access');

    const near = vault.secretClient('backup-near');
    expect(await near.restoreSecretBackup(blob ?? Buffer.alloc(0))).toMatchObject({ name: 's', enabled: false });
    expect((await near.getSecret('s', { version: first.properties.version ?? '' })).value).toBe('one');
    for (const place of ['backup-far', 'backup-other']) {
      const refused = await failure(vault.secretClient(place).restoreSecretBackup(blob ?? Buffer.alloc(0)));
      expect(refused).toMatchObject({ statusCode: 400, code: 'BadParameter' });
    }
    const broken = Buffer.from(blob ?? []);
    broken[4] = (broken[4] ?? 0) ^ 1;
    const corrupt = await failure(vault.secretClient('backup-near').restoreSecretBackup(broken));
    expect(corrupt).toMatchObject({ statusCode: 400, code: 'BadParameter' });
    expect(corrupt.message).toContain('Backup blob contains invalid or corrupt version.');
  });
});

describe('secrets that are refused', () => {
  const name = (length: number): string => 'n'.repeat(length);
  it.each([
    ['no value', 's', {}, "Property 'value' is required.\r\n"],
    ['a value that is no string', 's', { value: 1 }, 'Property value has invalid value'],
    ['a value over 25 KB', 's', { value: 'x'.repeat(25_601) }, 'Property  has invalid value'],
    ['25 KB in fewer characters', 's', { value: 'ü'.repeat(12_801) }, 'Property  has invalid value'],
    ['a content type over 255', 's', { value: '', contentType: name(256) }, 'Property contentType has invalid value'],
    ['an end before the beginning', 's', { value: '', attributes: { nbf: 2, exp: 1 } }, 'attributes.exp'],
    ['a name with a dot', 'a.b', { value: '' }, 'The request URI contains an invalid name: a.b'],
    ['a name of 128', name(128), { value: '' }, 'The request URI contains an invalid name'],
  ])('%s', async (_what, secretName, body, text) => {
    vault.addVault('refusing');
    const answer = await vault.raw('PUT', `/secrets/${secretName}?${apiVersion}`, { vault: 'refusing', body });
    expect(answer).toMatchObject({ status: 400, json: { error: { code: 'BadParameter' } } });
    expect((answer.json as { error: { message: string } }).error.message).toContain(text);
  });

  it('takes exactly 25 KB', async () => {
    vault.addVault('refusing');
    const value = 'x'.repeat(25_600);
    expect((await vault.secretClient('refusing').setSecret('largest', value)).value).toBe(value);
  });

  it('names the collection where a policy gives a right on keys only', async () => {
    const stranger = newCaller(vault.tenantId);
    const permissions = { keys: ['all'], secrets: ['get'] };
    vault.addVault('policies', {
      accessPolicies: [{ tenantId: vault.tenantId, objectId: stranger.objectId, permissions }],
    });
    const refused = await failure(vault.secretClient('policies', stranger).setSecret('s', 'v'));
    expect(refused).toMatchObject({ statusCode: 403, code: 'Forbidden' });
    expect(refused.message).toContain('does not have secrets set permission on key vault');
    expect(await failure(vault.secretClient('policies', stranger).getSecret('s'))).toMatchObject({ statusCode: 404 });
  });

  it('audits who did what with which secret, without a value', async () => {
    const { vaultId } = vault.addVault('audited');
    const client = vault.secretClient('audited');
    const { properties } = await client.setSecret('s', 'do-not-write-me-down');
    await client.getSecret('s');
    await failure(client.getSecret('missing'));
    const records = await vaultEvents(vault.state, vaultId);
    expect(records.map(({ operation, status, id }) => [operation, status, id])).toEqual([
      ['SecretSet', 200, properties.id],
      ['SecretGet', 200, properties.id],
      ['SecretGet', 404, 'https://audited.vault.azure.net/secrets/missing'],
    ]);
    expect(JSON.stringify(records)).not.toContain('do-not-write');
  });
});

describe('secrets on a vault with roles', () => {
  it.each([
    ['GET', '/secrets/s', 'secrets/getSecret/action'],
    ['GET', '/secrets', 'secrets/readMetadata/action'],
    ['PUT', '/secrets/s', 'secrets/setSecret/action'],
    ['PATCH', '/secrets/s', 'secrets/update/action'],
    ['DELETE', '/secrets/s', 'secrets/delete'],
    ['POST', '/secrets/s/backup', 'secrets/backup/action'],
    ['POST', '/secrets/restore', 'secrets/restore/action'],
    ['POST', '/deletedsecrets/s/recover', 'secrets/recover/action'],
    ['DELETE', '/deletedsecrets/s', 'secrets/purge/action'],
  ])('%s %s needs %s', async (method, path, action) => {
    vault.addVault('roles', { enableRbacAuthorization: true });
    const body = method === 'PUT' ? { value: 'v' } : {};
    const answer = await vault.raw(method, `${path}?${apiVersion}`, {
      vault: 'roles',
      ...(method === 'GET' ? {} : { body }),
    });
    expect(answer).toMatchObject({ status: 403, json: { error: { innererror: { code: 'ForbiddenByRbac' } } } });
    expect(answer.body).toContain(`Action: 'Microsoft.KeyVault/vaults/${action}'`);
  });
});
