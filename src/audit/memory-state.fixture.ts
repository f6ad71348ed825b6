import { systemRandomBytes } from '../base/random.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import type { State, StateCommit } from '../state/state.ts';
import { sharedOwner } from '../state/table-rows.ts';
import type { TableRow } from '../state/table-rows.ts';
import { auditChain, auditHead } from './audit-chain.ts';

const owner = sharedOwner('audit');
/** As the server has them. */
const auditTables: readonly TableRow[] = [
  { table: auditChain, owner, losable: true },
  { table: auditHead, owner, losable: true },
];

/** A sealed state in memory, opened as a server does. Commits go through `before`, which may throw. */
export async function memoryState(
  store = new MemoryStateStore(),
  keyBytes: Uint8Array = systemRandomBytes(32),
): Promise<{
  readonly store: MemoryStateStore;
  readonly sealed: SealedState;
  readonly state: State;
  readonly before: { commit: (commit: StateCommit) => void };
}> {
  const rootKey = new RootKey(Buffer.from(keyBytes));
  const sealed = await SealedState.open({ store, rootKey, randomBytes: systemRandomBytes, tables: auditTables });
  const before: { commit: (commit: StateCommit) => void } = { commit: () => undefined };
  const state: State = {
    get: (table, id) => sealed.get(table, id),
    list: (table, options) => sealed.list(table, options),
    commit: async (commit) => {
      before.commit(commit);
      await sealed.commit(commit);
    },
  };
  return { store, sealed, state, before };
}
