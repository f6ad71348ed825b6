import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RandomBytes } from '../base/random.ts';
import type { Guid } from '../base/guid.ts';
import type { CertificateAuthority } from '../http/certificate-authority.ts';
import type { Log } from '../http/logging.ts';
import { existsAtAll, unlessDamaged } from '../state/list-all.ts';
import type { Plane, RawConnection } from '../http/plane.ts';
import { releaseSocket } from '../http/release-socket.ts';
import { relay } from './localhost-relay.ts';
import { createNotServedApp } from './not-served-app.ts';
import type { ProductVersion } from './suspended-commands.ts';
import type { SupervisedClusterKeys } from './supervisor/cluster-keys.ts';
import type { ClusterProcess } from './supervisor/cluster-process.ts';
import { nobody } from './wire/kusto-app.ts';
import { kustoError, oneApiError } from './wire/kusto-error.ts';
import type { ServedCluster, WireAccessPorts } from './wire-access.ts';
import { createWireServices } from './wire-services.ts';

export interface KustoPlanePorts extends WireAccessPorts {
  readonly keys: SupervisedClusterKeys;
  readonly authority: Pick<CertificateAuthority, 'issueFor'>;
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  /** `dist/kql-process.js`. */
  readonly parserScript: string;
  /** The user's database of places; undefined: there is none. */
  readonly geoipDatabase: string | undefined;
  readonly version: ProductVersion;
  /** The root that signed our leaves. */
  readonly certificatePem: string;
  /** The cluster that serves Kusto paths on `localhost`; without it the only one. */
  readonly localhostCluster?: string;
}

export interface KustoPlane {
  readonly plane: Plane;
  /** Takes a request to `https://localhost`. @returns false when its path is none of Kusto's */
  handleLocal(request: IncomingMessage, response: ServerResponse): boolean;
  /** Answers what the data plane in the process of a cluster asks. @throws ProtocolError */
  serveProcess(clusterId: Guid, operation: string, body: unknown): Promise<unknown>;
  /** The process of a cluster that may use its key now, started when needed, with its data plane open. */
  processServing(cluster: ServedCluster): Promise<ClusterProcess | undefined>;
}

/** The hosts of all clusters. Connections to a cluster that serves go to its own process before TLS begins, so that no row is ever
 * in this one; the others are answered here. */
export function createKustoPlane(ports: KustoPlanePorts): KustoPlane {
  const { clusters, keys, log } = ports;
  const opening = new WeakMap<ClusterProcess, Promise<string>>();
  const notServed = createNotServedApp(ports);

  /** Once per process; tried again when it failed. */
  async function openedPlane(process: ClusterProcess, cluster: ServedCluster): Promise<string> {
    const opened = opening.get(process) ?? openDataPlane(ports, process, cluster);
    opening.set(process, opened);
    try {
      return await opened;
    } catch (error) {
      opening.delete(process);
      throw error;
    }
  }

  /** @returns the process of a cluster that may serve now, with its data plane open */
  async function serving(cluster: ServedCluster): Promise<ServingProcess | undefined> {
    if (!cluster.serves) return undefined;
    const { clusterId } = cluster;
    try {
      const admission = await keys.admit(clusterId);
      const process = keys.processOf(clusterId);
      if (admission.outcome !== 'admitted' || process === undefined || process.ended) return undefined;
      const listenPath = await openedPlane(process, cluster);
      return keys.processOf(clusterId) === process ? { process, listenPath } : undefined;
    } catch (error) {
      log.failure('data plane not opened', error, { clusterId });
      return undefined;
    }
  }

  async function takeOver({ socket, head, host, greeting }: RawConnection): Promise<boolean> {
    const cluster = await unlessDamaged(() => clusters.find(host));
    const found = cluster === undefined ? undefined : await serving(cluster);
    if (found === undefined || socket.destroyed) return false;
    const rest = releaseSocket(socket);
    found.process.handOver(socket, { host, head: Buffer.concat([head, rest]), greeting });
    return true;
  }

  const plane: Plane = {
    ...notServed,
    claim: async (host) => {
      if (!host.endsWith('.kusto.windows.net')) return undefined;
      return (await existsAtAll(() => clusters.find(host))) ? 'serve' : 'absent';
    },
    takeOver,
  };

  async function toLocal(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const all = await clusters.list();
    const cluster = all.find(({ name }) => name === ports.localhostCluster) ?? (all.length === 1 ? all[0] : undefined);
    if (cluster === undefined) {
      refuseLocal(
        response,
        all.map(({ hosts }) => hosts[0]),
      );
      return;
    }
    const found = await serving(cluster);
    if (found !== undefined) {
      relay({ listenPath: found.listenPath, cluster }, ports.certificatePem, log, request, response);
      return;
    }
    request.headers.host = cluster.hosts[0];
    notServed.handle(request, response);
  }

  return {
    plane,
    serveProcess: createWireServices(ports),
    processServing: async (cluster) => (await serving(cluster))?.process,
    handleLocal(request, response) {
      if (!/^\/+v[12]\/+rest\//i.test(request.url ?? '')) return false;
      toLocal(request, response).catch((error: unknown) => {
        log.failure('localhost request failed', error);
        response.destroy();
      });
      return true;
    },
  };
}

interface ServingProcess {
  readonly process: ClusterProcess;
  readonly listenPath: string;
}

/** @returns where the process listens */
async function openDataPlane(ports: KustoPlanePorts, process: ClusterProcess, cluster: ServedCluster): Promise<string> {
  const leaf = await ports.authority.issueFor(cluster.hosts);
  // Abstract: no file, gone with the process. Whoever connects meets TLS and needs a token like everybody else.
  const listenPath = `\0kustody-${Buffer.from(ports.randomBytes(16)).toString('hex')}`;
  await process.call('serveData', {
    clusterName: cluster.name,
    hosts: cluster.hosts,
    ...leaf,
    listenPath,
    parserScript: ports.parserScript,
    geoipDatabase: ports.geoipDatabase,
    version: ports.version,
  });
  return listenPath;
}

/** `localhost` names no cluster, so with none or several there is nothing to choose by. */
function refuseLocal(response: ServerResponse, hosts: readonly string[]): void {
  const text =
    hosts.length === 0
      ? 'There is no cluster yet.'
      : `On localhost only one cluster can be reached, and there are several. Use the host name of one of them: ${hosts.join(', ')}.`;
  const error = kustoError('badRequest', text);
  const timestamp = '';
  const body = JSON.stringify(oneApiError(error, { timestamp, clientRequestId: '', activityId: nobody }));
  response.writeHead(400, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
