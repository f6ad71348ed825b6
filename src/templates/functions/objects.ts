import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseRelaxedJson, RelaxedJsonError } from '../../base/relaxed-json.ts';
import { byOrdinal, memberOf, sameValue, textOf } from '../expressions/values.ts';
import type { FunctionRows } from './function-row.ts';
import { anyNumber, arrayAt, objectAt, textAt, wrongArgument } from './function-row.ts';

export const objectFunctions: FunctionRows = {
  createObject: {
    family: 'object',
    args: [0, anyNumber],
    says: 'An object of names and values, one after the other.',
    cases: { "createObject('a', 1, 'b', createArray())": { a: 1, b: [] } },
    evaluate: (args) => {
      if (args.length % 2 !== 0) throw wrongArgument('createObject', 'a name without a value was provided');
      const pairs = Array.from({ length: args.length / 2 }, (_, at) => [
        textAt('createObject', args, 2 * at),
        args[2 * at + 1] ?? null,
      ]);
      return Object.fromEntries(pairs) as Json;
    },
  },
  items: {
    family: 'object',
    args: [1, 1],
    says: 'The members of an object as key and value, ordered by key.',
    cases: {
      "items(createObject('b', 2, 'a', 1))": [
        { key: 'a', value: 1 },
        { key: 'b', value: 2 },
      ],
    },
    evaluate: (args) =>
      Object.entries(objectAt('items', args, 0))
        .toSorted(([left], [right]) => byOrdinal(left, right))
        .map(([key, value]) => ({ key, value })),
  },
  objectKeys: {
    family: 'object',
    args: [1, 1],
    says: 'The names of the members of an object.',
    cases: { "objectKeys(createObject('b', 2, 'a', 1))": ['a', 'b'] },
    evaluate: (args) => Object.keys(objectAt('objectKeys', args, 0)).toSorted(byOrdinal),
  },
  json: {
    family: 'object',
    args: [1, 1],
    says: 'The value that a text in JSON stands for.',
    cases: { 'json(\'{"a": [1, true]}\')': { a: [1, true] }, "json('null')": null },
    evaluate: (args) => {
      try {
        return parseRelaxedJson(textAt('json', args, 0));
      } catch (error) {
        if (error instanceof RelaxedJsonError) throw wrongArgument('json', 'the value is not valid JSON');
        throw error;
      }
    },
  },
  null: {
    family: 'object',
    args: [0, 0],
    says: 'Null.',
    cases: { 'null()': null },
    evaluate: () => null,
  },
  shallowMerge: {
    family: 'object',
    args: [1, 1],
    says: 'The members of all objects of an array; of a member that several have the last counts, as it is.',
    cases: {
      "shallowMerge(createArray(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2))))": {
        a: { y: 2 },
      },
    },
    evaluate: (args) => {
      const objects = arrayAt('shallowMerge', args, 0);
      return Object.assign({}, ...objects.map((_, at) => objectAt('shallowMerge', objects, at))) as Json;
    },
  },
  tryGet: {
    family: 'object',
    args: [2, anyNumber],
    says: 'The member or item at the end of a path of names and positions, or null when there is none.',
    cases: {
      "tryGet(createObject('a', createArray(7)), 'a', 0)": 7,
      "tryGet(createObject('a', 1), 'b', 'c')": null,
      "tryGet(null(), 'a')": null,
    },
    evaluate: ([start = null, ...path]) => {
      let value = start;
      for (const step of path) {
        if (Array.isArray(value) && typeof step === 'number') value = (value as readonly Json[])[step] ?? null;
        else if (isJsonObject(value) && typeof step === 'string') value = memberOf(value, step)?.value ?? null;
        else if (value === null) return null;
        else throw wrongArgument('tryGet', 'the path does not fit the value');
      }
      return value;
    },
  },
};

export const comparisonFunctions: FunctionRows = {
  coalesce: {
    family: 'comparison',
    args: [1, anyNumber],
    says: 'The first argument that is not null; the others after it are not evaluated.',
    cases: { "coalesce(null(), 'a', fail('never'))": 'a', 'coalesce(null())': null },
    lazy: (args, { evaluate }) => {
      for (const arg of args) {
        const value = evaluate(arg);
        if (value !== null) return value;
      }
      return null;
    },
  },
  equals: {
    family: 'comparison',
    args: [2, 2],
    says: 'Whether both are equal; texts in the same case.',
    cases: { "equals('a', 'A')": false, 'equals(createArray(1), createArray(1))': true, "equals(1, '1')": false },
    evaluate: ([left = null, right = null]) => sameValue(left, right),
  },
  greater: comparing('greater', 'the first is greater than the second', (order) => order > 0, {
    'greater(2, 1)': true,
    "greater('a', 'b')": false,
  }),
  greaterOrEquals: comparing(
    'greaterOrEquals',
    'the first is greater than the second, or equal',
    (order) => order >= 0,
    {
      'greaterOrEquals(1, 1)': true,
    },
  ),
  less: comparing('less', 'the first is less than the second', (order) => order < 0, { "less('a', 'b')": true }),
  lessOrEquals: comparing('lessOrEquals', 'the first is less than the second, or equal', (order) => order <= 0, {
    'lessOrEquals(2, 1)': false,
  }),
};

function comparing(
  name: string,
  what: string,
  accepts: (order: number) => boolean,
  cases: Readonly<Record<string, boolean>>,
): FunctionRows[string] {
  return {
    family: 'comparison',
    args: [2, 2],
    says: `Whether ${what}, of two numbers or two texts.`,
    cases,
    evaluate: ([left = null, right = null]) => {
      if (typeof left === 'number' && typeof right === 'number') return accepts(left - right);
      if (typeof left === 'string' && typeof right === 'string') return accepts(byOrdinal(left, right));
      throw wrongArgument(name, 'both parameters must be numbers, or both texts');
    },
  };
}

export const logicalFunctions: FunctionRows = {
  and: {
    family: 'logical',
    args: [2, anyNumber],
    says: 'Whether all are true; what follows one that is not, is not evaluated.',
    cases: { 'and(true(), false())': false, "and(false(), fail('never'))": false },
    lazy: (args, { evaluate }) => args.every((arg) => truth('and', evaluate(arg))),
  },
  or: {
    family: 'logical',
    args: [2, anyNumber],
    says: 'Whether one is true; what follows it is not evaluated.',
    cases: { 'or(false(), true())': true, "or(true(), fail('never'))": true },
    lazy: (args, { evaluate }) => args.some((arg) => truth('or', evaluate(arg))),
  },
  not: {
    family: 'logical',
    args: [1, 1],
    says: 'Whether it is false.',
    cases: { 'not(true())': false },
    evaluate: ([value = null]) => !truth('not', value),
  },
  if: {
    family: 'logical',
    args: [3, 3],
    says: 'The second when the first is true, else the third; only that one is evaluated.',
    cases: { "if(true(), 1, fail('never'))": 1, "if(false(), fail('never'), 2)": 2 },
    lazy: ([condition, yes, no], { evaluate }) => {
      if (condition === undefined || yes === undefined || no === undefined) return null;
      return evaluate(truth('if', evaluate(condition)) ? yes : no);
    },
  },
  true: { family: 'logical', args: [0, 0], says: 'True.', cases: { 'true()': true }, evaluate: () => true },
  false: { family: 'logical', args: [0, 0], says: 'False.', cases: { 'false()': false }, evaluate: () => false },
  bool: {
    family: 'logical',
    args: [1, 1],
    says: 'What a text (`true`, `false`) or a number (0 is false) stands for.',
    cases: { "bool('True')": true, 'bool(0)': false, 'bool(true())': true },
    evaluate: ([value = null]) => {
      if (typeof value === 'boolean') return value;
      if (typeof value === 'number') return value !== 0;
      const text = textOf(value).toLowerCase();
      if (text === 'true' || text === '1') return true;
      if (text === 'false' || text === '0') return false;
      throw wrongArgument('bool', 'the value cannot be converted to a boolean');
    },
  },
};

function truth(name: string, value: Json): boolean {
  if (typeof value !== 'boolean') throw wrongArgument(name, 'a parameter is not a boolean');
  return value;
}
