import type { Literal } from '../../../plan/expression.ts';
import type { Plan } from '../../../plan/plan.ts';
import type { Builder } from './draft/builder.ts';
import { inside, shareTable } from './draft/builder.ts';
import { isTabular, typeOf, typeOfSymbol } from '../language/node-types.ts';
import { notSupported, semantic } from '../language/node-errors.ts';
import { namedScalar } from './expressions/computed-once.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';
import { literalOf } from '../language/literals.ts';
import { undrawn } from '../language/pipes.ts';
import { restrictionOf } from '../binder/restriction.ts';
import { buildResults } from './results.ts';
import { entitiesOf } from './operators/macro.ts';
import { buildGraph, isGraph } from './operators/graph.ts';
import { buildScalar, buildTable } from './draft/visit.ts';

type StatementBuilder = (b: Builder, node: SyntaxNode) => void;

/** Binds what a statement declares, or adds its results. */
export function declare(b: Builder, node: SyntaxNode): void {
  const kind = kindOf(node);
  const row = statementBuilders[kind];
  if (!row) throw notSupported(b, node, `The statement ${kind}`);
  row(b, node);
}

const letStatement: StatementBuilder = (b, node) => {
  const name = nameOf(need(node, 'Name'));
  const expression = need(node, 'Expression');
  if (kindOf(expression) === 'FunctionDeclaration') {
    const start = (b.offset ?? 0) + need(expression, 'Body').TextStart;
    const view = part(expression, 'ViewKeyword') && need(expression, 'Body');
    b.scope.bind(name, {
      k: 'function',
      scope: b.scope,
      bodyStart: start,
      offset: b.offset,
      restricted: b.scope.isRestricted,
      ...(view && { view }),
    });
    return;
  }
  if (kindOf(expression) === 'EntityGroupExpression') {
    b.scope.bind(name, { k: 'entityGroup', entities: entitiesOf(b, expression) });
    return;
  }
  if (isGraph(expression)) {
    b.scope.bind(name, { k: 'graph', graph: buildGraph(b, expression) });
    return;
  }
  if (isTabular(expression)) {
    // What is materialized shares itself.
    b.scope.bind(name, { k: 'table', plan: shareTable(b, buildTable(inside(b), undrawn(expression))) });
    return;
  }
  b.scope.bind(name, namedScalar(b, expression, buildScalar(b, expression)));
};

const setOption: StatementBuilder = (b, node) => {
  const value = part(need(node, 'Name').Parent ?? node, 'ValueClause');
  const name = nameOf(need(node, 'Name')).toLowerCase();
  const expression = value && part(value, 'Expression');
  const literal = expression && literalOf(expression);
  b.draft.options[name] = value === undefined ? true : literal ? literal.value : nameOf(expression ?? value);
};

const queryParameters: StatementBuilder = (b, node) => {
  for (const parameter of list(node, 'Parameters')) {
    const declaration = need(parameter, 'NameAndType');
    const name = nameOf(need(declaration, 'Name'));
    const type = typeOfSymbol(need(declaration, 'Type').ReferencedSymbol);
    const fallbackNode = part(parameter, 'DefaultValue');
    if (fallbackNode && type === 'dynamic')
      throw semantic(b, parameter, 'A query parameter of type dynamic cannot have a default.');
    const fallback = fallbackNode && buildScalar(b, need(fallbackNode, 'Value'));
    if (fallback && fallback.k !== 'literal')
      throw semantic(b, parameter, 'The default of a query parameter must be a constant.');
    b.draft.parameters.push({ name, type, ...(fallback && { fallback: { ...(fallback satisfies Literal), type } }) });
    b.scope.bind(name, { k: 'scalar', expression: { k: 'parameter', name, type } });
  }
};

const expressionStatement: StatementBuilder = (b, node) => {
  const expression = need(node, 'Expression');
  if (isTabular(expression)) {
    b.draft.results.push(
      ...buildResults(b, expression).map((result) => ({ ...result, plan: withoutImplicit(b, result.plan) })),
    );
    return;
  }
  if (isGraph(expression))
    throw notSupported(
      b,
      expression,
      'A graph as a result (graph-to-table, or project in graph-match, makes a table of it)',
    );
  // It has no type of its own: a result without columns and rows.
  if (kindOf(expression) === 'PipeExpression' && kindOf(need(expression, 'Operator')) === 'ConsumeOperator') {
    b.draft.results.push(...buildResults(b, expression));
    return;
  }
  const item = { names: ['print_0'], expression: buildScalar(b, expression) };
  b.draft.results.push({
    name: 'PrimaryResult',
    plan: { op: 'print', items: [item], cols: [{ name: 'print_0', type: typeOf(expression) }] },
  });
};

function withoutImplicit(b: Builder, plan: Plan): Plan {
  const cols = plan.cols.filter((column) => !b.draft.implicitColumns.has(column.name));
  return cols.length === plan.cols.length
    ? plan
    : { op: 'select', input: plan, from: cols.map((column) => column.name), cols };
}

const statementBuilders: Readonly<Record<string, StatementBuilder>> = {
  LetStatement: letStatement,
  SetOptionStatement: setOption,
  QueryParametersStatement: queryParameters,
  ExpressionStatement: expressionStatement,
  PatternStatement: (b, node) => {
    // `declare pattern name;` alone only announces it.
    if (part(node, 'Pattern'))
      b.scope.bind(nameOf(need(node, 'Name')), { k: 'pattern', node: need(node, 'Pattern'), builder: b });
  },
  RestrictStatement: (b, node) => {
    b.scope.restrict(restrictionOf(b, node));
  },
  // Aliases declare nothing that runs: the binder resolves what refers to them.
  AliasStatement: () => undefined,
};
