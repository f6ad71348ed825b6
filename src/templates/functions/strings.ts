import type { Json } from '../../base/json.ts';
import { parseRelaxedJson, RelaxedJsonError } from '../../base/relaxed-json.ts';
import { TemplateError } from '../expressions/template-error.ts';
import { uniqueString } from '../expressions/unique-string.ts';
import { textOf } from '../expressions/values.ts';
import { formatText } from './format-text.ts';
import type { FunctionRows } from './function-row.ts';
import {
  anyNumber,
  arrayAt,
  boundedText,
  integerAt,
  listLengthMax,
  textAt,
  textCharsMax,
  wrongArgument,
} from './function-row.ts';
import { guidOf, newGuidText } from './guids.ts';

export const stringFunctions: FunctionRows = {
  base64: text('base64', 'The text in base64, by its UTF-8.', (value) => Buffer.from(value).toString('base64'), {
    "base64('one, ä')": 'b25lLCDDpA==',
  }),
  base64ToString: text('base64ToString', 'The text that base64 stands for.', fromBase64, {
    "base64ToString('b25lLCDDpA==')": 'one, ä',
  }),
  base64ToJson: {
    family: 'string',
    args: [1, 1],
    says: 'The value that JSON in base64 stands for.',
    cases: { "base64ToJson('eyJhIjoxfQ==')": { a: 1 } },
    evaluate: (args) => {
      try {
        return parseRelaxedJson(fromBase64(textAt('base64ToJson', args, 0)));
      } catch (error) {
        if (error instanceof RelaxedJsonError) throw wrongArgument('base64ToJson', 'the value is not valid JSON');
        throw error;
      }
    },
  },
  concat: {
    family: 'string',
    args: [1, anyNumber],
    says: 'Texts, numbers and truth values as one text, or arrays as one array.',
    cases: { "concat('a', 1, true())": 'a1True', 'concat(createArray(1), createArray(2))': [1, 2] },
    evaluate: (args) =>
      Array.isArray(args[0])
        ? bounded(
            'concat',
            args.flatMap((_, at) => arrayAt('concat', args, at)),
          )
        : boundedText('concat', args.map((arg) => scalarText('concat', arg)).join('')),
  },
  dataUri: text(
    'dataUri',
    'The text as a data URI.',
    (value) => `data:text/plain;charset=utf8;base64,${Buffer.from(value).toString('base64')}`,
    { "dataUri('Hello')": 'data:text/plain;charset=utf8;base64,SGVsbG8=' },
  ),
  dataUriToString: text('dataUriToString', 'The text that a data URI stands for.', fromDataUri, {
    "dataUriToString('data:;base64,SGVsbG8=')": 'Hello',
  }),
  endsWith: compared(
    'endsWith',
    'Whether a text ends with another, in any case.',
    (value, part) => value.endsWith(part),
    {
      "endsWith('abcdef', 'EF')": true,
    },
  ),
  startsWith: compared(
    'startsWith',
    'Whether a text begins with another, in any case.',
    (value, part) => value.startsWith(part),
    { "startsWith('abcdef', 'AB')": true },
  ),
  format: {
    family: 'string',
    args: [1, anyNumber],
    says: 'The text with its places (`{0}`, `{1:N0}`, `{0,8}`) filled.',
    cases: {
      "format('{0}, {1:N0} {{x}}', 'a', 8175133)": 'a, 8,175,133 {x}',
      "format('{0:D3}|{1,4}|{1,-3}|', 7, 'b')": '007|   b|b  |',
    },
    evaluate: (args) => boundedText('format', formatText(textAt('format', args, 0), args.slice(1))),
  },
  guid: {
    family: 'string',
    args: [1, anyNumber],
    says: 'A GUID that follows from the texts: always the same for the same.',
    cases: { "guid('a')": '3703365d-5a9f-59b4-bca7-b9681389e4c1', "equals(guid('a', 'b'), guid('a-b'))": true },
    evaluate: (args) => guidOf(args.map((_, at) => textAt('guid', args, at))),
  },
  newGuid: {
    family: 'string',
    args: [0, 0],
    says: 'A new random GUID; only in default values of parameters.',
    cases: {},
    evaluate: (_, { facts, isParameterDefault }) => {
      if (!isParameterDefault) throw onlyInDefaults('newGuid');
      return newGuidText(facts.randomBytes);
    },
  },
  join: {
    family: 'string',
    args: [2, 2],
    says: 'The items of an array as one text, with another between.',
    cases: { "join(createArray('a', 'b'), '-')": 'a-b' },
    evaluate: (args) =>
      boundedText(
        'join',
        arrayAt('join', args, 0)
          .map((item) => scalarText('join', item))
          .join(textAt('join', args, 1)),
      ),
  },
  padLeft: {
    family: 'string',
    args: [2, 3],
    says: 'The text or number with blanks, or another character, before it up to a length.',
    cases: { "padLeft('1', 4, '0')": '0001', 'padLeft(12, 3)': ' 12' },
    evaluate: (args) => {
      const length = integerAt('padLeft', args, 1);
      const fill = args[2] === undefined ? ' ' : textAt('padLeft', args, 2);
      if (fill.length !== 1) throw wrongArgument('padLeft', 'the padding must be one character');
      if (length > 16_384) throw wrongArgument('padLeft', 'the length must not exceed 16384');
      return scalarText('padLeft', args[0] ?? null).padStart(Math.max(length, 0), fill);
    },
  },
  replace: {
    family: 'string',
    args: [3, 3],
    says: 'The text with another for every place of one, in the same case.',
    cases: { "replace('123-123', '-', '')": '123123', "replace('aA', 'a', 'b')": 'bA' },
    evaluate: (args) => {
      const [value, old, fresh] = [textAt('replace', args, 0), textAt('replace', args, 1), textAt('replace', args, 2)];
      if (old === '') throw wrongArgument('replace', 'the text to replace must not be empty');
      const times = value.split(old).length - 1;
      if (times * fresh.length > textCharsMax) throw wrongArgument('replace', 'the result is too long');
      return value.replaceAll(old, () => fresh);
    },
  },
  split: {
    family: 'string',
    args: [2, 2],
    says: 'The parts of a text between a separator, or any of several.',
    cases: { "split('a,b;c', createArray(',', ';'))": ['a', 'b', 'c'], "split('abc', '-')": ['abc'] },
    evaluate: (args) => {
      const separators = Array.isArray(args[1]) ? arrayAt('split', args, 1) : [textAt('split', args, 1)];
      let parts: readonly string[] = [textAt('split', args, 0)];
      for (const [at, separator] of separators.entries()) {
        if (separator === '') continue;
        parts = parts.flatMap((part) => part.split(textAt('split', separators, at)));
      }
      return bounded('split', parts);
    },
  },
  string: {
    family: 'string',
    args: [1, 1],
    says: 'The value as a text: JSON for arrays and objects.',
    cases: {
      'string(5)': '5',
      'string(createArray(1, true()))': '[1,true]',
      'string(true())': 'True',
      "string('a')": 'a',
    },
    evaluate: ([value = null]) => textOf(value),
  },
  substring: {
    family: 'string',
    args: [2, 3],
    says: 'So many characters of a text from a position on; all that follow without a length.',
    cases: { "substring('one two', 4, 3)": 'two', "substring('abc', 1)": 'bc' },
    evaluate: (args) => {
      const [value, start] = [textAt('substring', args, 0), integerAt('substring', args, 1)];
      const length = args[2] === undefined ? value.length - start : integerAt('substring', args, 2);
      if (start < 0 || length < 0 || start + length > value.length) {
        throw wrongArgument('substring', 'the index and length parameters must refer to a location within the string');
      }
      return value.slice(start, start + length);
    },
  },
  toLower: text('toLower', 'The text in lower case.', (value) => value.toLowerCase(), { "toLower('ABC')": 'abc' }),
  toUpper: text('toUpper', 'The text in upper case.', (value) => value.toUpperCase(), { "toUpper('abc')": 'ABC' }),
  trim: text('trim', 'The text without blanks at its ends.', (value) => value.trim(), { "trim(' a b ')": 'a b' }),
  uniqueString: {
    family: 'string',
    args: [1, anyNumber],
    says: 'Thirteen letters and digits that follow from the texts.',
    cases: {
      "uniqueString('test')": 'rbgf3xv4ufgzg',
      "uniqueString('hello', 'world')": 'a7wkljktk6wne',
      "uniqueString('/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/my-rg')": 'bmg7c6xu4tw46',
    },
    evaluate: (args) => uniqueString(args.map((_, at) => textAt('uniqueString', args, at))),
  },
  uri: {
    family: 'string',
    args: [2, 2],
    says: 'A relative address, seen from another.',
    cases: {
      "uri('http://a.org/b/c.sh', 'd.sh')": 'http://a.org/b/d.sh',
      "uri('http://a.org/b', '../d')": 'http://a.org/d',
    },
    evaluate: (args) => {
      try {
        return new URL(textAt('uri', args, 1), textAt('uri', args, 0)).href;
      } catch (error) {
        if (error instanceof TypeError) throw wrongArgument('uri', 'the base is not an absolute URI');
        throw error;
      }
    },
  },
  uriComponent: text('uriComponent', 'The text as a part of an address.', toUriComponent, {
    "uriComponent('http://a/b c')": 'http%3A%2F%2Fa%2Fb%20c',
  }),
  uriComponentToString: text(
    'uriComponentToString',
    'The text that a part of an address stands for.',
    fromUriComponent,
    {
      "uriComponentToString('b%20c')": 'b c',
    },
  ),
  fail: {
    family: 'string',
    args: [1, 1],
    says: 'Ends the deployment with a text of its own.',
    cases: {},
    evaluate: (args) => {
      throw new TemplateError(textAt('fail', args, 0));
    },
  },
};

export const onlyInDefaults = (name: string): TemplateError =>
  new TemplateError(
    `The template function '${name}' is not expected at this location. Please see https://aka.ms/arm-functions for usage details.`,
  );

function bounded(name: string, items: readonly Json[]): readonly Json[] {
  if (items.length > listLengthMax) throw wrongArgument(name, `the result has more than ${listLengthMax} items`);
  return items;
}

function scalarText(name: string, value: Json): string {
  if (typeof value === 'object' && value !== null)
    throw wrongArgument(name, 'a parameter is neither a text nor a number');
  return textOf(value);
}

function text(
  name: string,
  says: string,
  compute: (value: string) => string,
  cases: Readonly<Record<string, string>>,
): FunctionRows[string] {
  const evaluate = (args: readonly Json[]): string => boundedText(name, compute(textAt(name, args, 0)));
  return { family: 'string', args: [1, 1], says, cases, evaluate };
}

function compared(
  name: string,
  says: string,
  compute: (value: string, part: string) => boolean,
  cases: Readonly<Record<string, boolean>>,
): FunctionRows[string] {
  const evaluate = (args: readonly Json[]): boolean =>
    compute(textAt(name, args, 0).toLowerCase(), textAt(name, args, 1).toLowerCase());
  return { family: 'string', args: [2, 2], says, cases, evaluate };
}

function fromBase64(value: string): string {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(value)) {
    throw wrongArgument('base64ToString', 'the value is not base64');
  }
  return Buffer.from(value, 'base64').toString('utf8');
}

function fromDataUri(value: string): string {
  const found = /^data:[^,]*?(;base64)?,(.*)$/is.exec(value);
  if (found === null) throw wrongArgument('dataUriToString', 'the value is not a data URI');
  const [, isBase64, rest = ''] = found;
  return isBase64 === undefined ? fromUriComponent(rest) : fromBase64(rest);
}

function toUriComponent(value: string): string {
  try {
    return encodeURIComponent(value);
  } catch {
    throw wrongArgument('uriComponent', 'the value is no Unicode text');
  }
}

function fromUriComponent(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    throw wrongArgument('uriComponentToString', 'the value is not encoded as part of a URI');
  }
}
