import type { Json } from '../../base/json.ts';
import type { Node } from '../expressions/expression.ts';
import { byOrdinal } from '../expressions/values.ts';
import type { CallContext, FunctionRows } from './function-row.ts';
import { anyNumber, arrayAt, objectAt, textAt, wrongArgument } from './function-row.ts';

/** A function of the template's author, to be called with values. */
type Lambda = (...values: readonly Json[]) => Json;

/** @param counts how many variables it may have */
function lambdaOf(name: string, node: Node | undefined, context: CallContext, counts: readonly number[]): Lambda {
  const args = node?.kind === 'call' && node.name.toLowerCase() === 'lambda' ? node.args : [];
  const names = args.slice(0, -1).map((arg) => (arg.kind === 'text' ? arg.value : undefined));
  const body = args.at(-1);
  if (body === undefined || names.includes(undefined) || !counts.includes(names.length)) {
    throw wrongArgument(name, `a lambda of ${counts.join(' or ')} variable(s) is expected`);
  }
  return (...values) =>
    context.evaluateWith(body, new Map(names.map((variable, at) => [variable ?? '', values[at] ?? null])));
}

const listOf = (name: string, node: Node | undefined, context: CallContext): readonly Json[] =>
  arrayAt(name, node === undefined ? [] : [context.evaluate(node)], 0);

export const lambdaFunctions: FunctionRows = {
  lambda: {
    family: 'lambda',
    args: [1, anyNumber],
    says: 'A function of names and an expression, for the functions of this family.',
    cases: {},
    lazy: () => {
      throw wrongArgument('lambda', 'a lambda is allowed only where a function expects one');
    },
  },
  lambdaVariables: {
    family: 'lambda',
    args: [1, 1],
    says: 'The value of a variable of the lambda around it.',
    cases: { "map(createArray(1), lambda('x', lambdaVariables('x')))": [1] },
    evaluate: (args, context) => context.lambdaVariable(textAt('lambdaVariables', args, 0)),
  },
  filter: {
    family: 'lambda',
    args: [2, 2],
    says: 'The items for which the lambda is true; its second variable is the position.',
    cases: { "filter(createArray(1, 2, 3), lambda('x', greater(lambdaVariables('x'), 1)))": [2, 3] },
    lazy: ([list, test], context) => {
      const accepts = lambdaOf('filter', test, context, [1, 2]);
      return listOf('filter', list, context).filter((item, at) => accepts(item, at) === true);
    },
  },
  map: {
    family: 'lambda',
    args: [2, 2],
    says: 'What the lambda makes of each item; its second variable is the position.',
    cases: {
      "map(createArray('a', 'b'), lambda('x', 'i', concat(lambdaVariables('x'), string(lambdaVariables('i')))))": [
        'a0',
        'b1',
      ],
    },
    lazy: ([list, mapping], context) => {
      const mapped = lambdaOf('map', mapping, context, [1, 2]);
      return listOf('map', list, context).map((item, at) => mapped(item, at));
    },
  },
  mapValues: {
    family: 'lambda',
    args: [2, 2],
    says: 'An object with what the lambda makes of each member.',
    cases: { "mapValues(createObject('a', 1), lambda('x', add(lambdaVariables('x'), 1)))": { a: 2 } },
    lazy: ([object, mapping], context) => {
      const mapped = lambdaOf('mapValues', mapping, context, [1]);
      const members = objectAt('mapValues', object === undefined ? [] : [context.evaluate(object)], 0);
      return Object.fromEntries(Object.entries(members).map(([name, value]) => [name, mapped(value)]));
    },
  },
  reduce: {
    family: 'lambda',
    args: [3, 3],
    says: 'What the lambda makes of a start and all items, one after the other; its third variable is the position.',
    cases: { "reduce(createArray(1, 2), 10, lambda('a', 'b', add(lambdaVariables('a'), lambdaVariables('b'))))": 13 },
    lazy: ([list, start, combining], context) => {
      const combined = lambdaOf('reduce', combining, context, [2, 3]);
      const first: Json = start === undefined ? null : context.evaluate(start);
      return listOf('reduce', list, context).reduce<Json>((held, item, at) => combined(held, item, at), first);
    },
  },
  sort: {
    family: 'lambda',
    args: [2, 2],
    says: 'The items in an order: the lambda says whether the first comes before the second.',
    cases: {
      "sort(createArray(2, 3, 1), lambda('a', 'b', less(lambdaVariables('a'), lambdaVariables('b'))))": [1, 2, 3],
    },
    lazy: ([list, comparing], context) => {
      const isBefore = lambdaOf('sort', comparing, context, [2]);
      return listOf('sort', list, context).toSorted((left, right) =>
        isBefore(left, right) === true ? -1 : isBefore(right, left) === true ? 1 : 0,
      );
    },
  },
  groupBy: {
    family: 'lambda',
    args: [2, 2],
    says: 'An object of arrays: the items by the text that the lambda gives for each.',
    cases: {
      "groupBy(createArray('ab', 'ac', 'b'), lambda('x', take(lambdaVariables('x'), 1)))": {
        a: ['ab', 'ac'],
        b: ['b'],
      },
    },
    lazy: ([list, keying], context) => {
      const keyOf = lambdaOf('groupBy', keying, context, [1, 2]);
      const groups = new Map<string, Json[]>();
      for (const [at, item] of listOf('groupBy', list, context).entries()) {
        const key = textAt('groupBy', [keyOf(item, at)], 0);
        const held = groups.get(key);
        if (held === undefined) groups.set(key, [item]);
        else held.push(item);
      }
      return Object.fromEntries([...groups].toSorted(([left], [right]) => byOrdinal(left, right)));
    },
  },
  toObject: {
    family: 'lambda',
    args: [2, 3],
    says: 'An object with a member for each item: a lambda gives its name, another its value, which is the item otherwise.',
    cases: {
      "toObject(createArray('a', 'b'), lambda('x', lambdaVariables('x')), lambda('x', length(lambdaVariables('x'))))": {
        a: 1,
        b: 1,
      },
    },
    lazy: ([list, keying, valuing], context) => {
      const keyOf = lambdaOf('toObject', keying, context, [1]);
      const valueOf: Lambda =
        valuing === undefined ? (item = null) => item : lambdaOf('toObject', valuing, context, [1]);
      const members = listOf('toObject', list, context).map((item) => [
        textAt('toObject', [keyOf(item)], 0),
        valueOf(item),
      ]);
      return Object.fromEntries(members) as Json;
    },
  },
};
