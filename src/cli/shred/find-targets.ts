import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { nearest } from '../../base/edit-distance.ts';
import type { AzureCalls } from '../../server/azure-calls.ts';
import type { ClusterDescription } from '../../server/cluster-inventory.ts';
import { UserError } from '../user-error.ts';
import type { ShredCertificate } from './certificate.ts';
import type { Target } from './key-plan.ts';

const apiVersion = '2024-04-13';

export interface FoundTargets {
  readonly targets: readonly Target[];
  /** Names of clusters that follow one of these and keep their keys. */
  readonly keptFollowers: readonly string[];
}

/** The clusters that were named, and those that follow them and hold nothing of their own.
 * @param before of an earlier run: a cluster that is gone since stays in it
 * @throws UserError for a cluster that is not there, or whose keys are nobody's to delete */
export async function findTargets(
  { arm }: Pick<AzureCalls, 'arm'>,
  clusters: readonly ClusterDescription[],
  names: readonly string[],
  before: ShredCertificate | undefined,
): Promise<FoundTargets> {
  const targets = new Map<string, Target>((before?.clusters ?? []).map((target) => [target.clusterId, target]));
  const unnamed = [...targets.values()].find(
    (target) => !target.follower && !names.some((name) => isNamed(target, name)),
  );
  if (unnamed !== undefined)
    throw new UserError(
      `The certificate is about ${unnamed.name}, too; nothing was deleted.`,
      'Name all its clusters, or give a file that is not there yet.',
    );
  const named = names.flatMap((name) => {
    const found = clusters.find((cluster) => isNamed(cluster, name));
    if (found !== undefined) return [found];
    if ((before?.clusters ?? []).some((target) => isNamed(target, name))) return [];
    throw noCluster(clusters, name);
  });
  const keptFollowers: string[] = [];
  for (const cluster of named) {
    requireSameCluster(cluster, before);
    requireCustomerKeys(cluster);
    targets.set(cluster.clusterId, await targetOf(arm, cluster, false));
    for (const follower of await followersOf(arm, cluster, clusters)) {
      if (named.includes(follower)) continue;
      if (follower.custody === 'customer' && !isOutside(follower) && (await holdsNothing(arm, follower)))
        targets.set(follower.clusterId, await targetOf(arm, follower, true));
      else if (!targets.has(follower.clusterId)) keptFollowers.push(follower.name);
    }
  }
  const outside = clusters.find((cluster) => targets.has(cluster.clusterId) && isOutside(cluster));
  if (outside !== undefined)
    throw new UserError(
      `A key of ${outside.name} is in a vault outside of Kustody; nothing was deleted.`,
      'What that vault has recorded is not known here. Delete the key there, by its own rules.',
    );
  return { targets: [...targets.values()], keptFollowers: [...new Set(keptFollowers)].toSorted() };
}

const isNamed = ({ name, resourceId }: { readonly name: string; readonly resourceId: string }, text: string): boolean =>
  name === text.toLowerCase() || resourceId.toLowerCase() === text.toLowerCase();

function noCluster(clusters: readonly ClusterDescription[], name: string): UserError {
  const near = nearest(
    name,
    clusters.map((cluster) => cluster.name),
    5,
  );
  const hint = near.length === 0 ? 'There are none.' : `There ${near.length === 1 ? 'is' : 'are'}: ${near.join(', ')}`;
  return new UserError(`There is no cluster '${name}'.`, hint);
}

/** Its name may be another's since. */
function requireSameCluster({ name, clusterId }: ClusterDescription, before: ShredCertificate | undefined): void {
  const earlier = before?.clusters.find((target) => target.name === name);
  if (earlier === undefined || earlier.clusterId === clusterId) return;
  throw new UserError(
    `The certificate is about a cluster ${name} that is gone; the one of that name now is another. Nothing was deleted.`,
    'Give a file that is not there yet to shred that one. The old certificate stays what it is.',
  );
}

function requireCustomerKeys({ name, custody }: ClusterDescription): void {
  if (custody === 'customer') return;
  throw new UserError(
    `${name} is under a key that Microsoft manages, which nobody can delete; nothing was deleted.`,
    'Its data goes with the cluster: delete that. Only clusters under a key of the customer are shredded.',
  );
}

const isOutside = (cluster: ClusterDescription): boolean =>
  cluster.outsideVault || (cluster.databaseKeys ?? []).some(({ outsideVault }) => outsideVault);

async function targetOf(arm: AzureCalls['arm'], cluster: ClusterDescription, follower: boolean): Promise<Target> {
  const { clusterId, resourceId, name } = cluster;
  const identity = object((await arm('GET', resourceId, apiVersion, undefined, [404]))?.['identity']);
  const assigned = Object.values(object(identity['userAssignedIdentities'])).map(object);
  const principals = [identity, ...assigned].map((one) => textMember(one, 'principalId')).filter((id) => id !== '');
  return { clusterId, resourceId, name, follower, principals };
}

async function followersOf(
  arm: AzureCalls['arm'],
  { resourceId }: ClusterDescription,
  clusters: readonly ClusterDescription[],
): Promise<readonly ClusterDescription[]> {
  const answer = await arm('POST', `${resourceId}/listFollowerDatabases`, apiVersion, undefined, [404]);
  const ids = new Set(objects(answer?.['value']).map((one) => textMember(one, 'clusterResourceId').toLowerCase()));
  return clusters.filter((cluster) => ids.has(cluster.resourceId.toLowerCase()));
}

/** All its databases are those of others. */
async function holdsNothing(arm: AzureCalls['arm'], { resourceId }: ClusterDescription): Promise<boolean> {
  const answer = await arm('GET', `${resourceId}/databases`, apiVersion);
  return objects(answer?.['value']).every((one) => textMember(one, 'kind') === 'ReadOnlyFollowing');
}

const object = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});

const objects = (value: unknown): readonly JsonObject[] =>
  Array.isArray(value) ? (value as readonly unknown[]).filter(isJsonObject) : [];
