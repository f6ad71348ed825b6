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
import { sideBySide } from './row.ts';

const commits = 2_000;
const atOnce = 64;

export const inPostgres: BenchRow = {
  id: 'postgres-commits',
  ratio: `${commits} commits of a record, ${atOnce} at once, per second in PostgreSQL over SQLite on the same disk`,
  rule: 'atLeast',
  floor: 0.5,
  aim: 0.8,
  run: async () => {
    const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
    const server = await startPostgres(tmpdir());
    const sqlite = SqliteStateStore.open(directory);
    const postgres = await openPostgres(server.url('bench'));
    const into = commitsInto();
    const { ours, reference } = await sideBySide(
      () => into(postgres),
      () => into(sqlite),
      3,
    );
    await Promise.all([sqlite.close(), postgres.close()]);
    await server.stop();
    rmSync(directory, { recursive: true });
    const perSecond = (milliseconds: number): number => commits / (milliseconds / 1000);
    return {
      ratio: reference / ours,
      detail: `PostgreSQL ${Math.round(perSecond(ours))}/s, SQLite ${Math.round(perSecond(reference))}/s`,
    };
  },
};

/** @returns what makes that many commits of new records in a store, each as sealed ones are long */
function commitsInto(): (store: StateStore) => Promise<void> {
  let next = 0;
  return async (store) => {
    const lane = async (): Promise<void> => {
      for (let index = 0; index < commits / atOnce; index += 1) {
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
