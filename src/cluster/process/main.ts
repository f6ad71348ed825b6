import { writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { instant } from '../../clock/clock.ts';
import { machineTime } from '../../clock/host-time.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { rewrapOnVisit, visitKey } from '../../encryption/key-visit.ts';
import { preflightKey } from '../../encryption/preflight.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import type { Log } from '../../http/logging.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import { Channel } from '../messages/channel.ts';
import { DataHolder } from './data-holder.ts';
import type { TakenSocket } from '../messages/handed-socket.ts';
import { isHandedSocket } from '../messages/handed-socket.ts';
import type { OpenData } from './inventory.ts';
import { findExtent, openKnown, takeInventory } from './inventory.ts';
import { KeyHolder } from './key-holder.ts';
import type { SupervisorCall, SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { SupervisorReplies } from '../messages/supervisor-replies.ts';
import type { HostAnswer, TokenAnswer, VaultCalls } from '../messages/vault-calls.ts';
import { createRemoteCatalogStore } from './remote-catalog-store.ts';
import { createRemoteState } from './remote-state.ts';
import { yieldToOthers } from './thread-priority.ts';
import type { VaultAccess } from './vault-key-wrapper.ts';
import { createVaultKeyWrapper, loadVaultSdk } from './vault-key-wrapper.ts';

// The process of one cluster: it alone holds the cluster's keys. Its parent is the supervisor; when that is gone, so is this.

process.umask(0o077);
forbidMemoryDumps();

/** Between two attempts to commit while the custody of the cluster changes. */
const commitRetryMs = 20;

interface Configured {
  readonly wrapper: KeyWrapper;
  readonly holder: KeyHolder | undefined;
  readonly data: DataHolder | undefined;
  readonly settings: SupervisorCalls['configure'];
}
let configured: Configured | undefined;

/** One row per call. Answers are values; an error here is a bug and reaches the supervisor by its name only. */
const operations: {
  readonly [Call in SupervisorCall]: (
    call: SupervisorCalls[Call],
  ) => Promise<SupervisorReplies[Call]> | SupervisorReplies[Call];
} = {
  configure: (call) => {
    const isFree = configured === undefined || (configured.holder === undefined && !configured.settings.visitsKeys);
    invariant(isFree && (call.clusterId === undefined || !call.visitsKeys), 'a process belongs to one cluster');
    configuredAt = machineTime.monotonic();
    const wrapper = createVaultKeyWrapper({ edge: call.edge, access, timeoutMs: call.vaultTimeoutMs });
    const holder =
      call.clusterId === undefined
        ? undefined
        : new KeyHolder({
            clusterId: call.clusterId,
            wrapper,
            randomBytes: systemRandomBytes,
            firstCatalog: (key) => data().first(key),
            rewrapCatalog: (old, next, change) => data().rewrap(old, next, change),
          });
    configured = {
      wrapper,
      holder,
      data: holder && call.clusterId && dataHolder(call.clusterId, holder),
      settings: call,
    };
    return { outcome: 'ready' };
  },
  describe: (call) => ready().wrapper.describe(call.identity, call.key),
  preflight: ({ key, region, nowSeconds }) =>
    preflightKey({ wrapper: ready().wrapper, randomBytes: systemRandomBytes, nowSeconds }, key, region),
  open: (call) => (visits() ? visitKey(ready().wrapper, call.current) : holder().open(call)),
  make: (call) => holder().make(call),
  rewrap: (call) => (visits() ? rewrapOnVisit(ready().wrapper, call.current, call.target) : holder().rewrap(call)),
  replace: (call) => holder().replace(call),
  adopt: (call) => {
    const reply = holder().adopt(call);
    data().adopt(call.check);
    return reply;
  },
  forget: (call) => {
    data().forget(call.check);
    return holder().forget(call);
  },
  serveData: async (call) => {
    const { openDataPlane } = await import('../data-plane/data-plane.ts');
    dataPlane = await openDataPlane({
      settings: call,
      data: data(),
      blobs: ready().settings.blobs,
      call: (operation, body) => channel.call(operation, body),
    });
    yieldToOthers(); // threads that the engine has yet to start take after those that start them
    return { outcome: 'listening' };
  },
  serveLocalhost: async (call) => {
    invariant(dataPlane !== undefined, 'the data plane is open before it has another name');
    await dataPlane.serveLocalhost(call);
    return { outcome: 'listening' };
  },
  inventory: (call) => takeInventory(openedData, call),
  findExtent: (call) => findExtent(openedData, call),
  upkeep: async (call) => {
    if (call.open !== undefined) await openKnown(openedData, { databases: call.open, now: call.now });
    return data().upkeep(call);
  },
  rest: ({ idleMs }) => {
    const idle = dataPlane === undefined ? Infinity : dataPlane.idleMs();
    const awake = machineTime.monotonic() - configuredAt;
    return idle === undefined || Math.min(idle, awake) < idleMs ? { outcome: 'busy' } : data().rest();
  },
  putBack: async ({ now }) => {
    await data().putBack(instant(now));
    dataPlane?.putBack(instant(now));
    return { outcome: 'done' };
  },
  databaseBytes: ({ databaseId }) => data().databaseBytes(databaseId),
  shutDown: async (call) => {
    await dataPlane?.end(call);
    return { outcome: 'told' };
  },
};

let dataPlane: DataPlane | undefined;
let configuredAt = 0;

const openedData: OpenData = (known) => {
  invariant(dataPlane !== undefined, 'the data plane is open before anybody asks what there is');
  return dataPlane.data(known);
};

const channel = new Channel({
  send: post,
  serve: (operation, body) => serve(operation as SupervisorCall, body as never),
});

const access: VaultAccess = {
  resolve: async (host) => (await channel.call('resolve', { host })) as HostAnswer,
  token: async (identity, host, target) =>
    (await channel.call('token', { identity, host, ...target } satisfies VaultCalls['token'])) as TokenAnswer,
};

void loadVaultSdk(); // everybody's first call needs it, and it takes longest

process.on('message', (message, handle) => {
  if (!isHandedSocket(message)) {
    channel.receive(message);
    return;
  }
  if (handle instanceof Socket && dataPlane !== undefined) dataPlane.take(handle, message);
  else if (handle instanceof Socket) handle.destroy();
  post({ kind: 'taken', id: message.id } satisfies TakenSocket);
});
process.on('disconnect', () => {
  process.exit(0);
});

function post(message: unknown): void {
  invariant(process.send !== undefined, 'a cluster process is started by its supervisor');
  process.send(message, (error: Error | null) => {
    if (error !== null) process.exit(0);
  });
}

async function serve<Call extends SupervisorCall>(
  operation: Call,
  body: SupervisorCalls[Call],
): Promise<SupervisorReplies[Call]> {
  invariant(Object.hasOwn(operations, operation), 'the supervisor calls what there is');
  return operations[operation](body);
}

function ready(): Configured {
  invariant(configured !== undefined, 'configure comes first');
  return configured;
}

const visits = (): boolean => ready().settings.visitsKeys;

function holder(): KeyHolder {
  const { holder: found } = ready();
  invariant(found !== undefined, 'only the process of a cluster holds keys');
  return found;
}

function data(): DataHolder {
  const { data: found } = ready();
  invariant(found !== undefined, 'only the process of a cluster holds data');
  return found;
}

function dataHolder(clusterId: Guid, keys: KeyHolder): DataHolder {
  const state = createRemoteState({
    clusterId,
    call: (operation, body) => channel.call(operation, body),
    generation: () => keys.current()?.generation,
  });
  return new DataHolder({
    clusterId,
    store: createRemoteCatalogStore(state, clusterId),
    current: () => keys.current(),
    randomBytes: systemRandomBytes,
    pause: () => pause(commitRetryMs),
    log: {
      warning: (name, fields) => void mainLog().then((log) => log.warning(name, fields)),
      failure: (name, error, fields) => void mainLog().then((log) => log.failure(name, error, fields)),
    },
  });
}

/** What a process that only changes keys does without. */
async function mainLog(): Promise<Log> {
  const { remoteLog } = await import('../data-plane/remote-log.ts');
  return remoteLog(async (operation, body) => (await channel.call(operation, body)) as never);
}

/** A core file of this process would hold keys. Elsewhere than on Linux this is left to the system's own settings. */
function forbidMemoryDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0');
  } catch {
    // not Linux, or a /proc that cannot be written
  }
}
