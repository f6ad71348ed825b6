import { cpSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { blobsIn, isServed, makeInstance, recordsIn } from '../../../tests/support/moved-instance.ts';
import { auditChain } from '../../audit/audit-chain.ts';
import { instant } from '../../clock/clock.ts';
import { parseRootKey } from '../../state/root-key.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { StateLockedError } from '../../state/sqlite/open-database.ts';
import { withState } from './held-state.ts';
import { migrate } from './migrate.ts';
import { takeBack } from './take-back.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-take-back-'));
const base = join(root, 'base');
beforeAll(() => makeInstance(base));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const now = () => instant(0);
let number = 0;
/** An instance that was moved. */
async function moved() {
  const path = join(root, `${(number += 1)}`);
  const [from, to] = [{ dataDirectory: join(path, 'from') }, { dataDirectory: join(path, 'to') }];
  mkdirSync(to.dataDirectory, { recursive: true, mode: 0o700 });
  cpSync(base, from.dataDirectory, { recursive: true });
  const before = { records: await recordsIn(from.dataDirectory), blobs: blobsIn(from.dataDirectory) };
  await migrate({ from, to, now });
  const asked: string[] = [];
  const take = (answer = true, other = to) =>
    takeBack({
      ...{ from, to: other, now },
      confirm: (move) => {
        asked.push(move.other);
        return Promise.resolve(answer);
      },
    });
  return { from: from.dataDirectory, to: to.dataDirectory, before, asked, take };
}

async function eventsIn(directory: string): Promise<string> {
  const store = SqliteStateStore.open(directory);
  const rootKey = parseRootKey(readFileSync(join(directory, 'root.key'), 'utf8'));
  const found = await withState(store, rootKey, (state) => state.list(auditChain));
  await store.close();
  return JSON.stringify(found.map(({ value }) => value));
}

it('a source whose target is lost is served again, as it was, and its audit tells of it', async () => {
  const { from, to, before, asked, take } = await moved();
  rmSync(to, { recursive: true });
  expect(await isServed(from)).toBe(false);
  expect(await take()).toMatchObject({ other: to });
  expect([await isServed(from), asked]).toEqual([true, [to]]);
  expect({ records: await recordsIn(from), blobs: blobsIn(from) }).toEqual(before);
  expect(await eventsIn(from)).toContain('"operation":"InstanceTakenBack","place":' + JSON.stringify(to));
  await expect(take()).rejects.toThrow('does not say that it was moved');
});

it('and not before somebody has said yes', async () => {
  const { from, to, take } = await moved();
  rmSync(to, { recursive: true });
  expect(await take(false)).toBeUndefined();
  expect(await isServed(from)).toBe(false);
  expect(await eventsIn(from)).not.toContain('InstanceTakenBack');
});

it('nobody is even asked while the target is there, in use, damaged, or another one is named', async () => {
  const { from, to, asked, take } = await moved();
  await expect(take()).rejects.toThrow(`${to} still holds a state`);
  const served = SqliteStateStore.open(to);
  await expect(take()).rejects.toThrow(StateLockedError);
  await served.close();
  await expect(take(true, { dataDirectory: join(root, 'nowhere') })).rejects.toThrow(`was moved to ${to}, not to`);
  renameSync(join(to, 'state.db'), join(to, 'kept.db'));
  writeFileSync(join(to, 'state.db'), 'what a disk has left of it, which says nothing');
  await expect(take()).rejects.toThrow();
  expect([await isServed(from), asked]).toEqual([false, []]);
  renameSync(join(to, 'kept.db'), join(to, 'state.db'));
  expect(await isServed(to)).toBe(true);
});

it('nor does a target count that comes back while somebody is asked', async () => {
  const { from, to, take } = await moved();
  renameSync(to, `${to}.away`);
  const comesBack = takeBack({
    ...{ from: { dataDirectory: from }, to: { dataDirectory: to }, now },
    confirm: () => {
      renameSync(`${to}.away`, to);
      return Promise.resolve(true);
    },
  });
  await expect(comesBack).rejects.toThrow('still holds a state');
  expect([await isServed(from), await isServed(to)]).toEqual([false, true]);
  await expect(take()).rejects.toThrow('still holds a state');
});
