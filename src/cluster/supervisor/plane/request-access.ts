import type { DatabaseAccess, DatabaseRole, RoleHolder } from '../../../authz/kusto-roles.ts';
import { hasKustoRight, isClusterRole } from '../../../authz/kusto-roles.ts';
import type { Caller, FindCaller, TokenVerdict, VerifyToken } from '../../../authz/caller.ts';
import type { Guid } from '../../../base/guid.ts';
import type { Clock } from '../../../clock/clock.ts';
import { SealedRecordError } from '../../../state/record-seal.ts';
import type { SupervisedClusterKeys } from '../cluster-keys.ts';
import { followedAccess, followedHolders } from './follower-access.ts';
import type { FollowerTickets } from './follower-access.ts';
import type { FollowedDatabase, ServedCluster, ServedClusters } from '../served-clusters.ts';
import type { AllowedRequest, DataPlaneCalls, RefusedRequest } from '../../messages/data-plane-calls.ts';

export interface RequestAccessPorts {
  readonly clusters: ServedClusters;
  readonly verifyToken: VerifyToken;
  /** A principal of the directory as of now, in whose name something goes on. @returns undefined: there is none, or it is disabled */
  readonly findCaller: FindCaller;
  readonly clock: Clock;
}

/** What a token for a cluster may be made out to: Data Explorer as a whole, the cluster by one of its names, the public help cluster. */
const audiencesOf = ({ hosts }: ServedCluster): readonly string[] =>
  [
    'https://kusto.kusto.windows.net',
    'https://help.kusto.windows.net',
    ...hosts.map((host) => `https://${host}`),
  ].flatMap((audience) => [audience, `${audience}/`]);

/** Who sends a request, or why nobody is let in. @param authorization the header's value */
export async function authenticate(
  { verifyToken }: Pick<RequestAccessPorts, 'verifyToken'>,
  cluster: ServedCluster,
  authorization: string | undefined,
): Promise<Caller | RefusedRequest> {
  const verdict = await verifyToken(authorization, audiencesOf(cluster));
  if (verdict.outcome !== 'valid') return unauthorized(cluster, verdict);
  if (verdict.caller.tenantId !== cluster.tenantId) {
    return unauthorized(cluster, { outcome: 'wrongIssuer', found: verdict.caller.issuer });
  }
  return verdict.caller;
}

const reasons: { readonly [Outcome in Exclude<TokenVerdict['outcome'], 'valid'>]: string } = {
  missing: 'The request has no bearer token.',
  malformed: 'The token is malformed.',
  badSignature: 'The signature of the token is not valid.',
  expired: 'The token has expired.',
  wrongAudience: 'The token was issued for another audience.',
  wrongIssuer: "The token was issued by another tenant than the cluster's.",
  unknownPrincipal: 'The principal of the token does not exist any more or is disabled.',
};

const unauthorized = (
  cluster: ServedCluster,
  verdict: Exclude<TokenVerdict, { outcome: 'valid' }>,
): RefusedRequest => ({
  outcome: 'refused',
  kind: 'unauthorized',
  message: `Request is denied due to lack of credentials: ${reasons[verdict.outcome]}`,
  challenge: `Bearer authorization_uri="https://login.microsoftonline.com/${cluster.tenantId}", resource_id="https://kusto.kusto.windows.net"`,
});

/** Answers the data plane of a cluster process: who sends a request and what they are there.
 * @param keys tells whether the cluster may use its key at this moment */
export async function authorizeRequest(
  ports: AuthorizePorts & { readonly tickets: Pick<FollowerTickets, 'redeem'> },
  clusterId: Guid,
  { authorization, ticket }: DataPlaneCalls['authorize'],
): Promise<AllowedRequest | RefusedRequest> {
  try {
    if (ticket === undefined) return await authorized(ports, clusterId, authorization);
    const followerId = ports.tickets.redeem(ticket, clusterId);
    if (followerId === undefined)
      return { outcome: 'refused', kind: 'forbidden', message: 'No follower sent this request.' };
    return await authorizedThrough(ports, clusterId, followerId, authorization);
  } catch (error) {
    if (error instanceof SealedRecordError) return { outcome: 'refused', kind: 'damaged', message: error.message };
    throw error;
  }
}

export type AuthorizePorts = RequestAccessPorts & { readonly keys: Pick<SupervisedClusterKeys, 'admitted'> };

/** A request for what a cluster shares with a follower: let in by the follower as any other, with what it may read there, and served while both
 * may use their keys. */
async function authorizedThrough(
  ports: AuthorizePorts,
  clusterId: Guid,
  followerId: Guid,
  authorization: string | undefined,
): Promise<AllowedRequest | RefusedRequest> {
  const [leader, follower] = [await ports.clusters.byId(clusterId), await ports.clusters.byId(followerId)];
  if (leader === undefined || follower === undefined) return unavailable('The cluster does not exist any more.');
  const allowed = await authorized(ports, followerId, authorization);
  if (allowed.outcome === 'refused') return allowed;
  const admission = await ports.keys.admitted(clusterId);
  if (admission.outcome !== 'admitted' || !leader.serves) return unavailable('The leader may not use its key now.');
  const followed = allowed.followed?.filter(({ leaderId }) => leaderId === clusterId) ?? [];
  const shared = follower.followed.filter(({ leaderId }) => leaderId === clusterId);
  const others = [
    ...allowed.databases.filter(({ name }) => hasKustoRight(allowed, 'list', name)),
    ...(allowed.followed ?? []).filter(({ roles }) => roles.length > 0),
  ].map(({ name }) => name);
  return {
    outcome: 'allowed',
    caller: allowed.caller,
    clusterRoles: [],
    databases: followed.map(({ name, databaseId, roles }) => ({
      ...periodsOf(leader, databaseId, shared),
      ...{ name, databaseId, roles },
    })),
    following: {
      cluster: follower.name,
      databases: shared.map(({ name, databaseId, sharing, overrides: { cachingKind, caching, tables } }) => ({
        ...{ name, databaseId, sharing },
        caching: { kind: cachingKind, tables, ...(caching === undefined ? {} : { database: caching }) },
      })),
      others,
      known: leader.databases,
    },
    principals: shared.flatMap((one) => followedHolders(one, follower, leader)),
    streamingIngestEnabled: false,
    purgeEnabled: false,
    machines: leader.machines,
    now: allowed.now,
    leaseMs: Math.min(allowed.leaseMs, admission.leaseMs),
  };
}

/** As the resource manager has them for the leader's database, but what the follower replaces. */
function periodsOf(
  { databases }: ServedCluster,
  databaseId: Guid,
  shared: readonly FollowedDatabase[],
): Pick<DatabaseAccess, 'softDeletePeriodMs' | 'hotCachePeriodMs'> {
  const { softDeletePeriodMs, hotCachePeriodMs } = databases.find((one) => one.databaseId === databaseId) ?? {};
  const isReplaced = shared.find((one) => one.databaseId === databaseId)?.overrides.cachingKind === 'Replace';
  return {
    ...(softDeletePeriodMs === undefined ? {} : { softDeletePeriodMs }),
    ...(hotCachePeriodMs === undefined || isReplaced ? {} : { hotCachePeriodMs }),
  };
}

/** A request for the cluster itself. @throws SealedRecordError */
export async function authorized(
  ports: AuthorizePorts,
  clusterId: Guid,
  authorization: string | undefined,
): Promise<AllowedRequest | RefusedRequest> {
  const cluster = await ports.clusters.byId(clusterId);
  if (cluster === undefined) return unavailable('The cluster does not exist any more.');
  const caller = await authenticate(ports, cluster, authorization);
  if ('outcome' in caller) return caller;
  if (cluster.networkRefusal !== undefined)
    return { outcome: 'refused', kind: 'forbidden', message: cluster.networkRefusal };
  return allowedFor(ports, cluster, caller);
}

/** What the principal may do now who has uploaded a blob that is to be ingested. */
export async function authorizeUploader(
  ports: AuthorizePorts,
  clusterId: Guid,
  { objectId, tenantId, isUser }: DataPlaneCalls['uploader'],
): Promise<AllowedRequest | RefusedRequest> {
  try {
    const cluster = await ports.clusters.byId(clusterId);
    if (cluster === undefined) return unavailable('The cluster does not exist any more.');
    const caller = tenantId === cluster.tenantId ? await ports.findCaller(objectId, tenantId, isUser) : undefined;
    if (caller === undefined)
      return {
        outcome: 'refused',
        kind: 'unauthorized',
        message: `Whoever uploaded the blob: ${reasons.unknownPrincipal}`,
      };
    return await allowedFor(ports, cluster, caller);
  } catch (error) {
    if (error instanceof SealedRecordError) return { outcome: 'refused', kind: 'damaged', message: error.message };
    throw error;
  }
}

async function allowedFor(
  ports: AuthorizePorts,
  cluster: ServedCluster,
  caller: Caller,
): Promise<AllowedRequest | RefusedRequest> {
  const { clusterId } = cluster;
  const admission = await ports.keys.admitted(clusterId);
  if (admission.outcome !== 'admitted' || !cluster.serves) return unavailable('The cluster may not use its key now.');
  return {
    outcome: 'allowed',
    ...accessOf(cluster, caller),
    ...(cluster.followed.length === 0 ? {} : { followed: await followedAccess(ports.clusters, cluster, caller) }),
    now: ports.clock.now(),
    leaseMs: admission.leaseMs,
  };
}

/** What a caller is in a cluster: by its own object id or by one of its groups. */
export type AccessRights = Omit<AllowedRequest, 'outcome' | 'now' | 'leaseMs'>;

export function accessOf(cluster: ServedCluster, caller: Caller): AccessRights {
  const principals = [caller.objectId, ...caller.groupIds];
  const own = cluster.assignments.filter(({ objectId }) => principals.includes(objectId));
  const roles = new Map<Guid, DatabaseRole[]>();
  for (const { databaseId, role } of own) {
    if (databaseId === undefined || isClusterRole(role)) continue;
    const there = roles.get(databaseId);
    if (there === undefined) roles.set(databaseId, [role]);
    else there.push(role);
  }
  return {
    caller: {
      objectId: caller.objectId,
      tenantId: caller.tenantId,
      displayName: caller.displayName,
      fqn:
        caller.user === undefined
          ? `aadapp=${caller.appId ?? caller.objectId};${caller.tenantId}`
          : `aaduser=${caller.objectId};${caller.tenantId}`,
      memberOf: [
        ...caller.groupIds.map((groupId) => `aadgroup=${groupId};${caller.tenantId}`),
        ...(caller.user === undefined ? [] : [`aaduser=${caller.user.principalName}`]),
      ],
    },
    clusterRoles: own.flatMap(({ databaseId, role }) =>
      databaseId === undefined && isClusterRole(role) ? [role] : [],
    ),
    databases: cluster.databases.map((database) => ({ ...database, roles: roles.get(database.databaseId) ?? [] })),
    principals: cluster.assignments satisfies readonly RoleHolder[],
    streamingIngestEnabled: cluster.streamingIngestEnabled,
    purgeEnabled: cluster.purgeEnabled,
    machines: cluster.machines,
  };
}

const unavailable = (message: string): RefusedRequest => ({ outcome: 'refused', kind: 'unavailable', message });
