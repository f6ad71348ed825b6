import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatsAhead } from '../../../tests/support/later-formats.ts';
import { isServed, makeInstance, recordsIn } from '../../../tests/support/moved-instance.ts';
import { databasePassword, hasPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { instant } from '../../clock/clock.ts';
import { newestOf, raiseTo, stateFormats } from '../../state/formats/state-formats.ts';
import { parsePostgresAddress } from '../../state/postgres/postgres-address.ts';
import { parseRootKey } from '../../state/root-key.ts';
import { openStore } from '../state-place.ts';
import { backUp, restore } from './backup.ts';
import { migrate } from './migrate.ts';
import type { MoveEnd } from './move-end.ts';

/** Versions of Kustody: this one, and the next, which writes the format of this one until an upgrade is finished. */
const [older, newer] = [formatsAhead(0), formatsAhead(1)];
const [now, next] = [newestOf(stateFormats), newestOf(stateFormats) + 1];

const root = mkdtempSync(join(tmpdir(), 'kustody-moved-formats-'));
const base = join(root, 'base');
beforeAll(() => makeInstance(base));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let path: string;
let number = 0;
beforeEach(() => {
  path = join(root, `${(number += 1)}`);
  for (const name of ['copy', 'to', 'back']) mkdirSync(join(path, name), { recursive: true, mode: 0o700 });
  cpSync(base, join(path, 'from'), { recursive: true });
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

const rootKey = () => parseRootKey(readFileSync(join(base, 'root.key'), 'utf8'));
const end = (name: string, stateFormats_: typeof older): MoveEnd => ({
  ...{ dataDirectory: join(path, name), stateFormats: stateFormats_ },
});
/** `upgrade finish` by the newer version. */
async function finish(name: string): Promise<void> {
  const opened = await openStore(end(name, newer));
  await raiseTo(opened.format);
  await opened.close();
}
const formatOf = async (of: MoveEnd): Promise<number> => {
  const opened = await openStore({ ...of, rootKey: rootKey() });
  const { written } = opened.format;
  await opened.close();
  return written;
};
const take = (by: typeof older) => backUp({ from: end('from', by), to: end('copy', by), now: () => instant(0) });
const bringBack = (by: typeof older) =>
  restore({
    ...{ from: end('copy', by), to: end('to', by), rootKey: rootKey(), acceptsRollback: true },
    now: () => instant(0),
  });
const tooNew = `has format ${next}; this Kustody knows formats up to ${now}`;

describe('a backup', () => {
  it.each([
    ['of this format is restored by this version', older, false, older, now],
    ['of this format is restored by the next version, in the format that it has', older, false, newer, now],
    ['by the next version, of this format, is restored by this version', newer, false, older, now],
    ['of the next format is restored by the next version', newer, true, newer, next],
  ])('%s', async (_, takenBy, isFinished, restoredBy, format) => {
    if (isFinished) await finish('from');
    await take(takenBy);
    await bringBack(restoredBy);
    expect(await formatOf(end('to', restoredBy))).toBe(format);
    const opened = await openStore(end('to', restoredBy));
    await opened.close();
    if (format === now) expect(await recordsIn(join(path, 'to'))).toEqual(await recordsIn(join(path, 'from')));
  });

  it('of the next format is refused by this version, before anything is there', async () => {
    await finish('from');
    await take(newer);
    await expect(bringBack(older)).rejects.toThrow(tooNew);
    expect(readdirSync(join(path, 'to'))).toEqual([]);
  });

  it('is not taken by this version of an instance of the next format, nor in the place of one', async () => {
    await finish('from');
    await expect(take(older)).rejects.toThrow(tooNew);
    expect(readdirSync(join(path, 'copy'))).toEqual([]);
    await take(newer);
    rmSync(join(path, 'from'), { recursive: true });
    cpSync(base, join(path, 'from'), { recursive: true });
    await expect(take(older)).rejects.toThrow(tooNew);
    await bringBack(newer);
  });
});

describe.skipIf(!hasPostgres)('a move to PostgreSQL and back', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  let schemas = 0;
  const inDatabase = (name: string, by: typeof older): MoveEnd => ({
    ...end(name, by),
    statePlace: {
      address: parsePostgresAddress(server?.url(`moved_formats_${schemas}`) ?? ''),
      password: () => databasePassword,
    },
  });
  beforeEach(() => void (schemas += 1));
  const moveBy = (by: typeof older, from: MoveEnd, to: MoveEnd) =>
    migrate({
      from: { ...from, stateFormats: by },
      to: { ...to, stateFormats: by },
      rootKey: rootKey(),
      now: () => instant(0),
    });

  it.each([
    ['this format, there and back by the next version', false, newer, now],
    ['the next format, there and back by the next version', true, newer, next],
  ])('keeps %s', async (_, isFinished, by, format) => {
    const records = await recordsIn(join(path, 'from'));
    if (isFinished) await finish('from');
    await moveBy(by, end('from', by), inDatabase('to', by));
    expect(await formatOf(inDatabase('to', by))).toBe(format);
    await moveBy(by, inDatabase('to', by), end('back', by));
    expect(await formatOf(end('back', by))).toBe(format);
    if (format === now) expect(await recordsIn(join(path, 'back'))).toEqual(records);
    if (format === now) expect(await isServed(join(path, 'back'))).toBe(true);
  });

  it('of the next format is refused by this version, either way, before anything is there', async () => {
    await finish('from');
    await expect(moveBy(older, end('from', older), inDatabase('to', older))).rejects.toThrow(tooNew);
    expect(readdirSync(join(path, 'to'))).toEqual([]);
    await moveBy(newer, end('from', newer), inDatabase('to', newer));
    await expect(moveBy(older, inDatabase('to', older), end('back', older))).rejects.toThrow(`${next}`);
    expect(readdirSync(join(path, 'back'))).toEqual([]);
  });
});
