import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StartedCommand } from '../support/kustody-command.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openKeyOwner, openKeyUser, vaultHost } from '../support/outside-vault.ts';

// Two instances, two roots of trust: the cluster of one under a key of the other.
const directory = temporaryDirectory();
const owned = join(directory.path, 'owner');
const used = join(directory.path, 'user');
const credential = join(directory.path, 'credential.json');
let owner: StartedCommand;
let user: StartedCommand;
let keys: Awaited<ReturnType<typeof openKeyOwner>>;
let cluster: Awaited<ReturnType<typeof openKeyUser>>;

async function up(...args: readonly string[]): Promise<StartedCommand> {
  const started = startKustody(['up', '--log-level', 'silent', ...args]);
  await started.printed('Stop with');
  return started;
}

beforeAll(async () => {
  owner = await up('--data', owned);
  keys = await openKeyOwner(owned);
  keys.writeCredential(credential);
  user = await up('--data', used, '--virtual-time', '--vault', `${vaultHost}=file:${credential}`);
  cluster = await openKeyUser(used);
  expect(await cluster.useKey()).toMatchObject({ status: 202 });
  await cluster.command('.create table T (Note: string)');
  await cluster.command('.set-or-append T <| range n from 1 to 100 step 1 | project Note = strcat("row-", n)');
}, 120_000);

afterAll(async () => {
  for (const started of [user, owner]) {
    started.process.kill('SIGTERM');
    await started.result;
  }
  directory[Symbol.dispose]();
});

const count = async (): Promise<unknown> => {
  const { status, value } = await cluster.query('T | count');
  return status === 200 ? (value as { Tables: { Rows: unknown[][] }[] }).Tables[0]?.Rows[0]?.[0] : { status, value };
};

describe('a cluster under a key in a vault outside', () => {
  it('serves, and its key is the one outside', { timeout: 60_000 }, async () => {
    expect(await count()).toBe(100);
    expect(await cluster.checkKeys()).toMatchObject([
      { custody: 'customer', suspended: false, kid: expect.stringMatching(`^https://${vaultHost}/keys/kek/`) },
    ]);
  });

  it.each([
    ['the key is disabled', () => keys.setKeyEnabled(false), () => keys.setKeyEnabled(true), 'is disabled'],
    ['the access is taken away', () => keys.setAccess([]), () => keys.setAccess(['all']), 'access policy'],
    ['the network is refused', () => keys.setNetwork('Deny'), () => keys.setNetwork('Allow'), 'firewall'],
    ['the key is deleted', () => keys.deleteKey(), () => keys.recoverKey(), 'does not exist'],
  ])('is suspended when %s, and comes back', { timeout: 60_000 }, async (_what, take, giveBack, cause) => {
    expect(await count()).toBe(100);
    await take();
    const [checked] = await cluster.checkKeys();
    expect(checked).toMatchObject({ suspended: true, reason: expect.stringContaining(cause) });
    expect(checked?.['reason']).toContain(`https://${vaultHost}/`);
    expect(await count()).toMatchObject({ status: 503 });
    await giveBack();
    expect(await cluster.checkKeys()).toMatchObject([{ suspended: false }]);
    expect(await count()).toBe(100);
  });
});
