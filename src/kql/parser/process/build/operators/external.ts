import type { InlinePartition } from '../../../../plan/external-data.ts';
import { externalData, externalTable, inlineExternalTable } from '../../../../plan/external-data.ts';
import { isOpenTable, placeOf, toldTable } from '../../binder/open-schemas.ts';
import type { Plan } from '../../../../plan/plan.ts';
import { notSupported, semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../../language/language.ts';
import { columnsOf } from '../../language/node-types.ts';
import type { Builder } from '../draft/builder.ts';
import { databaseOf } from '../draft/databases.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

const sourcesMax = 1_000;

/** `externaldata (schema) [ 'https://…', … ] with (…)`: a table whose rows lie elsewhere. */
const readExternalData: OperatorBuilder = (b, node) => {
  const cols = columnsOf(node);
  const addresses = list(node, 'URIs');
  const sources = addresses.map((address) => constantText(b, address, 'an address', 'externaldata'));
  if (sources.length === 0 || sources.length > sourcesMax)
    throw semantic(b, node, `externaldata takes 1 to ${sourcesMax} addresses.`);
  const properties = propertiesOf(b, node, 'externaldata');
  const table = externalData({ sources, columns: cols, properties });
  return { op: 'table', database: b.draft.database, table, cols };
};

/** `inline_external_table (schema) kind=storage … dataformat=csv (h'https://…')`: an external table that the query defines. */
const readInlineTable: OperatorBuilder = (b, node) => {
  const kind = textIn(need(need(node, 'KindParameter'), 'Value')).toLowerCase() === 'delta' ? 'delta' : 'storage';
  const sources = list(need(node, 'ConnectionStrings'), 'ConnectionStrings').map((address) =>
    constantText(b, address, 'an address', 'inline_external_table'),
  );
  if (sources.length === 0 || sources.length > sourcesMax)
    throw semantic(b, node, `inline_external_table takes 1 to ${sourcesMax} storage connection strings.`);
  if (kind === 'storage' && isOpenTable(node))
    throw semantic(b, node, 'inline_external_table of kind storage needs columns.');
  const isUntold = isOpenTable(node) && toldTable(node) === undefined;
  const cols = isUntold ? [] : columnsOf(node);
  // Of a Delta table the binder refuses them, once its columns are told.
  const partitions = kind === 'delta' ? [] : partitionsOf(b, node);
  const virtual = new Set(partitions.flatMap(({ name, of }) => (of === undefined ? [name] : [])));
  const table = inlineExternalTable({
    ...{ kind, place: placeOf(node), sources, partitions, pathFormat: kind === 'delta' ? '' : pathFormatOf(node) },
    ...(isUntold ? {} : { columns: cols.filter(({ name }) => !virtual.has(name)) }),
    format: kind === 'delta' ? 'parquet' : textIn(need(need(node, 'DataFormatParameter'), 'Value')),
    properties: propertiesOf(b, node, 'inline_external_table'),
  });
  const plan: Plan = { op: 'table', database: b.draft.database, table, cols };
  if (isUntold) b.draft.untold ??= plan;
  return plan;
};

const textIn = (node: SyntaxNode): string => node.toString().trim();

/** `Name:type`, `Name:type = Column`, `Name:type = call(Column, argument)` */
function partitionsOf(b: Builder, node: SyntaxNode): readonly InlinePartition[] {
  const clause = part(node, 'PartitionClause');
  return (clause === undefined ? [] : list(clause, 'PartitionColumns')).map((declared): InlinePartition => {
    const base = { name: nameOf(need(declared, 'Name')), type: need(declared, 'Type').toString().trim() };
    const made = part(declared, 'Expr');
    if (made === undefined) return base;
    if (kindOf(made) === 'NameReference') return { ...base, of: { column: nameOf(made) } };
    const [column, argument, ...more] =
      kindOf(made) === 'FunctionCallExpression' ? list(need(made, 'ArgumentList'), 'Expressions') : [];
    if (column === undefined || kindOf(column) !== 'NameReference' || more.length > 0)
      throw semantic(b, made, 'A partition of inline_external_table is made of one column.');
    const of = { column: nameOf(column), call: nameOf(made) };
    return { ...base, of: argument === undefined ? of : { ...of, argument: argument.toString().trim() } };
  });
}

const pathFormatOf = (node: SyntaxNode): string =>
  /^pathformat\s*=\s*\(([\s\S]*)\)$/i.exec(part(node, 'PathFormat')?.toString().trim() ?? '')?.[1]?.trim() ?? '';

/** `external_table('T', 'mapping')` */
export function externalTableCall(b: Builder, node: SyntaxNode, name: string, second: SyntaxNode | undefined): Plan {
  const mapping = second && buildScalar(b, second);
  if (mapping?.type === 'timespan')
    throw notSupported(b, node, 'Query acceleration, which external_table() has a maximal age for,');
  if (mapping && (mapping.k !== 'literal' || typeof mapping.value !== 'string'))
    throw semantic(b, node, 'external_table() takes the name of its mapping as a constant.');
  const table = externalTable({ name, ...(mapping?.k === 'literal' && { mapping: String(mapping.value) }) });
  return { op: 'table', database: databaseOf(b, node) ?? b.draft.database, table, cols: columnsOf(node) };
}

function propertiesOf(b: Builder, node: SyntaxNode, operator: string): Readonly<Record<string, string>> {
  const clause = part(node, 'WithClause');
  const properties: Record<string, string> = {};
  for (const property of clause ? list(clause, 'Properties') : []) {
    const name = nameOf(need(property, 'Name')).toLowerCase();
    const value = need(property, 'Expression');
    // `format=csv`: the grammar takes a bare name, and people write it.
    properties[name] =
      kindOf(value) === 'NameDeclaration' ? nameOf(value) : constantText(b, value, 'a property', operator);
  }
  return properties;
}

function constantText(b: Builder, node: SyntaxNode, what: string, operator: string): string {
  const value = buildScalar(b, node);
  if (value.k === 'literal' && value.value !== null) return String(value.value);
  throw semantic(b, node, `${operator}: ${what} must be a constant.`);
}

export const externalOperators = {
  ExternalDataExpression: readExternalData,
  InlineExternalTableExpression: readInlineTable,
} satisfies Readonly<Record<string, OperatorBuilder>>;
