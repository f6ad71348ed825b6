import { externalData, externalTable } from '../../../../plan/external-data.ts';
import type { Plan } from '../../../../plan/plan.ts';
import { notSupported, semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { list, nameOf, need, part } from '../../language/language.ts';
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
  const sources = addresses.map((address) => constantText(b, address, 'an address'));
  if (sources.length === 0 || sources.length > sourcesMax)
    throw semantic(b, node, `externaldata takes 1 to ${sourcesMax} addresses.`);
  const clause = part(node, 'WithClause');
  const properties: Record<string, string> = {};
  for (const property of clause ? list(clause, 'Properties') : [])
    properties[nameOf(need(property, 'Name')).toLowerCase()] = constantText(
      b,
      need(property, 'Expression'),
      'a property',
    );
  const table = externalData({ sources, columns: cols, properties });
  return { op: 'table', database: b.draft.database, table, cols };
};

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

function constantText(b: Builder, node: SyntaxNode, what: string): string {
  const value = buildScalar(b, node);
  if (value.k === 'literal' && value.value !== null) return String(value.value);
  throw semantic(b, node, `externaldata: ${what} must be a constant.`);
}

export const externalOperators = { ExternalDataExpression: readExternalData } satisfies Readonly<
  Record<string, OperatorBuilder>
>;
