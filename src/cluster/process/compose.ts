import { AsyncLocalStorage } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Guid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { machineTime } from '../../clock/host-time.ts';
import type { KeyWrapper } from '../../encryption/key-wrapper.ts';
import type { Log } from '../../http/logging.ts';
import { startSystemTimer } from '../../http/timer.ts';
import type { Sampling } from '../../http/tracing/tracer.ts';
import { Tracer } from '../../http/tracing/tracer.ts';
import type { ContainerAccess } from '../../storage/placed-blobs.ts';
import { BlobsUnavailableError } from '../../storage/blob-store.ts';
import type { DataPlane } from '../data-plane/data-plane.ts';
import type { AccessAnswer } from '../messages/container-access.ts';
import type { CatalogChangesCall, CatalogChangesReply } from '../messages/catalog-changes.ts';
import type { CallMain } from '../messages/data-plane-calls.ts';
import type { HandedSocket } from '../messages/handed-socket.ts';
import type { InfrastructureKeyAnswer } from '../messages/infrastructure-key.ts';
import type { SupervisorCalls } from '../messages/supervisor-calls.ts';
import type { HostAnswer, TokenAnswer, VaultCalls } from '../messages/vault-calls.ts';
import { CacheUseSender } from './cache-use-sender.ts';
import { DataHolder } from './data-holder.ts';
import { DatabaseKeyring } from './database-keyring.ts';
import { FollowedCatalog } from './followed-catalog.ts';
import { KeyHolder } from './key-holder.ts';
import { keyOperations } from './keys.ts';
import type { AskSupervisor, Operations } from './operations.ts';
import { OwnSecondLayer } from './own-second-layer.ts';
import { createRemoteCatalogStore } from './remote-catalog-store.ts';
import { createRemoteState } from './remote-state.ts';
import { SpanSender } from './span-sender.ts';
import { yieldToOthers } from './thread-priority.ts';
import { upkeepOperations } from './upkeep.ts';
import type { VaultAccess } from './vault-key-wrapper.ts';
import { createVaultKeyWrapper } from './vault-key-wrapper.ts';

export interface ComposedProcess {
  readonly operations: Operations;
  /** Undefined: nobody traces. */
  readonly tracer: () => Tracer | undefined;
  /** A connection of a client. */
  take(socket: Socket, message: HandedSocket): void;
}

interface Configured {
  readonly wrapper: KeyWrapper;
  /** What a cluster's process holds. */
  readonly held:
    { readonly keys: KeyHolder; readonly data: DataHolder; readonly databaseKeys: DatabaseKeyring } | undefined;
  readonly settings: SupervisorCalls['configure'];
}

/** Between two attempts to commit while the custody of the cluster changes. */
const commitRetryMs = 20;

/** Puts together what the process of a cluster is made of: its keys, its data, and the data plane over both. */
export function compose(ask: AskSupervisor): ComposedProcess {
  let configured: Configured | undefined;
  let configuredAt = 0;
  let dataPlane: DataPlane | undefined;
  let tracer: Tracer | undefined;
  const spans = new SpanSender((call) => ask('spans', call));
  const cacheUse = new CacheUseSender((call) => ask('cacheUse', call), startSystemTimer);

  const ready = (): Configured => {
    invariant(configured !== undefined, 'configure comes first');
    return configured;
  };
  const held = (): NonNullable<Configured['held']> => {
    const found = ready().held;
    invariant(found !== undefined, 'only the process of a cluster holds keys and data');
    return found;
  };
  const data = (): DataHolder => held().data;
  const visited = new AsyncLocalStorage<Guid | undefined>();
  const access: VaultAccess = {
    resolve: async (host) => (await ask('resolve', { host })) as HostAnswer,
    token: async (identity, host, target) =>
      (await ask('token', {
        ...{ identity, host, ...target },
        clusterId: visited.getStore(),
      } satisfies VaultCalls['token'])) as TokenAnswer,
  };
  const hold = (clusterId: Guid, wrapper: KeyWrapper, reads: boolean): Configured['held'] => {
    const keys = new KeyHolder({
      ...{ clusterId, wrapper },
      randomBytes: systemRandomBytes,
      firstCatalog: (key, infrastructureKey) => data().first(key, infrastructureKey),
      rewrapCatalog: (old, next, change, database) => data().rewrap(old, next, change, database),
    });
    const databaseKeys = new DatabaseKeyring();
    return { keys, data: dataHolder({ clusterId, keys, databaseKeys, ask, reads }), databaseKeys };
  };

  const operations: Operations = {
    ...keyOperations({
      wrapper: () => ready().wrapper,
      visits: () => ready().settings.visitsKeys,
      visiting: (clusterId, work) => (ready().settings.visitsKeys ? visited.run(clusterId, work) : work()),
      holder: () => held().keys,
      data,
      databaseKeys: () => held().databaseKeys,
    }),
    ...upkeepOperations({
      data,
      plane: () => dataPlane,
      awakeMs: () => machineTime.monotonic() - configuredAt,
    }),
    configure: (call) => {
      const isFree = configured === undefined || (configured.held === undefined && !configured.settings.visitsKeys);
      const { clusterId } = call;
      invariant(isFree && (clusterId === undefined || !call.visitsKeys), 'a process belongs to one cluster');
      configuredAt = machineTime.monotonic();
      const { sampling } = call;
      tracer = sampling && tracerOf(sampling, spans);
      const wrapper = createVaultKeyWrapper({ edge: call.edge, access, timeoutMs: call.vaultTimeoutMs, tracer });
      const held = clusterId === undefined ? undefined : hold(clusterId, wrapper, call.reads === true);
      configured = { wrapper, held, settings: call };
      return { outcome: 'ready' };
    },
    serveData: async (settings) => {
      // The engine is large, and a process that only changes keys does without.
      const [{ openDataPlane }, { openClusterHost }] = await Promise.all([
        import('../data-plane/data-plane.ts'),
        import('./open-cluster-host.ts'),
      ]);
      const log = { ...(await mainLog(ask)), ...(tracer && { tracer }) };
      const { blobs } = ready().settings;
      const host = openClusterHost({
        ...{ settings, blobs, log, data: data(), startTimer: startSystemTimer },
        containerAccess: () => accessFrom(ask),
        cacheUsed: (use) => cacheUse.add(use),
      });
      dataPlane = await openDataPlane({ settings, host, log, call: callMain(ask) });
      yieldToOthers(); // threads that the engine has yet to start take after those that start them
      return { outcome: 'listening' };
    },
    serveLocalhost: async (call) => {
      invariant(dataPlane !== undefined, 'the data plane is open before it has another name');
      await dataPlane.serveLocalhost(call);
      return { outcome: 'listening' };
    },
    drain: async () => {
      await dataPlane?.drain();
      await Promise.all([spans.flush(), cacheUse.flush()]);
      return { outcome: 'drained' };
    },
    shutDown: async (reason) => {
      await dataPlane?.end(reason);
      return { outcome: 'told' };
    },
  };
  return {
    operations,
    tracer: () => tracer,
    take(socket, message) {
      if (dataPlane === undefined) socket.destroy();
      else dataPlane.take(socket, message);
    },
  };
}

function dataHolder(parts: {
  readonly clusterId: Guid;
  readonly keys: KeyHolder;
  readonly databaseKeys: DatabaseKeyring;
  readonly ask: AskSupervisor;
  readonly reads: boolean;
}): DataHolder {
  const { clusterId, keys, databaseKeys, ask, reads } = parts;
  const state = createRemoteState({
    clusterId,
    call: (operation, body) => ask(operation, body),
    generation: () => keys.current()?.generation,
  });
  const secondLayer = new OwnSecondLayer(
    async () => ((await ask('infrastructureKey', {})) as InfrastructureKeyAnswer).key,
    systemRandomBytes,
  );
  const layer = { secondLayer: () => secondLayer.get() };
  const store = createRemoteCatalogStore(state, clusterId, layer);
  const changes = async (call: CatalogChangesCall) => (await ask('catalogChanges', call)) as CatalogChangesReply;
  const followed = reads
    ? new FollowedCatalog({
        ...{ clusterId, store, state, ask: changes, ...layer },
        monotonicMs: () => machineTime.monotonic(),
      })
    : undefined;
  return new DataHolder({
    ...{ clusterId, secondLayer },
    store: followed?.store ?? store,
    ...(followed && { followed }),
    current: () => keys.current(),
    randomBytes: systemRandomBytes,
    databaseKeys,
    pause: () => pause(commitRetryMs),
    log: {
      warning: (name, fields) => void mainLog(ask).then((log) => log.warning(name, fields)),
      failure: (name, error, fields) => void mainLog(ask).then((log) => log.failure(name, error, fields)),
    },
  });
}

const tracerOf = (sampling: Sampling, spans: SpanSender): Tracer =>
  new Tracer({
    ...{ sampling, randomBytes: systemRandomBytes },
    wallMs: () => machineTime.now(),
    monotonicMs: () => machineTime.monotonic(),
    ended: (span) => spans.add(span),
  });

async function accessFrom(ask: AskSupervisor): Promise<ContainerAccess> {
  const answer = (await ask('containerAccess', {})) as AccessAnswer;
  if (answer.outcome === 'unavailable') throw new BlobsUnavailableError(answer.why);
  return answer.access;
}

const callMain =
  (ask: AskSupervisor): CallMain =>
  async (operation, body) =>
    (await ask(operation, body)) as never;

/** What a process that only changes keys does without. */
async function mainLog(ask: AskSupervisor): Promise<Log> {
  const { remoteLog } = await import('../data-plane/remote-log.ts');
  return remoteLog(callMain(ask));
}
