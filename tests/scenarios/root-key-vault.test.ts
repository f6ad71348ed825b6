import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { StoredRecord } from '../../src/state/state-store.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openKeyOwner, vaultHost, vaultName } from '../support/outside-vault.ts';
import { optionsOfPortsApart } from '../support/ports-apart.ts';
import { keyOf, newKey, oldKey, sealedUnder } from '../support/rotated-instance.ts';

// Two instances: the root key of one is wrapped by a key of the other.
const directory = temporaryDirectory();
const [owned, credential] = [join(directory.path, 'owner'), join(directory.path, 'credential.json')];
const outside = ['--vault', `${vaultHost}=file:${credential}`];
let ports: readonly string[];
let owner: StartedCommand;
let keys: Awaited<ReturnType<typeof openKeyOwner>>;
let kid = '';

const started = (data: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}) =>
  startKustody(['up', '--data', data, '--log-level', 'silent', ...args], variables);
const stop = async (server: StartedCommand): Promise<void> => {
  server.process.kill('SIGTERM');
  await server.result;
};
async function serve(data: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const server = started(data, args, variables);
  await server.printed('Stop with');
  return server;
}
const withKey = (of = kid): readonly string[] => [...outside, '--root-key-vault', of];
const subscriptionOf = async (data: string): Promise<string | undefined> =>
  (await kustody(['env', '--data', data])).stdout.match(/AZURE_SUBSCRIPTION_ID=\S+/)?.[0];
const refusal = async (data: string, args: readonly string[]): Promise<string> => {
  const { code, stderr } = await started(data, args).result;
  expect(code).toBe(1);
  return stderr;
};

/** @returns what the record was before */
async function changeRecord(of: string, change: (record: StoredRecord) => Uint8Array | Promise<Uint8Array>) {
  const [table, id] = ['seal', 'root key in a vault'];
  const store = SqliteStateStore.open(of);
  const record = await store.get(table, id);
  if (record === undefined) throw new Error('The state holds no root key in a vault.');
  const put = { version: record.version, value: await change(record) };
  await store.commit({ write: [{ table, id, expect: record.version, put }], reseals: true });
  await store.close();
  return record.value;
}

beforeAll(async () => {
  ports = await optionsOfPortsApart();
  owner = await serve(owned, ports);
  keys = await openKeyOwner(owned);
  keys.writeCredential(credential);
  kid = await keys.kid();
});
afterAll(async () => {
  await stop(owner);
  directory[Symbol.dispose]();
});

describe('a root key in a vault outside', () => {
  const data = join(directory.path, 'data');

  it('is random, lies in the state as the vault has wrapped it, and opens the state again', async () => {
    const first = await serve(data, withKey());
    const subscription = await subscriptionOf(data);
    await stop(first);
    expect(subscription).toMatch(/AZURE_SUBSCRIPTION_ID=/);
    expect(readdirSync(data)).not.toContain('root.key');
    const again = await serve(data, withKey());
    expect(await subscriptionOf(data)).toBe(subscription);
    await stop(again);
    // What the vault's owner can unwrap of it lies nowhere on the disk.
    const state = readFileSync(join(data, 'state.db'), 'latin1');
    const wrapped = /"wrapped":"([A-Za-z0-9+/=]+)"/.exec(state)?.[1] ?? '';
    expect(state).toContain(kid);
    const key = Buffer.from(await keys.unwrap(kid, wrapped), 'base64url');
    expect(key).toHaveLength(32);
    const forms = (['latin1', 'hex', 'base64url', 'base64'] as const).map((form) => key.toString(form).slice(0, 40));
    const files = readdirSync(data, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    const held = files.map((file) => readFileSync(join(file.parentPath, file.name), 'latin1'));
    expect(held.filter((text) => forms.some((form) => text.includes(form)))).toEqual([]);
    expect(await refusal(data, [])).toContain(`is kept elsewhere: it lies in its state, wrapped by ${kid}`);
  });

  it.each([
    ['the key is disabled', () => keys.setKeyEnabled(false), () => keys.setKeyEnabled(true), 'keyDisabled'],
    ['the access is taken away', () => keys.setAccess([]), () => keys.setAccess(['all']), 'forbiddenByPolicy'],
  ])('is refused by name while %s, and opens it when that is given back', async (_, take, giveBack, cause) => {
    await take();
    const said = await refusal(data, withKey());
    expect(said).toContain(`wrapped by ${kid}`);
    expect(said).toContain(`(${cause})`);
    await giveBack();
    await stop(await serve(data, withKey()));
  });

  it('is refused under another key version, without a credential, and without a vault that answers', async () => {
    await keys.newVersion();
    expect(await refusal(data, withKey(await keys.kid()))).toContain(`is wrapped by ${kid}, and not by`);
    expect(await refusal(data, ['--root-key-vault', kid])).toContain('is not named with --vault');
    const other = '/subscriptions/s/resourceGroups/g/providers/Microsoft.Kusto/clusters/c';
    keys.writeCredential(credential, { identities: [other] });
    expect(await refusal(data, withKey())).toContain('stands for the identity root-key');
    keys.writeCredential(credential, { identities: [other, 'root-key'] });
    await stop(owner);
    expect(await refusal(data, withKey())).toContain('(unreachable)');
    owner = await serve(owned, ports);
    await keys.reopen();
    await stop(await serve(data, withKey()));
  });

  it('is refused when somebody has put another record there, and opens with the one that was there', async () => {
    const altered = (change: (value: Record<string, unknown>) => unknown) =>
      changeRecord(data, async ({ value }) => {
        const said = JSON.parse(Buffer.from(value).toString()) as Record<string, unknown>;
        return Buffer.from(JSON.stringify(await change(said)));
      });
    // Wrapping needs the public key alone: the vault unwraps it, and it opens nothing.
    const before = await altered(async (said) => ({ ...said, wrapped: await keys.wrap(kid, randomBytes(32)) }));
    expect(await refusal(data, withKey())).toContain('The root key does not open this state');
    await altered(async (said) => ({ ...said, wrapped: await keys.wrap(kid, randomBytes(31)) }));
    expect(await refusal(data, withKey())).toContain(`What ${kid} has wrapped is no root key.`);
    await altered((said) => ({ ...said, wrapped: Buffer.alloc(256, 1).toString('base64') }));
    expect(await refusal(data, withKey())).toContain(`wrapped by ${kid}, which cannot be used`);
    const noForm = ['kid', 'algorithm', 'wrapped'].map((name) => ({ [name]: `\u001b[31m${'x'.repeat(400)}` }));
    for (const wrong of [...noForm, { more: 'x'.repeat(3_000) }]) {
      await altered((said) => ({ ...said, ...wrong }));
      const said = await refusal(data, withKey());
      expect(said).toContain('is no root key that Kustody has wrapped');
      expect(said).not.toContain('\u001b');
      await changeRecord(data, () => before);
    }
    await stop(await serve(data, withKey()));
  });

  it('takes the place of one that was given, which opens nothing then', async () => {
    const other = join(directory.path, 'other');
    const before = await serve(other, [], { KUSTODY_ROOT_KEY: oldKey });
    const subscription = await subscriptionOf(other);
    await stop(before);
    const both = await serve(other, withKey(), { KUSTODY_OLD_ROOT_KEY: oldKey });
    const backUp = async (): Promise<unknown> => {
      const { stdout } = await kustody(['backup', '--data', other, '--to', join(directory.path, 'backup'), '--json']);
      return JSON.parse(stdout);
    };
    // It lies there, and has sealed nothing yet.
    expect(await backUp()).not.toHaveProperty('rootKeyKid');
    expect(await kustody(['root-key', 'rotate', '--data', other])).toMatchObject({ code: 0 });
    expect(await backUp()).toMatchObject({ rootKeyKid: kid });
    await stop(both);
    expect(await sealedUnder(other, keyOf(oldKey))).toEqual([]);
    const after = await serve(other, withKey());
    expect(await subscriptionOf(other)).toBe(subscription);
    await stop(after);
    // And back: then the state has nothing that the vault could unwrap.
    const given = { KUSTODY_ROOT_KEY: newKey };
    const back = [...outside, '--old-root-key-vault', kid];
    const leaving = await serve(other, back, given);
    expect(await backUp()).toMatchObject({ rootKeyKid: kid }); // it is sealed under the one in the vault still
    const rotated = await kustody(['root-key', 'rotate', '--data', other, '--json']);
    expect(JSON.parse(rotated.stdout)).toMatchObject({ oldKey: 'wrapped', damaged: 0 });
    await stop(leaving);
    expect(readFileSync(join(other, 'state.db'), 'latin1')).not.toContain(kid);
    const left = await serve(other, [], given);
    expect(await subscriptionOf(other)).toBe(subscription);
    await stop(left);
    expect(await refusal(other, withKey())).toContain('sealed under a root key that no vault has wrapped');
    const again = await started(other, back, given).result;
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('leave out --old-root-key-vault')]);
  });

  it('is not taken from a vault of the instance itself', async () => {
    const own = join(directory.path, 'own');
    const server = await serve(own, [], { KUSTODY_ROOT_KEY: oldKey });
    await openKeyOwner(own, vaultName);
    await stop(server);
    const { code, stderr } = await started(own, withKey(), { KUSTODY_OLD_ROOT_KEY: oldKey }).result;
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${vaultHost} is a vault of this Kustody`)]);
    expect(await sealedUnder(own, keyOf(oldKey))).not.toEqual([]);
  });
});
