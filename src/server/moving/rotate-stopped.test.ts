import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  copyInstance,
  keyOf,
  makeRotated,
  newKey,
  oldKey,
  openedWith,
  rootKeyFiles,
  sealedUnder,
} from '../../../tests/support/rotated-instance.ts';
import { findEvents } from '../../audit/find-events.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import { parseRootKey } from '../../state/root-key.ts';
import { SealedState } from '../../state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../state/sqlite/sqlite-state-store.ts';
import { stateTables } from '../state-tables.ts';
import { backUp, restore } from './backup.ts';
import { migrate } from './migrate.ts';
import { rotateStopped } from './rotate-stopped.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-rotate-'));
const [beside, elsewhere] = [join(root, 'beside'), join(root, 'elsewhere')];
const records = 270;
beforeAll(async () => {
  await makeRotated(beside);
  await makeRotated(elsewhere, oldKey);
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

let copies = 0;
function copyOf(base: string): string {
  const at = join(root, `${(copies += 1)}`);
  copyInstance(base, at);
  return at;
}
const both = () => ({ rootKey: keyOf(newKey), oldRootKey: keyOf(oldKey) });
const now = () => instant(0);
class Ended extends Error {}
/** After the first hundred records. */
const interrupted = (at: string, keys: ReturnType<typeof both> | object = {}) =>
  expect(
    rotateStopped({
      ...{ from: { dataDirectory: at }, ...keys, now },
      progress: () => {
        throw new Ended();
      },
    }),
  ).rejects.toBeInstanceOf(Ended);

/** What the audit tells of rotations. */
async function toldOf(at: string): Promise<readonly string[]> {
  const store = SqliteStateStore.open(at);
  const sealed = await SealedState.open({
    ...{ store, rootKey: keyOf(newKey), randomBytes: systemRandomBytes, tables: stateTables },
  });
  const { events } = await findEvents(sealed, { operation: 'RootKeyRotation' }, { limit: 100 });
  await sealed.close();
  const names = new Map([oldKey, newKey].map((hex) => [sealed.nameOf(keyOf(hex)), hex.slice(0, 2)]));
  return events.map(({ event: { facts } }) =>
    facts.kind === 'rootKey' ? `${facts.status} ${names.get(facts.from)} to ${names.get(facts.to)}` : facts.kind,
  );
}

describe('a root key beside the data', () => {
  it('is made anew, and the old one opens nothing', async () => {
    const at = copyOf(beside);
    const before = await openedWith(at);
    const old = parseRootKey(readFileSync(join(at, 'root.key'), 'utf8'));
    expect(await rotateStopped({ from: { dataDirectory: at }, now })).toMatchObject({
      oldKey: 'destroyed',
      damaged: 0,
    });
    expect(Object.keys(before)).toHaveLength(records + 1);
    expect(await openedWith(at)).toEqual(before);
    expect(Object.keys(rootKeyFiles(at))).toEqual(['root.key']);
    expect(await sealedUnder(at, old)).toEqual([]);
    await expect(openedWith(at, { rootKey: old })).rejects.toMatchObject({ name: 'WrongRootKeyError' });
  });

  it('is in two files until all is sealed under the new one: a start opens it, a copy is refused', async () => {
    const at = copyOf(beside);
    const [before, keyBefore] = [await openedWith(at), rootKeyFiles(at)['root.key']];
    await interrupted(at);
    const files = rootKeyFiles(at);
    expect([files['root.key'], Object.keys(files)]).toEqual([keyBefore, ['root.key', 'root.key.next']]);
    expect(await openedWith(at)).toEqual(before);
    const to = join(root, 'copy');
    mkdirSync(to, { mode: 0o700 });
    const ends = { from: { dataDirectory: at }, to: { dataDirectory: to }, now };
    await expect(backUp(ends)).rejects.toMatchObject({ name: 'ResealingError' });
    await expect(migrate(ends)).rejects.toMatchObject({ name: 'ResealingError' });
    await rotateStopped({ from: { dataDirectory: at }, now });
    expect([await openedWith(at), rootKeyFiles(at)]).toEqual([before, { 'root.key': files['root.key.next'] }]);
  });
});

describe('a root key that is kept elsewhere', () => {
  it('is given with the one before, which opens nothing afterwards', async () => {
    const at = copyOf(elsewhere);
    const before = await openedWith(at, both());
    await interrupted(at, both());
    expect(await openedWith(at, both())).toEqual(before);
    const wrongWay = { rootKey: keyOf(oldKey), oldRootKey: keyOf(newKey) };
    await expect(rotateStopped({ from: { dataDirectory: at }, ...wrongWay, now })).rejects.toMatchObject({
      ...{ name: 'RootKeyError', message: expect.stringMatching(/to the other one of the two/) as string },
    });
    for (const [rootKey, name] of [
      [newKey, 'ResealingError'],
      [oldKey, 'WrongRootKeyError'],
    ] as const)
      await expect(openedWith(at, { rootKey: keyOf(rootKey) })).rejects.toMatchObject({ name });
    expect(await rotateStopped({ from: { dataDirectory: at }, ...both(), now })).toMatchObject({ oldKey: 'elsewhere' });
    expect(await openedWith(at, { rootKey: keyOf(newKey) })).toEqual(before);
    expect(await sealedUnder(at, keyOf(oldKey))).toEqual([]);
    expect(await rotateStopped({ from: { dataDirectory: at }, ...both(), now })).toEqual({ oldKey: 'elsewhere' });
    const [one, again] = ['Started', 'Failed'].map((status) => `${status} 0a to 0b`);
    expect(await toldOf(at)).toEqual([one, again, one, 'Succeeded 0a to 0b']);
  });

  it('takes the place of a file, which goes', async () => {
    const at = copyOf(beside);
    const [before, old] = [await openedWith(at), parseRootKey(readFileSync(join(at, 'root.key'), 'utf8'))];
    const settings = { from: { dataDirectory: at }, now };
    await interrupted(at, { rootKey: keyOf(newKey) });
    expect(await openedWith(at, { rootKey: keyOf(newKey) })).toEqual(before);
    expect(await rotateStopped({ ...settings, rootKey: keyOf(newKey) })).toMatchObject({ oldKey: 'destroyed' });
    expect([await openedWith(at, { rootKey: keyOf(newKey) }), rootKeyFiles(at)]).toEqual([before, {}]);
    expect(await sealedUnder(at, old)).toEqual([]);
  });

  it('is refused alone, twice, and when neither of the two opens the state', async () => {
    const at = copyOf(elsewhere);
    const from = { dataDirectory: at };
    const alone = rotateStopped({ from, now, rootKey: keyOf(oldKey) });
    await expect(alone).rejects.toMatchObject({
      name: 'RootKeyError',
      message: expect.stringMatching(/one root key only/) as string,
    });
    const twice = rotateStopped({ from, now, rootKey: keyOf(oldKey), oldRootKey: keyOf(oldKey) });
    await expect(twice).rejects.toMatchObject({
      name: 'RootKeyError',
      message: expect.stringMatching(/the same/) as string,
    });
    const wrong = rotateStopped({ from, now, rootKey: keyOf(newKey), oldRootKey: keyOf('0c'.repeat(32)) });
    await expect(wrong).rejects.toMatchObject({ name: 'WrongRootKeyError' });
    expect(Object.keys(await openedWith(at, { rootKey: keyOf(oldKey) }))).toHaveLength(records + 1);
  });

  it('leaves backups of before to the old one, until they are taken again', async () => {
    const at = copyOf(elsewhere);
    const [backup, back] = [join(root, 'backup'), join(root, 'back')];
    for (const one of [backup, back]) mkdirSync(one, { mode: 0o700 });
    const take = (rootKey: string) =>
      backUp({ from: { dataDirectory: at }, to: { dataDirectory: backup }, rootKey: keyOf(rootKey), now });
    const restored = (rootKey: string) =>
      restore({
        ...{ from: { dataDirectory: backup }, to: { dataDirectory: back }, acceptsRollback: true, now },
        rootKey: keyOf(rootKey),
      });
    await take(oldKey);
    await rotateStopped({ from: { dataDirectory: at }, ...both(), now });
    await expect(restored(newKey)).rejects.toMatchObject({ name: 'MoveError' });
    await take(newKey);
    await expect(restored(oldKey)).rejects.toMatchObject({ name: 'MoveError' });
    await restored(newKey);
    expect(Object.keys(await openedWith(back, { rootKey: keyOf(newKey) }))).toHaveLength(records + 1);
  });
});
