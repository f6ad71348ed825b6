import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { EvaluationWork } from '../expressions/facts.ts';
import { spendOnReading } from '../expressions/value-size.ts';
import { memberOf, membersOf, sameValue } from '../expressions/values.ts';
import type { FunctionRows } from './function-row.ts';
import { anyNumber, arrayAt, integerAt, listLengthMax, objectAt, textAt, wrongArgument } from './function-row.ts';

/** Lists, and what treats texts and objects as lists. */
export const arrayFunctions: FunctionRows = {
  array: {
    family: 'array',
    args: [1, 1],
    says: 'Puts the value into an array, unless it is one.',
    cases: { 'array(1)': [1], 'array(createArray(1, 2))': [1, 2] },
    evaluate: ([value = null]) => (Array.isArray(value) ? (value as readonly Json[]) : [value]),
  },
  createArray: {
    family: 'array',
    args: [0, anyNumber],
    says: 'An array of its arguments.',
    cases: { "createArray(1, 'a', createArray())": [1, 'a', []] },
    evaluate: (args) => args,
  },
  contains: {
    family: 'array',
    args: [2, 2],
    says: 'Whether an array has an item, an object a member (in any case), a text another text (in the same case).',
    cases: {
      "contains('abc', 'b')": true,
      "contains('abc', 'B')": false,
      "contains(createArray('a'), 'A')": false,
      "contains(createObject('One', 1), 'one')": true,
    },
    evaluate: (args) => {
      const [container = null, item = null] = args;
      if (typeof container === 'string') return container.includes(textAt('contains', args, 1));
      if (Array.isArray(container)) return container.some((other: Json) => sameValue(other, item));
      return memberOf(objectAt('contains', args, 0), textAt('contains', args, 1)) !== undefined;
    },
  },
  empty: {
    family: 'array',
    args: [1, 1],
    says: 'Whether an array, object or text has nothing in it, or the value is null.',
    cases: { "empty('')": true, 'empty(null())': true, 'empty(createArray(0))': false, 'empty(createObject())': true },
    evaluate: (args) => {
      const [value = null] = args;
      return value === null || lengthOf('empty', args) === 0;
    },
  },
  first: {
    family: 'array',
    args: [1, 1],
    says: 'The first item of an array (null when there is none), or character of a text.',
    cases: { "first('abc')": 'a', 'first(createArray(1, 2))': 1, "first('')": '', 'first(createArray())': null },
    evaluate: (args) => (typeof args[0] === 'string' ? args[0].slice(0, 1) : (arrayAt('first', args, 0)[0] ?? null)),
  },
  last: {
    family: 'array',
    args: [1, 1],
    says: 'The last item of an array (null when there is none), or character of a text.',
    cases: { "last('abc')": 'c', 'last(createArray(1, 2))': 2, 'last(createArray())': null },
    evaluate: (args) => (typeof args[0] === 'string' ? args[0].slice(-1) : (arrayAt('last', args, 0).at(-1) ?? null)),
  },
  // Of Bicep's functions alone: what it compiles has it by the same name.
  flatten: {
    family: 'array',
    args: [1, 1],
    says: 'The items of the arrays in an array, one after the other.',
    cases: {
      'flatten(createArray(createArray(1, 2), createArray(createArray(3))))': [1, 2, [3]],
      'flatten(createArray())': [],
    },
    evaluate: (args) => {
      const lists = arrayAt('flatten', args, 0);
      if (!lists.every(Array.isArray)) throw wrongArgument('flatten', 'an array of arrays is wanted');
      const length = lists.reduce<number>((sum, list) => sum + (list as readonly Json[]).length, 0);
      if (length > listLengthMax) throw wrongArgument('flatten', `the result has more than ${listLengthMax} items`);
      return lists.flat() as readonly Json[];
    },
  },
  indexFromEnd: {
    family: 'array',
    args: [2, 2],
    says: 'The item at a position that counts from the end, where 1 is the last.',
    cases: { 'indexFromEnd(createArray(1, 2, 3), 1)': 3 },
    evaluate: (args) => {
      const found = arrayAt('indexFromEnd', args, 0).at(-Math.max(integerAt('indexFromEnd', args, 1), 1));
      if (found === undefined || integerAt('indexFromEnd', args, 1) < 1) {
        throw wrongArgument('indexFromEnd', 'the index is out of bounds');
      }
      return found;
    },
  },
  tryIndexFromEnd: {
    family: 'array',
    args: [2, 2],
    says: 'The same, or null when there is no such position.',
    cases: { 'tryIndexFromEnd(createArray(1, 2, 3), 2)': 2, 'tryIndexFromEnd(createArray(), 1)': null },
    evaluate: (args) => {
      const at = integerAt('tryIndexFromEnd', args, 1);
      return at < 1 || args[0] === null ? null : (arrayAt('tryIndexFromEnd', args, 0).at(-at) ?? null);
    },
  },
  indexOf: {
    family: 'array',
    args: [2, 2],
    says: 'Where a text (in any case) or an item first stands, from 0; -1 when nowhere.',
    cases: { "indexOf('Test', 'T')": 0, "indexOf('abcdef', 'DE')": 3, 'indexOf(createArray(1, 2), 3)': -1 },
    evaluate: (args) =>
      typeof args[0] === 'string'
        ? args[0].toLowerCase().indexOf(textAt('indexOf', args, 1).toLowerCase())
        : arrayAt('indexOf', args, 0).findIndex((item) => sameValue(item, args[1] ?? null)),
  },
  lastIndexOf: {
    family: 'array',
    args: [2, 2],
    says: 'Where a text (in any case) or an item last stands, from 0; -1 when nowhere.',
    cases: { "lastIndexOf('test', 'T')": 3, 'lastIndexOf(createArray(1, 2, 1), 1)': 2 },
    evaluate: (args) =>
      typeof args[0] === 'string'
        ? args[0].toLowerCase().lastIndexOf(textAt('lastIndexOf', args, 1).toLowerCase())
        : arrayAt('lastIndexOf', args, 0).findLastIndex((item) => sameValue(item, args[1] ?? null)),
  },
  intersection: {
    family: 'array',
    args: [2, anyNumber],
    says: 'What all arrays, or all objects, have in common.',
    cases: {
      'intersection(createArray(1, 2, 3), createArray(3, 2))': [2, 3],
      "intersection(createObject('a', 1, 'b', 2), createObject('b', 2, 'a', 3))": { b: 2 },
    },
    evaluate: (args, { facts }) => {
      if (Array.isArray(args[0])) {
        const [head = [], ...others] = args.map((_, at) => arrayAt('intersection', args, at));
        const sets = others.map((other) => new ItemSet(other, facts.work));
        return distinct(
          head.filter((item) => sets.every((set) => set.has(item))),
          facts.work,
        );
      }
      const [head = {}, ...others] = args.map((_, at) => objectAt('intersection', args, at));
      const finders = others.map(membersOf);
      const shared = Object.entries(head).filter(([name, value]) =>
        finders.every((find) => sameValue(find(name)?.value ?? null, value)),
      );
      return Object.fromEntries(shared);
    },
  },
  union: {
    family: 'array',
    args: [2, anyNumber],
    says: 'All items of arrays once, or all members of objects: of a member that several have the last counts, and objects in objects are merged.',
    cases: {
      'union(createArray(1, 2), createArray(2, 3))': [1, 2, 3],
      "union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))": { a: { x: 1, y: 2 } },
    },
    evaluate: (args, { facts }) =>
      Array.isArray(args[0])
        ? distinct(
            args.flatMap((_, at) => arrayAt('union', args, at)),
            facts.work,
          )
        : args.map((_, at): Json => objectAt('union', args, at)).reduce((all, next) => merge(all, next)),
  },
  length: {
    family: 'array',
    args: [1, 1],
    says: 'How many items, members or characters there are.',
    cases: { "length('abc')": 3, 'length(createArray(1))': 1, "length(createObject('a', 1))": 1 },
    evaluate: (args) => lengthOf('length', args),
  },
  range: {
    family: 'array',
    args: [2, 2],
    says: 'So many whole numbers from the first on; 10,000 at most.',
    cases: { 'range(5, 3)': [5, 6, 7], 'range(0, 0)': [] },
    evaluate: (args) => {
      const [start, count] = [integerAt('range', args, 0), integerAt('range', args, 1)];
      if (count < 0 || count > listLengthMax)
        throw wrongArgument('range', `the count must lie between 0 and ${listLengthMax}`);
      return Array.from({ length: count }, (_, at) => start + at);
    },
  },
  skip: {
    family: 'array',
    args: [2, 2],
    says: 'What follows the first so many items or characters.',
    cases: { "skip('abc', 1)": 'bc', 'skip(createArray(1, 2), 5)': [], "skip('abc', -1)": 'abc' },
    evaluate: (args) => sliceable('skip', args).slice(Math.max(integerAt('skip', args, 1), 0)),
  },
  take: {
    family: 'array',
    args: [2, 2],
    says: 'The first so many items or characters.',
    cases: { "take('abc', 2)": 'ab', 'take(createArray(1, 2), 5)': [1, 2], "take('abc', -1)": '' },
    evaluate: (args) => sliceable('take', args).slice(0, Math.max(integerAt('take', args, 1), 0)),
  },
};

const sliceable = (name: string, args: readonly Json[]): string | readonly Json[] =>
  typeof args[0] === 'string' ? args[0] : arrayAt(name, args, 0);

function lengthOf(name: string, args: readonly Json[]): number {
  const [value = null] = args;
  if (typeof value === 'string' || Array.isArray(value)) return value.length;
  return Object.keys(objectAt(name, args, 0)).length;
}

/** Items, found by what they are worth. Arrays and objects are compared one by one, which counts as work. */
class ItemSet {
  readonly #scalars = new Set<Json>();
  readonly #others: Json[] = [];
  readonly #work: EvaluationWork;

  constructor(items: readonly Json[], work: EvaluationWork) {
    this.#work = work;
    for (const item of items) this.add(item);
  }

  has(item: Json): boolean {
    if (typeof item !== 'object' || item === null) return this.#scalars.has(item);
    spendOnReading(this.#work, [item], this.#others.length);
    return this.#others.some((other) => sameValue(other, item));
  }

  add(item: Json): void {
    if (typeof item !== 'object' || item === null) this.#scalars.add(item);
    else this.#others.push(item);
  }
}

function distinct(items: readonly Json[], work: EvaluationWork): readonly Json[] {
  const kept = new ItemSet([], work);
  return items.filter((item) => {
    if (kept.has(item)) return false;
    kept.add(item);
    return true;
  });
}

function merge(left: Json, right: Json): Json {
  if (!isJsonObject(left) || !isJsonObject(right)) return right;
  const merged: Record<string, Json> = { ...(left as Readonly<Record<string, Json>>) };
  const names = new Map(
    Object.keys(merged)
      .toReversed()
      .map((key) => [key.toLowerCase(), key]),
  );
  for (const [name, value = null] of Object.entries(right)) {
    const held = names.get(name.toLowerCase());
    if (held === undefined) names.set(name.toLowerCase(), name);
    const into = held ?? name;
    merged[into] = held === undefined ? value : merge(merged[into] ?? null, value);
  }
  return merged;
}
