import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import { openKeyOwner, vaultHost, vaultName } from '../support/outside-vault.ts';
import { openRootKeyOwner } from '../support/root-key-vault.ts';
import { keyOf, oldKey, sealedUnder } from '../support/rotated-instance.ts';

let owner: Awaited<ReturnType<typeof openRootKeyOwner>>;
beforeAll(async () => {
  owner = await openRootKeyOwner();
});
afterAll(() => owner.close());

const refused = ({ code, stderr }: CommandResult): string => (code === 1 ? stderr : `ended with ${code}`);

async function recordIn(data: string): Promise<string | undefined> {
  const store = SqliteStateStore.open(data);
  const record = await store.get('seal', 'root key in a vault');
  await store.close();
  return record && Buffer.from(record.value).toString();
}

/** Served once, while a vault of this name is made in it. */
async function makeHaving(
  vaultNamed: string,
  name: string,
  args: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): Promise<string> {
  const data = owner.placeOf(name);
  const server = await owner.serve(data, args, variables);
  await openKeyOwner(data, vaultNamed);
  await owner.stop(server);
  return data;
}

describe('the root key of a stopped instance, and a key in a vault of that instance itself', () => {
  it('is not rotated into it, and nothing of it is left in the state', async () => {
    const data = await makeHaving(vaultName, 'rotated', [], { KUSTODY_ROOT_KEY: oldKey });
    const rotate = ['root-key', 'rotate', '--data', data, ...owner.now(await owner.keys.kid())];
    const said = refused(await kustody(rotate, { KUSTODY_OLD_ROOT_KEY: oldKey }));
    expect(said).toContain(`${vaultHost} is a vault of this Kustody`);
    expect(await recordIn(data)).toBeUndefined();
    expect(await sealedUnder(data, keyOf(oldKey))).not.toEqual([]);
    await owner.stop(await owner.serve(data, [], { KUSTODY_ROOT_KEY: oldKey }));
  });

  it('is not wrapped anew by it, and stays with the key that has wrapped it', async () => {
    const second = await openKeyOwner(owner.data, 'second-side-keys');
    const kid = await owner.keys.kid();
    const data = await makeHaving('second-side-keys', 'rewrapped', owner.now(kid));
    const before = await recordIn(data);
    expect(before).toContain(kid);
    const rewrap = ['root-key', 'rewrap', '--data', data, ...owner.outside, ...owner.outsideAt(second.vaultHost)];
    const both = ['--root-key-vault', await second.kid(), '--old-root-key-vault', kid];
    expect(refused(await kustody([...rewrap, ...both]))).toContain(`${second.vaultHost} is a vault of this Kustody`);
    expect(await recordIn(data)).toBe(before);
    await owner.stop(await owner.serve(data, owner.now(kid)));
  });
});
