import { createServer as createPlainServer } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:net';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Instant } from '../../clock/clock.ts';
import { toIso } from '../../clock/clock.ts';
import { machineTime, processorsUsed } from '../../clock/host-time.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { defaultEdgeLimits, httpLimits, httpsLimits } from '../../http/edge-limits.ts';
import { OpenConnections } from '../../http/open-connections.ts';
import { createConnectionFailureHandler } from '../../http/request-admission.ts';
import { agreeOnHost, parseHost } from '../../http/request-target.ts';
import type { Log } from '../../http/logging.ts';
import { startSystemTimer } from '../../http/timer.ts';
import { parseTraceparent } from '../../http/tracing/trace-context.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { RequestView } from '../../database/commands/command-context.ts';
import type { HandedSocket } from '../messages/handed-socket.ts';
import type { DataPlaneSettings, LocalhostSettings, ShutdownReason } from '../messages/supervisor-calls.ts';
import { Activity } from './activity.ts';
import { endedText, shutdownText } from './shutdown-reason.ts';
import { FollowedClock } from './followed-clock.ts';
import { LeaseWatch } from './cluster-session.ts';
import type { ClusterHost } from './cluster-host.ts';
import { syncedData } from './cluster-host.ts';
import { kustoError } from './errors/kusto-error.ts';
import { EndedTeller } from './requests/ended-teller.ts';
import { ExpectedRequests } from './expected-requests.ts';
import { tellLast } from './last-words.ts';
import { EndedRequests } from './requests/ended-requests.ts';
import { classifiedRequests } from './requests/classify-request.ts';
import { ResultsCache } from './answers/results-cache.ts';
import { historyLimits, RunningRequests } from './requests/running-requests.ts';
import { StreamingHistory } from './requests/streaming-history.ts';
import type { DataPlanePorts } from './ports.ts';
import { createProofs } from './sources/identity-tokens.ts';
import { createAccountLists } from './sources/account-blobs.ts';
import { createStorageSources } from './sources/storage-sources.ts';
import { ownBlobsOr } from './storage/queued-source.ts';
import { createStorageTargets } from './sources/storage-targets.ts';
import { createDataPlaneApp } from './routes.ts';
import type { Plane } from '../../http/plane.ts';
import { continuousExports } from './continuous-exports.ts';
import { BlobConnections } from './blob-connections.ts';
import { DueWork, dataNow } from './due-work.ts';
import { QueuedIngestion } from './queued-ingestion.ts';
import { createStorageApp } from './storage-app.ts';
import { runResourceScript } from './run-script.ts';
import { isReadable, passToWriter } from './writer-way.ts';
import type { EndedRequestsCall, EndedRequestsReply } from '../messages/ended-requests.ts';
import type { CancelElsewhereCall, EndedElsewhereCall } from '../messages/requests-elsewhere.ts';
import { viewOf } from '../messages/requests-elsewhere.ts';
import type { FlushReply } from '../messages/flush.ts';
import type { ScriptCall, ScriptReply } from '../messages/scripts.ts';
import type { AllowedRequest, CallMain } from '../messages/data-plane-calls.ts';

export interface DataPlane {
  /** Connections to `localhost` are taken from now on, too. */
  serveLocalhost(settings: LocalhostSettings): Promise<void>;
  take(socket: Socket, message: HandedSocket): void;
  /** No connection is taken any more, and each answer is the last of its connection. Resolves when none is under way. */
  drain(): Promise<void>;
  /** No row goes out any more: who waits for an answer is told why. Resolves when all answers under way are out. */
  end(reason: ShutdownReason): Promise<void>;
  /** The Kustody clock was put back, and everything with it. */
  putBack(now: Instant): void;
  /** The clock has gone on, or the data was opened: what is due in the queue is ingested, and what is to be exported is. */
  wakeDue(): void;
  /** Milliseconds for which nobody was connected and nothing went on; undefined: something does. */
  idleMs(): number | undefined;
  /** The data of the cluster, as of what the resource manager knows. @throws KustoError `unavailable` when its key is not here */
  data(known: Pick<AllowedRequest, 'databases' | 'now'>): Promise<ClusterData>;
  runScript(call: ScriptCall): Promise<ScriptReply>;
  /** Ingests all that waits in the queue, whatever batching policies say. */
  flushQueue(): Promise<FlushReply>;
  endedRequests(call: EndedRequestsCall): EndedRequestsReply;
  /** Of one that only reads: under way, or over without that the cluster's own process was told. */
  shownRequests(): readonly RequestView[];
  /** @returns how many there were */
  cancelRequest(call: CancelElsewhereCall): number;
  endedElsewhere(call: EndedElsewhereCall): void;
}

type DataPlaneApp = Pick<Plane, 'name' | 'handle' | 'answerConnectionFailure'>;

/** Connections of clients to one cluster. */
const socketsMax = 1_000;

/** Opens the data plane of the cluster whose process this is: TLS ends here, so that no row passes through another process in the
 * clear. The server listens, since only a listening one watches its timeouts; clients' connections are handed to it besides. */
export async function openDataPlane(options: {
  readonly settings: DataPlaneSettings;
  readonly host: ClusterHost;
  readonly log: Log;
  readonly call: CallMain;
}): Promise<DataPlane> {
  const { settings, host, log, call } = options;
  const monotonicMs = (): number => machineTime.monotonic();
  const clock = new FollowedClock(startSystemTimer);
  let startedAt: Instant | undefined; // the first request brings the time along
  const lease = new LeaseWatch(call, monotonicMs);
  const activity = new Activity(monotonicMs);
  const ended = new EndedRequests({ randomBytes: systemRandomBytes, monotonicMs });
  const queue = { startTimer: startSystemTimer };
  const teller = new EndedTeller(historyLimits, (requests) => call('endedElsewhere', { requests }));
  const reads = settings.writer !== undefined;
  const running = new RunningRequests(
    ...([reads ? { ...historyLimits, requestsMax: 0 } : historyLimits, queue] as const),
    (view, over) => (reads ? teller : ended).add(view, over),
    processorsUsed,
  );
  const results = new ResultsCache();
  const answering = new Set<ServerResponse>();
  const { clusterId } = settings;
  const proofOf = createProofs(call, () => host.data());
  const wallClock = (): number => machineTime.now();
  const elsewhere = createStorageSources({ accounts: settings.storageAccounts, call, proofOf, wallClock });
  const ports: DataPlanePorts = {
    call,
    settings,
    host,
    clock,
    startedAt: () => (startedAt ??= clock.now()),
    lease,
    running,
    results,
    streamed: new StreamingHistory(),
    classified: classifiedRequests(),
    activity,
    log,
    sourceOf: ownBlobsOr(elsewhere, {
      clusterId,
      storage: async () => (await host.data()).queued,
      wallClock,
    }),
    targetOf: createStorageTargets({
      ...{ accounts: settings.storageAccounts, call, proofOf, randomBytes: systemRandomBytes },
      requireLease: () => lease.require(),
    }),
    randomBytes: systemRandomBytes,
    startTimer: startSystemTimer,
    monotonicMs,
    wallClock,
    queued: () => queued.wake(),
  };
  const queuedIngestion = new QueuedIngestion({ ...ports, clusterId, elsewhere });
  const queued = new DueWork(ports, queuedIngestion);
  const exports = new DueWork(ports, continuousExports(ports));
  const list = createAccountLists(settings.storageAccounts, proofOf);
  const blobConnections = new BlobConnections({ ...ports, list });
  const dataConnections = new DueWork(ports, blobConnections);
  const apps: Readonly<Record<'engine' | 'ingestion' | 'both' | 'storage', DataPlaneApp>> = {
    engine: createDataPlaneApp(ports, 'engine'),
    ingestion: createDataPlaneApp(ports, 'ingestion'),
    both: createDataPlaneApp(ports, undefined),
    storage: createStorageApp({ ...ports, clusterId }),
  };
  const appOf = (host: string): DataPlaneApp => {
    if (host === settings.hosts[0]) return apps.engine;
    if (host === 'localhost') return apps.both;
    return settings.hosts.some((one) => one === host) ? apps.ingestion : apps.storage;
  };
  const connections = new OpenConnections();
  const expected = new ExpectedRequests({ monotonicMs, startTimer: startSystemTimer });
  /** A server for connections to these names.
   * @param leaf undefined: requests come in the clear, one a connection, since the next may be for another host of the proxy */
  const listen = async (
    listenPath: string,
    leaf: Pick<DataPlaneSettings, 'chainPem' | 'privateKeyPem'> | undefined,
    hosts: readonly string[],
  ): Promise<Server> => {
    const serve = (request: IncomingMessage, response: ServerResponse): void => {
      connections.addAnswer(response);
      expected.asked(response);
      if (leaf === undefined) response.shouldKeepAlive = false;
      const host = hostFor(hosts, connections, request, response);
      if (host === undefined) return;
      const cause = log.tracer && connections.takeTrace(request.socket);
      if (cause !== undefined) log.tracer?.causedBy(request, cause);
      answering.add(response);
      response.once('close', () => answering.delete(response));
      const { writer } = settings;
      if (writer !== undefined && (host !== settings.hosts[0] || !isReadable(request))) {
        passToWriter({ writer, host, log, timestamp: () => toIso(clock.now()) }, request, response);
        return;
      }
      appOf(host).handle(request, response);
    };
    const server =
      leaf === undefined
        ? createPlainServer(httpLimits(defaultEdgeLimits), serve)
        : createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem, ...httpsLimits(defaultEdgeLimits) }, serve);
    server.maxConnections = socketsMax;
    server.on('connection', (socket: Socket) => socket.once('close', activity.begin()));
    server.on('secureConnection', (socket: TLSSocket) => expected.secured(socket));
    server.on(
      'clientError',
      createConnectionFailureHandler({ connections, log, startTimer: startSystemTimer }, () => apps.engine),
    );
    server.listen(listenPath);
    await once(server, 'listening');
    return server;
  };
  const hosts = [...settings.hosts, ...settings.storageHosts];
  const server = await listen(settings.listenPath, settings, hosts);
  const plainServer = await listen(`${settings.listenPath}-plain`, undefined, hosts);
  let localServer: Server | undefined;
  return {
    data: (known) => syncedData(host, known),
    runScript: (script) => runResourceScript(ports, script),
    wakeDue: () => {
      queued.wake();
      exports.wake();
      dataConnections.wake();
    },
    flushQueue: async () => {
      const found = await dataNow(ports);
      if (found === undefined) return { outcome: 'unavailable' };
      const done = activity.begin();
      try {
        await blobConnections.prepare();
        await blobConnections.run();
        return { outcome: 'flushed', settled: await queuedIngestion.flush(found.data) };
      } finally {
        done();
      }
    },
    endedRequests: (call) => ended.list(call),
    shownRequests: () => [...running.list(), ...teller.untold()],
    cancelRequest: ({ clientRequestId, principal }) => running.cancel(clientRequestId, principal),
    endedElsewhere: ({ requests }) => {
      for (const view of requests.map(viewOf)) if (view.ended) running.endedElsewhere(view, view.ended);
    },
    idleMs: () => (ended.isAwaited ? undefined : activity.idleMs()),
    putBack: (now) => {
      results.clearAll();
      clock.putBack(now);
    },
    async end(reason) {
      const { kind: why } = reason;
      const kind = why === 'databaseSuspended' || why === 'instanceStopped' ? 'unavailable' : why;
      const error = kustoError(kind, shutdownText(settings.clusterName, reason));
      lease.end(error);
      running.endAll(error);
      results.clearAll();
      const words = { ...{ connections, expected, answering }, startTimer: startSystemTimer };
      const text = endedText(settings.clusterName, reason.kind);
      const timestamp = (): string => toIso(clock.now());
      await tellLast({ ...words, timestamp, randomBytes: systemRandomBytes }, { kind, text });
    },
    drain: () => new Promise((resolve) => connections.startClosing(resolve)),
    async serveLocalhost(local) {
      localServer = await listen(local.listenPath, local, ['localhost']);
    },
    take(socket, { host: name, head, greeting, inTheClear, trace }) {
      const taking = inTheClear ? plainServer : name === 'localhost' ? localServer : server;
      if (taking === undefined || connections.closing || connections.socketCount >= socketsMax) {
        socket.destroy();
        return;
      }
      connections.addSocket(socket);
      connections.nameTunnel(socket, name);
      expected.taken(socket, inTheClear === true);
      connections.traceFirst(socket, parseTraceparent(trace));
      socket.on('error', () => socket.destroy());
      if (greeting !== '') socket.write(greeting);
      if (head.byteLength > 0) socket.unshift(head);
      taking.emit('connection', socket);
    },
  };
}

/** Every place where a request names its host must name the one that the connection was made for; else it is refused.
 * @returns that host */
function hostFor(
  hosts: readonly string[],
  connections: OpenConnections,
  request: IncomingMessage,
  response: ServerResponse,
): string | undefined {
  const socket = request.socket;
  const names = [
    socket instanceof TLSSocket && typeof socket.servername === 'string' ? parseHost(socket.servername) : undefined,
    connections.tunnelName(socket),
  ].filter((name) => name !== undefined);
  const agreement = agreeOnHost({ connection: names, rawHeaders: request.rawHeaders, target: request.url ?? '' });
  if (agreement.agreed && hosts.includes(agreement.host)) {
    request.url = agreement.path;
    return agreement.host;
  }
  const refusal = agreement.agreed
    ? { status: 421, text: 'This connection was made for another host.' }
    : { status: agreement.status, text: agreement.text };
  response.writeHead(refusal.status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' });
  response.end(`${refusal.text}\n`);
  return undefined;
}
