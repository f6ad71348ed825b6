import type { CommandPart } from '../../kql/plan/command.ts';
import type { CommandInput } from './command.ts';
import type { Word } from './words.ts';
import { splitCommand } from './words.ts';

interface PatternRow {
  /** Words as they are, `{Name}` for an argument, `with` for an optional property list, `<|` for raw text to the end. */
  readonly pattern: string;
  readonly kind: string;
  /** The official parser reads it too: left to it when operators follow. */
  readonly parsed?: true;
}

/** Commands that are read without the parser: those that are frequent (it takes some 50 ms for any command), those whose text after `<|`
 * is not for it, and those it does not know. */
const rows: readonly PatternRow[] = [
  { pattern: 'show version', kind: 'ShowVersion', parsed: true },
  { pattern: 'show capacity', kind: 'ShowCapacity', parsed: true },
  { pattern: 'show databases', kind: 'ShowClusterDatabases', parsed: true },
  { pattern: 'show cluster databases', kind: 'ShowClusterDatabases', parsed: true },
  { pattern: 'show database', kind: 'ShowDatabase', parsed: true },
  { pattern: 'show tables', kind: 'ShowTables', parsed: true },
  { pattern: 'show tables details', kind: 'ShowTablesDetails', parsed: true },
  { pattern: 'show functions', kind: 'ShowFunctions', parsed: true },
  { pattern: 'show databases schema', kind: 'ShowDatabasesSchema', parsed: true },
  { pattern: 'show databases schema as json', kind: 'ShowDatabasesSchemaAsJson', parsed: true },
  { pattern: 'show table {TableName} details', kind: 'ShowTableDetails', parsed: true },
  { pattern: 'show table {TableName} cslschema', kind: 'ShowTableCslSchema', parsed: true },
  { pattern: 'show table {TableName} extents', kind: 'ShowTableExtents', parsed: true },
  { pattern: 'show operations {OperationId}', kind: 'ShowOperations', parsed: true },
  { pattern: 'show operations', kind: 'ShowOperations', parsed: true },
  { pattern: 'show operation {OperationId} details', kind: 'ShowOperationDetails' },
  { pattern: 'ingest inline into table {TableName} with <|', kind: 'IngestInlineIntoTable' },
  { pattern: 'execute database script with <|', kind: 'ExecuteDatabaseScript' },
  { pattern: 'purge table {TableName} records with <|', kind: 'PurgeTableRecords' },
  { pattern: 'purge table {TableName} records in database {DatabaseName} with <|', kind: 'PurgeTableRecords' },
  { pattern: 'purge async table {TableName} records in database {DatabaseName} with <|', kind: 'PurgeTableRecords' },
  { pattern: 'purge table {TableName} allrecords with', kind: 'PurgeTableAllRecords' },
  { pattern: 'purge table {TableName} in database {DatabaseName} allrecords with', kind: 'PurgeTableAllRecords' },
  { pattern: 'show purges', kind: 'ShowPurges' },
  { pattern: 'show purges {OperationId}', kind: 'ShowPurges' },
  { pattern: 'show purge {OperationId}', kind: 'ShowPurges' },
  { pattern: 'show purges in database {DatabaseName}', kind: 'ShowPurges' },
  { pattern: 'show purges from {From}', kind: 'ShowPurges' },
  { pattern: 'show purges from {From} in database {DatabaseName}', kind: 'ShowPurges' },
  { pattern: 'show purges from {From} to {To}', kind: 'ShowPurges' },
  { pattern: 'show purges from {From} to {To} in database {DatabaseName}', kind: 'ShowPurges' },
  { pattern: 'cancel purge {OperationId}', kind: 'CancelPurge' },
  { pattern: 'cancel all purges', kind: 'CancelPurge' },
  { pattern: 'cancel all purges in database {DatabaseName}', kind: 'CancelPurge' },
  { pattern: 'show database {DatabaseName} details', kind: 'ShowDatabaseDetails' },
  { pattern: 'show database {DatabaseName} identity', kind: 'ShowDatabaseIdentity' },
  { pattern: 'show database {DatabaseName} policies', kind: 'ShowDatabasePolicies' },
  { pattern: 'show database {DatabaseName} datastats', kind: 'ShowDatabaseDataStats' },
  { pattern: 'show extents', kind: 'ShowDatabaseExtents' },
  { pattern: 'cancel query {ClientRequestId} with', kind: 'CancelQuery' },
  { pattern: 'drop table {TableName} ingestion mapping {MappingName}', kind: 'DropTableIngestionMapping' },
  { pattern: 'get ingestion resources with', kind: 'GetIngestionResources' },
  { pattern: 'show ingestion resources with', kind: 'GetIngestionResources' },
  { pattern: 'get kusto identity token with', kind: 'GetKustoIdentityToken' },
  { pattern: 'clear database cache queryresults', kind: 'ClearDatabaseCacheQueryResults' },
  { pattern: 'clear database {DatabaseName} cache query_results', kind: 'ClearDatabaseCacheQueryResults' },
  { pattern: 'create-or-alter graph_model {GraphModelName} {Model}', kind: 'GraphModelCreateOrAlter' },
  { pattern: 'show graph_model {GraphModelName} with', kind: 'GraphModelShow' },
  { pattern: 'show graph_model {GraphModelName} details with', kind: 'GraphModelShow' },
  { pattern: 'show graph_models with', kind: 'GraphModelsShow' },
  { pattern: 'show graph_models details with', kind: 'GraphModelsShow' },
  { pattern: 'show graph_models with details', kind: 'GraphModelsShow' },
  { pattern: 'drop graph_model {GraphModelName}', kind: 'GraphModelDrop' },
  { pattern: 'make graph_snapshot {SnapshotName} from {GraphModelName}', kind: 'GraphSnapshotMake' },
  { pattern: 'make async graph_snapshot {SnapshotName} from {GraphModelName}', kind: 'GraphSnapshotMake' },
  { pattern: 'show graph_snapshot {GraphModelName} . {SnapshotName}', kind: 'GraphSnapshotShow' },
  { pattern: 'show graph_snapshot {GraphModelName} . {SnapshotName} details', kind: 'GraphSnapshotShow' },
  { pattern: 'show graph_snapshots {GraphModelName}', kind: 'GraphSnapshotsShow' },
  { pattern: 'show graph_snapshots {GraphModelName} details', kind: 'GraphSnapshotsShow' },
  { pattern: 'drop graph_snapshot {GraphModelName} . {SnapshotName}', kind: 'GraphSnapshotDrop' },
  { pattern: 'drop graph_snapshots {GraphModelName}', kind: 'GraphSnapshotsDrop' },
  { pattern: 'show workload_group {WorkloadGroupName}', kind: 'ShowWorkloadGroup', parsed: true },
  { pattern: 'show workload_groups', kind: 'ShowWorkloadGroups', parsed: true },
  {
    pattern: 'create-or-alter workload_group {WorkloadGroupName} {WorkloadGroup}',
    kind: 'CreateOrAleterWorkloadGroup',
    parsed: true,
  },
  {
    pattern: 'alter-merge workload_group {WorkloadGroupName} {WorkloadGroup}',
    kind: 'AlterMergeWorkloadGroup',
    parsed: true,
  },
  { pattern: 'drop workload_group {WorkloadGroupName}', kind: 'DropWorkloadGroup', parsed: true },
  { pattern: 'show export containers', kind: 'ShowExportContainers' },
  {
    pattern: 'refresh database {DatabaseName} table {TableName} cache ingestionbatchingpolicy',
    kind: 'RefreshDatabaseTableCache',
  },
];

const patterns = rows.map((row) => ({ ...row, items: row.pattern.split(' ') }));

interface Recognized {
  readonly input: CommandInput;
  /** What follows the command, from the first `|` or behind the first `;`. */
  readonly pipe?: string;
}

/** @returns undefined for what the parser has to read
 * @throws KqlError `syntax` */
export function recognizeCommand(text: string): Recognized | undefined {
  const words = splitCommand(text);
  if (words === undefined) return undefined;
  const last = words.at(-1);
  const pipe = last?.kind === 'pipe' ? `|${last.text}` : last?.kind === 'then' ? last.text : undefined;
  const own = pipe === undefined ? words : words.slice(0, -1);
  for (const row of patterns) {
    if (row.parsed && pipe !== undefined) continue;
    const parts = match(row.items, own);
    if (parts === undefined) continue;
    const raw = own.at(-1)?.kind === 'raw' ? own.at(-1)?.text : undefined;
    const input = { kind: row.kind, text, parts, ...(raw === undefined ? {} : { raw }) };
    return { input, ...(pipe === undefined ? {} : { pipe }) };
  }
  return undefined;
}

/** The longest command that nobody knows is named by its first words. */
export function commandName(text: string): string {
  const words = /^\s*\.?((?:\s*[\p{L}_][\p{L}\p{N}_-]*){1,4})/u.exec(text)?.[1] ?? '';
  return `.${words.trim().replace(/\s+/g, ' ').slice(0, 80)}`;
}

function match(items: readonly string[], words: readonly Word[]): CommandPart[] | undefined {
  const parts: CommandPart[] = [];
  let at = 0;
  for (const item of items) {
    const word = words[at];
    if (item === 'with' && word?.text.toLowerCase() !== 'with') continue;
    if (word === undefined) return undefined;
    if (item === 'with') {
      const properties = propertyList(words, at + 1);
      if (properties === undefined) return undefined;
      parts.push(...properties.parts);
      at = properties.next;
      continue;
    }
    if (item === '<|' ? word.kind !== 'raw' : !matches(item, word)) return undefined;
    if (item.startsWith('{')) parts.push({ ...partOf(word), name: item.slice(1, -1) });
    else if (item !== '<|') parts.push(partOf(word));
    at += 1;
  }
  return at === words.length ? parts : undefined;
}

const matches = (item: string, word: Word): boolean =>
  item.startsWith('{')
    ? word.kind === 'word' || word.kind === 'string'
    : (word.kind === 'word' || item === '.') && word.text.toLowerCase() === item;

const partOf = ({ text, start, end, value }: Word): CommandPart => ({
  text,
  start,
  end,
  ...(value === undefined ? {} : { value }),
});

/** `(name = value, …)`; a value may be a call such as `datetime(2020-01-01)`. */
function propertyList(
  words: readonly Word[],
  from: number,
): { readonly parts: CommandPart[]; readonly next: number } | undefined {
  if (words[from]?.text !== '(') return undefined;
  const parts: CommandPart[] = [];
  let at = from + 1;
  while (words[at]?.text !== ')') {
    const [name, equals, value] = words.slice(at, at + 3);
    if (name?.kind !== 'word' || equals?.text !== '=' || value === undefined || value.kind === 'mark') return undefined;
    at += 3;
    let { text } = value;
    if (words[at]?.text === '(') {
      const inside = words.slice(at, words.findIndex((word, index) => index > at && word.text === ')') + 1);
      if (inside.length === 0) return undefined;
      text += inside.map((word) => word.text).join('');
      at += inside.length;
    }
    parts.push({ ...partOf(name), name: 'PropertyName' }, { ...partOf({ ...value, text }), name: 'PropertyValue' });
    if (words[at]?.text === ',') at += 1;
    else if (words[at]?.text !== ')') return undefined;
  }
  return { parts, next: at + 1 };
}
