import type { Json } from '../../src/base/json.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { stateTables } from '../../src/server/state-tables.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import { SqliteStateStore } from '../../src/state/sqlite/sqlite-state-store.ts';
import type { Table } from '../../src/state/state.ts';

/** What operations change. */
export const done: Table<Json> = { name: 'done', parse: (value) => value };

/** As a server opens it. */
export const openAuditedState = (directory: string): Promise<SealedState> =>
  SealedState.open({
    store: SqliteStateStore.open(directory),
    rootKey: new RootKey(Buffer.alloc(32, 1)),
    randomBytes: systemRandomBytes,
    tables: stateTables,
  });
