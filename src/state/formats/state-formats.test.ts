import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { formatsAhead } from '../../../tests/support/later-formats.ts';
import { quickDirectory } from '../../../tests/support/quick-directory.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { SqliteStateStore } from '../sqlite/sqlite-state-store.ts';
import {
  firstAgreedFormat,
  liveMsMax,
  newestOf,
  NodesKnowLessError,
  oldestOf,
  raiseTo,
  stateFormats,
} from './state-formats.ts';

const now = newestOf(stateFormats);
const [next, after] = [now + 1, now + 2];

const root = quickDirectory('kustody-formats-');
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newDirectory = (): string => mkdtempSync(join(root, 'data-'));

it('are one after the other, and a version serves the newest two from the first on that is agreed on', () => {
  expect(stateFormats.map(({ format }) => format)).toEqual(stateFormats.map((_, index) => index + 1));
  expect(oldestOf(stateFormats)).toBe(Math.max(firstAgreedFormat, now - 1));
  expect(oldestOf(formatsAhead(3))).toBe(now + 2);
});

it.each([
  [[0], '15 seconds'],
  [[11_001], '4 seconds'],
  [[14_900], '1 second'],
  [[liveMsMax], '1 second'],
  [[12_000, 2_500], '13 seconds'], // the last of several that were killed
])('tells how long nodes that were silent for %j ms still count, if they were killed', (silent, said) => {
  const nodes = silent.map((silentMs) => ({ host: 'west', newest: now, silentMs, version: '1.0.0' }));
  expect(new NodesKnowLessError(next, nodes).message).toMatch(
    new RegExp(`; one that was killed counts for ${said} more, then try again\\.$`),
  );
});

describe('the format of a file', () => {
  const open = (directory: string, ahead: number, isCopy = false) =>
    SqliteStateStore.open(directory, undefined, { formats: formatsAhead(ahead), isCopy });

  it('is the newest in a new one, and in an old one stays until it is raised', async () => {
    const directory = newDirectory();
    await open(directory, 0).close();
    const ahead = open(directory, 1);
    expect(ahead.written).toBe(now);
    await ahead.close();
    await open(directory, 0).close(); // the older one serves it still
    const again = open(directory, 1);
    await again.raise({ format: next, says: '', postgres: '', sqlite: 'CREATE TABLE later (n int)' });
    expect(again.written).toBe(next);
    await again.close();
    expect(() => open(directory, 0)).toThrow(`has format ${next}; this Kustody knows formats up to ${now}`);
    expect(() => open(directory, 3)).toThrow(`has format ${next}; this Kustody knows formats from ${after} on`);
    const last = open(directory, 2);
    expect(last.written).toBe(next);
    await last.close();
    const made = open(newDirectory(), 1);
    expect(made.written).toBe(next);
    await made.close();
  });

  it('stays what it was when raising it fails', async () => {
    const store = open(newDirectory(), 0);
    const broken = { format: next, says: '', postgres: '', sqlite: 'CREATE TABLE later (n int); CREATE nonsense' };
    await expect(store.raise(broken)).rejects.toThrow('syntax error');
    expect(store.written).toBe(now);
    await store.raise({ ...broken, sqlite: 'CREATE TABLE later (n int)' });
    await store.close();
  });
});

describe.skipIf(!hasPostgres)('the format of a state in PostgreSQL', () => {
  let server: Postgres | undefined;
  let schemas = 0;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  const freshUrl = (): string => server?.url(`formats_${(schemas += 1)}`) ?? '';
  /** @param pause ends the waiting by its error */
  const openNode = (url: string, host: string, ahead: number, pause: () => Promise<void> = () => Promise.resolve()) => {
    let waitedMs = 0;
    return openPostgres(url, {
      formats: formatsAhead(ahead),
      pause: (milliseconds) => {
        waitedMs += milliseconds;
        return pause();
      },
      turn: {
        node: { id: newGuid(systemRandomBytes), host, version: `1.${ahead}.0` },
        ...{ standsBy: true, monotonicMs: () => waitedMs, told: () => undefined },
      },
    });
  };
  class Stopped extends Error {}
  /** Looks once and is gone, without a farewell. */
  const passBy = (url: string, host: string, ahead: number) =>
    expect(openNode(url, host, ahead, () => Promise.reject(new Stopped()))).rejects.toBeInstanceOf(Stopped);

  it('is raised when all nodes that live know the next one, and never back', async () => {
    const url = freshUrl();
    const first = await openNode(url, 'old', 0);
    await first.close();
    const east = await openNode(url, 'east', 1);
    expect([east.written, (await east.nodes()).map(({ host, serves }) => [host, serves])]).toEqual([
      now,
      [['east', true]],
    ]);
    await east.beat();
    await passBy(url, 'west', 0);
    await passBy(url, 'north', 1);
    expect(await east.nodes()).toMatchObject([
      { host: 'east', version: '1.1.0', newest: next, serves: true },
      { host: 'north', version: '1.1.0', newest: next, serves: false },
      { host: 'west', version: '1.0.0', newest: now, serves: false },
    ]);
    await expect(raiseTo(east)).rejects.toThrow(
      /west \([0-9a-f-]{36}\) with version 1\.0\.0 knows formats up to \d+\. Stop/,
    );
    expect(east.written).toBe(now);
    await silence(url, 'west');
    await raiseTo(east);
    expect(east.written).toBe(next);
    const waiting = openNode(url, 'west', 0, () => Promise.resolve());
    await expect(waiting).rejects.toMatchObject({ name: 'StateFormatTooNewError' });
    await east.close();
    await expect(openNode(url, 'west', 0)).rejects.toMatchObject({ name: 'StateFormatTooNewError' });
    await expect(openNode(url, 'far', 3)).rejects.toMatchObject({ name: 'StateFormatTooOldError' });
    await (await openNode(url, 'west', 2)).close();
  });

  it('stays what it was when raising it fails, and is not raised by one that was taken over from', async () => {
    const url = freshUrl();
    await (await openNode(url, 'east', 0)).close();
    const east = await openNode(url, 'east', 1);
    const broken = { format: next, says: '', postgres: 'CREATE TABLE half (n int); CREATE nonsense;' };
    await expect(east.raise(broken)).rejects.toThrow('syntax error');
    expect(east.written).toBe(now);
    const west = await openPostgres(url, { alone: false });
    await asked(url, 'UPDATE writer SET closed = true');
    await expect(raiseTo(east)).rejects.toMatchObject({ name: 'StateLostError' });
    expect(await asked(url, 'SELECT format FROM state')).toEqual([{ format: now }]);
    expect(await asked(url, "SELECT to_regclass('half') IS NULL AS gone")).toEqual([{ gone: true }]);
    await Promise.all([east.close(), west.close()]);
  });

  const silence = (url: string, host: string) =>
    asked(url, `UPDATE node SET seen = seen - interval '16 seconds' WHERE host = '${host}'`);

  async function asked(url: string, text: string): Promise<readonly unknown[]> {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    await client.connect();
    await client.query(`SET search_path = ${new URL(url).searchParams.get('schema')}`);
    const { rows } = await client.query<Record<string, unknown>>(text);
    await client.end();
    return rows;
  }
});
