import type { Expression, Literal } from '../../../plan/expression.ts';
import type { Plan } from '../../../plan/plan.ts';
import { KqlError } from '../../../plan/kql-error.ts';
import type { Builder } from './draft/builder.ts';
import type { Binding } from './draft/scope.ts';
import { callsThrough } from './draft/builder.ts';
import { inliningLimit } from './draft/draft.ts';
import { positionOf, semantic } from '../language/node-errors.ts';
import { Scope } from './draft/scope.ts';
import type { SyntaxNode } from '../language/language.ts';
import { kindOf, list, nameOf, need, part } from '../language/language.ts';
import { missingPatterns } from '../binder/missing-patterns.ts';
import { buildScalar, buildStatement, buildTable } from './draft/visit.ts';

type Pattern = Extract<Binding, { readonly k: 'pattern' }>;

/** The declared pattern that `name(…)` calls. */
export function patternOf(b: Builder, node: SyntaxNode): Pattern | undefined {
  if (kindOf(node) !== 'FunctionCallExpression') return undefined;
  const binding = b.scope.find(nameOf(need(node, 'Name')));
  return binding?.k === 'pattern' ? binding : undefined;
}

/** `pattern("a", "b")` or `pattern("a").path`: the body declared for exactly these values, in the scope of the declaration with
 * the parameters bound. */
export function buildPatternCall(b: Builder, pattern: Pattern, call: SyntaxNode, path?: SyntaxNode): Plan {
  b.draft.inlined += 1;
  if (b.draft.inlined > inliningLimit) throw new KqlError('limits', 'Too many function calls in one query.');
  const given = list(need(call, 'ArgumentList'), 'Expressions').map((argument) => constant(b, argument));
  const pathText = path && pathName(b, path);
  const match = list(pattern.node, 'Patterns').find((candidate) => {
    const values = list(need(candidate, 'ParameterValues'), 'Expressions').map((value) =>
      constant(pattern.builder, value),
    );
    const pathValue = part(candidate, 'PathValue');
    const wantedPath = pathValue && constant(pattern.builder, need(pathValue, 'Value')).value;
    return (
      wantedPath === pathText &&
      values.length === given.length &&
      values.every((value, index) => value.value === given[index]?.value)
    );
  });
  if (!match) throw missingPatterns([call], b.offset === undefined ? undefined : positionOf(b, call));
  const scope = new Scope(pattern.builder.scope);
  list(pattern.node, 'Parameters').forEach((parameter, index) => {
    const value = given[index];
    if (value) scope.bind(nameOf(need(parameter, 'Name')), { k: 'scalar', expression: value });
  });
  const pathParameter = part(pattern.node, 'PathParameter');
  if (pathParameter && pathText !== undefined) {
    const expression: Expression = { k: 'literal', type: 'string', value: pathText };
    scope.bind(nameOf(need(need(pathParameter, 'Parameter'), 'Name')), { k: 'scalar', expression });
  }
  const inner: Builder = { ...pattern.builder, scope, ...callsThrough(b, call) };
  const body = need(match, 'Body');
  for (const statement of list(body, 'Statements')) buildStatement(inner, statement);
  const expression = part(body, 'Expression');
  if (!expression) throw semantic(b, call, 'The match of the pattern has no result.');
  return buildTable(inner, expression);
}

function constant(b: Builder, node: SyntaxNode): Literal {
  const expression = buildScalar(b, node);
  if (expression.k !== 'literal') throw semantic(b, node, 'The values of a pattern must be constants.');
  return expression;
}

/** `.Alberta` or `.["New York"]` */
function pathName(b: Builder, node: SyntaxNode): string {
  const inner = part(node, 'Expression');
  if (!inner) return nameOf(node);
  const { value } = constant(b, inner);
  return String(value);
}
