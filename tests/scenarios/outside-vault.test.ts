import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openKeyOwner, openKeyUser, vaultHost, vaultName } from '../support/outside-vault.ts';
import { optionsOfPortsApart } from '../support/ports-apart.ts';
import { openClusterKeys, openLoot } from '../support/thief.ts';

// Two instances, two roots of trust: the cluster of one under a key of the other.
const directory = temporaryDirectory();
const owned = join(directory.path, 'owner');
const used = join(directory.path, 'user');
const credential = join(directory.path, 'credential.json');
const outside = ['--vault', `${vaultHost}=file:${credential}`];
/** The vault's, by which the other finds it after an outage: nobody else takes them meanwhile. */
let ports: readonly string[];
let owner: StartedCommand;
let user: StartedCommand;
let keys: Awaited<ReturnType<typeof openKeyOwner>>;
let cluster: Awaited<ReturnType<typeof openKeyUser>>;

async function down(started: StartedCommand): Promise<void> {
  started.process.kill('SIGTERM');
  await started.result;
}

async function up(...args: readonly string[]): Promise<StartedCommand> {
  const started = startKustody(['up', '--log-level', 'silent', ...args]);
  await started.printed('Stop with');
  return started;
}

beforeAll(async () => {
  ports = await optionsOfPortsApart();
  owner = await up('--data', owned, ...ports);
  keys = await openKeyOwner(owned);
  keys.writeCredential(credential);
  user = await up('--data', used, '--virtual-time', ...outside);
  cluster = await openKeyUser(used, { make: true });
  expect(await cluster.useKey()).toMatchObject({ status: 202 });
  await cluster.command('.create table T (Note: string)');
  await cluster.command('.set-or-append T <| range n from 1 to 100 step 1 | project Note = strcat("row-", n)');
});

afterAll(async () => {
  await Promise.all([down(user), down(owner)]);
  directory[Symbol.dispose]();
});

const count = async (): Promise<unknown> => {
  const { status, value } = await cluster.query('T | count');
  return status === 200 ? (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows[0]?.[0] : { status, value };
};

describe('a cluster under a key in a vault outside', () => {
  it('serves, and its key is the one outside', async () => {
    expect(await count()).toBe(100);
    expect(await cluster.checkKeys()).toMatchObject([
      {
        custody: 'customer',
        suspended: false,
        kid: expect.stringMatching(`^https://${vaultHost}/keys/kek/`) as string,
      },
    ]);
  });

  it.each([
    ['the key is disabled', () => keys.setKeyEnabled(false), () => keys.setKeyEnabled(true), 'is disabled'],
    ['the access is taken away', () => keys.setAccess([]), () => keys.setAccess(['all']), 'access policy'],
    ['the network is refused', () => keys.setNetwork('Deny'), () => keys.setNetwork('Allow'), 'firewall'],
    ['the key is deleted', () => keys.deleteKey(), () => keys.recoverKey(), 'does not exist'],
  ])('is suspended when %s, and comes back', async (_what, take, giveBack, cause) => {
    expect(await count()).toBe(100);
    await take();
    const [checked] = await cluster.checkKeys();
    expect(checked).toMatchObject({ suspended: true, reason: expect.stringContaining(cause) as string });
    expect(checked?.['reason']).toContain(`https://${vaultHost}/`);
    expect(await count()).toMatchObject({ status: 503 });
    await giveBack();
    expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
    expect(await count()).toBe(100);
  });

  it('goes on through an outage, until the grace is over', async () => {
    await down(owner);
    expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
    expect(await count()).toBe(100);
    await cluster.advance(3_000);
    expect(await count()).toBe(100);
    await cluster.advance(700);
    expect(await cluster.checkKeys()).toMatchObject([
      { suspended: true, reason: expect.stringContaining('reached') as string },
    ]);
    expect(await count()).toMatchObject({ status: 503 });
    owner = await up('--data', owned, ...ports);
    await keys.reopen();
    expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
    expect(await count()).toBe(100);
  });

  it('is nobody there without its own identity here', async () => {
    const identity = (type: string) => cluster.arm('PATCH', cluster.cluster, '2024-04-13', { identity: { type } });
    expect((await identity('None')).status).toBeLessThan(300);
    expect(await cluster.checkKeys()).toMatchObject([
      { suspended: true, reason: expect.stringContaining('token') as string },
    ]);
    expect(await count()).toMatchObject({ status: 503 });
    expect((await identity('SystemAssigned')).status).toBeLessThan(300);
    expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
  });

  it('is told by name which key of which vault cannot be had, and as whom it came', async () => {
    const refused = await cluster.useKey({ keyName: 'no-such-key' });
    expect(refused).toMatchObject({ status: 400, value: { error: { code: 'KeyNotFound' } } });
    expect(refused.text).toContain(`https://${vaultHost}/`);
    await keys.setAccess(['get']);
    const denied = await cluster.useKey({ keyName: 'no-such-key' });
    await keys.setAccess(['all']);
    expect(denied).toMatchObject({ status: 400, value: { error: { code: 'IdentityDoesNotHaveAccessToKeyVault' } } });
    expect(denied.text).toContain(
      `application ${keys.environment().clientId} of tenant ${keys.environment().tenantId}`,
    );
    expect(denied.text).toContain(`--spn ${keys.environment().clientId}`);
  });

  it('has a vault whose name is taken here', async () => {
    const { tenantId, subscriptionId } = cluster.environment;
    const path = `/subscriptions/${subscriptionId}/resourceGroups/app/providers/Microsoft.KeyVault/vaults/${vaultName}`;
    const properties = { tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] };
    const made = await cluster.arm('PUT', path, '2023-02-01', { location: 'eastus', properties });
    expect(made).toMatchObject({ status: 409, value: { error: { code: 'VaultAlreadyExists' } } });
  });

  it('is said to be outside by check-keys, lineage and proof', async () => {
    const [{ kid } = { kid: '' }] = (await cluster.checkKeys()) as { kid: string }[];
    expect((await kustody(['check-keys', '--data', used])).stdout.replaceAll(/\s/g, '')).toContain('vaultoutside');
    const words = 'in a vault outside: nothing in this directory opens it, the root key included';
    expect((await kustody(['lineage', kid, '--data', used])).stdout).toContain(words);
    const other = await kustody(['lineage', `https://${vaultHost}/keys/another`, '--data', used]);
    expect(other).toMatchObject({ code: 0, stdout: expect.stringContaining('is not known here') as string });
    expect((await kustody(['status', '--data', used])).stdout).toContain(`Vaults outside\n  ${vaultHost}`);
    expect((await kustody(['proof', '--data', used, '--canary', 'row-42-is-here'])).stdout).toContain(words);
  });

  it('opens with nothing that its directory holds, root key included', async () => {
    await down(user);
    const stolen = join(directory.path, 'stolen');
    cpSync(used, stolen, { recursive: true });
    await keys.setAccess([]);
    const started = await up('--data', stolen, ...outside);
    try {
      const thief = await openKeyUser(stolen);
      expect(await thief.checkKeys()).toMatchObject([{ outsideVault: true, suspended: true }]);
      expect((await thief.query('T | take 1')).status).toBe(503);
    } finally {
      await down(started);
    }
    await keys.setAccess(['all']);
    await down(owner);
    const taken = kustody(['up', '--data', owned, ...outside]);
    expect(await taken).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('is a vault of this Kustody') as string,
    });
    const [loot, key] = [await openLoot(stolen), await openLoot(owned)];
    expect(openClusterKeys([loot])).toMatchObject({ clusters: 1, opened: 0 });
    expect(openClusterKeys([loot, key])).toMatchObject({ clusters: 1, opened: 1 }); // the thief knows his trade
    owner = await up('--data', owned, ...ports);
    await keys.reopen();
    user = await up('--data', used, ...outside);
    cluster = await openKeyUser(used);
    expect(await count()).toBe(100);
  });

  it(
    'says what is missing when it is started without the vault, or with an old secret',
    { timeout: 240_000 },
    async () => {
      await down(user);
      user = await up('--data', used);
      cluster = await openKeyUser(used);
      expect(await cluster.checkKeys()).toMatchObject([
        { suspended: true, reason: expect.stringContaining('--vault') as string },
      ]);
      await down(user);
      keys.writeCredential(credential, { clientSecret: 'an-old-secret' });
      user = await up('--data', used, ...outside);
      cluster = await openKeyUser(used);
      expect(await cluster.checkKeys()).toMatchObject([
        { suspended: true, reason: expect.stringContaining('no valid credential') as string },
      ]);
      await down(user);
      keys.writeCredential(credential);
      user = await up('--data', used, ...outside);
      cluster = await openKeyUser(used);
      expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
      expect(await count()).toBe(100);
    },
  );
});
