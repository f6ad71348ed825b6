import { lists } from './list-kinds.ts';
import type { ThingKind } from './thing-kind.ts';

/** In the order of the page. */
export const kinds: readonly ThingKind[] = [
  {
    ...{ id: 'clusters', title: 'Clusters', list: lists.clusters },
    columns: ['Name', 'Group', 'State', 'Size', 'Key', 'Identity'],
  },
  {
    ...{ id: 'databases', title: 'Databases', list: lists.databases },
    columns: ['Name', 'Cluster', 'Kind', 'Kept for', 'Hot for', 'Key'],
  },
  {
    ...{ id: 'vaults', title: 'Vaults', list: lists.vaults },
    columns: ['Name', 'Group', 'State', 'Rights by', 'Purge protection'],
  },
  {
    ...{ id: 'keys', title: 'Keys', list: lists.keys },
    columns: ['Name', 'Vault', 'State', 'Made', 'Ends'],
  },
  {
    ...{ id: 'identities', title: 'Identities', list: lists.identities },
    columns: ['Name', 'Group', 'Principal', 'Client'],
  },
  {
    ...{ id: 'roles', title: 'Role assignments', list: lists.roles },
    columns: ['Who', 'Role', 'On', 'Given by'],
  },
  {
    ...{ id: 'groups', title: 'Resource groups', list: lists.groups },
    columns: ['Name', 'Region', 'Subscription'],
  },
];
