import { dropDiagnosticSettingsWithin } from '../../arm/diagnostic-settings.ts';
import { armResources } from '../../arm/resource.ts';
import { listAll } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { clusterNames, clusterResources } from './cluster-record.ts';
import type { ClusterResource } from './cluster-record.ts';
import type { KustoPorts } from './ports.ts';

const dayMs = 24 * 60 * 60 * 1000;
/** A cluster that lived longer is soft-deleted: its name stays taken as long again. A tag asks for the contrary. */
const softDeleteDays = 14;
const optOutTag = 'opt-out-of-soft-delete';

/** Removes a cluster with everything in it. Order, each step repeatable:
 * 1. its system-assigned principal: from now on the cluster opens nothing;
 * 2. one commit: resource, databases, assignments, key records, contents, the claim of its name, and `also`;
 * 3. its process ends.
 * @param also writes of the caller for the same commit
 * @throws StateConflictError when something of the cluster changed meanwhile: read again and repeat */
export async function removeCluster(
  ports: KustoPorts,
  found: Versioned<ClusterResource>,
  also: readonly StateWrite[] = [],
): Promise<void> {
  const { clusterId } = found.value.properties;
  const principal = found.value.identity?.principalId;
  if (principal !== undefined) await ports.identities.delete(principal);
  const below = await listAll(ports.state, armResources, `${found.id}/`);
  const name = await ports.state.get(clusterNames, found.value.name.toLowerCase());
  await ports.state.commit({
    write: [
      writeRecord(clusterResources, found.id, found.version, null),
      ...below.map(({ id, version }) => writeRecord(armResources, id, version, null)),
      ...(name === undefined ? [] : [writeRecord(clusterNames, name.id, name.version, nameAfter(ports, found.value))]),
      ...(await ports.contents.removeCluster(clusterId)),
      ...(await ports.keys.remove(clusterId)),
      ...(await dropDiagnosticSettingsWithin(ports.state, found.id)),
      ...also,
    ],
  });
  await ports.keys.stop(clusterId);
}

/** What becomes of the claim of its name: `null` sets the name free at once. */
function nameAfter(
  ports: KustoPorts,
  cluster: ClusterResource,
): { resourceId: string; region: ClusterResource['properties']['region']; blockedUntil: number } | null {
  const now = ports.clock.now();
  const isOld = now - Date.parse(cluster.createdAt) > softDeleteDays * dayMs;
  const optsOut = Object.entries(cluster.tags ?? {}).some(
    ([tag, value]) => tag.toLowerCase() === optOutTag && value.toLowerCase() === 'true',
  );
  if (!isOld || optsOut) return null;
  return { resourceId: cluster.id, region: cluster.properties.region, blockedUntil: now + softDeleteDays * dayMs };
}
