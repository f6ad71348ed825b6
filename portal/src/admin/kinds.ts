import { textMember } from '../../../src/base/json.ts';
import { propertiesOf } from './resources.ts';
import { addPolicy, removePolicy } from './forms/access-policies.ts';
import { giveRole, takeRole } from './forms/azure-roles.ts';
import { deleteCluster, keyCluster, makeCluster, resizeCluster, startCluster, stopCluster } from './forms/clusters.ts';
import { changeDatabase, deleteDatabase, makeDatabase } from './forms/databases.ts';
import { deleteGroup, makeGroup } from './forms/groups.ts';
import { deleteIdentity, makeIdentity } from './forms/identities.ts';
import { deleteKey, makeKey, purgeKey, recoverKey, rotateKey, switchKey } from './forms/keys.ts';
import { giveKustoRole, takeKustoRole } from './forms/kusto-roles.ts';
import { changeVault, deleteVault, makeVault, purgeVault, recoverVault } from './forms/vaults.ts';
import { lists } from './list-kinds.ts';
import type { ThingKind } from './thing-kind.ts';

/** In the order of the page. */
export const kinds: readonly ThingKind[] = [
  {
    ...{ id: 'clusters', title: 'Clusters', list: lists.clusters },
    columns: ['Name', 'Group', 'State', 'Size', 'Key', 'Identity'],
    makes: [makeCluster],
    changes: ({ resource }) => [
      keyCluster,
      resizeCluster,
      textMember(propertiesOf(resource), 'state') === 'Stopped' ? startCluster : stopCluster,
      deleteCluster,
    ],
  },
  {
    ...{ id: 'databases', title: 'Databases', list: lists.databases },
    columns: ['Name', 'Cluster', 'Kind', 'Kept for', 'Hot for', 'Key'],
    makes: [makeDatabase],
    // A followed one belongs to another cluster.
    changes: ({ resource }) => (textMember(resource, 'kind') === 'ReadWrite' ? [changeDatabase, deleteDatabase] : []),
  },
  {
    ...{ id: 'vaults', title: 'Vaults', list: lists.vaults },
    columns: ['Name', 'Group', 'State', 'Rights by', 'Purge protection'],
    makes: [makeVault],
    changes: ({ resource }) =>
      textMember(propertiesOf(resource), 'vaultId') === '' ? [changeVault, deleteVault] : [recoverVault, purgeVault],
  },
  {
    ...{ id: 'keys', title: 'Keys', list: lists.keys },
    columns: ['Name', 'Vault', 'State', 'Made', 'Ends'],
    makes: [makeKey],
    changes: ({ resource }) =>
      resource['scheduledPurgeDate'] === undefined ? [rotateKey, switchKey, deleteKey] : [recoverKey, purgeKey],
  },
  {
    ...{ id: 'identities', title: 'Identities', list: lists.identities },
    columns: ['Name', 'Group', 'Principal', 'Client'],
    makes: [makeIdentity],
    changes: () => [deleteIdentity],
  },
  {
    ...{ id: 'roles', title: 'Role assignments', list: lists.roles },
    columns: ['Who', 'Role', 'On', 'Given by'],
    makes: [giveRole(() => crypto.randomUUID()), giveKustoRole, addPolicy],
    changes: ({ id, resource }) => {
      if (resource['permissions'] !== undefined) return [removePolicy];
      return [/\/principalAssignments\/[^/]+$/i.test(id) ? takeKustoRole : takeRole];
    },
  },
  {
    ...{ id: 'groups', title: 'Resource groups', list: lists.groups },
    columns: ['Name', 'Region', 'Subscription'],
    makes: [makeGroup],
    changes: () => [deleteGroup],
  },
];
