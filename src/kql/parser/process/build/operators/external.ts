import { externalTable } from '../../../../plan/external-data.ts';
import { semantic } from '../../language/node-errors.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { list, nameOf, need, part } from '../../language/language.ts';
import { columnsOf } from '../../language/node-types.ts';
import type { Builder } from '../draft/builder.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

const sourcesMax = 1_000;

/** `externaldata (schema) [ 'https://…', … ] with (…)`: a table whose rows lie elsewhere. */
const externalData: OperatorBuilder = (b, node) => {
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
  const table = externalTable({ sources, columns: cols, properties });
  return { op: 'table', database: b.draft.database, table, cols };
};

function constantText(b: Builder, node: SyntaxNode, what: string): string {
  const value = buildScalar(b, node);
  if (value.k === 'literal' && value.value !== null) return String(value.value);
  throw semantic(b, node, `externaldata: ${what} must be a constant.`);
}

export const externalOperators = { ExternalDataExpression: externalData } satisfies Readonly<
  Record<string, OperatorBuilder>
>;
