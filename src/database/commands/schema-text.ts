import { invariant } from '../../base/invariant.ts';
import type { DatabaseView, FunctionView } from '../catalog/catalog-view.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import { isKqlType } from '../../kql/plan/types.ts';
import { withoutHidden } from '../../kql/values/obfuscated.ts';

const parsed = new Map<string, readonly Column[]>();

/** `Name: type, …` → columns. */
export function columnsOfText(text: string): readonly Column[] {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const columns = text.split(',').map((item): Column => {
    const [name = '', written = ''] = item.split(':').map((part) => part.trim());
    const type = typeNames[written] ?? written;
    invariant(name !== '' && isKqlType(type), 'columns of commands are written as `Name: type`');
    return { name, type };
  });
  parsed.set(text, columns);
  return columns;
}

const typeNames: Readonly<Record<string, KqlType>> = {
  boolean: 'bool',
  date: 'datetime',
  time: 'timespan',
  double: 'real',
  int32: 'int',
  int64: 'long',
  uniqueid: 'guid',
};

/** @throws KqlError for a type that tables cannot have */
export function columnType(name: string): KqlType {
  const lower = name.toLowerCase();
  const type = typeNames[lower] ?? lower;
  if (!isKqlType(type)) throw new KqlError('notSupported', `The column type '${name.slice(0, 50)}' is not supported.`);
  return type;
}

/** Names of .NET, as schemas show types. */
export const clrTypes = {
  bool: 'System.SByte',
  int: 'System.Int32',
  long: 'System.Int64',
  real: 'System.Double',
  decimal: 'System.Data.SqlTypes.SqlDecimal',
  string: 'System.String',
  datetime: 'System.DateTime',
  timespan: 'System.TimeSpan',
  guid: 'System.Guid',
  dynamic: 'System.Object',
} as const satisfies Record<KqlType, string>;

/** A name as KQL text takes it back. */
export const quotedName = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : `['${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']`;

/** `a:long,['b c']:string` */
export const cslSchema = (columns: readonly Column[]): string =>
  columns.map(({ name, type }) => `${quotedName(name)}:${type}`).join(',');

/** Tables, external ones and views alike. */
interface TableLike {
  readonly name: string;
  readonly folder: string;
  readonly docstring: string;
  readonly columns: readonly (Column & { readonly docstring?: string })[];
}

function tableJson(table: TableLike): object {
  return {
    Name: table.name,
    ...(table.folder === '' ? {} : { Folder: table.folder }),
    ...(table.docstring === '' ? {} : { DocString: table.docstring }),
    OrderedColumns: columnsJson(table),
  };
}

const columnsJson = ({ columns }: TableLike): object[] =>
  columns.map(({ name, type, docstring = '' }) => ({
    Name: name,
    Type: clrTypes[type],
    CslType: type,
    ...(docstring === '' ? {} : { DocString: docstring }),
  }));

function functionJson(fn: FunctionView): object {
  return {
    Name: fn.name,
    InputParameters: parametersJson(withoutHidden(fn.parameters)),
    Body: withoutHidden(fn.body),
    Folder: fn.folder,
    DocString: fn.docstring,
    FunctionKind: 'Unknown',
    OutputColumns: [],
  };
}

/** Kinds of entities of which a schema as JSON may tell some alone. */
export const schemaKinds = ['Tables', 'ExternalTables', 'MaterializedViews', 'Functions'] as const;
export type SchemaKind = (typeof schemaKinds)[number];

const named = <Entity extends { readonly name: string }>(
  entities: Iterable<Entity>,
  json: (entity: Entity) => unknown,
): object => Object.fromEntries([...entities].map((entity) => [entity.name, json(entity)]));

/** What editors complete names by. @param wanted the others are empty */
export function databaseJson(database: DatabaseView, wanted: (kind: SchemaKind) => boolean = () => true): object {
  const { tables, externalTables, views, functions, entityGroups, prettyName } = database;
  const of = <Entity>(kind: SchemaKind, entities: Iterable<Entity>): Iterable<Entity> => (wanted(kind) ? entities : []);
  return {
    Name: database.name,
    Tables: named(of('Tables', tables.values()), (table) => ({ ...tableJson(table), DefaultColumn: null })),
    ExternalTables: named(of('ExternalTables', externalTables), tableJson),
    MaterializedViews: named(of('MaterializedViews', views.values()), tableJson),
    EntityGroups: named(entityGroups, ({ entities }) => entities),
    MajorVersion: 1,
    MinorVersion: database.schemaVersion,
    Functions: named(of('Functions', functions.values()), functionJson),
    DatabaseAccessMode: database.accessMode ?? 'ReadWrite',
    PrettyName: prettyName === '' ? null : prettyName,
  };
}

export interface FunctionParameter {
  /** As written. */
  readonly name: string;
  /** One of KQL's where it is known; empty for a table. */
  readonly type: string;
  /** Of a table; names as written. */
  readonly columns?: readonly { readonly name: string; readonly type: string }[];
  /** As written. Absent: it has none. */
  readonly fallback?: string;
}

/** `(n:long=5, T:(a:string))` → a list; text that it cannot split stays whole in one entry. */
export function parametersOf(text: string): FunctionParameter[] {
  const inside = text.trim().replace(/^\(/, '').replace(/\)$/, '');
  return splitOutside(inside).map((item) => {
    const colon = item.indexOf(':');
    const name = (colon < 0 ? item : item.slice(0, colon)).trim();
    const rest = colon < 0 ? '' : item.slice(colon + 1).trim();
    if (rest.startsWith('(')) {
      const columns = splitOutside(rest.slice(1, -1)).map((column) => column.split(':').map((part) => part.trim()));
      return { name, type: '', columns: columns.map(([of = '', type = '']) => ({ name: of, type: typeOf(type) })) };
    }
    const [type = '', fallback] = rest.split('=').map((part) => part.trim());
    return { name, type: typeOf(type), ...(fallback === undefined ? {} : { fallback }) };
  });
}

const parametersJson = (text: string): object[] =>
  parametersOf(text).map(({ name, type, columns, fallback }) =>
    columns === undefined
      ? { Name: name, ...typeJson(type), ...(fallback === undefined ? {} : { CslDefaultValue: fallback }) }
      : { Name: name, Columns: columns.map((column) => ({ Name: column.name, ...typeJson(column.type) })) },
  );

const typeOf = (written: string): string => typeNames[written.toLowerCase()] ?? written;

const typeJson = (type: string): object =>
  isKqlType(type) ? { Type: clrTypes[type], CslType: type } : { CslType: type };

function splitOutside(text: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let quote = '';
  let item = '';
  for (const character of text) {
    if (quote !== '') quote = character === quote ? '' : quote;
    else if (character === '"' || character === "'") quote = character;
    else if ('([{'.includes(character)) depth += 1;
    else if (')]}'.includes(character)) depth -= 1;
    if (character === ',' && depth === 0 && quote === '') {
      items.push(item);
      item = '';
    } else item += character;
  }
  return [...items, item].filter((one) => one.trim() !== '');
}
