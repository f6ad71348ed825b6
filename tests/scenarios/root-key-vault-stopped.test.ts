import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { InstanceStatus } from '../../src/cli/status.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import { openRootKeyOwner } from '../support/root-key-vault.ts';
import { keyOf, newKey, oldKey, sealedUnder } from '../support/rotated-instance.ts';

let owner: Awaited<ReturnType<typeof openRootKeyOwner>>;
let kid = '';
beforeAll(async () => {
  owner = await openRootKeyOwner();
  kid = await owner.keys.kid();
});
afterAll(() => owner.close());

const succeeded = async (args: readonly string[], variables: Readonly<Record<string, string>> = {}) => {
  const result = await kustody(args, variables);
  expect([result.code, result.code === 0 ? '' : result.stderr]).toEqual([0, '']);
  return result.stdout;
};
const refused = ({ code, stderr }: CommandResult): string => (code === 1 ? stderr : `ended with ${code}`);
const keptOf = async (data: string): Promise<InstanceStatus['rootKey']> =>
  (JSON.parse(await succeeded(['status', '--data', data, '--json'])) as InstanceStatus).rootKey;

/** What the audit of a served instance tells of root keys, oldest first: operation, status, and the key versions in vaults from and to. */
async function toldOf(data: string): Promise<readonly string[]> {
  const found: { readonly time: string; readonly text: string }[] = [];
  for (const operation of ['RootKeyWrap', 'RootKeyRewrap', 'RootKeyRotation']) {
    const text = await succeeded(['audit', 'show', '--data', data, '--operation', operation, '--json']);
    const { events } = JSON.parse(text) as { readonly events: readonly { readonly event: Told }[] };
    for (const { time, operationName, resultType, properties } of events.map(({ event }) => event)) {
      const { fromKid = '-', toKid = '-', ...names } = properties;
      expect(Object.keys(names)).toEqual(['from', 'to']);
      found.push({ time, text: [operationName, resultType, fromKid, toKid].join(' ') });
    }
  }
  return found.toSorted((one, other) => one.time.localeCompare(other.time)).map(({ text }) => text);
}

interface Told {
  readonly time: string;
  readonly operationName: string;
  readonly resultType: string;
  readonly properties: Readonly<Record<string, string>>;
}

/** Made, and served once. */
async function make(name: string, args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const data = owner.placeOf(name);
  const server = await owner.serve(data, args, variables);
  const subscription = await owner.subscriptionOf(data);
  await owner.stop(server);
  return { data, subscription };
}

describe('a stopped instance whose root key is in a vault', () => {
  it('is led there and back by the command, and its state is accepted', async () => {
    const { data, subscription } = await make('there', [], { KUSTODY_ROOT_KEY: oldKey });
    const rotate = ['root-key', 'rotate', '--data', data, '--json'];
    const there = await succeeded([...rotate, ...owner.now(kid)], { KUSTODY_OLD_ROOT_KEY: oldKey });
    expect(JSON.parse(there)).toMatchObject({ oldKey: 'elsewhere', damaged: 0 });
    expect(await sealedUnder(data, keyOf(oldKey))).toEqual([]);
    const accept = ['state', 'accept', '--data', data, '--yes'];
    expect(await succeeded([...accept, ...owner.now(kid)])).toContain('is accepted');
    const server = await owner.serve(data, owner.now(kid));
    expect(await owner.subscriptionOf(data)).toBe(subscription);
    expect((await keptOf(data)).kept).toEqual({ place: 'vault', kid });
    await owner.stop(server);
    const back = [...owner.outside, '--old-root-key-vault', kid];
    expect(JSON.parse(await succeeded([...rotate, ...back], { KUSTODY_ROOT_KEY: newKey }))).toMatchObject({
      oldKey: 'wrapped',
    });
    expect(readFileSync(`${data}/state.db`, 'latin1')).not.toContain(kid);
    const left = await owner.serve(data, [], { KUSTODY_ROOT_KEY: newKey });
    expect(await owner.subscriptionOf(data)).toBe(subscription);
    expect(await toldOf(data)).toEqual([
      ...['Started', 'Succeeded'].map((status) => `RootKeyWrap ${status} - ${kid}`),
      ...['Started', 'Succeeded'].map((status) => `RootKeyRotation ${status} - ${kid}`),
      ...['Started', 'Succeeded'].map((status) => `RootKeyRotation ${status} ${kid} -`),
    ]);
    await owner.stop(left);
    expect(refused(await kustody([...accept, ...owner.now(kid)]))).toContain('no vault has wrapped');
  });

  it('is moved as it is; whoever does not name the vault hears its full kid', async () => {
    const { data, subscription } = await make('moved', owner.now(kid));
    const [to, backup] = [owner.placeOf('moved to'), owner.placeOf('backup')];
    const move = ['migrate', '--from', data, '--to', to];
    for (const args of [
      ['backup', '--data', data, '--to', backup],
      ['restore', '--from', backup, '--to', data, '--cluster', 'kustody', '--accept-rollback'],
      ['state', 'accept', '--data', data, '--yes'],
      ['root-key', 'rotate', '--data', data],
      move,
    ]) {
      if (args[0] === 'restore') await make('backup', []);
      const said = refused(await kustody(args));
      expect(said, args[0]).toContain(`wrapped by ${kid}`);
      expect(said).toContain("'kustody root-key rotate'");
    }
    expect(await owner.refusal(data, [])).toContain(`wrapped by ${kid}`);
    expect(await succeeded([...move, ...owner.now(kid)])).toContain('goes with the state, as the vault has wrapped it');
    const server = await owner.serve(to, owner.now(kid));
    expect(await owner.subscriptionOf(to)).toBe(subscription);
    await owner.stop(server);
  });
});

describe('a newer version of the key that wraps a root key', () => {
  it('wraps it anew by a command or a start; then the older one may be disabled', async () => {
    const { data, subscription } = await make('rewrapped', owner.now(kid));
    const first = kid;
    const rows = [`RootKeyWrap Succeeded - ${kid}`];
    for (const how of ['command', 'start'] as const) {
      const before = kid;
      await owner.keys.newVersion();
      kid = await owner.keys.kid();
      const both = [...owner.now(kid), '--old-root-key-vault', before];
      expect(await owner.refusal(data, owner.now(kid))).toContain(`is wrapped by ${before}, and not by ${kid}`);
      if (how === 'command') {
        const json = JSON.parse(await succeeded(['root-key', 'rewrap', '--data', data, '--json', ...both])) as unknown;
        expect(json).toEqual({ kid, oldKid: before });
      } else {
        const server = await owner.serve(data, both);
        expect((await keptOf(data)).kept).toEqual({ place: 'vault', kid });
        await owner.stop(server);
      }
      expect(readFileSync(`${data}/state.db`, 'latin1')).not.toContain(before);
      await owner.keys.setVersionEnabled(before, false);
      const after = await owner.serve(data, owner.now(kid));
      rows.push(...['Started', 'Succeeded'].map((status) => `RootKeyRewrap ${status} ${before} ${kid}`));
      expect(await toldOf(data)).toEqual(rows);
      expect(await owner.subscriptionOf(data)).toBe(subscription);
      await owner.stop(after);
      // Both again: it is there already, and nobody asks for the old one.
      expect(await succeeded(['root-key', 'rewrap', '--data', data, ...both])).toContain('can be disabled');
    }
    const third = [...owner.now(kid), '--old-root-key-vault', first];
    await owner.keys.newVersion();
    const newest = await owner.keys.kid();
    expect(await owner.refusal(data, [...owner.now(newest), '--old-root-key-vault', first])).toContain(
      `is wrapped by ${kid}, and not by ${first}`,
    );
    expect(refused(await kustody(['root-key', 'rotate', '--data', data, ...third]))).toContain('root-key rewrap');
    const one = ['root-key', 'rewrap', '--data', data, ...owner.now(kid)];
    expect(refused(await kustody(one))).toContain('--old-root-key-vault');
  });

  it('that was deleted is named, and opens the state again when it is recovered', async () => {
    const { data } = await make('deleted', owner.now(kid));
    await owner.keys.deleteKey();
    const said = await owner.refusal(data, owner.now(kid));
    expect(said).toContain(`wrapped by ${kid}`);
    expect(said).toContain('(keyNotFound)');
    const accept = ['state', 'accept', '--data', data, '--yes', ...owner.now(kid)];
    expect(refused(await kustody(accept))).toContain(`wrapped by ${kid}`);
    await owner.keys.recoverKey();
    expect(await succeeded(accept)).toContain('is accepted');
    await owner.stop(await owner.serve(data, owner.now(kid)));
  });
});

describe('kustody status and kustody doctor', () => {
  it.each([
    ['in a file', [], {}, { place: 'file' }, 'in root.key beside the data'],
    ['in the environment', [], { KUSTODY_ROOT_KEY: oldKey }, { place: 'environment' }, 'given in the environment'],
    ['in a vault', undefined, {}, { place: 'vault' }, 'in the state, wrapped by https://'],
  ] as const)('say where the root key is: %s', async (name, args, variables, place, text) => {
    const data = owner.placeOf(`shown ${name}`);
    const server = await owner.serve(data, ['--seed', ...(args ?? owner.now(kid))], variables);
    const kept = args === undefined ? { ...place, kid } : place;
    const { id, ...shown } = await keptOf(data);
    expect(shown).toEqual({ kept, resealing: false, running: false });
    const line = `${id}, ${text}${args === undefined ? kid.slice('https://'.length) : ''}`;
    expect(await succeeded(['status', '--data', data])).toContain(`root key               ${line}\n`);
    const doctor = 'kustody doctor --resource-group kustody --cluster kustody';
    const told = await kustody(['run', '--data', data, '--', 'sh', '-c', `${doctor}; ${doctor} --json`]);
    expect(told.stdout).toContain(`Besides, the root key of this Kustody: ${line}.\n`);
    const json = /^\{[\s\S]*/m.exec(told.stdout)?.[0] ?? '';
    expect(JSON.parse(json)).toMatchObject({ rootKey: { id, kept } });
    for (const key of [oldKey, Buffer.from(oldKey, 'hex').toString('base64')]) expect(told.stdout).not.toContain(key);
    await owner.stop(server);
  });

  it('say which one seals while another is about to take its place', async () => {
    const { data } = await make('both', [], { KUSTODY_ROOT_KEY: oldKey });
    const server = await owner.serve(data, owner.now(kid), { KUSTODY_OLD_ROOT_KEY: oldKey });
    expect((await keptOf(data)).kept).toEqual({ place: 'environment' });
    await owner.stop(server);
  });
});
