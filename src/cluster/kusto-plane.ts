import type { RandomBytes } from '../base/random.ts';
import type { HostName } from '../base/names.ts';
import type { Guid } from '../base/guid.ts';
import type { CertificateAuthority } from '../http/certificate-authority.ts';
import type { Log } from '../http/logging.ts';
import type { Plane, RawConnection } from '../http/plane.ts';
import { releaseSocket } from '../http/release-socket.ts';
import { createNotServedApp } from './not-served-app.ts';
import type { SupervisedClusterKeys } from './supervisor/cluster-keys.ts';
import type { ClusterProcess } from './supervisor/cluster-process.ts';
import type { WireAccessPorts } from './wire-access.ts';
import { createWireServices } from './wire-services.ts';

export interface KustoPlanePorts extends WireAccessPorts {
  readonly keys: SupervisedClusterKeys;
  readonly authority: Pick<CertificateAuthority, 'issueFor'>;
  readonly log: Log;
  readonly randomBytes: RandomBytes;
  /** `dist/kql-process.js`. */
  readonly parserScript: string;
}

export interface KustoPlane {
  readonly plane: Plane;
  /** Answers what the data plane in the process of a cluster asks. @throws ProtocolError */
  serveProcess(clusterId: Guid, operation: string, body: unknown): Promise<unknown>;
}

/** The hosts of all clusters. Connections to a cluster that serves go to its own process before TLS begins, so that no row is ever
 * in this one; the others are answered here. */
export function createKustoPlane(ports: KustoPlanePorts): KustoPlane {
  const { clusters, keys, log } = ports;
  const opening = new WeakMap<ClusterProcess, Promise<unknown>>();
  const notServed = createNotServedApp(ports);

  /** @returns the process of a cluster that may serve now, with its data plane open */
  async function serving(clusterId: Guid, cluster: { readonly name: string; readonly hosts: readonly [HostName, HostName] }): Promise<ClusterProcess | undefined> {
    const admission = await keys.admit(clusterId);
    const process = keys.processOf(clusterId);
    if (admission.outcome !== 'admitted' || process === undefined || process.ended) return undefined;
    let opened = opening.get(process);
    if (opened === undefined) {
      opened = openDataPlane(ports, process, cluster);
      opening.set(process, opened);
    }
    await opened;
    return process.ended ? undefined : process;
  }

  async function takeOver({ socket, head, host, greeting }: RawConnection): Promise<boolean> {
    const cluster = await clusters.find(host);
    if (cluster?.serves !== true) return false;
    let process: ClusterProcess | undefined;
    try {
      process = await serving(cluster.clusterId, cluster);
    } catch (error) {
      log.failure('data plane not opened', error, { clusterId: cluster.clusterId });
    }
    if (process === undefined || socket.destroyed) return false;
    const rest = releaseSocket(socket);
    process.handOver(socket, { kind: 'socket', host, head: Buffer.concat([head, rest]), greeting });
    return true;
  }

  const plane: Plane = {
    ...notServed,
    claim: async (host) => {
      if (!host.endsWith('.kusto.windows.net')) return undefined;
      return (await clusters.find(host)) === undefined ? 'absent' : 'serve';
    },
    takeOver,
  };
  return { plane, serveProcess: createWireServices(ports) };
}

async function openDataPlane(
  ports: KustoPlanePorts,
  process: ClusterProcess,
  cluster: { readonly name: string; readonly hosts: readonly [HostName, HostName] },
): Promise<void> {
  const leaf = await ports.authority.issueFor(cluster.hosts);
  // Abstract: no file, gone with the process. Whoever connects meets TLS and needs a token like everybody else.
  const listenPath = `\0kustody-${Buffer.from(ports.randomBytes(16)).toString('hex')}`;
  await process.call('serveData', {
    clusterName: cluster.name,
    hosts: cluster.hosts,
    ...leaf,
    listenPath,
    parserScript: ports.parserScript,
  });
}
