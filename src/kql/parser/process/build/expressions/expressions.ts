import type { Call, Expression, Literal } from '../../../../plan/expression.ts';
import { partitionSide } from '../../../../plan/expression.ts';
import type { Builder } from '../draft/builder.ts';
import { columnsOfSymbol, isTabular, typeOf, typeOfSymbol } from '../../language/node-types.ts';
import { inside } from '../draft/builder.ts';
import { inEngineWords, notSupported, semantic } from '../../language/node-errors.ts';
import { isTuple } from '../../language/language.ts';
import { call, compiledCalls, rowColumns } from './compiled-calls.ts';
import { isRandom, once, printedOnce } from './computed-once.ts';
import { buildUserCall } from './functions.ts';
import type { SyntaxNode } from '../../language/language.ts';
import { kindOf, list, nameOf, need, part, symbolKind, tokenText } from '../../language/language.ts';
import { currentTime, literalOf, literalToJson } from '../../language/literals.ts';
import { unfold } from '../draft/unfolded.ts';
import { buildArgument, buildScalar, buildTable } from '../draft/visit.ts';

type ScalarBuilder = (b: Builder, node: SyntaxNode) => Expression;

/** Turns a bound scalar expression into IR. One row for every kind of syntax node. */
export function buildExpression(b: Builder, node: SyntaxNode): Expression {
  const kind = kindOf(node);
  const time = kind === 'DateTimeLiteralExpression' ? currentTime(node) : undefined;
  if (time) return time;
  const literal = literalOf(node);
  if (literal) return literal;
  const row = scalarBuilders[kind];
  if (row) return row(b, node);
  if (part(node, 'Left') && part(node, 'Right') && part(node, 'Operator')) return binary(b, node);
  throw notSupported(b, node, `The expression ${kind}`);
}

const operatorName = (b: Builder, node: SyntaxNode): string =>
  b.draft.functions.ownName(tokenText(node, 'Operator').trim().replace(/\s+/g, ' '));

/** Operators that the engine refuses between two dynamics, although the binder lets them pass; so it does a sum of two datetimes. */
const needsTypes = new Set(['==', '!=', '<', '<=', '>', '>=', '+', '-', '*', '/', '%']);
const isNullLiteral = (expression: Expression): boolean => expression.k === 'literal' && expression.value === null;

const binary: ScalarBuilder = (b, node) => {
  const sides = [need(node, 'Left'), need(node, 'Right')];
  for (const side of sides)
    if (isTuple(side.ResultType)) throw semantic(b, side, 'A call that yields several columns cannot be an operand.');
  const operands = sides.map((side) => buildScalar(b, side));
  const name = operatorName(b, node);
  // Columns that are known only after a first run have no type yet.
  const known = sides.every((side) => side.ResultType?.Name !== 'unknown');
  if (
    known &&
    needsTypes.has(name) &&
    operands.every((operand) => operand.type === 'dynamic' && !isNullLiteral(operand))
  ) {
    throw inEngineWords(b, node, 'SEM0001', 'Cannot compare dynamic values without explicit cast');
  }
  if (name === '+' && operands.every((operand) => operand.type === 'datetime'))
    throw inEngineWords(
      b,
      node,
      'SEM0001',
      'Arithmetic expression cannot be carried-out between DateTime and DateTime',
    );
  return call(b, node, name, operands);
};

/** `in`, `has_any`, `has_all`: the right side is a list of expressions, one dynamic, or one table. */
const membership: ScalarBuilder = (b, node) => {
  const values = list(need(node, 'Right'), 'Expressions').map((value) => buildArgument(b, value));
  return call(b, node, operatorName(b, node), [buildScalar(b, need(node, 'Left')), ...values]);
};

const between: ScalarBuilder = (b, node) => {
  const range = need(node, 'Right');
  const bounds = [need(range, 'First'), need(range, 'Second')].map((bound) => buildScalar(b, bound));
  return call(b, node, operatorName(b, node), [buildScalar(b, need(node, 'Left')), ...bounds]);
};

const nameReference: ScalarBuilder = (b, node) => {
  const symbol = node.ReferencedSymbol;
  const name = nameOf(node);
  const kind = symbol ? symbolKind(symbol) : '';
  if (symbol && symbol === b.partitionKey)
    return { k: 'column', name: symbol.Name, side: partitionSide, type: typeOf(node) };
  if (kind === 'ColumnSymbol') return { k: 'column', name: symbol?.Name ?? name, type: typeOf(node) };
  const binding = b.scope.find(symbol?.Name ?? name);
  if (binding?.k === 'scalar') {
    if (binding.depth !== undefined && binding.depth !== (b.depth ?? 0))
      throw semantic(b, node, `'${name}' cannot be used here: it is defined outside its row-context scope.`);
    return unfold(b.draft, binding.expression);
  }
  if (binding?.k === 'function' || kind === 'FunctionSymbol') return functionCall(b, node);
  if (isTuple(node.ResultType)) return { k: 'column', name: '', side: name, type: 'dynamic' };
  return { k: 'column', name, type: typeOf(node) };
};

const path: ScalarBuilder = (b, node) => {
  const target = need(node, 'Expression');
  const selector = need(node, 'Selector');
  if (isTuple(target.ResultType)) {
    return {
      k: 'column',
      name: node.ReferencedSymbol?.Name ?? nameOf(selector),
      side: nameOf(target),
      type: typeOf(node),
    };
  }
  // `d.[name]`: the member that the expression names.
  if (kindOf(selector) === 'BracketedExpression')
    return call(b, node, 'index', [buildScalar(b, target), buildScalar(b, need(selector, 'Expression'))]);
  if (kindOf(selector) === 'FunctionCallExpression')
    throw notSupported(b, selector, 'A function call after a dot here');
  const owner = kindOf(target) === 'NameReference' ? b.scope.find(nameOf(target)) : undefined;
  if (owner?.k === 'entity')
    return nameOf(selector) === '$current_database'
      ? { k: 'literal', type: 'string', value: owner.entity.Name }
      : call(b, node, 'current_cluster_endpoint', []);
  return call(b, node, 'path', [buildScalar(b, target), { k: 'literal', type: 'string', value: nameOf(selector) }]);
};

const element: ScalarBuilder = (b, node) => {
  const selector = need(node, 'Selector');
  const index = part(selector, 'Expression') ?? selector;
  const array = need(node, 'Expression');
  const at = buildScalar(b, index);
  const place: Expression = isPlace(array, at) ? { ...at, type: 'long' } : at;
  return call(b, node, 'index', [buildScalar(b, array), place]);
};

/** `split(a, b)['-1']`: the place in what is known to be an array may be written as a text. */
const isPlace = (array: SyntaxNode, index: Expression): index is Literal =>
  index.k === 'literal' &&
  index.type === 'string' &&
  /^-?\d{1,9}$/.test(String(index.value)) &&
  array.ResultType != null &&
  symbolKind(array.ResultType) === 'DynamicArraySymbol';

const functionCall: ScalarBuilder = (b, node) => {
  const body = node.GetCalledFunctionBody?.();
  if (body) {
    const result = buildUserCall(b, node, body);
    if (result.k === 'table') throw semantic(b, node, 'A scalar expression was expected, not a table.');
    return result.expression;
  }
  const { functions } = b.draft;
  const name = functions.ownName(node.ReferencedSymbol?.Name ?? nameOf(part(node, 'Name') ?? node));
  const list_ = part(node, 'ArgumentList');
  const args = list_ ? list(list_, 'Expressions') : [];
  const compiled = Object.hasOwn(compiledCalls, name) ? compiledCalls[name] : undefined;
  if (compiled) return compiled.build(b, node, args);
  const { literals = [], listsStar } = functions.facts(name);
  const built = call(
    b,
    node,
    name,
    args.flatMap((argument) => (listsStar && starColumns(b, argument)) ?? [buildNamedArgument(b, argument)]),
  );
  for (const index of literals) {
    const argument = built.args[index];
    if (argument && argument.k !== 'literal' && argument.k !== 'parameter')
      throw semantic(b, args[index] ?? node, 'The expression must be a literal.');
  }
  return isTuple(node.ResultType)
    ? { ...built, types: columnsOfSymbol(node.ResultType).map((column) => column.type) }
    : built;
};

/** `*` among the arguments of a function that lists it. */
function starColumns(b: Builder, node: SyntaxNode): Expression[] | undefined {
  if (kindOf(node) !== 'StarExpression') return undefined;
  const columns = isTuple(node.ResultType) ? columnsOfSymbol(node.ResultType) : rowColumns(b, node);
  const named = projectedBefore(node);
  return columns.flatMap(({ name, type }) => (named.has(name) ? [] : [{ k: 'column', name, type }]));
}

/** Columns that a `project` lists as they are before the expression: its `*` is the others, as that of an aggregate leaves out what is
 * grouped by.
 * @see the printed figures of pairwise_dist_fl() in the functions library, which only come out so */
function projectedBefore(node: SyntaxNode): ReadonlySet<string> {
  let operator: SyntaxNode | null = node;
  while (operator && !kindOf(operator).endsWith('Operator')) operator = operator.Parent;
  if (!operator || kindOf(operator) !== 'ProjectOperator') return new Set();
  const before = list(operator, 'Expressions').filter((item) => item.End <= node.TextStart);
  return new Set(before.filter((item) => kindOf(item) === 'NameReference').map(nameOf));
}

const buildNamedArgument = (b: Builder, node: SyntaxNode): Expression =>
  buildArgument(b, kindOf(node) === 'SimpleNamedExpression' ? need(node, 'Expression') : node);

const parenthesized: ScalarBuilder = (b, node) => buildScalar(b, need(node, 'Expression'));

const toScalar: ScalarBuilder = (b, node) => {
  const inner = need(node, 'Expression');
  if (!isTabular(inner)) {
    const expression = buildScalar(b, inner);
    if (!isRandom(b, expression)) return expression;
    return printedOnce(b, node, expression);
  }
  const plan = buildTable(inside(b), inner);
  if (isRandom(b, plan)) {
    const count: Expression = { k: 'literal', type: 'long', value: '1' };
    return once(b, node, { op: 'take', input: plan, count, cols: plan.cols }, typeOf(node));
  }
  return { k: 'scalarQuery', plan, type: typeOf(node) };
};

const scalarBuilders: Readonly<Record<string, ScalarBuilder>> = {
  NameReference: nameReference,
  PathExpression: path,
  ElementExpression: element,
  FunctionCallExpression: functionCall,
  ParenthesizedExpression: parenthesized,
  SimpleNamedExpression: parenthesized,
  OrderedExpression: parenthesized,
  BracketedExpression: parenthesized,
  ToScalarExpression: toScalar,
  UnaryMinusExpression: (b, node) => negate(call(b, node, 'neg', [buildScalar(b, need(node, 'Expression'))])),
  UnaryPlusExpression: parenthesized,
  InExpression: membership,
  InCsExpression: membership,
  NotInExpression: membership,
  NotInCsExpression: membership,
  HasAnyExpression: membership,
  HasAllExpression: membership,
  BetweenExpression: between,
  NotBetweenExpression: between,
  StarExpression: () => ({ k: 'column', name: '*', type: 'dynamic' }),
  TypeOfLiteralExpression: (_b, node) => ({
    k: 'literal',
    type: 'string',
    value: typeOfSymbol(list(node, 'Types')[0]?.ReferencedSymbol),
  }),
  JsonArrayExpression: (_b, node) => ({
    k: 'literal',
    type: 'dynamic',
    value: literalToJson({ k: 'literal', type: 'string', value: node.toString() }),
  }),
};

/** `-5` is one literal; the binder gives a minus over `5`. */
function negate(expression: Call): Expression {
  const [operand] = expression.args;
  if (operand?.k !== 'literal' || typeof operand.value !== 'string') return expression;
  if (!/^(int|long|real|timespan|decimal)$/.test(operand.type)) return expression;
  const value = operand.value.startsWith('-')
    ? operand.value.slice(1)
    : operand.value === 'NaN'
      ? 'NaN'
      : `-${operand.value}`;
  return { k: 'literal', type: operand.type, value: value === '-0' && operand.type !== 'real' ? '0' : value };
}
