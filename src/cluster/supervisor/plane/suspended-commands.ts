import { hasKustoRight } from '../../../authz/kusto-roles.ts';
import type { Column } from '../../../kql/plan/types.ts';
import { encodeRows } from '../../../kql/row-json.ts';
import { oneTable } from '../../data-plane/answers/one-table.ts';
import type { AccessRights } from './request-access.ts';
import type { ServedCluster } from '../served-clusters.ts';

export interface ProductVersion {
  readonly version: string;
  /** Ticks. */
  readonly builtAt: bigint;
}

const versionColumns: readonly Column[] = [
  { name: 'BuildVersion', type: 'string' },
  { name: 'BuildTime', type: 'datetime' },
  { name: 'ServiceType', type: 'string' },
  { name: 'ProductVersion', type: 'string' },
];

/** `.show version` */
export const versionTable = ({ version, builtAt }: ProductVersion): string =>
  oneTable(versionColumns, encodeRows(versionColumns, [[version], [builtAt], ['Engine'], [`Kustody ${version}`]]));

const databaseColumns: readonly Column[] = [
  { name: 'DatabaseName', type: 'string' },
  { name: 'PersistentStorage', type: 'string' },
  { name: 'Version', type: 'string' },
  { name: 'IsCurrent', type: 'bool' },
  { name: 'DatabaseAccessMode', type: 'string' },
  { name: 'PrettyName', type: 'string' },
  { name: 'ReservedSlot1', type: 'bool' },
  { name: 'DatabaseId', type: 'guid' },
  { name: 'InTransitionTo', type: 'string' },
  { name: 'SuspensionState', type: 'string' },
];

/** `.show databases` of a cluster whose key is gone: what the resource manager knows, and why it is suspended. The version of the
 * schema is sealed with the rest. */
export function databasesWhileSuspended({ databases, suspension }: ServedCluster, access: AccessRights): string {
  const visible = databases.filter(({ name }) => hasKustoRight(access, 'list', name));
  const state =
    suspension === undefined ? '' : JSON.stringify({ SuspendedOn: suspension.since, Reason: suspension.reason });
  const columns = [
    visible.map(({ name }) => name),
    visible.map(() => ''),
    visible.map(() => ''),
    visible.map(() => false),
    visible.map(() => 'Suspended'),
    visible.map(() => ''),
    visible.map(() => null),
    visible.map(({ databaseId }) => databaseId),
    visible.map(() => ''),
    visible.map(() => state),
  ];
  return oneTable(databaseColumns, encodeRows(databaseColumns, columns));
}
