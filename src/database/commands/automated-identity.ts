import { dataError } from '../catalog/data-error.ts';
import type { ClusterIdentity } from '../catalog/managed-identity.ts';
import { allowsUsage, identityPoliciesOf } from '../catalog/managed-identity.ts';
import type { CommandContext } from './command-context.ts';

/** The managed identity in whose name the cluster does something by itself.
 * @param named `system`, or an object id
 * @throws DataError `InvalidPolicy` where it is not the cluster's, or no policy lets it be used so
 * @see Kusto "Managed identity policy", usage AutomatedFlows */
export async function automatedIdentity(
  named: string,
  { data, database, identities }: Pick<CommandContext, 'data' | 'database' | 'identities'>,
): Promise<ClusterIdentity> {
  const lower = named.trim().toLowerCase();
  const assigned = (await identities?.()) ?? [];
  const found = assigned.find((one) => (lower === 'system' ? one.isSystem : one.objectId === lower));
  const name = named.slice(0, 100);
  if (found === undefined)
    throw dataError('InvalidPolicy', `The managed identity '${name}' is not assigned to the cluster.`);
  const own = data.database(database).policies.managed_identity ?? [];
  if (!allowsUsage([...identityPoliciesOf(data.clusterSettings()), ...own], found.objectId, 'AutomatedFlows'))
    throw dataError(
      'InvalidPolicy',
      `No managed identity policy of the cluster or of database '${database}' allows the managed identity '${name}' the usage AutomatedFlows.`,
    );
  return found;
}
