import { KqlError } from '../../kql/plan/kql-error.ts';
import { formatDatetime } from '../../kql/values/ticks.ts';
import { dataError, entityExists } from '../catalog/data-error.ts';
import type { ExternalMapping, ExternalTableView } from '../catalog/external-table.ts';
import type { PartitionValues } from '../catalog/path-format.ts';
import { requireFormat } from '../ingest/formats.ts';
import { parseMapping, requireFits } from '../ingest/ingestion-mapping.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { kindNames, tableMappingColumns } from './mapping-commands.ts';

const mappingsMax = 100;
const artifactsMax = 100_000;

const tableIn = (command: Command, { data, database }: CommandContext): ExternalTableView =>
  data.externalTable(database, command.required('ExternalTableName'));

const mappingRow = (
  table: ExternalTableView,
  database: string,
  { name, mapping, lastUpdatedOn }: ExternalMapping,
): Row => [
  ...[name, kindNames[requireFormat(table.format).mapping], mapping, ticksOf(lastUpdatedOn), database, table.name],
];

const mappingOf = ({ mappings = [] }: ExternalTableView, name: string): ExternalMapping => {
  const found = mappings.find((one) => one.name === name);
  if (found === undefined) throw dataError('MappingNotFound', name.slice(0, 200));
  return found;
};

const withMappings = (table: ExternalTableView, name: string, more: readonly ExternalMapping[]): ExternalTableView => ({
  ...table,
  mappings: [...(table.mappings ?? []).filter((one) => one.name !== name), ...more],
});

async function putMapping(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database, clock } = context;
  const [name, mapping] = [command.required('MappingName'), command.required('MappingFormat')];
  if (name === '' || name.length > 1_024)
    throw new KqlError('semantic', 'The name of a mapping has 1 to 1,024 characters.');
  const made = await data.changeExternalTable(database, command.required('ExternalTableName'), (table) => {
    requireFits(parseMapping(requireFormat(table.format).mapping, mapping), table.columns);
    const exists = table.mappings?.some((one) => one.name === name) === true;
    if (exists && command.kind === 'CreateExternalTableMapping') throw entityExists('MappingPersistent', name);
    if (!exists && command.kind === 'AlterExternalTableMapping') throw dataError('MappingNotFound', name);
    if (!exists && (table.mappings ?? []).length >= mappingsMax)
      throw dataError('InvalidSchema', `An external table has at most ${mappingsMax} mappings.`);
    return withMappings(table, name, [{ name, mapping, lastUpdatedOn: clock.now() }]);
  });
  return [mappingRow(made, database, mappingOf(made, name))];
}

async function dropMapping(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const name = command.required('MappingName');
  const left = await data.changeExternalTable(database, command.required('ExternalTableName'), (table) => {
    mappingOf(table, name);
    return withMappings(table, name, []);
  });
  return (left.mappings ?? []).map((one) => mappingRow(left, database, one));
}

const partitionJson = (values: PartitionValues): string =>
  JSON.stringify(
    Object.fromEntries(
      [...values].map(([name, value]) => [name, typeof value === 'bigint' ? formatDatetime(value) : value]),
    ),
  );

async function artifacts(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const { data, database, sourceOf, signal } = context;
  if (sourceOf === undefined) throw new KqlError('notSupported', 'Nothing is read from elsewhere on this cluster.');
  const limit = /\blimit\s+(\d{1,9})\s*$/i.exec(command.text.split('|')[0] ?? '')?.[1];
  const most = Math.min(limit === undefined ? artifactsMax : Number(limit), artifactsMax);
  const table = tableIn(command, context);
  const isNumber = new Set(
    table.partitions.filter(({ type }) => type.toLowerCase() === 'long').map(({ name }) => name),
  );
  const rows: Row[] = [];
  if (most === 0) return rows;
  for await (const { source, bytes, values } of data.externalFiles(database, table.name, { sourceOf, signal })) {
    const told = [...values].map(([name, value]) => [name, isNumber.has(name) ? String(value) : value] as const);
    if (rows.push([source.name, partitionJson(new Map(told)), BigInt(bytes)]) >= most) break;
  }
  return rows;
}

const texts = {
  AlterExternalTableDocString: ['docstring', 'docStringValue'],
  AlterExternalTableFolder: ['folder', 'folderValue'],
} as const;

async function alterText(command: Command, { data, database }: CommandContext): Promise<readonly Row[]> {
  const [member, value] = texts[command.kind as keyof typeof texts];
  const text = command.required(value);
  const made = await data.changeExternalTable(database, command.required('tableName'), (table) => ({
    ...table,
    [member]: text,
  }));
  return [[made.name, made.folder, made.docstring]];
}

const detailColumns = 'TableName: string, QueryAccelerationPolicy: string, QueryAccelerationState: string';
/** There is no query acceleration, so no table has a policy of it. */
const detailRow = ({ name }: ExternalTableView): Row => [name, '', ''];
const textColumns = 'TableName: string, Folder: string, DocString: string';
const mapping = `"M" '[{"Column": "A", "Properties": {"Ordinal": "0"}}]'`;

/** @see Kusto "External table mappings", ".show external table artifacts", ".show external table details" */
export const externalTablePartCommands: readonly CommandRow[] = [
  {
    kinds: {
      CreateExternalTableMapping: `.create external table E mapping ${mapping}`,
      AlterExternalTableMapping: `.alter external table E mapping ${mapping}`,
    },
    permission: 'externalTableAdmin',
    columns: tableMappingColumns,
    run: putMapping,
  },
  {
    kinds: {
      ShowExternalTableMapping: '.show external table E mapping "M"',
      ShowExternalTableMappings: '.show external table E mappings',
    },
    permission: 'metadata',
    columns: tableMappingColumns,
    run: (command, context) => {
      const table = tableIn(command, context);
      const name = command.optional('MappingName');
      const shown = name === undefined ? (table.mappings ?? []) : [mappingOf(table, name)];
      return shown.map((one) => mappingRow(table, context.database, one));
    },
  },
  {
    kinds: { DropExternalTableMapping: '.drop external table E mapping "M"' },
    permission: 'externalTableAdmin',
    columns: tableMappingColumns,
    run: dropMapping,
  },
  {
    kinds: { ShowExternalTableArtifacts: '.show external table E artifacts limit 10' },
    permission: 'create',
    columns: 'Uri: string, Partition: dynamic, Size: long',
    run: artifacts,
  },
  {
    kinds: { ShowExternalTablesDetails: '.show external tables details' },
    permission: 'metadata',
    columns: detailColumns,
    run: (_command, { data, database }) => data.externalTables(database).map(detailRow),
  },
  {
    kinds: { ShowExternalTableDetails: '.show external table E details' },
    permission: 'metadata',
    columns: detailColumns,
    run: (command, context) => [detailRow(tableIn(command, context))],
  },
  {
    kinds: {
      AlterExternalTableDocString: '.alter external table E docstring "D"',
      AlterExternalTableFolder: '.alter external table E folder "F"',
    },
    permission: 'externalTableAdmin',
    columns: textColumns,
    run: alterText,
  },
];
