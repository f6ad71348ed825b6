import type { DataHolder } from '../../src/cluster/process/data-holder.ts';
import type { KeyHolder } from '../../src/cluster/process/key-holder.ts';
import type { SupervisorCall, SupervisorCalls } from '../../src/cluster/messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../../src/cluster/messages/supervisor-replies.ts';
import type { FileVault } from './file-vault.ts';

/** What the supervisor asks of the process of a cluster in the crash runs. */
export type KilledOperations = {
  readonly [Call in SupervisorCall]: (
    call: SupervisorCalls[Call],
  ) => Promise<SupervisorReplies[Call]> | SupervisorReplies[Call];
};

export function operationsOf(vault: FileVault, keys: KeyHolder, data: DataHolder): KilledOperations {
  const notHere = (): never => {
    throw new Error('This is not asked here.');
  };
  return {
    configure: () => ({ outcome: 'ready' }),
    rest: notHere,
    putBack: notHere,
    describe: ({ identity: who, key }) => vault.describe(who, key),
    open: (call) => keys.open(call),
    make: (call) => keys.make(call),
    rewrap: (call) => keys.rewrap(call),
    replace: (call) => keys.replace(call),
    adopt: (call) => {
      const reply = keys.adopt(call);
      data.adopt(call.check);
      return reply;
    },
    forget: (call) => {
      data.forget(call.check);
      return keys.forget(call);
    },
    upkeep: (call) => data.upkeep(call),
    databaseBytes: ({ databaseId }) => data.databaseBytes(databaseId),
    ...{
      preflight: notHere,
      makeDatabaseKey: notHere,
      openDatabaseKey: notHere,
      lockDatabase: notHere,
      forgetDatabaseKey: notHere,
      serveData: notHere,
      serveLocalhost: notHere,
      inventory: notHere,
      runScript: notHere,
      findExtent: notHere,
      shutDown: notHere,
    },
  };
}
