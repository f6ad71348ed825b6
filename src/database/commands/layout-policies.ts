import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseDatetime, parseTimespan } from '../../kql/values/ticks.ts';
import type { TableView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ReadPolicy } from './policy-values.ts';
import { jsonOf } from './policy-values.ts';

/** Policies about where rows lie in extents. They are checked, kept and shown as the service does; rows stay in the order in which they came.
 * @see Kusto "Row order policy", "Partitioning policy" */

const invalid = (text: string): Error => dataError('InvalidPolicy', text);

/** `(A asc, B desc)`. `.alter-merge` adds columns behind those that are there. */
export const readRowOrder: ReadPolicy<'roworder'> = (command, current) => {
  const order = command.leaves
    .flatMap(({ name, text, value }) => (name === 'ColumnName' ? [typeof value === 'string' ? value : text] : []))
    .map((column) => column.replace(/\s+(asc|desc)$/i, ''))
    .map((column, index) => ({ ColumnName: column, IsDescending: directions(command.text)[index] === 'desc' }));
  const before = command.kind.startsWith('AlterMerge') ? orderOf(current) : [];
  const kept = before.filter((one) => !order.some(({ ColumnName }) => ColumnName === one['ColumnName']));
  return { RowOrder: [...kept, ...order] };
};

const orderOf = (policy: JsonObject | undefined): readonly JsonObject[] =>
  Array.isArray(policy?.['RowOrder']) ? policy['RowOrder'].filter(isJsonObject) : [];

const directions = (text: string): readonly string[] =>
  [...text.slice(text.lastIndexOf('(')).matchAll(/\b(asc|desc)\s*[,)]/gi)].map(([, word = '']) => word.toLowerCase());

export function checkRowOrder(policy: JsonObject, table: TableView): Promise<void> {
  for (const { ColumnName } of orderOf(policy)) requireColumn(table, ColumnName);
  return Promise.resolve();
}

export const readPartitioning: ReadPolicy<'partitioning'> = (command, current) => {
  const text = command.optional('PartitioningPolicy') ?? command.required('Policy');
  const members = [
    ...['PartitionKeys', 'EffectiveDateTime', 'MinRowCountPerOperation', 'MaxRowCountPerOperation'],
    'MaxOriginalSizePerOperation',
  ];
  const json = jsonOf(text, members);
  const next = command.kind.startsWith('AlterMerge') ? { ...current, ...json } : json;
  const keys = next['PartitionKeys'];
  if (!Array.isArray(keys) || keys.length < 1 || keys.length > 2)
    throw invalid(`'PartitionKeys' is a list of one or two keys.`);
  const kinds = keys.map(kindOfKey);
  if (new Set(kinds).size < kinds.length) throw invalid('Of each kind there is one partition key.');
  const from = next['EffectiveDateTime'];
  if (from !== undefined && (typeof from !== 'string' || parseDatetime(from) === undefined))
    throw invalid(`'EffectiveDateTime' is not a date.`);
  for (const name of members.slice(2))
    if (next[name] !== undefined && !isCount(next[name])) throw invalid(`'${name}' has a value that it cannot have.`);
  return next;
};

const isCount = (value: Json | undefined): boolean => typeof value === 'number' && value >= 0;

function kindOfKey(key: Json): string {
  const properties = isJsonObject(key) ? key['Properties'] : undefined;
  if (!isJsonObject(key) || typeof key['ColumnName'] !== 'string' || !isJsonObject(properties))
    throw invalid('A partition key has a ColumnName, a Kind and Properties.');
  if (key['Kind'] === 'Hash') {
    const { Function: name = 'XxHash64', MaxPartitionCount: count, PartitionAssignmentMode: mode } = properties;
    if (name !== 'XxHash64' && name !== 'MurmurHash3') throw invalid(`'Function' is XxHash64 or MurmurHash3.`);
    if (typeof count !== 'number' || count < 2 || count > 2048) throw invalid(`'MaxPartitionCount' is 2 to 2048.`);
    if (mode !== undefined && mode !== 'Uniform' && mode !== 'ByPartition' && mode !== 'Default')
      throw invalid(`'PartitionAssignmentMode' is Uniform or ByPartition.`);
    return 'Hash';
  }
  if (key['Kind'] !== 'UniformRange') throw invalid(`'Kind' is Hash or UniformRange.`);
  const { RangeSize: size, Reference: reference } = properties;
  if (typeof size !== 'string' || (parseTimespan(size) ?? 0n) <= 0n) throw invalid(`'RangeSize' is not a period.`);
  if (typeof reference !== 'string' || parseDatetime(reference) === undefined)
    throw invalid(`'Reference' is not a date.`);
  return 'UniformRange';
}

export function checkPartitioning(policy: JsonObject, table: TableView): Promise<void> {
  const keys = Array.isArray(policy['PartitionKeys']) ? policy['PartitionKeys'].filter(isJsonObject) : [];
  for (const { ColumnName, Kind } of keys) {
    const { type } = requireColumn(table, ColumnName);
    const wanted = Kind === 'Hash' ? ['string', 'long', 'guid'] : ['datetime'];
    if (!wanted.includes(type))
      throw invalid(
        `The column ${JSON.stringify(ColumnName)} is ${type}: a key of kind ${JSON.stringify(Kind)} is ${wanted.join(', ')}.`,
      );
  }
  return Promise.resolve();
}

function requireColumn(table: TableView, name: Json | undefined): TableView['columns'][number] {
  const found = table.columns.find((column) => column.name === name);
  if (found === undefined) throw dataError('ColumnNotFound', typeof name === 'string' ? name.slice(0, 200) : '');
  return found;
}
