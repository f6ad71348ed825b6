import { randomBytes as nodeRandomBytes } from 'node:crypto';
import { AuditLog } from '../audit/audit-log.ts';
import { createAuthorizer } from '../authz/role-assignments.ts';
import { forbidCoreDumps } from '../base/core-dumps.ts';
import { systemRandomBytes } from '../base/random.ts';
import { machineTime } from '../clock/host-time.ts';
import { checkGeoipDatabase } from '../kql/algorithms/geo/geoip-file.ts';
import { createEdge } from '../http/edge.ts';
import type { Edge, EdgeOptions } from '../http/edge.ts';
import { defaultEdgeLimits } from '../http/edge-limits.ts';
import { signAddress } from '../http/advertised-address.ts';
import type { Plane } from '../http/plane.ts';
import { createLog } from '../http/logging.ts';
import type { State } from '../state/state.ts';
import { RecentRequests } from '../http/recent-requests.ts';
import { RequestMetrics } from '../http/request-metrics.ts';
import { RefusedHosts } from '../http/refused-hosts.ts';
import type { RefusedHost } from '../http/refused-hosts.ts';
import { isSealed } from '../state/sealed/check-record.ts';
import { HeldStore } from '../state/held-store.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { watchState } from '../state/watched-state.ts';
import { startSystemTimer } from '../http/timer.ts';
import { Tracer } from '../http/tracing/tracer.ts';
import type { OpenedStore } from './state-place.ts';
import { openStore, stateShown } from './state-place.ts';
import type { NodeLease } from './node-lease.ts';
import { BeatingLease, endlessLease, NodeLeaseExpiredError, underLease } from './node-lease.ts';
import { withBlobsCache } from './blobs-cache.ts';
import { blobsWithinReach } from './blobs-within-reach.ts';
import { openBlobsPlace } from './blobs-owner.ts';
import { CacheMetrics } from './cache-metrics.ts';
import { openStoredAuthority } from './authority.ts';
import type { Clocks } from './clocks.ts';
import { openClocks } from './clocks.ts';
import { Closing } from './closing.ts';
import { removeControlFile, writeAuthorityFile, writeControlFile } from './control-file.ts';
import { hasNoState, refuseEmptied } from './emptied-state.ts';
import { rootKeyFileName } from './data-directory-names.ts';
import { openFaults } from './faults.ts';
import { NodeKeys, passingOf } from './node-keys.ts';
import { readersOf } from './node-links.ts';
import { placeOfRootKey } from './root-key-place.ts';
import { createRootKeyRotation } from './root-key-routes.ts';
import { rootKeyTeller } from './rotate-root-key.ts';
import { nodesKey, StandingBy } from './standing-by.ts';
import { keysInVaultsOf, rootKeysOf } from './root-key-beside.ts';
import { identityEndpointsPath } from '../identity/managed/identity-endpoints.ts';
import { openIdentityParts } from './identity-parts.ts';
import { createInstance, readInstance, withDirectory, withSecondSubscription } from './instance.ts';
import { ClusterProcess } from '../cluster/supervisor/cluster-process.ts';
import { refuseOwnNames } from './outside-names.ts';
import { warnOfSmallRoom } from './memory-room.ts';
import { openReadyKeys } from './ready-keys.ts';
import { tellRefused } from './refused-state.ts';
import { createMappedStoragePlane } from './mapped-storage.ts';
import { createPlanes } from './planes.ts';
import type { Controls } from './planes.ts';
import type { ServerParts } from './server-parts.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import { choosePorts, firstPorts, keepPorts } from './kept-ports.ts';
import type { ServerAddress, ServerPorts, ServerSettings } from './settings.ts';
import { defaultStopGraceMs } from './settings.ts';
import { StateRolledBackError } from '../state/tree/tree-state.ts';
import { StateAnchor } from '../state/tree/anchor.ts';
import { stateTables } from './state-tables.ts';

/** A server that listens. */
export interface RunningServer extends ServerPorts {
  readonly controlToken: string;
  /** The root certificate as a file, for clients that take one. */
  readonly caFile: string;
  readonly environment: () => Promise<InstanceEnvironment>;
  /** For one with a seed: it is made. @param variables what programs are told of it */
  readonly tellSeeded: (variables: Readonly<Record<string, string>>) => void;
  readonly controls: Controls;
  /** What clients asked the proxy for in vain. */
  readonly refusedHosts: () => readonly RefusedHost[];
  /** Resolves when the state was lost, and nothing is served any more; a state in the data directory is not lost. */
  readonly lost?: Promise<Error>;
  /** Ends answers under way, then the processes of all clusters, then the state. What hangs holds it for half a minute at most.
   * @throws CloseLateError after all of it */
  close(): Promise<void>;
}

/** Whoever asks for virtual time means to move the clock, which would then not move. */
export class RealTimeError extends Error {
  override readonly name = 'RealTimeError';
  constructor() {
    super('This data directory was made with real time, and keeps it.');
  }
}

/** Some hundred commits: enough to take every key, role and identity away. */
const reserveBytes = 8 * 1024 * 1024;
/** Some 2 KB each. */
const keptOpenMax = 8_192;

/** Opens a data directory (making what is missing) and serves it. What was opened is closed again when a later step fails.
 * @throws StateLockedError, StateFormatError, EmptiedStateError, WrongRootKeyError, SealedRecordError, RootKeyError, EdgeAddressError,
 * StateRolledBackError, AnchorError, BlobsPlaceError, BlobsUnavailableError, GeoipDatabaseError, OutsideVaultError, RealTimeError, and those of `openStore` */
export async function startServer(settings: ServerSettings): Promise<RunningServer> {
  const closing = new Closing(settings.host ?? machineTime);
  try {
    return await open(settings, closing);
  } catch (error) {
    await closing.close().catch(() => undefined); // the first error says why
    throw error;
  }
}

async function open(given: ServerSettings, closing: Closing): Promise<RunningServer> {
  // A node that waits for its turn proves itself by it.
  const inVault = await keysInVaultsOf(given);
  const settings = { ...given, ...inVault?.keys };
  const { dataDirectory, geoipDatabase, telemetry } = settings;
  if (geoipDatabase !== undefined) checkGeoipDatabase(geoipDatabase);
  const host = settings.host ?? machineTime;
  const wallMs = (): number => host.now();
  closing.add('telemetry', () => telemetry?.close()); // when everything else has ended
  const sampling = telemetry?.sampling;
  const tracer =
    sampling &&
    new Tracer({
      ...{ sampling, randomBytes: systemRandomBytes, wallMs, monotonicMs: () => host.monotonic() },
      ended: (span) => telemetry.ended(span),
    });
  const log = { ...createLog({ ...settings.log, wallClock: wallMs }), ...(tracer && { tracer }) };
  closing.onLate = (part, ms) => log.warning('close-late', { part, ms });
  let isLost = false;
  const graceMs = (): number => (isLost ? 0 : (settings.stopGraceMs ?? defaultStopGraceMs));
  // Before any key is read, and any process started.
  if (!forbidCoreDumps()) log.warning('core dumps of this process cannot be turned off');
  const onError = (error: unknown): void => log.failure('timer-failed', error);
  warnOfSmallRoom(log, settings.memoryDirectory);
  const { keyPool, close: closeKeyPool } = openReadyKeys(log, settings.rsaKeys?.ofVaults);
  closing.add('ready keys', closeKeyPool);
  const noFile = hasNoState(dataDirectory);
  if (noFile) refuseEmptied(dataDirectory, rootKeyFileName, noFile);
  const released = (): void => log.warning('disk-full', { reserve: 'used' });
  const standingBy = new StandingBy(settings, log);
  closing.add('connections passed on', () => standingBy.close(graceMs()), graceMs);
  const reachesBlobs = blobsWithinReach(settings, {
    ...{ log, monotonicMs: () => host.monotonic(), startTimer: startSystemTimer },
  });
  const opened = await openStore(
    settings,
    { bytes: reserveBytes, released },
    {
      monotonicMs: () => host.monotonic(),
      hasBlobsElsewhere: settings.blobs !== undefined,
      ...standingBy.ports,
      hindered: (isDue) => standingBy.hindered(isDue, reachesBlobs),
    },
  ).catch(async (error: unknown) => {
    throw await standingBy.refused(error, wallMs);
  });
  closing.add('state', () => opened.close());
  const store = new HeldStore(opened.store);
  if (!(await isSealed(store))) {
    refuseEmptied(dataDirectory, rootKeyFileName, noFile);
    await inVault?.now?.keep(store);
  }
  const rootKeys = await rootKeysOf(settings, store);
  const anchor = settings.stateAnchor === undefined ? undefined : StateAnchor.open(settings.stateAnchor);
  closing.add('anchor', () => anchor?.close());
  const sealed = await SealedState.open({
    ...{ store, ...rootKeys, randomBytes: systemRandomBytes, tables: stateTables, anchor, keptOpenMax },
    damaged: ({ table, id, damage }) => log.warning('state-record-damaged', { table, id, damage }),
  }).catch(tellRefused(log));
  closing.add('sealed state', () => sealed.close());
  const { state, onCommit, tell } = watchState(sealed);

  const known = await readInstance(state);
  if (known?.virtualTime === false && settings.virtualTime) throw new RealTimeError();
  const virtualTime = known?.virtualTime ?? settings.virtualTime;
  const clocks = await openClocks({
    ...{ state, isNew: known === undefined, virtualTime, host, log, onError },
    askDatabase: opened.databaseNow,
  });
  closing.add('clocks', () => clocks.close());
  const nodeLease = await holdLease(opened, clocks, closing, onError);
  const spareProcess = settings.expectsCluster === true ? startSpareProcess(settings, clocks, tracer) : undefined;
  closing.add('spare process', () => spareProcess?.end());
  if (spareProcess !== undefined && known === undefined) keyPool.fill(1).catch(onError);
  const wallNow = () => clocks.wallClock.now();
  const faults = await openFaults({ state, randomBytes: systemRandomBytes, wallNow });
  const identity = openIdentityParts({
    state,
    randomBytes: systemRandomBytes,
    wallClock: wallNow,
    monotonicMs: () => clocks.monotonic.now(),
    tokenExpiry: (issuedAt) => faults.tokenExpired(issuedAt),
    allowedHosts: settings.allowedHosts,
    makeKeys: settings.rsaKeys?.ofTokens,
  });
  const instanceParts = { state, randomBytes: systemRandomBytes, ...identity, wallNow: wallNow() };
  const first = await withDirectory(instanceParts, known ?? (await createInstance(instanceParts, virtualTime)));
  const instance = settings.secondSubscription === true ? await withSecondSubscription(instanceParts, first) : first;
  const blobs = await openBlobsPlace(state, instance, settings);
  const served = await withBlobsCache(settings, systemRandomBytes);
  await opened.adopt?.();
  const tellOfRootKey = rootKeyTeller(new AuditLog(state, clocks.clock), instance, () => clocks.clock.now());
  await inVault?.keepNext(sealed, store, tellOfRootKey, known === undefined);
  await refuseOwnNames(state, settings.outsideVaults ?? []);
  const [authority] = await Promise.all([
    openStoredAuthority(state, { wallClock: wallMs, randomBytes: systemRandomBytes }),
    identity.signingKeys.load(),
  ]);
  const caFile = writeAuthorityFile(dataDirectory, authority.certificatePem);

  const bound: { ports?: ServerPorts; nodePort?: number | undefined; rotated?: () => Promise<void> } = {};
  const rootKeyRotation = createRootKeyRotation({
    ...{ sealed, store, settings, log, givenRootKeys: settings.rootKey && rootKeys },
    placeOf: (key) => placeOfRootKey(key, settings, store),
    nodesWithout: opened.nodesWithout,
    kids: inVault?.kids,
    onRotated: () => bound.rotated?.() ?? Promise.resolve(),
    forgetOld: inVault?.forgetOld && (() => inVault.forgetOld?.(store)),
  });
  closing.add('root key rotation', () => rootKeyRotation.close());
  const refusedHosts = new RefusedHosts();
  const recentRequests = new RecentRequests(clocks.clock, () => clocks.monotonic.now());
  const requestMetrics = new RequestMetrics();
  const parts: ServerParts = {
    refusedHosts,
    ...{ recentRequests, requestMetrics, cacheMetrics: new CacheMetrics() },
    format: opened.format,
    stateShown: () => stateShown(settings.statePlace, opened.failover, startSystemTimer),
    blobs,
    nodeLease,
    checkState: async () => {
      await opened.check();
      if (nodeLease.remainingMs() <= 0) throw new NodeLeaseExpiredError();
      await readInstance(state);
    },
    settings: served,
    state,
    onCommit,
    tellCommit: tell,
    ...{ sealed, store, rootKeyRotation },
    get rootKey() {
      return sealed.rootKey;
    },
    compact: () => sealed.compact(),
    randomBytes: systemRandomBytes,
    log: requestMetrics.beside(recentRequests.beside(log)),
    clocks,
    faults,
    identity,
    instance,
    authorizer: createAuthorizer(state),
    certificatePem: authority.certificatePem,
    authority,
    controlToken: nodeRandomBytes(32).toString('base64url'),
    keyPool,
    ...(spareProcess === undefined ? {} : { spareProcess }),
    ports: () => {
      if (bound.ports === undefined) throw new Error('The edge does not listen yet.');
      return bound.ports;
    },
  };
  const planes = createPlanes(parts);
  closing.add('clusters and vaults', () => planes.close());
  const { allowedHosts, allowRemote } = settings;
  const onProxy = { below: identityEndpointsPath, plane: planes.managedIdentity };
  const all = [...planes.all, createMappedStoragePlane({ settings, log })].map((plane) =>
    plane.name === 'control' ? plane : underLease(plane, nodeLease),
  );
  const edgeParts = { planes: all, onProxy, allowedHosts, allowRemote, authority, refusedHosts, log };
  const nodeKeys = new NodeKeys(startSystemTimer);
  const passing = passingOf(settings, () => bound.nodePort ?? 0, nodeKeys);
  const nodes = passing && { ...passing, ...(await readersOf(parts, planes, opened.nodeId, nodeKeys)) };
  const edgeWith = { ...edgeParts, ...(nodes && { nodes }) };
  const { edge, ports, nodePort } = await listen(edgeWith, planes.kustoOnLocalhost, state, await standingBy.turn());
  bound.nodePort = nodePort;
  bound.ports = ports;
  closing.add(
    'connections',
    () => edge.close(),
    () => (isLost ? 0 : defaultEdgeLimits.closeGraceMs),
  );
  await planes.start();
  closing.add('metrics', telemetry?.measure(planes.metrics) ?? (() => undefined));
  if (keepsPorts(settings)) await keepPorts(state, ports);
  // Whoever has the state now may not wait for us.
  closing.add('queries', () => (isLost ? undefined : planes.drain()), graceMs);
  writeControlFile(dataDirectory, { pid: process.pid, ...ports, token: parts.controlToken });
  closing.add('control file', () => removeControlFile(dataDirectory));
  if (nodes !== undefined && nodePort !== undefined) {
    const advertise = async (): Promise<void> => {
      const key = nodesKey(sealed.rootKey);
      nodeKeys.sign(key);
      await opened.advertise?.(signAddress(key, nodes.advertised()));
    };
    bound.rotated = advertise;
    await advertise();
    // Who comes to another node now waits there for the next that serves.
    closing.add('address', () => (isLost ? undefined : opened.advertise?.(undefined)));
    standingBy.serves(nodes.advertised(), nodePort, nodesKey(sealed.rootKey));
  }
  log.event('listening', { ...ports });
  const lost = opened.lost?.then(async (error) => {
    isLost = true;
    log.failure('state-lost', error);
    await closing.close().catch((failure: unknown) => log.failure('close-failed', failure));
    return error;
  });
  return {
    ...ports,
    controlToken: parts.controlToken,
    caFile,
    environment: planes.environment,
    tellSeeded: planes.tellSeeded,
    controls: planes.controls,
    refusedHosts: () => refusedHosts.list(),
    ...(lost === undefined ? {} : { lost }),
    close: () => closing.close(),
  };
}

/** Takes the state as it lies there for the one that was written last, and moves the anchor to it. No server has it open.
 * @throws StateLockedError, StateFormatError, WrongRootKeyError, RootKeyError, AnchorError */
export async function acceptState(
  settings: Pick<ServerSettings, 'dataDirectory' | 'rootKey' | 'oldRootKey' | 'stateAnchor' | 'statePlace'>,
): Promise<void> {
  const opened = await openStore(settings);
  const { store } = opened;
  if (!(await isSealed(store))) {
    await opened.close();
    throw new StateRolledBackError('there is nothing in it');
  }
  const anchor = settings.stateAnchor === undefined ? undefined : StateAnchor.open(settings.stateAnchor);
  try {
    const rootKeys = await rootKeysOf(settings, store);
    await SealedState.accept({ store, ...rootKeys, randomBytes: systemRandomBytes, tables: stateTables, anchor });
  } finally {
    await opened.close();
    anchor?.close();
  }
}

/** Starting it takes longest of all that a cluster needs. */
const startSpareProcess = ({ keys, scripts }: ServerSettings, { monotonic }: Clocks, tracer?: Tracer): ClusterProcess =>
  new ClusterProcess({
    script: scripts.clusterProcess,
    startUpFiles: scripts.startUpFiles,
    extraRoots: scripts.extraRoots,
    monotonic,
    vaultTimeoutMs: keys.vaultTimeoutMs,
    ...{ output: 'ignore', tracer },
  });

/** Before anything is answered, and ended before the state is closed. */
async function holdLease(
  { beat, lost }: OpenedStore,
  { monotonic, compare }: Clocks,
  closing: Closing,
  onError: (error: unknown) => void,
): Promise<NodeLease> {
  if (beat === undefined) return endlessLease;
  const lease = new BeatingLease(() => compare(beat), monotonic, onError);
  closing.add('node lease', () => lease.end());
  void lost?.then(() => lease.end());
  await lease.start();
  return lease;
}

const keepsPorts = ({ listen, kusto, proxy }: ServerSettings): boolean =>
  [listen, kusto, proxy].some(({ port }) => port === 'kept');

/** Somebody may take a port between the choice and the listening: then another is chosen. */
const listenAttemptsMax = 10;

async function listen(
  parts: Omit<EdgeOptions, 'listen' | 'proxy' | 'local'>,
  local: Plane,
  state: State,
  settings: ServerSettings,
): Promise<{ readonly edge: Edge; readonly ports: ServerPorts; readonly nodePort?: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const chosen = keepsPorts(settings) ? await choosePorts(state, settings.listen.host) : firstPorts;
    const at = ({ host, port }: ServerAddress, kept: number) => ({ host, port: port === 'kept' ? kept : port });
    const edge = createEdge({
      ...parts,
      listen: at(settings.listen, chosen.port),
      proxy: at(settings.proxy, chosen.proxyPort),
      local: { listen: at(settings.kusto, chosen.kustoPort), plane: local },
    });
    try {
      const { port, proxyPort, localPort = 0, nodePort } = await edge.listen();
      const ports = { port, proxyPort, kustoPort: localPort };
      return { edge, ports, ...(nodePort === undefined ? {} : { nodePort }) };
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
      const ours = taken && Object.values(chosen).some((port) => port === error.port);
      if (!ours || !keepsPorts(settings) || attempt === listenAttemptsMax) throw error;
    }
  }
}
