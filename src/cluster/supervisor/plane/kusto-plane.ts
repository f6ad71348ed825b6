import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Guid } from '../../../base/guid.ts';
import { invariant } from '../../../base/invariant.ts';
import type { HostName } from '../../../base/names.ts';
import { parseHostName } from '../../../base/names.ts';
import { readStorageHost, storageHosts } from '../../../database/queued/storage-accounts.ts';
import { StorageOwners } from './storage-owners.ts';
import type { CertificateAuthority } from '../../../http/certificate-authority.ts';
import { existsAtAll, unlessDamaged } from '../../../state/list-all.ts';
import type { Plane, RawConnection } from '../../../http/plane.ts';
import type { Tracer } from '../../../http/tracing/tracer.ts';
import { releaseSocket, takeBackSocket } from '../../../http/release-socket.ts';
import type { NotServedPorts } from './not-served-app.ts';
import { createNotServedApp } from './not-served-app.ts';
import type { SupervisedClusterKeys } from '../cluster-keys.ts';
import type { ClusterProcess } from '../cluster-process.ts';
import type { RemoteProcess } from '../remote-process.ts';
import { nobody } from '../../data-plane/kusto-app.ts';
import { kustoError, oneApiError } from '../../data-plane/errors/kusto-error.ts';
import type { StorageAccount } from '../../messages/storage-account.ts';
import type { ServedCluster } from '../served-clusters.ts';
import { createDataPlaneServices } from './data-plane-services.ts';
import type { DataPlaneServicePorts } from './data-plane-services.ts';
import { refuseStorage } from './refuse-storage.ts';
import { FollowerTickets } from './follower-access.ts';

export interface KustoPlanePorts
  extends
    NotServedPorts,
    Pick<
      DataPlaneServicePorts,
      'changeOverrides' | 'changeRoles' | 'exports' | 'mintOnBehalf' | 'mintToken' | 'outwardHost'
    > {
  readonly keys: SupervisedClusterKeys;
  readonly authority: Pick<CertificateAuthority, 'issueFor' | 'certificatePem'>;
  /** `dist/kql-process.js`. */
  readonly parserScript: string;
  readonly parserSnapshots: string | undefined;
  /** The user's database of places; undefined: there is none. */
  readonly geoipDatabase: string | undefined;
  readonly memoryDirectory: string | undefined;
  readonly storageAccounts: readonly StorageAccount[];
  /** The cluster that serves Kusto paths on `localhost`; without it the only one. */
  readonly localhostCluster?: string;
}

export interface KustoPlane {
  readonly plane: Plane;
  /** A port of localhost that leads to the only cluster or the configured one, else to a refusal that names them all. */
  readonly localPlane: Plane;
  /** Answers what the data plane in the process of a cluster asks. @throws ProtocolError */
  serveProcess(clusterId: Guid, operation: string, body: unknown): Promise<unknown>;
  /** Has a process on another node read the cluster that has this name. @returns where it takes connections; undefined: no cluster that serves has
   * the name, or it did not open there */
  openReader(host: string, port: RemoteProcess): Promise<readonly HostName[] | undefined>;
  /** The process of a cluster that may use its key now, started when needed, with its data plane open. */
  processServing(cluster: ServedCluster): Promise<ClusterProcess | undefined>;
}

/** So many processes may end under a connection before it is answered here. */
const handOversMax = 3;

/** The hosts of all clusters. Connections to a cluster that serves go to its own process before TLS begins, so that no row is ever
 * in this one; the others are answered here. */
export function createKustoPlane(ports: KustoPlanePorts): KustoPlane {
  const { clusters, keys, log } = ports;
  /** Where each process takes connections. */
  const doors = new WeakMap<object, string>();
  const openedPlane = oncePerProcess(async (process, cluster) => {
    const listenPath = newListenPath(ports);
    await openDataPlane(ports, process, cluster, listenPath);
    doors.set(process, listenPath);
  });
  const openedLocalhost = oncePerProcess((process) => openLocalhost(ports, process));
  const notServed = createNotServedApp(ports);

  /** @returns the process of a cluster that takes something to do */
  function runningProcess(clusterId: Guid): ClusterProcess | undefined {
    const process = keys.processOf(clusterId);
    return process?.ended === false ? process : undefined;
  }

  /** @returns the process of a cluster that may serve now, with its data plane open */
  async function serving(cluster: ServedCluster): Promise<ClusterProcess | undefined> {
    if (!cluster.serves) return undefined;
    const { clusterId } = cluster;
    try {
      for (let attempt = 1; attempt <= handOversMax; attempt += 1) {
        const admission = await keys.admit(clusterId);
        if (admission.outcome !== 'admitted') return undefined;
        const process = runningProcess(clusterId);
        if (process === undefined) continue;
        await openedPlane(process, cluster);
        if (runningProcess(clusterId) === process) return process;
      }
      return undefined;
    } catch (error) {
      log.failure('data plane not opened', error, { clusterId });
      return undefined;
    }
  }

  /** For followers of the cluster. */
  const doorOf: DataPlaneServicePorts['doorOf'] = async (cluster) => {
    const listenPath = doors.get((await serving(cluster)) ?? {});
    if (listenPath === undefined) return undefined;
    return { listenPath, host: cluster.hosts[0], rootPem: ports.authority.certificatePem };
  };

  const handOver = async (
    process: ClusterProcess,
    { socket, head, inTheClear, ...rest }: RawConnection,
  ): Promise<boolean> => {
    const unread = releaseSocket(socket);
    const trace = log.tracer?.traceparent;
    const taken = await process.handOver(socket, {
      ...{ ...rest, head: Buffer.concat([head, unread]) },
      ...(inTheClear && { inTheClear }),
      ...(trace !== undefined && { trace }),
    });
    if (!taken) takeBackSocket(socket, unread);
    return taken;
  };

  /** To the process of the cluster, the next one if that ends meanwhile. While none serves it is answered here. */
  const handToCluster = async (
    connection: RawConnection,
    find: () => Promise<ServedCluster | undefined>,
    prepare: (process: ClusterProcess, cluster: ServedCluster) => Promise<void> = () => Promise.resolve(),
  ): Promise<boolean> => {
    for (let attempt = 1; attempt <= handOversMax; attempt += 1) {
      const cluster = await find();
      const process = cluster === undefined ? undefined : await serving(cluster);
      if (process === undefined || cluster === undefined) return false;
      await prepare(process, cluster);
      if (connection.socket.destroyed) return false;
      if (await handOver(process, connection)) return true;
    }
    return false;
  };

  const openReader: KustoPlane['openReader'] = async (name, port) => {
    const host = parseHostName(name);
    const cluster = host === undefined ? undefined : await unlessDamaged(() => clusters.find(host));
    if (host === undefined || cluster === undefined || host !== cluster.hosts[0]) return undefined;
    if ((await serving(cluster)) === undefined) return undefined;
    const reader = await keys.openReader(cluster.clusterId, port);
    if (reader === undefined) return undefined;
    try {
      await openDataPlane(ports, reader, cluster, newListenPath(ports));
      log.event('cluster-read-elsewhere', { clusterId: cluster.clusterId });
      return [host];
    } catch (error) {
      log.failure('data plane not opened', error, { clusterId: cluster.clusterId });
      await reader.end();
      return undefined;
    }
  };

  const accounts = new StorageOwners(clusters);
  const clusterAt = (host: HostName): Promise<ServedCluster | undefined> =>
    readStorageHost(host) === undefined ? clusters.find(host) : accounts.find(host);

  async function takeOver(connection: RawConnection): Promise<boolean> {
    return connectionSpan(log.tracer, connection.host, () => takeOverByHost(connection));
  }

  async function takeOverByHost(connection: RawConnection): Promise<boolean> {
    return handToCluster(connection, () => unlessDamaged(() => clusterAt(connection.host)));
  }

  const plane: Plane = {
    ...notServed,
    handle: (request, response) => {
      const stored = readStorageHost((request.headers.host ?? '').replace(/:\d+$/, ''));
      if (stored === undefined) notServed.handle(request, response);
      else refuseStorage(request, response, { service: stored.service, ...ports });
    },
    claim: async (host) => {
      // An account of nobody here may be anybody's in Azure.
      if (readStorageHost(host) !== undefined) return (await existsAtAll(() => clusterAt(host))) ? 'serve' : undefined;
      if (!host.endsWith('.kusto.windows.net')) return undefined;
      return (await existsAtAll(() => clusters.find(host))) ? 'serve' : 'absent';
    },
    takeOver,
  };

  async function localCluster(): Promise<{ readonly all: readonly ServedCluster[]; readonly cluster?: ServedCluster }> {
    const all = await clusters.list();
    const cluster = all.find(({ name }) => name === ports.localhostCluster) ?? (all.length === 1 ? all[0] : undefined);
    return { all, ...(cluster === undefined ? {} : { cluster }) };
  }

  /** Only what no cluster's process has taken comes here: there is no row to tell. */
  async function refuseOrTell(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { all, cluster } = await localCluster();
    if (cluster === undefined) {
      refuseLocalhost(response, several(all.map(({ hosts }) => hosts[0])));
      return;
    }
    request.headers.host = cluster.hosts[0];
    notServed.handle(request, response);
  }

  const localPlane: Plane = {
    ...notServed,
    claim: (host) => (host === 'localhost' ? 'serve' : undefined),
    takeOver: (connection) =>
      connectionSpan(log.tracer, connection.host, () =>
        handToCluster(connection, async () => (await localCluster()).cluster, openedLocalhost),
      ),
    handle(request, response) {
      refuseOrTell(request, response).catch((error: unknown) => {
        log.failure('localhost request failed', error);
        response.destroy();
      });
    },
  };

  return {
    plane,
    localPlane,
    serveProcess: createDataPlaneServices({ ...ports, tickets: new FollowerTickets(ports.randomBytes), doorOf }),
    processServing: serving,
    openReader,
  };
}

/** What it takes to bring a connection to the process of its cluster: to start it and to have its key unwrapped, perhaps. No request has been
 * read by then, so the first one of the connection is told what came before it. */
async function connectionSpan(
  tracer: Tracer | undefined,
  host: HostName,
  takeOver: () => Promise<boolean>,
): Promise<boolean> {
  if (tracer === undefined) return takeOver();
  const span = tracer.begin('internal', null);
  try {
    return await tracer.run(span.context, takeOver);
  } finally {
    span.end('edge connection', { plane: 'kusto', host });
  }
}

/** Tried again when it failed. */
function oncePerProcess(
  open: (process: ClusterProcess, cluster: ServedCluster) => Promise<void>,
): (process: ClusterProcess, cluster: ServedCluster) => Promise<void> {
  const opening = new WeakMap<ClusterProcess, Promise<void>>();
  return async (process, cluster) => {
    const opened = opening.get(process) ?? open(process, cluster);
    opening.set(process, opened);
    try {
      await opened;
    } catch (error) {
      opening.delete(process);
      throw error;
    }
  };
}

/** Abstract: no file, gone with the process. Whoever connects meets TLS and needs a token like everybody else. */
const newListenPath = ({ randomBytes }: KustoPlanePorts): string =>
  `\0kustody-${Buffer.from(randomBytes(16)).toString('hex')}`;

async function openDataPlane(
  ports: KustoPlanePorts,
  process: ClusterProcess,
  cluster: ServedCluster,
  listenPath: string,
): Promise<void> {
  const stored = storageHosts(cluster.clusterId);
  const leaf = await ports.authority.issueFor([...cluster.hosts, ...stored]);
  await process.call('serveData', {
    clusterId: cluster.clusterId,
    clusterName: cluster.name,
    hosts: cluster.hosts,
    storageHosts: stored,
    ...leaf,
    listenPath,
    parserScript: ports.parserScript,
    parserSnapshots: ports.parserSnapshots,
    geoipDatabase: ports.geoipDatabase,
    memoryDirectory: ports.memoryDirectory,
    storageAccounts: ports.storageAccounts,
    version: ports.version,
  });
}

async function openLocalhost(ports: KustoPlanePorts, process: ClusterProcess): Promise<void> {
  const local = parseHostName('localhost');
  invariant(local !== undefined, 'localhost is a host name');
  await process.call('serveLocalhost', {
    ...(await ports.authority.issueFor([local])),
    listenPath: newListenPath(ports),
  });
}

/** `localhost` names no cluster, so with none or several there is nothing to choose by. */
const several = (hosts: readonly string[]): string =>
  hosts.length === 0
    ? 'There is no cluster yet.'
    : `On localhost only one cluster can be reached, and there are several. Use the host name of one of them: ${hosts.join(', ')}.`;

/** Kusto's paths on a port that serves none. */
export const isKustoPath = (url: string | undefined): boolean => /^\/+v[12]\/+rest\//i.test(url ?? '');

/** As Kusto says it. What the client still sends is not kept. */
export function refuseLocalhost(response: ServerResponse, text: string): void {
  const error = kustoError('badRequest', text);
  const body = JSON.stringify(oneApiError(error, { timestamp: '', clientRequestId: '', activityId: nobody }));
  response.req.on('data', (piece: Buffer) => piece.fill(0));
  response.writeHead(400, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
