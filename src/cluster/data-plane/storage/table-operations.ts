import { toIso, instant } from '../../../clock/clock.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
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

/** Types that JSON does not show, and what their values look like. */
const typedValues: Readonly<Record<string, RegExp>> = {
  'Edm.Binary': /^[A-Za-z0-9+/]*={0,2}$/,
  'Edm.Boolean': /^(?:true|false)$/,
  'Edm.DateTime': /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?$/,
  'Edm.Double': /^(?:-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity)$/,
  'Edm.Guid': /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/,
  'Edm.Int32': /^-?\d{1,10}$/,
  'Edm.Int64': /^-?\d{1,19}$/,
  'Edm.String': /^/,
};
const typeSuffix = '@odata.type';

type Metadata = 'no' | 'minimal' | 'full';

/** How much an answer says of itself, as the client wants it. */
function metadataOf({ request }: StorageRequest): Metadata {
  const [, level] = /odata=(no|minimal|full)metadata/i.exec(request.headers.accept ?? '') ?? [];
  return (level?.toLowerCase() as Metadata | undefined) ?? 'minimal';
}

function shown(entity: EntityRecord, metadata: Metadata): Record<string, string | number | boolean> {
  const isNo = metadata === 'no';
  return {
    ...(isNo ? {} : { 'odata.etag': etagOf(entity) }),
    ...{ PartitionKey: entity.partitionKey, RowKey: entity.rowKey },
    ...(metadata === 'full' ? { [`Timestamp${typeSuffix}`]: 'Edm.DateTime' } : {}),
    Timestamp: toIso(instant(entity.updatedOn)),
    ...Object.fromEntries(Object.entries(entity.properties).filter(([name]) => !isNo || !name.endsWith(typeSuffix))),
  };
}

const jsonType = (metadata: Metadata): string =>
  `application/json;odata=${metadata}metadata;streaming=true;charset=utf-8`;

async function sendEntity(asked: StorageRequest, status: number, entity: EntityRecord): Promise<void> {
  const metadata = metadataOf(asked);
  const about = `https://${asked.accountName}.table.core.windows.net/$metadata#${asked.name}/@Element`;
  void asked.reply.code(status).header('etag', etagOf(entity)).type(jsonType(metadata));
  await asked.reply.send(
    JSON.stringify({ ...(metadata === 'no' ? {} : { 'odata.metadata': about }), ...shown(entity, metadata) }),
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
    if (name.endsWith(typeSuffix)) return typeIn(value, name.slice(0, -typeSuffix.length), one);
    if (isKey(name) || name.includes('odata.') || one === null) return [];
    if ((typeof one === 'string' && one.length <= textMax) || typeof one === 'number' || typeof one === 'boolean')
      return [[name, one]];
    throw new StorageError('InvalidInput');
  });
  return { keys: { partitionKey, rowKey }, properties: Object.fromEntries(kept) };
}

const isKey = (name: string): boolean => ['PartitionKey', 'RowKey', 'Timestamp'].includes(name);

/** What a client says of the type of a property. @throws StorageError `InvalidInput` where the value is none of that type */
function typeIn(value: JsonObject, property: string, type: Json | undefined): [string, string][] {
  const one = value[property];
  if (isKey(property) || one === undefined || one === null) return [];
  const looks = typeof type === 'string' && Object.hasOwn(typedValues, type) ? typedValues[type] : undefined;
  if (typeof type !== 'string' || typeof one === 'object' || looks?.test(String(one)) !== true)
    throw new StorageError('InvalidInput');
  return [[`${property}${typeSuffix}`, type]];
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
  const metadata = metadataOf(asked);
  const about = `https://${asked.accountName}.table.core.windows.net/$metadata#${asked.name}`;
  void asked.reply.code(200).type(jsonType(metadata));
  await asked.reply.send(
    JSON.stringify({
      ...(metadata === 'no' ? {} : { 'odata.metadata': about }),
      value: found.map((entity) => shown(entity, metadata)),
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
