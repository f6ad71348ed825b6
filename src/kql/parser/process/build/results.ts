import type { Plan, ProgramResult } from '../../../plan/plan.ts';
import type { Builder } from './draft/builder.ts';
import { columnsOf } from '../language/node-types.ts';
import { positionOf, semantic } from '../language/node-errors.ts';
import { shareTable } from './draft/builder.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part, tokenText } from '../language/language.ts';
import { buildCount, parameterValue } from './operators/basic.ts';
import { graphTables } from './operators/graph.ts';
import { gatherArguments, pluginName } from './operators/plugin.ts';
import { buildScalar, buildTable } from './draft/visit.ts';

/** The result tables of one tabular statement: one, or several for `fork` and `facet`; `render` adds its properties. */
export function buildResults(b: Builder, node: SyntaxNode): ProgramResult[] {
  if (kindOf(node) === 'PipeExpression') {
    const operator = need(node, 'Operator');
    const row = endings[kindOf(operator)];
    if (row) return row(b, need(node, 'Expression'), operator);
    const several = kindOf(operator) === 'EvaluateOperator' ? severalTables[pluginName(operator)] : undefined;
    if (several) return several(b, need(node, 'Expression'), operator);
    if (kindOf(operator) === 'GraphToTableOperator') return graphTables(b, node);
  }
  if (kindOf(node) === 'ParenthesizedExpression') return buildResults(b, need(node, 'Expression'));
  return [{ name: 'PrimaryResult', plan: buildTable(b, node) }];
}

type EndingBuilder = (b: Builder, input: SyntaxNode, operator: SyntaxNode) => ProgramResult[];

const render: EndingBuilder = (b, input, operator) => {
  const visualization: Record<string, string | boolean | number> = { Visualization: tokenText(operator, 'ChartType') };
  const clause = part(operator, 'WithClause');
  const properties = [...list(operator, 'Parameters'), ...(clause ? list(clause, 'Properties') : [])];
  for (const property of properties) {
    const name = nameOf(need(property, 'Name'));
    const wireName = renderNames[name.toLowerCase()];
    if (wireName !== undefined) visualization[wireName] = renderValue(b, need(property, 'Expression'));
  }
  return buildResults(b, input).map((result) => ({ ...result, visualization }));
};

function renderValue(b: Builder, node: SyntaxNode): string | boolean | number {
  if (kindOf(node) === 'NameReferenceList' || kindOf(node) === 'ExpressionList') {
    return [...list(node, 'Names'), ...list(node, 'Expressions')].map(nameOf).join(',');
  }
  const value = parameterValue(b, node);
  return value !== '' && Number.isFinite(Number(value))
    ? Number(value)
    : value === 'true'
      ? true
      : value === 'false'
        ? false
        : value;
}

const renderNames: Readonly<Record<string, string>> = {
  kind: 'Kind',
  title: 'Title',
  xcolumn: 'XColumn',
  series: 'Series',
  ycolumns: 'YColumns',
  anomalycolumns: 'AnomalyColumns',
  xtitle: 'XTitle',
  ytitle: 'YTitle',
  xaxis: 'XAxis',
  yaxis: 'YAxis',
  legend: 'Legend',
  ysplit: 'YSplit',
  accumulate: 'Accumulate',
  ymin: 'Ymin',
  ymax: 'Ymax',
  xmin: 'Xmin',
  xmax: 'Xmax',
};

const fork: EndingBuilder = (b, input, operator) => {
  const source = shareTable(b, buildTable(b, input));
  return list(operator, 'Expressions').map((leg, index) => {
    const given = part(leg, 'NameEquals');
    const plan = buildTable({ ...b, context: source }, need(leg, 'Expression'), source);
    return { name: given ? nameOf(need(given, 'Name')) : resultName(index), plan };
  });
};

/** Each facet is the distinct values of its column with a count; `with` adds one more result over all rows. */
const facet: EndingBuilder = (b, input, operator) => {
  const source = shareTable(b, buildTable(b, input));
  const results = list(operator, 'Expressions').map((column, index): ProgramResult => {
    const name = nameOf(column);
    const expression = buildScalar({ ...b, context: source }, column);
    const plan: Plan = {
      op: 'summarize',
      input: source,
      by: [{ names: [name], expression }],
      aggregates: [{ names: [`count_${name}`], expression: { k: 'call', name: 'count', args: [], type: 'long' } }],
      cols: [
        { name, type: expression.type },
        { name: `count_${name}`, type: 'long' },
      ],
    };
    return { name: resultName(index), plan };
  });
  const clause = part(operator, 'WithClause');
  const body = clause && (part(clause, 'Operator') ?? part(clause, 'Expression'));
  if (body)
    results.push({ name: `Results_${results.length + 1}`, plan: buildTable({ ...b, context: source }, body, source) });
  return results;
};

const resultName = (index: number): string => (index === 0 ? 'Results' : `Results_${index + 1}`);

/** Plugins that give several tables.
 * @see Kusto documentation, preview and funnel_sequence plugins */
const severalTables: Readonly<Record<string, EndingBuilder | undefined>> = {
  preview: (b, input, operator) => {
    const source = shareTable(b, buildTable(b, input));
    const [count] = list(need(need(operator, 'FunctionCall'), 'ArgumentList'), 'Expressions');
    if (!count) throw semantic(b, operator, 'evaluate preview(): the number of rows is missing.');
    return [
      { name: resultName(0), plan: { op: 'take', input: source, count: buildCount(b, count), cols: source.cols } },
      { name: resultName(1), plan: { op: 'count', input: source, cols: [{ name: 'Count', type: 'long' }] } },
    ];
  },
  funnel_sequence: (b, input, operator) => {
    const source = shareTable(b, buildTable(b, input));
    const nodes = list(need(need(operator, 'FunctionCall'), 'ArgumentList'), 'Expressions');
    const { settings, inputs } = gatherArguments(b, nodes, source);
    const cols = columnsOf(operator);
    return ['both', 'prev', 'next'].map((table, index) => ({
      name: resultName(index),
      plan: {
        op: 'rowwise',
        name: 'funnel_sequence',
        inputs,
        settings: { ...settings, options: { table } },
        at: positionOf(b, operator),
        // Time, prev, next, dcount, samples; the second table has no next, the third no prev.
        cols: cols.filter((_column, at) => (table === 'prev' ? at !== 2 : table === 'next' ? at !== 1 : true)),
      },
    }));
  },
};

const consume: EndingBuilder = (b, input) => {
  const plan = buildTable(b, input);
  const none: Plan = { op: 'take', input: plan, count: { k: 'literal', type: 'long', value: '0' }, cols: plan.cols };
  return [{ name: 'PrimaryResult', plan: { op: 'select', input: none, from: [], cols: [] } }];
};

/** Operators that may only end a pipe: they give results of their own kind. */
export const endings: Readonly<Record<string, EndingBuilder>> = {
  RenderOperator: render,
  ForkOperator: fork,
  FacetOperator: facet,
  ConsumeOperator: consume,
};
