import { toIso, instant } from '../../../clock/clock.ts';
import type { Json } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { EntityRecord } from '../../../database/catalog/queued-records.ts';
import type { EntityAddress } from '../../../database/queued/status-entities.ts';
import { tableName } from '../../../database/queued/storage-accounts.ts';
import { StorageError } from './storage-errors.ts';
import type { StorageOperation, StorageRequest } from './storage-operation.ts';
import { textOf } from './storage-operation.ts';

const entityBytesMax = 1024 * 1024;
const propertiesMax = 252;
const keyMax = 512;
/** UTF-16 units. */
const textMax = 32_768;

function requireTable({ name }: StorageRequest): void {
  if (name !== tableName) throw new StorageError('ResourceNotFound');
}

const etagOf = ({ updatedOn }: EntityRecord): string =>
  `W/"datetime'${encodeURIComponent(toIso(instant(updatedOn)))}'"`;

const shown = (entity: EntityRecord): Record<string, string | number | boolean> => ({
  PartitionKey: entity.partitionKey,
  RowKey: entity.rowKey,
  Timestamp: toIso(instant(entity.updatedOn)),
  ...entity.properties,
});

const jsonType = 'application/json;odata=minimalmetadata;streaming=true;charset=utf-8';

async function sendEntity(asked: StorageRequest, status: number, entity: EntityRecord): Promise<void> {
  const metadata = `https://${asked.accountName}.table.core.windows.net/$metadata#${asked.name}/@Element`;
  void asked.reply.code(status).header('etag', etagOf(entity)).type(jsonType);
  await asked.reply.send(
    JSON.stringify({ 'odata.metadata': metadata, 'odata.etag': etagOf(entity), ...shown(entity) }),
  );
}

async function insertEntity(asked: StorageRequest): Promise<void> {
  requireTable(asked);
  const entity = readEntity(await textOf(asked.body(entityBytesMax)));
  const made = await asked.storage.entities.insert({ account: asked.account, ...entity.keys }, entity.properties);
  if (asked.request.headers['prefer']?.toString().toLowerCase() === 'return-no-content') {
    void asked.reply.header('preference-applied', 'return-no-content').header('etag', etagOf(made));
    await asked.reply.code(204).send();
    return;
  }
  await sendEntity(asked, 201, made);
}

/** @throws StorageError `InvalidInput` */
function readEntity(text: string): {
  readonly keys: Omit<EntityAddress, 'account'>;
  readonly properties: EntityRecord['properties'];
} {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    throw new StorageError('InvalidInput');
  }
  if (!isJsonObject(value) || Object.keys(value).length > 2 * propertiesMax) throw new StorageError('InvalidInput');
  const { PartitionKey: partitionKey, RowKey: rowKey } = value;
  if (typeof partitionKey !== 'string' || typeof rowKey !== 'string') throw new StorageError('InvalidInput');
  if (partitionKey.length > keyMax || rowKey.length > keyMax) throw new StorageError('InvalidInput');
  const kept = Object.entries(value).flatMap(([name, one]): [string, string | number | boolean][] => {
    if (['PartitionKey', 'RowKey', 'Timestamp'].includes(name) || name.includes('odata.') || one === null) return [];
    if ((typeof one === 'string' && one.length <= textMax) || typeof one === 'number' || typeof one === 'boolean')
      return [[name, one]];
    throw new StorageError('InvalidInput');
  });
  return { keys: { partitionKey, rowKey }, properties: Object.fromEntries(kept) };
}

/** `T(PartitionKey='a',RowKey='b')` names one; `T()` and `T` all, of which a filter picks by these two keys. */
async function queryEntities(asked: StorageRequest): Promise<void> {
  requireTable(asked);
  const keys = keysOf(asked.rest);
  if (keys !== undefined) {
    const found = asked.storage.entities.find({ account: asked.account, ...keys });
    if (found === undefined) throw new StorageError('ResourceNotFound');
    return sendEntity(asked, 200, found);
  }
  const filter = filterOf(asked.query.get('$filter') ?? '');
  const top = Math.min(Number(asked.query.get('$top') ?? 1_000) || 1_000, 1_000);
  const found = asked.storage.entities.list(asked.account).filter(filter).slice(0, top);
  const metadata = `https://${asked.accountName}.table.core.windows.net/$metadata#${asked.name}`;
  void asked.reply.code(200).type(jsonType);
  await asked.reply.send(
    JSON.stringify({
      'odata.metadata': metadata,
      value: found.map((entity) => ({ 'odata.etag': etagOf(entity), ...shown(entity) })),
    }),
  );
}

const literal = "'((?:[^']|'')*)'";

function keysOf(rest: string): Omit<EntityAddress, 'account'> | undefined {
  if (rest === '' || rest === '()') return undefined;
  const found = new RegExp(`^\\(PartitionKey=${literal},\\s*RowKey=${literal}\\)$`).exec(rest);
  if (found === null) throw new StorageError('InvalidInput');
  return { partitionKey: unquoted(found[1]), rowKey: unquoted(found[2]) };
}

/** @throws StorageError `NotImplemented` for filters that no client of ingestion sends */
function filterOf(text: string): (entity: EntityRecord) => boolean {
  if (text.trim() === '') return () => true;
  const conditions = text.split(/\s+and\s+/i).map((part) => {
    const [, name, value] =
      new RegExp(`^\\(?\\s*(PartitionKey|RowKey)\\s+eq\\s+${literal}\\s*\\)?$`).exec(part.trim()) ?? [];
    if (name === undefined)
      throw new StorageError('NotImplemented', 'A filter by anything but PartitionKey and RowKey.');
    const wanted = unquoted(value);
    return (entity: EntityRecord): boolean => (name === 'RowKey' ? entity.rowKey : entity.partitionKey) === wanted;
  });
  return (entity) => conditions.every((holds) => holds(entity));
}

const unquoted = (text = ''): string => text.replaceAll("''", "'");

/** @see Azure Table Storage REST API */
export const tableOperations: readonly StorageOperation[] = [
  { id: 'InsertEntity', service: 'table', method: 'POST', rest: /^(\(\))?$/, permissions: 'a', run: insertEntity },
  { id: 'QueryEntities', service: 'table', method: 'GET', rest: /^(\(.*\))?$/, permissions: 'r', run: queryEntities },
];
