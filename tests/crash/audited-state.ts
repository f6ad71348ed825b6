import type { VaultFacts } from '../../src/audit/audit-event.ts';
import type { Guid } from '../../src/base/guid.ts';
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

const somebody = '11111111-1111-4111-8111-111111111111' as Guid;

export const operationFacts = (writer: string): VaultFacts => ({
  ...{ kind: 'vault', vaultId: somebody, vaultName: 'v', resourceId: '/v', operation: 'KeyUnwrap', status: 200 },
  ...{ id: `https://v/keys/k${writer}`, clientAddress: '::1' },
  caller: { objectId: somebody, tenantId: somebody, displayName: 'somebody' },
});
