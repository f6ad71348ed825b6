import type { Expression } from '../ir/expression.ts';
import type { MakeSeriesNode } from '../ir/plan.ts';
import type { Builder } from './builder.ts';
import { columnsOf } from './builder.ts';
import { buildScalar } from './expressions.ts';
import type { SyntaxNode } from './language.ts';
import { kindOf, list, need, part } from './language.ts';
import { itemsByPosition, parametersOf, unnamed, withInput } from './operators-basic.ts';
import type { OperatorBuilder } from './tables.ts';

function rangeOf(b: Builder, node: SyntaxNode): { from?: Expression; to?: Expression; step: Expression } {
  if (kindOf(node) === 'MakeSeriesInRangeClause') {
    const [from, to, step] = list(need(node, 'Arguments'), 'Expressions').map((bound) => buildScalar(b, bound));
    // `in range(a, b, step)` includes its end; the clause form does not.
    const inclusive: Expression | undefined = to &&
      step && { k: 'call', name: '+', args: [to, step], type: to.type, at: -1 };
    return {
      ...(from && { from }),
      ...(inclusive && { to: inclusive }),
      step: step ?? { k: 'literal', type: 'long', value: '1' },
    };
  }
  const bound = (name: string): Expression | undefined => {
    const clause = part(node, name);
    return clause && buildScalar(b, need(clause, 'Expression'));
  };
  const from = bound('MakeSeriesFromClause');
  const to = bound('MakeSeriesToClause');
  return {
    ...(from && { from }),
    ...(to && { to }),
    step: bound('MakeSeriesStepClause') ?? { k: 'literal', type: 'long', value: '1' },
  };
}

const makeSeries: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const cols = columnsOf(node);
  const clause = part(node, 'ByClause');
  const by = itemsByPosition(b, clause ? list(clause, 'Expressions') : [], cols);
  const start = by.length;
  const aggregates = list(node, 'Aggregates').map((entry, index): MakeSeriesNode['aggregates'][number] => {
    const fallback = part(entry, 'DefaultExpression');
    return {
      name: cols[start + index]?.name ?? '',
      expression: buildScalar(b, unnamed(need(entry, 'Expression'))),
      ...(fallback && { fallback: buildScalar(b, need(fallback, 'Expression')) }),
    };
  });
  const axis = unnamed(need(need(node, 'OnClause'), 'Expression'));
  return {
    op: 'makeSeries',
    input,
    by,
    aggregates,
    axis: { names: [cols[start + aggregates.length]?.name ?? ''], expression: buildScalar(b, axis) },
    ...rangeOf(b, need(node, 'RangeClause')),
    nonEmpty: parametersOf(b, node).get('kind') === 'nonempty',
    cols,
  };
};

export const seriesOperators: Readonly<Record<string, OperatorBuilder>> = { MakeSeriesOperator: makeSeries };
