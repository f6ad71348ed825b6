import type { Guid } from '../../base/guid.ts';
import { childrenBelow } from './child-operations.ts';
import type { DatabaseResource } from './child-records.ts';
import type { ChildResource } from './child-resource.ts';
import type { ClusterResource } from './cluster-record.ts';
import { identityOf, idleReason, storageAccountOf } from './data-connections.ts';
import type { KustoPorts } from './ports.ts';

/** A data connection that new blobs of a storage account come through. */
export interface WatchedConnection {
  /** In lower case. */
  readonly connectionId: string;
  readonly databaseId: Guid;
  /** Of the storage account. */
  readonly account: string;
  /** What it reads with, by its object id. */
  readonly identity: Guid;
  /** ISO 8601, on the Kustody clock. */
  readonly createdAt: string;
  /** Older blobs are none of its: ISO 8601, on the machine's clock. */
  readonly since: string;
  /** Metadata of blobs may name other databases of the cluster. */
  readonly isMultiDatabase: boolean;
  /** What metadata does not say. Absent: nobody has said. */
  readonly table?: string;
  readonly mapping?: string;
  readonly format?: string;
  readonly ignoreFirstRecord: boolean;
}

/** Those of one database that act. */
export async function watchedBelow(
  ports: KustoPorts,
  cluster: ClusterResource,
  { id, properties: { databaseId } }: DatabaseResource,
): Promise<readonly WatchedConnection[]> {
  const children = await childrenBelow(ports, `${id}/dataConnections`);
  return children.flatMap(({ value }) => watched(value, cluster, databaseId, ports) ?? []);
}

function watched(
  { id, kind, createdAt, properties: { values, madeAt } }: ChildResource,
  cluster: ClusterResource,
  databaseId: Guid,
  { isMappedAccount }: KustoPorts,
): WatchedConnection | undefined {
  if (kind !== 'EventGrid') return undefined;
  if (idleReason(values, cluster, isMappedAccount) !== undefined) return undefined;
  const named = values['managedIdentityResourceId'];
  const identity = typeof named === 'string' ? identityOf(named, cluster) : undefined;
  if (identity === undefined) return undefined;
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [table, mapping, format] = [text('tableName'), text('mappingRuleName'), text('dataFormat')];
  return {
    ...{ connectionId: id.toLowerCase(), databaseId, account: storageAccountOf(values), identity, createdAt },
    since: madeAt ?? createdAt,
    isMultiDatabase: values['databaseRouting'] === 'Multi',
    ignoreFirstRecord: values['ignoreFirstRecord'] === true,
    ...(table === undefined ? {} : { table }),
    ...(mapping === undefined ? {} : { mapping }),
    ...(format === undefined ? {} : { format: format.toLowerCase() }),
  };
}
