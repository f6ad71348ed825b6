import type { DatabaseView, TableView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { columnPath } from './column-path.ts';
import { requirePermission } from './permissions.ts';
import { policyText } from './policy-json.ts';

/** How columns are encoded is said by profiles. They are checked, kept and shown; DuckDB chooses encodings by the data itself.
 * @see Kusto "Encoding policy" */

const columns = 'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';

const profiles = ['Identifier', 'BigObject', 'BigObject32', 'Vector16'] as const;

/** @returns undefined for `Null`, which is none @throws DataError `InvalidPolicy` */
function profileOf(text: string): string | undefined {
  const lower = text.trim().toLowerCase();
  const found = profiles.find((profile) => profile.toLowerCase() === lower);
  if (found === undefined && lower !== 'null')
    throw dataError('InvalidPolicy', `An encoding policy is of the type ${profiles.join(', ')} or Null.`);
  return found;
}

const policyOf = (encoding: string | undefined): unknown =>
  encoding === undefined ? undefined : { Profile: encoding };

const columnRow = (table: TableView, name: string): Row => [
  'EncodingPolicy',
  `[${table.database}].[${table.name}].[${name}]`,
  policyText(policyOf(table.columns.find((column) => column.name === name)?.encoding)),
  '',
  'Column',
];

/** Of a table or database: of its columns that have one. */
const childrenRow = (entity: string, type: string, children: readonly Row[]): Row => [
  'EncodingPolicy',
  entity,
  policyText(undefined),
  children.length === 0 ? '' : JSON.stringify(children.map((row) => row[1])),
  type,
];

const encodedRows = (table: TableView): readonly Row[] =>
  table.columns.flatMap(({ name, encoding }) => (encoding === undefined ? [] : [columnRow(table, name)]));

const tableRowOf = (table: TableView): Row =>
  childrenRow(`[${table.database}].[${table.name}]`, 'Table', encodedRows(table));

const databaseRowOf = ({ name, tables }: DatabaseView): Row =>
  childrenRow(`[${name}]`, 'Database', [...tables.values()].flatMap(encodedRows));

function namedColumn(
  command: Command,
  context: CommandContext,
): { readonly table: TableView; readonly column: string } {
  const { database, table: name, column } = columnPath(command.required('ColumnName'), context);
  const table = context.data.table(database, name);
  if (!table.columns.some((one) => one.name === column)) throw dataError('ColumnNotFound', column.slice(0, 200));
  return { table, column };
}

async function change(
  command: Command,
  context: CommandContext,
  encoding: string | undefined,
): Promise<readonly Row[]> {
  const { table, column } = namedColumn(command, context);
  requirePermission(context, 'tableAdmin', table.database, command.kind, table.name);
  return [columnRow(await context.data.setColumnEncoding(table.database, table.name, column, encoding), column)];
}

export const encodingPolicyCommands: readonly CommandRow[] = [
  {
    kinds: { ShowColumnPolicyEncoding: '.show column T.A policy encoding' },
    permission: 'metadata',
    columns,
    run: (command, context) => {
      const { table, column } = namedColumn(command, context);
      requirePermission(context, 'metadata', table.database, command.kind);
      return [columnRow(table, column)];
    },
  },
  {
    kinds: { ShowTablePolicyEncoding: '.show table T policy encoding' },
    permission: 'metadata',
    columns,
    run: (command, { data, database }) => [tableRowOf(data.table(database, command.required('TableName')))],
  },
  {
    kinds: { ShowDatabasePolicyEncoding: '.show database D policy encoding' },
    permission: 'metadata',
    columns,
    run: (command, context) => [databaseRowOf(context.data.database(command.databaseName(context)))],
  },
  {
    kinds: { AlterColumnPolicyEncodingType: ".alter column T.A policy encoding type = 'Identifier'" },
    permission: 'anyone',
    columns,
    run: (command, context) => change(command, context, profileOf(command.required('EncodingPolicyType'))),
  },
  {
    kinds: { DeleteColumnPolicyEncoding: '.delete column T.A policy encoding' },
    permission: 'anyone',
    columns,
    run: (command, context) => change(command, context, undefined),
  },
];
