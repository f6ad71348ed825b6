import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { newestOf, raiseTo, stateFormats } from '../../src/state/formats/state-formats.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import { buildProgram } from '../support/build-program.ts';
import { formatsAhead } from '../support/later-formats.ts';
import { quickDirectory } from '../support/quick-directory.ts';

const program = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'kustody-crash', 'raising.cjs');
let start: readonly string[];
const directory = quickDirectory('kustody-upgrade-kills-');
const base = join(directory, 'base');
afterAll(() => rmSync(directory, { recursive: true, force: true }));
const now = newestOf(stateFormats);
const records = 20;

beforeAll(async () => {
  start = buildProgram(join(import.meta.dirname, 'raising.ts'), program);
  mkdirSync(base);
  const store = SqliteStateStore.open(base);
  for (let id = 0; id < records; id += 1)
    await store.commit({
      write: [{ table: 't', id: String(id), expect: null, put: { version: 1, value: Buffer.from(`value ${id}`) } }],
    });
  await store.close();
});

function killedAt(step: number) {
  const at = join(directory, `step-${step}`);
  cpSync(base, at, { recursive: true });
  const { signal, stdout, stderr } = spawnSync(process.execPath, [...start, at, String(step)]);
  if (signal === null) expect(stderr.toString()).toBe('');
  return { at, signal, stdout: stdout.toString() };
}

/** The format that the file is in (up to the first that is agreed on, files say 2), and tables that later formats make. Read by a process of its
 * own: libsql keeps a connection, and with it the lock, until its statements are collected. */
function lookInto(at: string): { readonly format: number; readonly tables: readonly string[] } {
  const look = `import Database from 'libsql';
    const database = new Database(process.argv[1]);
    const ask = (text) => database.prepare(text).pluck().all();
    const names = ask("SELECT name FROM sqlite_schema WHERE name LIKE 'later_%' ORDER BY name");
    console.log(JSON.stringify([ask('PRAGMA user_version')[0], names]));`;
  const args = ['--input-type=module', '-e', look, join(at, 'state.db')];
  const found = JSON.parse(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })) as [
    number,
    string[],
  ];
  return { format: Math.max(now, found[0]), tables: found[1] };
}

it('a file that is killed at a step of `upgrade finish`, each of them, has one format, whole, and goes on to the next', async () => {
  const kinds = JSON.parse(killedAt(0).stdout) as string[];
  expect(kinds.filter((kind) => kind === 'format written')).toHaveLength(2);
  const found = new Set<number>();
  for (let step = 1; step <= kinds.length; step += 1) {
    const { at, signal } = killedAt(step);
    expect({ step, signal }).toEqual({ step, signal: 'SIGKILL' });
    const { format, tables } = lookInto(at);
    found.add(format);
    const made = [now + 1, now + 2].filter((one) => one <= format).map((one) => `later_${one}`);
    expect({ step, format, tables }).toEqual({ step, format, tables: made });
    const store = SqliteStateStore.open(at, undefined, { formats: formatsAhead(format === now ? 1 : 2) });
    expect(await store.list('t')).toHaveLength(records);
    await raiseTo({
      formats: formatsAhead(2),
      get written() {
        return store.written;
      },
      raise: (next) => store.raise(next),
      nodes: () => Promise.resolve([]),
    });
    await store.close();
    expect({ step, ...lookInto(at) }).toEqual({
      ...{ step, format: now + 2 },
      tables: [`later_${now + 1}`, `later_${now + 2}`],
    });
    rmSync(at, { recursive: true });
  }
  expect([...found].toSorted()).toEqual([now, now + 1, now + 2]);
});
