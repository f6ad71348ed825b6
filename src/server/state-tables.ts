import { auditChain, auditHead } from '../audit/audit-chain.ts';
import { deliveryCursors, diagnosticSettings } from '../arm/diagnostic-settings.ts';
import { managementLocks } from '../arm/locks.ts';
import { armOperations } from '../arm/long-running.ts';
import { resourceGroups } from '../arm/resource-groups.ts';
import { armResources } from '../arm/resource.ts';
import { customRoles } from '../authz/custom-roles.ts';
import { roleAssignments } from '../authz/role-assignments.ts';
import { subscriptions } from '../authz/subscription-record.ts';
import { removedClusters, removedDatabases } from '../cluster/supervisor/cluster-contents.ts';
import { clusterExports } from '../cluster/supervisor/export-records.ts';
import { infrastructureKeyTable } from '../encryption/infrastructure/infrastructure-key.ts';
import { clusterCatalogTable } from '../cluster/process/remote-catalog-store.ts';
import { clusterKeyTable } from '../encryption/cluster-key-state.ts';
import { databaseKeyTable } from '../encryption/database-keys.ts';
import { applicationByAppTable, applicationTable } from '../identity/principals/application.ts';
import { appRoleAssignmentTable, permissionGrantTable } from '../identity/principals/assignments.ts';
import { groupMemberTable, groupTable, memberOfTable } from '../identity/principals/group.ts';
import { userByNameTable, userTable } from '../identity/principals/user.ts';
import { principalByAppTable, principalTable } from '../identity/principals/principal.ts';
import { signingKeysTable } from '../identity/entra/signing-key-records.ts';
import { tenantTable } from '../identity/tenants.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import { clusterNames } from '../providers/kusto/cluster-record.ts';
import {
  deploymentOperations,
  deployments,
  deploymentTemplates,
} from '../providers/resources/deployments/deployment-record.ts';
import { firstSegmentOwner, sharedOwner } from '../state/table-rows.ts';
import type { OwnerRule, TableRow } from '../state/table-rows.ts';
import { vaultBackupKeys } from '../vault/objects/backup-seal.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from '../vault/keys/key-records.ts';
import { vaultCertificates, vaultCertificateVersions } from '../vault/certificates/certificate-records.ts';
import { vaultContacts, vaultIssuerKeys, vaultIssuers } from '../vault/certificates/issuer-records.ts';
import { vaultSecrets, vaultSecretValues, vaultSecretVersions } from '../vault/secrets/secret-records.ts';
import { wallTable } from './clocks.ts';
import { earlierVaultAudit } from './earlier-vault-audit.ts';
import { faultTable } from './fault-records.ts';
import { portsTable } from './kept-ports.ts';
import { seededPrincipalTable } from './seeded-principal-records.ts';

/** Ids begin with the id or the name of the cluster or vault. */
const cluster = firstSegmentOwner('cluster');
const vault = firstSegmentOwner('vault');
const tenant = sharedOwner('tenant');
const history = sharedOwner('history');
const audit = sharedOwner('audit');

const ownTypes: Readonly<Record<string, string>> = {
  'microsoft.kusto/clusters': 'cluster',
  'microsoft.keyvault/vaults': 'vault',
};

/** A cluster or a vault with everything below it; other resources belong to the tenant. */
const resource: OwnerRule = {
  of: (id) => {
    const [, , , , , , namespace = '', type = '', name = ''] = id.split('/');
    const kind = ownTypes[`${namespace}/${type}`];
    return kind === undefined ? tenant.of(id) : `${kind} ${name}`;
  },
  within: (prefix, owner) => {
    // Only what names a resource in full, with the slash after it, has one owner.
    if (prefix.split('/').length > 9) return owner === resource.of(prefix);
    return /^(?:cluster |vault |tenant$)/.test(owner);
  },
};

/** Whose each record is, and the whole list of what may be lost: history, operations that are asked for while they run,
 * rules for tests, which ports were served, when the clock was last seen.
 * Tables that are not named here belong to the instance, and it does not start without them. A change of owners is a new
 * format of the digest trees. */
export const stateTables: readonly TableRow[] = [
  { table: signingKeysTable, owner: sharedOwner('instance'), keptOpen: true },
  // Wraps alone: what opens a cluster's data is in none of them.
  { table: clusterKeyTable, owner: cluster, keptOpen: true },
  { table: databaseKeyTable, owner: cluster, keptOpen: true },
  { table: infrastructureKeyTable, owner: cluster },
  { table: clusterCatalogTable, owner: cluster },
  { table: clusterExports, owner: cluster },
  { table: removedClusters, owner: cluster },
  { table: removedDatabases, owner: cluster },
  { table: clusterNames, owner: cluster, keptOpen: true },
  { table: vaultKeys, owner: vault, keptOpen: true },
  { table: vaultKeyVersions, owner: vault, keptOpen: true },
  { table: vaultPrivateKeys, owner: vault },
  { table: vaultBackupKeys, owner: tenant },
  { table: vaultSecrets, owner: vault, keptOpen: true },
  { table: vaultSecretVersions, owner: vault, keptOpen: true },
  { table: vaultSecretValues, owner: vault, keptVeiled: true },
  { table: vaultCertificates, owner: vault },
  { table: vaultCertificateVersions, owner: vault },
  { table: vaultIssuers, owner: vault },
  { table: vaultIssuerKeys, owner: vault },
  { table: vaultContacts, owner: vault },
  { table: vaultNames, owner: vault, keptOpen: true },
  { table: armResources, owner: resource, keptOpen: true },
  { table: subscriptions, owner: tenant, keptOpen: true },
  { table: resourceGroups, owner: tenant, keptOpen: true },
  { table: roleAssignments, owner: tenant, keptOpen: true },
  { table: customRoles, owner: tenant, keptOpen: true },
  { table: managementLocks, owner: tenant, keptOpen: true },
  { table: diagnosticSettings, owner: tenant, keptOpen: true },
  { table: deliveryCursors, owner: sharedOwner('deliveries') },
  { table: tenantTable, owner: tenant, keptOpen: true },
  { table: principalTable, owner: tenant, keptOpen: true },
  { table: principalByAppTable, owner: tenant, keptOpen: true },
  { table: applicationTable, owner: tenant, keptOpen: true },
  { table: applicationByAppTable, owner: tenant, keptOpen: true },
  { table: userTable, owner: tenant, keptOpen: true },
  { table: userByNameTable, owner: tenant, keptOpen: true },
  { table: groupTable, owner: tenant, keptOpen: true },
  { table: groupMemberTable, owner: tenant, keptOpen: true },
  { table: memberOfTable, owner: tenant, keptOpen: true },
  { table: appRoleAssignmentTable, owner: tenant, keptOpen: true },
  { table: permissionGrantTable, owner: tenant, keptOpen: true },
  { table: seededPrincipalTable, owner: tenant },
  { table: earlierVaultAudit, owner: history, losable: true },
  { table: auditChain, owner: audit, losable: true }, // what is lost of it is found by the chain and the checkpoint
  { table: auditHead, owner: audit, losable: true },
  { table: armOperations, owner: history, losable: true },
  { table: deployments, owner: history, losable: true },
  { table: deploymentTemplates, owner: history, losable: true },
  { table: deploymentOperations, owner: history, losable: true },
  { table: faultTable, owner: history, losable: true },
  { table: portsTable, owner: history, losable: true },
  { table: wallTable, owner: history, losable: true }, // then nothing is destroyed until `clock accept`
];
