import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemRandomBytes } from '../src/base/random.ts';
import type { Json } from '../src/base/json.ts';
import { RootKey } from '../src/state/root-key.ts';
import { SealedState } from '../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../src/state/sqlite/sqlite-state-store.ts';
import type { StateStore } from '../src/state/state-store.ts';
import type { Table } from '../src/state/state.ts';
import { writeRecord } from '../src/state/state.ts';
import { hasPostgres, openPostgres, startPostgres } from '../tests/support/postgres.ts';
import type { BenchRow } from './row.ts';
import { quantile, sideBySide, timed } from './row.ts';

const commits = 2_000;
const atOnce = 64;
/** A few groups a turn: a sync takes ten times as long in one moment as in the next, so the two are compared within one, and the pair in the middle counts. */
const turns = 60;
const turnCommits = 4 * atOnce;

export const inPostgres: BenchRow = {
  id: 'postgres-commits',
  ratio: `commits of a record, ${atOnce} at once, per second in PostgreSQL over SQLite on the same disk, in ${turns} turns of ${turnCommits}`,
  rule: 'atLeast',
  floor: 0.5,
  aim: 0.8,
  run: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
    const server = await startPostgres(tmpdir());
    const sqlite = SqliteStateStore.open(directory);
    const postgres = await openPostgres(server.url('bench'));
    const into = commitsInto();
    await into(postgres);
    await into(sqlite);
    const pairs: { readonly ours: number; readonly reference: number }[] = [];
    for (let turn = 0; turn < turns; turn += 1)
      pairs.push({ ours: await timed(() => into(postgres)), reference: await timed(() => into(sqlite)) });
    await Promise.all([sqlite.close(), postgres.close()]);
    await server.stop();
    rmSync(directory, { recursive: true });
    const perSecond = (milliseconds: readonly number[]): number =>
      Math.round(turnCommits / (quantile(milliseconds, 0.5) / 1000));
    return {
      ratio: quantile(
        pairs.map(({ ours, reference }) => reference / ours),
        0.5,
      ),
      detail: `PostgreSQL ${perSecond(pairs.map(({ ours }) => ours))}/s, SQLite ${perSecond(pairs.map(({ reference }) => reference))}/s`,
    };
  },
};

/** @returns what makes the commits of a turn, of new records in a store, each as sealed ones are long */
function commitsInto(): (store: StateStore) => Promise<void> {
  let next = 0;
  return async (store) => {
    const lane = async (): Promise<void> => {
      for (let index = 0; index < turnCommits / atOnce; index += 1) {
        const value = systemRandomBytes(300);
        await store.commit({
          write: [{ table: 'bench', id: `r${(next += 1)}`, expect: null, put: { version: 1, value } }],
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, lane));
  };
}

const values: Table<Json> = { name: 'values', parse: (value) => value };

export const stateRows: readonly BenchRow[] = [
  ...(hasPostgres ? [inPostgres] : []),
  {
    id: 'durable-commits',
    ratio: `${commits} sealed commits, ${atOnce} at once, per second, over bare write + fdatasync per second`,
    rule: 'atLeast',
    floor: 1,
    aim: 3,
    run: async () => {
      const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
      const state = await SealedState.open({
        store: SqliteStateStore.open(directory),
        rootKey: new RootKey(systemRandomBytes(32)),
        randomBytes: systemRandomBytes,
      });
      let next = 0;
      const block = Buffer.alloc(256, 1);
      const { ours, reference } = await sideBySide(
        async () => {
          const lane = async (count: number): Promise<void> => {
            for (let index = 0; index < count; index += 1) {
              next += 1;
              await state.commit({
                write: [writeRecord(values, `r${next}`, null, { index: next, text: 'x'.repeat(200) })],
              });
            }
          };
          await Promise.all(Array.from({ length: atOnce }, () => lane(commits / atOnce)));
        },
        () => {
          const file = openSync(join(directory, 'plain'), 'a', 0o600);
          for (let index = 0; index < commits / 10; index += 1) {
            writeSync(file, block);
            fdatasyncSync(file);
          }
          closeSync(file);
        },
        3,
      );
      await state.close();
      rmSync(directory, { recursive: true });
      const oursPerSecond = commits / (ours / 1000);
      const plainPerSecond = commits / 10 / (reference / 1000);
      return {
        ratio: oursPerSecond / plainPerSecond,
        detail: `${Math.round(oursPerSecond)}/s, fdatasync ${Math.round(plainPerSecond)}/s`,
      };
    },
  },
];
