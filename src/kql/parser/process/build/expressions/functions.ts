import type { Expression } from '../../../../plan/expression.ts';
import type { Plan } from '../../../../plan/plan.ts';
import type { Builder } from '../draft/builder.ts';
import type { Binding } from '../draft/scope.ts';
import { callsThrough, shareTable, withoutContext } from '../draft/builder.ts';
import { inliningLimit } from '../draft/draft.ts';
import { isTabular, typeOfSymbol } from '../../language/node-types.ts';
import { semantic } from '../../language/node-errors.ts';
import { Scope } from '../draft/scope.ts';
import { namedScalar } from './computed-once.ts';
import { checkBody } from '../../binder/diagnostics.ts';
import type { LanguageSymbol, SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, toArray } from '../../language/language.ts';
import { KqlError } from '../../../../plan/kql-error.ts';
import { buildArgument, buildScalar, buildStatement, buildTable } from '../draft/visit.ts';
import { databaseOf } from '../draft/databases.ts';
import { undrawn } from '../../language/pipes.ts';

export type UserCallResult =
  { readonly k: 'scalar'; readonly expression: Expression } | { readonly k: 'table'; readonly plan: Plan };

/** Inlines one call of a user function: a `let` function, a stored function or a view. The binder gives a body bound for
 * exactly this call.
 * @param piped the table on the left of `invoke`, which becomes the first argument */
export function buildUserCall(b: Builder, node: SyntaxNode, body: SyntaxNode, piped?: Plan): UserCallResult {
  b.draft.inlined += 1;
  if (b.draft.inlined > inliningLimit) throw new KqlError('limits', 'Too many function calls in one query.');
  const name = node.ReferencedSymbol?.Name ?? '';
  const database = databaseOf(b, node);
  const found = database === undefined ? b.scope.find(name) : undefined;
  const definition = found?.k === 'function' ? found : undefined;
  checkBody(body, b.draft.functions, definition === undefined);
  const scope = new Scope(definition?.scope, !definition?.restricted);
  bindArguments(b, node, scope, piped);
  const inner: Builder = {
    draft: b.draft,
    scope,
    // What a stored function defines has no place in the text either.
    offset: definition && b.offset !== undefined ? definition.bodyStart - body.TextStart : undefined,
    ...callsThrough(b, node),
    ...(b.context && { context: b.context }),
    ...(b.depth !== undefined && { depth: b.depth }),
  };
  for (const statement of list(body, 'Statements')) buildStatement(inner, statement);
  const expression = part(body, 'Expression');
  if (!expression) throw semantic(b, node, `The function '${name}' has no result.`);
  return isTabular(expression)
    ? { k: 'table', plan: buildTable(withoutContext(inner), undrawn(expression)) }
    : { k: 'scalar', expression: buildScalar(inner, expression) };
}

/** The table of a view that an operator over all tables takes in. */
export function buildView({ draft }: Builder, view: Binding & { readonly k: 'function' }): Plan | undefined {
  const { view: body, offset } = view;
  if (!body) return undefined;
  const inner: Builder = { draft, offset, scope: new Scope(view.scope, !view.restricted) };
  for (const statement of list(body, 'Statements')) buildStatement(inner, statement);
  const expression = part(body, 'Expression');
  return expression && isTabular(expression) ? buildTable(inner, undrawn(expression)) : undefined;
}

function bindArguments(b: Builder, node: SyntaxNode, scope: Scope, piped: Plan | undefined): void {
  const parameters = parametersOf(node);
  const argumentList = part(node, 'ArgumentList');
  const given = argumentList ? list(argumentList, 'Expressions') : [];
  const taken = new Set<string>();
  let position = 0;
  const takeNext = (): ParameterSymbol | undefined => {
    while (parameters[position] && taken.has(parameters[position]?.Name ?? '')) position += 1;
    return parameters[position];
  };
  if (piped) {
    const first = takeNext();
    if (!first) throw semantic(b, node, 'The invoked function takes no table.');
    taken.add(first.Name);
    scope.bind(first.Name, { k: 'table', plan: shareTable(b, piped) });
  }
  for (const argument of given) {
    const named = kindOf(argument) === 'SimpleNamedExpression';
    const name = named ? nameOf(need(argument, 'Name')) : (takeNext()?.Name ?? '');
    if (taken.has(name)) throw semantic(b, argument, `The argument '${name}' is given twice.`);
    taken.add(name);
    const parameter = parameters.find((candidate) => candidate.Name === name);
    bindOne(b, scope, name, named ? need(argument, 'Expression') : argument, parameter);
  }
  for (const parameter of parameters) {
    if (taken.has(parameter.Name)) continue;
    const fallback = parameter.DefaultValue;
    if (!fallback) throw semantic(b, node, `The argument '${parameter.Name}' is missing.`);
    bindOne({ ...b, offset: undefined }, scope, parameter.Name, fallback, parameter);
  }
}

function bindOne(
  b: Builder,
  scope: Scope,
  name: string,
  argument: SyntaxNode,
  parameter: ParameterSymbol | undefined,
): void {
  const built = buildArgument(b, argument);
  if (built.k === 'table') {
    scope.bind(name, { k: 'table', plan: shareTable(b, built.plan) });
    return;
  }
  scope.bind(name, namedScalar(b, argument, converted(b, argument, built, parameter)));
}

/** An argument takes the declared type of its parameter. */
function converted(
  b: Builder,
  node: SyntaxNode,
  expression: Expression,
  parameter: ParameterSymbol | undefined,
): Expression {
  const declared = toArray<LanguageSymbol>(parameter?.DeclaredTypes)[0];
  const type = declared ? typeOfSymbol(declared) : expression.type;
  if (type === expression.type || type === 'dynamic') return expression;
  if (expression.k === 'literal' && expression.value === null) return { ...expression, type };
  if (
    expression.k === 'literal' &&
    (expression.type === 'long' || expression.type === 'int') &&
    (type === 'real' || type === 'decimal' || type === 'long' || type === 'int')
  ) {
    return { ...expression, type };
  }
  return {
    k: 'call',
    name: `to${type}`,
    args: [expression],
    type,
    at: b.offset === undefined ? -1 : b.offset + node.TextStart,
  };
}

interface ParameterSymbol extends LanguageSymbol {
  readonly DeclaredTypes?: unknown;
  readonly DefaultValue?: SyntaxNode | null;
}

function parametersOf(node: SyntaxNode): ParameterSymbol[] {
  const signatures = toArray<{ readonly Parameters: unknown }>(node.ReferencedSymbol?.Signatures);
  const [signature] = signatures;
  return signature ? toArray<ParameterSymbol>(signature.Parameters) : [];
}
