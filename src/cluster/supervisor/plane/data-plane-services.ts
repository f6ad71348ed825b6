import type { MintOnBehalf, MintToken } from '../../../authz/caller.ts';
import type { Guid } from '../../../base/guid.ts';
import type { HostName } from '../../../base/names.ts';
import type { Log, LogFields } from '../../../http/logging.ts';
import type { OutwardHost } from '../../../http/outward-host.ts';
import type { ClusterIdentity } from '../../../database/catalog/managed-identity.ts';
import type { ServedCluster } from '../served-clusters.ts';
import type { ExportRecords } from '../export-records.ts';
import type { FollowerTickets } from './follower-access.ts';
import type { DataPlaneReplies, LeaderRoute, LogCall } from '../../messages/data-plane-calls.ts';
import type { BetweenProcesses } from '../../messages/requests-elsewhere.ts';
import { readDataPlaneCall } from '../../messages/data-plane-calls.ts';
import { ProtocolError } from '../../messages/message.ts';
import type { SupervisedClusterKeys } from '../cluster-keys.ts';
import type { RequestAccessPorts } from './request-access.ts';
import { authorized, authorizeRequest, authorizeUploader } from './request-access.ts';
import { followerCommand } from './follower-commands.ts';
import type { FollowerCommandPorts } from './follower-commands.ts';
import { roleCommand } from './role-commands.ts';
import type { RoleCommandPorts } from './role-commands.ts';

export interface DataPlaneServicePorts
  extends RequestAccessPorts, Pick<FollowerCommandPorts, 'changeOverrides'>, Pick<RoleCommandPorts, 'changeRoles'> {
  readonly keys: Pick<SupervisedClusterKeys, 'admitted'>;
  readonly log: Log;
  readonly tickets: FollowerTickets;
  /** Whether data on a host elsewhere may be read, and where that is. */
  readonly outwardHost: (host: HostName, port: number) => Promise<OutwardHost>;
  readonly exports: ExportRecords;
  readonly mintToken: MintToken;
  readonly mintOnBehalf: MintOnBehalf;
  /** Where the process of a cluster takes connections, started when needed; undefined: it does not serve now. */
  readonly doorOf: (cluster: ServedCluster) => Promise<Omit<LeaderDoor, 'outcome' | 'ticket'> | undefined>;
}

type LeaderDoor = Extract<LeaderRoute, { outcome: 'routed' }>;

type Services = {
  readonly [Call in Exclude<keyof DataPlaneReplies, BetweenProcesses>]: (
    clusterId: Guid,
    body: unknown,
  ) => Promise<DataPlaneReplies[Call]>;
};

/** Of Azure Storage, whatever the account. */
const storageAudience = 'https://storage.azure.com';

/** What the data plane in a cluster process may ask, one row per call. Bodies are read as a stranger's. */
export function createDataPlaneServices(
  ports: DataPlaneServicePorts,
): (clusterId: Guid, operation: string, body: unknown) => Promise<unknown> {
  const services: Services = {
    authorize: async (clusterId, body) => {
      const answer = await authorizeRequest(ports, clusterId, readDataPlaneCall.authorize(body));
      const wantsBodies = answer.outcome === 'allowed' && ports.log.wantsBodies?.() === true;
      return wantsBodies ? { ...answer, wantsBodies } : answer;
    },
    renew: async (clusterId, body) => {
      readDataPlaneCall.renew(body);
      const admission = await ports.keys.admitted(clusterId);
      return { leaseMs: admission.outcome === 'admitted' ? admission.leaseMs : 0, now: ports.clock.now() };
    },
    uploader: (clusterId, body) => authorizeUploader(ports, clusterId, readDataPlaneCall.uploader(body)),
    route: (clusterId, body) => routeToLeader(ports, clusterId, readDataPlaneCall.route(body).leaderId),
    follower: (clusterId, body) => followerCommand(ports, clusterId, readDataPlaneCall.follower(body)),
    role: (clusterId, body) => roleCommand(ports, clusterId, readDataPlaneCall.role(body)),
    identities: (clusterId, body) => {
      readDataPlaneCall.identities(body);
      return identitiesOf(ports, clusterId);
    },
    connections: async (clusterId, body) => {
      readDataPlaneCall.connections(body);
      const cluster = await ports.clusters.byId(clusterId);
      const databases = (cluster?.databases ?? []).map((database) => ({ ...database, roles: [] }));
      return { connections: cluster?.connections ?? [], databases, now: ports.clock.now() };
    },
    storageToken: async (clusterId, body) => {
      const { identity } = readDataPlaneCall.storageToken(body);
      const isAssigned = (await ports.clusters.byId(clusterId))?.identities.some((one) => one.objectId === identity);
      if (isAssigned !== true) return { outcome: 'refused', reason: 'It is not assigned to the cluster.' };
      return ports.mintToken(identity, storageAudience);
    },
    // As whoever proves now that they sent something to this cluster: a process that says who it is for is not believed.
    impersonation: async (clusterId, body) => {
      const { authorization } = readDataPlaneCall.impersonation(body);
      const allowed = await authorized(ports, clusterId, authorization);
      if (allowed.outcome === 'refused') return { outcome: 'refused', reason: allowed.message };
      const { objectId, fqn } = allowed.caller;
      return ports.mintOnBehalf({ objectId, isUser: fqn.startsWith('aaduser=') }, storageAudience);
    },
    outwardHost: (_clusterId, body) => {
      const { host, port } = readDataPlaneCall.outwardHost(body);
      return ports.outwardHost(host, port);
    },
    exported: (clusterId, body) => ports.exports.note(clusterId, readDataPlaneCall.exported(body)),
    log: (clusterId, body) => {
      writeLog(ports.log, clusterId, readDataPlaneCall.log(body));
      return Promise.resolve(null);
    },
  };
  return async (clusterId, operation, body) => {
    const service = Object.hasOwn(services, operation) ? services[operation as keyof Services] : undefined;
    if (service === undefined) throw new ProtocolError('operation');
    return service(clusterId, body);
  };
}

/** Those that are in the directory now: one that was deleted there stays listed at its cluster and is nobody any more. */
async function identitiesOf(
  { clusters, findCaller }: Pick<DataPlaneServicePorts, 'clusters' | 'findCaller'>,
  clusterId: Guid,
): Promise<readonly ClusterIdentity[]> {
  const cluster = await clusters.byId(clusterId);
  if (cluster === undefined) return [];
  const { tenantId } = cluster;
  const found: ClusterIdentity[] = [];
  for (const { objectId, isSystem } of cluster.identities) {
    const principal = await findCaller(objectId, tenantId, false);
    if (principal?.appId === undefined) continue;
    found.push({ objectId, clientId: principal.appId, tenantId, displayName: principal.displayName, isSystem });
  }
  return found;
}

/** A process is told the way to a cluster only that its own follows. */
async function routeToLeader(ports: DataPlaneServicePorts, clusterId: Guid, leaderId: Guid): Promise<LeaderRoute> {
  const follower = await ports.clusters.byId(clusterId);
  const leader = await ports.clusters.byId(leaderId);
  if (leader === undefined || follower?.followed.some((one) => one.leaderId === leaderId) !== true)
    return { outcome: 'refused', message: 'The cluster does not follow that one any more.' };
  const door = await ports.doorOf(leader);
  if (door === undefined)
    return {
      outcome: 'refused',
      message: `The cluster '${leader.name}', which it follows, does not serve now (state ${leader.state}).`,
    };
  return { outcome: 'routed', ...door, ticket: ports.tickets.issue(leaderId, clusterId) };
}

function writeLog(log: Log, clusterId: Guid, line: LogCall): void {
  if (line.method === 'request') {
    log.request(line.fields, line.seen);
    return;
  }
  const fields: LogFields = Object.fromEntries(Object.entries(line.fields).filter(isLogField));
  if (line.method === 'event') log.event(line.name, { ...fields, clusterId });
  else log.warning(line.name, { ...fields, clusterId });
}

const isLogField = (entry: [string, unknown]): entry is [string, string | number | boolean] => {
  const [, value] = entry;
  return typeof value === 'string' ? value.length <= 4_000 : typeof value === 'number' || typeof value === 'boolean';
};
