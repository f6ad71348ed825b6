import type { Expression } from '../../../../plan/expression.ts';
import type { MakeSeriesNode } from '../../../../plan/plan.ts';
import type { Column } from '../../../../plan/types.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOf } from '../../language/node-types.ts';
import { semantic } from '../../language/node-errors.ts';
import { isTuple } from '../../language/language.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, need, part } from '../../language/language.ts';
import { unnamed } from '../../language/named-expressions.ts';
import { itemsByPosition, parametersOf, withInput } from './basic.ts';
import type { OperatorBuilder } from '../draft/visit.ts';
import { buildScalar } from '../draft/visit.ts';

function rangeOf(b: Builder, node: SyntaxNode): { from?: Expression; to?: Expression; step: Expression } {
  if (kindOf(node) === 'MakeSeriesInRangeClause') {
    const [from, to, step] = list(need(node, 'Arguments'), 'Expressions').map((bound) => buildScalar(b, bound));
    if (!from || !to || !step) throw semantic(b, node, 'make-series: range() takes a start, an end and a step.');
    // The bins of `in range(a, b, step)` are those of bin(), and its end is included; with the clauses they count from the start.
    const binned = (bound: Expression): Expression => ({
      k: 'call',
      name: 'bin',
      args: [bound, step],
      type: bound.type,
    });
    return { from: binned(from), to: { k: 'call', name: '+', args: [binned(to), step], type: to.type }, step };
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

/** What is known only after a first run has no type yet. */
const isNoNumber = (node: SyntaxNode, types: readonly string[]): boolean => types.includes(node.ResultType?.Name ?? '');

const makeSeries: OperatorBuilder = (b, node, given) => {
  const input = withInput(given);
  const bound = columnsOf(node);
  const clause = part(node, 'ByClause');
  const by = itemsByPosition(b, clause ? list(clause, 'Expressions') : [], bound);
  const start = by.length;
  // Every aggregate becomes an array; the binder keeps the type of a value for some.
  const cols = bound.map((column, index): Column => (index < start ? column : { ...column, type: 'dynamic' }));
  const aggregates = list(node, 'Aggregates').map((entry, index): MakeSeriesNode['aggregates'][number] => {
    const expression = unnamed(need(entry, 'Expression'));
    const fallback = part(entry, 'DefaultExpression');
    const values = fallback && need(fallback, 'Expression');
    if (isTuple(expression.ResultType) || isNoNumber(expression, ['string', 'bool', 'guid', 'dynamic']))
      throw semantic(b, expression, 'make-series takes aggregates that give one number or time.');
    if (values && isNoNumber(values, ['string', 'bool', 'guid']))
      throw semantic(b, values, 'make-series: the default must be of the type of the aggregate.');
    return {
      name: cols[start + index]?.name ?? '',
      expression: buildScalar(b, expression),
      ...(values && { fallback: buildScalar(b, values) }),
    };
  });
  const range = rangeOf(b, need(node, 'RangeClause'));
  const { step } = range;
  if (step.k === 'literal' && typeof step.value === 'string' && !(Number(step.value) > 0))
    throw semantic(b, node, 'make-series: the step must be positive.');
  const axis = unnamed(need(need(node, 'OnClause'), 'Expression'));
  return {
    op: 'makeSeries',
    input,
    by,
    aggregates,
    axis: { names: [cols[start + aggregates.length]?.name ?? ''], expression: buildScalar(b, axis) },
    ...range,
    nonEmpty: parametersOf(b, node).get('kind') === 'nonempty',
    cols,
  };
};

export const seriesOperators: Readonly<Record<string, OperatorBuilder>> = { MakeSeriesOperator: makeSeries };
