import type { FollowerChange } from '../../../authz/follower-overrides.ts';
import type { Guid } from '../../../base/guid.ts';
import { SealedRecordError } from '../../../state/record-seal.ts';
import type { AllowedRequest, DataPlaneCalls, FollowerAnswer } from '../../messages/data-plane-calls.ts';
import type { FollowedDatabase, ServedCluster } from '../served-clusters.ts';
import { authorized } from './request-access.ts';
import type { AuthorizePorts } from './request-access.ts';

export interface FollowerCommandPorts extends AuthorizePorts {
  /** @returns why nothing was changed; undefined: it was */
  readonly changeOverrides: (
    at: { readonly configurationId: string; readonly databaseId: Guid; readonly tenantId: Guid },
    change: FollowerChange,
  ) => Promise<string | undefined>;
}

/** Carries out a command about databases that a cluster follows. Who asks is found out anew: the process of the cluster decides nothing. */
export async function followerCommand(
  ports: FollowerCommandPorts,
  clusterId: Guid,
  { authorization, databases, change }: DataPlaneCalls['follower'],
): Promise<FollowerAnswer> {
  try {
    const allowed = await authorized(ports, clusterId, authorization);
    if (allowed.outcome === 'refused') return { outcome: 'refused', kind: allowed.kind, message: allowed.message };
    if (change !== undefined && databases.length !== 1)
      return refused('badRequest', 'One database is changed at a time.');
    const asked = await administered(ports, clusterId, allowed, databases);
    if (!Array.isArray(asked)) return asked;
    const [followed] = asked;
    if (change === undefined || followed === undefined) return told(asked);
    const { configurationId, databaseId } = followed;
    const problem = await ports.changeOverrides(
      { configurationId, databaseId, tenantId: allowed.caller.tenantId },
      change,
    );
    if (problem !== undefined) return refused('badRequest', problem);
    const after = await administered(ports, clusterId, allowed, []);
    return told(Array.isArray(after) ? after.filter((one) => one.databaseId === databaseId) : []);
  } catch (error) {
    if (error instanceof SealedRecordError) return refused('damaged', error.message);
    throw error;
  }
}

/** Those that are named, or all that the caller administers.
 * @returns a refusal for one that the cluster does not follow, or that the caller does not administer */
async function administered(
  { clusters }: FollowerCommandPorts,
  clusterId: Guid,
  allowed: AllowedRequest,
  names: readonly string[],
): Promise<FollowedDatabase[] | Extract<FollowerAnswer, { outcome: 'refused' }>> {
  const cluster = await clusters.byId(clusterId);
  const followed = cluster?.followed ?? [];
  if (names.length === 0) return followed.filter(({ name }) => isAdmin(allowed, name));
  const found: FollowedDatabase[] = [];
  for (const name of names) {
    const one = followed.find((candidate) => isSameName(candidate.name, name));
    if (one === undefined) return refused('badRequest', notFollowed(cluster, name));
    if (!isAdmin(allowed, one.name))
      return refused(
        'forbidden',
        `Principal '${allowed.caller.fqn}' is not authorized to perform this operation on database '${one.name}': it needs the role Admin there, or AllDatabasesAdmin of the cluster.`,
      );
    found.push(one);
  }
  return found;
}

const isSameName = (left: string, right: string): boolean => left.toLowerCase() === right.toLowerCase();

const notFollowed = (cluster: ServedCluster | undefined, name: string): string =>
  `The cluster '${cluster?.name ?? ''}' follows no database '${name.slice(0, 300)}'.`;

/** Whoever administers the whole cluster says whom it lets in, even where nobody of the cluster is let in now. */
const isAdmin = ({ clusterRoles, followed = [] }: AllowedRequest, name: string): boolean =>
  clusterRoles.includes('AllDatabasesAdmin') ||
  followed.some((one) => one.name === name && one.roles.includes('Admin'));

const refused = (
  kind: Extract<FollowerAnswer, { outcome: 'refused' }>['kind'],
  message: string,
): Extract<FollowerAnswer, { outcome: 'refused' }> => ({ outcome: 'refused', kind, message });

const told = (followed: readonly FollowedDatabase[]): FollowerAnswer => ({
  outcome: 'told',
  databases: followed.map(({ name, principals, overrides }) => ({ name, principalsKind: principals, overrides })),
});
