import type { DataHolder } from '../../src/cluster/process/data-holder.ts';
import type { KeyHolder } from '../../src/cluster/process/key-holder.ts';
import type { SupervisorCall, SupervisorCalls } from '../../src/cluster/messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../../src/cluster/messages/supervisor-replies.ts';
import type { DatabaseKeyring } from '../../src/cluster/process/database-keyring.ts';
import { rewrapOnVisit, visitKey } from '../../src/encryption/key-visit.ts';
import { openClusterKey } from '../../src/encryption/rotation.ts';
import type { FileVault } from './file-vault.ts';

/** What the supervisor asks of the process of a cluster in the crash runs. */
export type KilledOperations = {
  readonly [Call in SupervisorCall]: (
    call: SupervisorCalls[Call],
  ) => Promise<SupervisorReplies[Call]> | SupervisorReplies[Call];
};

export interface KilledParts {
  readonly vault: FileVault;
  readonly keys: KeyHolder;
  readonly data: DataHolder;
  readonly databaseKeys: DatabaseKeyring;
  /** Hears what the process is for. */
  readonly configured: (settings: SupervisorCalls['configure']) => void;
}

export function operationsOf({ vault, keys, data, databaseKeys, configured }: KilledParts): KilledOperations {
  let visits = false;
  const notHere = (): never => {
    throw new Error('This is not asked here.');
  };
  return {
    configure: (settings) => {
      visits = settings.visitsKeys;
      configured(settings);
      return { outcome: 'ready' };
    },
    drain: notHere,
    rest: notHere,
    putBack: notHere,
    describe: ({ identity: who, key }) => vault.describe(who, key),
    open: (call) => (visits ? visitKey(vault, call.current) : keys.open(call)),
    make: (call) => keys.make(call),
    rewrap: (call) => (visits ? rewrapOnVisit(vault, call.current, call.target) : keys.rewrap(call)),
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
    openDatabaseKey: async ({ current }) => {
      const opened = await openClusterKey(vault, current);
      if (opened.outcome === 'failed') return opened;
      databaseKeys.open(current.clusterId, opened.key);
      await data.unlock();
      return { outcome: 'opened' };
    },
    lockDatabase: ({ databaseId }) => {
      databaseKeys.lock(databaseId);
      return { outcome: 'done' };
    },
    upkeep: (call) => data.upkeep(call),
    databaseBytes: ({ databaseId }) => data.databaseBytes(databaseId),
    ...{
      preflight: notHere,
      makeDatabaseKey: notHere,
      forgetDatabaseKey: notHere,
      serveData: notHere,
      serveLocalhost: notHere,
      inventory: notHere,
      runScript: notHere,
      addRows: notHere,
      endedRequests: notHere,
      shownRequests: notHere,
      cancelRequest: notHere,
      endedElsewhere: notHere,
      flushQueue: notHere,
      findExtent: notHere,
      shutDown: notHere,
    },
  };
}
