import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'libsql';
import { afterAll, describe, expect, it } from 'vitest';
import { stateStoreConformance } from '../state-store.conformance.ts';
import { StateFormatError, StateLockedError, formatVersion } from './open-database.ts';
import { SqliteStateStore, stateFileName } from './sqlite-state-store.ts';

const root = mkdtempSync(join(tmpdir(), 'kustody-sqlite-'));
afterAll(() => rmSync(root, { recursive: true }));
let directories = 0;
const newDirectory = (): string => {
  directories += 1;
  const directory = join(root, String(directories));
  mkdirSync(directory, { mode: 0o700 });
  return directory;
};

stateStoreConformance('SqliteStateStore', () => {
  const directory = newDirectory();
  return { open: () => SqliteStateStore.open(directory), shared: false };
});

const put = (
  id: string,
  version: number,
  value: string,
  expected: number | null = null,
): Parameters<SqliteStateStore['commit']>[0] => ({
  write: [{ table: 't', id, expect: expected, put: { version, value: Buffer.from(value) } }],
});

/** Reads raw files in a process of its own: see SqliteStateStore. */
function filesHolding(directory: string, text: string): string[] {
  const { status, stdout } = spawnSync('grep', ['-rlaF', text, directory], { encoding: 'utf8' });
  expect([0, 1]).toContain(status); // it could read all that there is
  return stdout.split('\n').filter(Boolean);
}

/** Commits of a few records each, of many lengths. @returns marks of the values that are there and of those that were */
async function writeAtRandom(
  store: SqliteStateStore,
  seed: number,
  commits = 60,
): Promise<{ live: string[]; old: string[] }> {
  let state = seed;
  const below = (limit: number): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return (state >> 16) % limit;
  };
  const live = new Map<string, { readonly version: number; readonly mark: string }>();
  const old: string[] = [];
  let marks = 0;
  for (let commit = 0; commit < commits; commit += 1) {
    const ids = new Set(Array.from({ length: 1 + below(8) }, () => `${'abcdef'[below(6)]}/${below(40)}-000000000000`));
    const write = [...ids].map((id) => {
      const before = live.get(id);
      if (before !== undefined) old.push(before.mark);
      const expected = before?.version ?? null;
      if (before !== undefined && below(3) === 0) {
        live.delete(id);
        return { table: 't', id, expect: expected, put: null };
      }
      marks += 1;
      const mark = `<${marks}>`;
      live.set(id, { version: marks, mark });
      // Some are longer than a page.
      const value = Buffer.from(mark + 'y'.repeat(below(9) === 0 ? 4_000 + below(9_000) : 100 + below(6) * 90) + mark);
      return { table: 't', id, expect: expected, put: { version: marks, value } };
    });
    await store.commit({ write });
  }
  return { live: [...live.values()].map(({ mark }) => mark), old };
}

describe('SqliteStateStore', () => {
  it('refuses a second process and a second handle at once, naming the directory', async () => {
    const directory = newDirectory();
    const store = SqliteStateStore.open(directory);
    await store.commit(put('a', 1, 'x'));
    expect(() => SqliteStateStore.open(directory)).toThrow(StateLockedError);
    // The first handle keeps its lock although the second has come and gone.
    const other = `import Database from 'libsql';
      const database = new Database(process.argv[1]);
      try { database.prepare('SELECT count(*) FROM record').all(); } catch (error) { console.log(error.code); }`;
    const answer = execFileSync(
      process.execPath,
      ['--input-type=module', '-e', other, join(directory, stateFileName)],
      {
        cwd: import.meta.dirname,
        encoding: 'utf8',
      },
    );
    expect(answer).toBe('SQLITE_BUSY\n');
    await store.close();
    await SqliteStateStore.open(directory).close();
    expect(new StateLockedError(directory).message).toContain(directory);
  });

  it.skipIf(process.platform === 'win32')(
    'makes files that only the owner can read, and leaves one file behind',
    async () => {
      const directory = newDirectory();
      const store = SqliteStateStore.open(directory);
      await store.commit(put('a', 1, 'x'));
      const names = readdirSync(directory);
      expect(names.sort()).toEqual([stateFileName, `${stateFileName}-wal`]);
      for (const name of names) expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
      await store.close();
      expect(readdirSync(directory)).toEqual([stateFileName]);
    },
  );

  it('leaves no replaced or deleted value on disk after compact', async () => {
    const directory = newDirectory();
    const store = SqliteStateStore.open(directory);
    const canary = 'canary-7f3a';
    for (let id = 0; id < 50; id += 1) await store.commit(put(String(id), 1, `${canary}-${'x'.repeat(300)}`));
    expect(filesHolding(directory, canary)).not.toEqual([]);
    for (let id = 0; id < 50; id += 2) await store.commit(put(String(id), 2, 'short', 1));
    for (let id = 1; id < 50; id += 2)
      await store.commit({ write: [{ table: 't', id: String(id), expect: 1, put: null }] });
    await store.compact();
    expect(filesHolding(directory, canary)).toEqual([]);
    expect(filesHolding(directory, 'short')).not.toEqual([]);
    await store.close();
  });

  it('leaves no copy that was made when records moved between pages', async () => {
    for (let seed = 1; seed <= 8; seed += 1) {
      const directory = newDirectory();
      const store = SqliteStateStore.open(directory);
      const { live, old } = await writeAtRandom(store, seed);
      // Others write meanwhile; what they leave behind is younger.
      await Promise.all([store.compact(), store.commit(put('meanwhile', 1, 'z'.repeat(3_000)))]);
      await store.close(); // from here on this process may read the file
      const file = readFileSync(join(directory, stateFileName), 'latin1');
      expect([seed, old.filter((mark) => file.includes(mark))]).toEqual([seed, []]);
      expect(live.every((mark) => file.includes(mark))).toBe(true);
    }
  });

  it('gives free pages back, and holds nobody up while it overwrites', async () => {
    const directory = newDirectory();
    const store = SqliteStateStore.open(directory);
    const ids = Array.from({ length: 6_000 }, (_, id) => String(id).padStart(6, '0'));
    const value = Buffer.alloc(3_000, 1);
    await store.commit({ write: ids.map((id) => ({ table: 't', id, expect: null, put: { version: 1, value } })) });
    await store.compact();
    const bytes = (): number => statSync(join(directory, stateFileName)).size;
    const before = bytes();
    await store.commit({ write: ids.map((id) => ({ table: 't', id, expect: 1, put: null })) });
    const order: string[] = [];
    const compacted = store.compact().then(() => order.push('compacted'));
    for (let n = 0; n < 5; n += 1) {
      await store.commit(put(`beside-${n}`, 1, 'x'));
      order.push('committed');
    }
    await compacted;
    expect(order.at(-1)).toBe('compacted');
    expect(bytes()).toBeLessThan(before / 2);
    await store.close();
  });

  it('refuses what a newer Kustody or another program wrote', async () => {
    const directory = newDirectory();
    await SqliteStateStore.open(directory).close();
    const database = new Database(join(directory, stateFileName));
    database.exec(`PRAGMA user_version = ${formatVersion + 1}`);
    database.close();
    expect(() => SqliteStateStore.open(directory)).toThrow(StateFormatError);
    expect(() => SqliteStateStore.open(directory)).toThrow(`has format ${formatVersion + 1}`);

    const foreign = newDirectory();
    const other = new Database(join(foreign, stateFileName));
    other.exec('CREATE TABLE record (x)');
    other.close();
    expect(() => SqliteStateStore.open(foreign)).toThrow('was not written by Kustody');

    const text = newDirectory();
    writeFileSync(join(text, stateFileName), 'not a database at all, '.repeat(100));
    expect(() => SqliteStateStore.open(text)).toThrow(StateFormatError);
  });

  it('survives a failed group: nothing of it is written, and the next one works', async () => {
    const directory = newDirectory();
    const store = SqliteStateStore.open(directory);
    await store.commit(put('a', 1, 'x'));
    // A record larger than a value may be is a bug that is found before the group; inside it, only the disk can fail.
    const detached = { write: [{ table: 't', id: 'b', expect: null, put: { version: 1, value: unreadable() } }] };
    const outcomes = await Promise.allSettled([store.commit(put('c', 1, 'x')), store.commit(detached)]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect((await store.list('t')).map(({ id }) => id)).toEqual(['a']);
    await store.commit(put('c', 1, 'x'));
    await store.close();
  });

  it.skipIf(process.platform === 'win32')('says what is wrong when the directory cannot be written', () => {
    const directory = newDirectory();
    chmodSync(directory, 0o500);
    if (process.getuid?.() !== 0) expect(() => SqliteStateStore.open(directory)).toThrow('EACCES');
    expect(() => SqliteStateStore.open(join(directory, 'missing'))).toThrow('ENOENT');
  });
});

/** Bytes that cannot be bound: reading them throws. */
function unreadable(): Uint8Array {
  return new Proxy(Buffer.from('x'), {
    get: (target, name) => {
      if (name === 'buffer') throw new Error('unreadable');
      const value: unknown = Reflect.get(target, name, target);
      return value;
    },
  });
}
