import { armOperations } from '../arm/long-running.ts';
import { resourceGroups } from '../arm/resource-groups.ts';
import { armResources } from '../arm/resource.ts';
import { subscriptions } from '../arm/subscriptions.ts';
import { roleAssignments } from '../authz/role-assignments.ts';
import { removedClusters, removedDatabases } from '../cluster/cluster-contents.ts';
import { clusterCatalogTable } from '../cluster/process/remote-catalog-store.ts';
import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { principalByAppTable, principalTable } from '../identity/principals/principal.ts';
import { tenantTable } from '../identity/tenants.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import { clusterNames } from '../providers/kusto/cluster-record.ts';
import { instanceOwner } from '../state/table-rows.ts';
import type { TableRow } from '../state/table-rows.ts';
import { vaultAudit } from '../vault/audit.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from '../vault/keys/key-records.ts';
import { wallTable } from './clocks.ts';
import { faultTable } from './faults.ts';

/** Ids begin with the id of the cluster or vault. */
const firstSegment = (id: string): string => id.split('/', 1)[0] ?? '';
const cluster = (id: string): string => `cluster ${firstSegment(id)}`;
const vault = (id: string): string => `vault ${firstSegment(id)}`;
const tenant = (): string => 'tenant';
const history = (): string => 'history';

/** A cluster or a vault with everything below it; other resources belong to the tenant. */
function resourceOwner(id: string): string {
  const [, , , , , , namespace, type, name] = id.split('/');
  if (namespace === 'microsoft.kusto' && type === 'clusters') return `cluster ${name ?? ''}`;
  if (namespace === 'microsoft.keyvault' && type === 'vaults') return `vault ${name ?? ''}`;
  return tenant();
}

/** Whose each record is, and the whole list of what may be lost: history, operations that are asked for while they run,
 * rules for tests, when the clock was last seen.
 * Tables that are not named here belong to the instance, and it does not start without them. A change of owners is a new
 * format of the digest trees. */
export const stateTables: readonly TableRow[] = [
  { table: clusterKeyTable, owner: cluster },
  { table: clusterCatalogTable, owner: cluster },
  { table: removedClusters, owner: cluster },
  { table: removedDatabases, owner: cluster },
  { table: clusterNames, owner: (name) => `cluster ${name}` },
  { table: vaultKeys, owner: vault },
  { table: vaultKeyVersions, owner: vault },
  { table: vaultPrivateKeys, owner: vault },
  { table: vaultNames, owner: (name) => `vault ${name}` },
  { table: armResources, owner: resourceOwner },
  { table: subscriptions, owner: tenant },
  { table: resourceGroups, owner: tenant },
  { table: roleAssignments, owner: tenant },
  { table: tenantTable, owner: tenant },
  { table: principalTable, owner: tenant },
  { table: principalByAppTable, owner: tenant },
  { table: vaultAudit, owner: history, losable: true },
  { table: armOperations, owner: history, losable: true },
  { table: faultTable, owner: () => instanceOwner, losable: true },
  { table: wallTable, owner: () => instanceOwner, losable: true }, // then nothing is destroyed until `clock accept`
];
