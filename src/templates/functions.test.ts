import { describe, expect, it } from 'vitest';
import { evaluateText, notFound } from './evaluate.ts';
import type { EvaluationScope } from './evaluate.ts';
import { exampleFacts } from './functions/example.fixture.ts';
import { NotBuiltInTemplates, TemplateError } from './expressions/template-error.ts';
import { templateFunctions } from './functions/all-functions.ts';

const scope: EvaluationScope = {
  facts: exampleFacts,
  parameter: (name) => notFound('parameter', name),
  variable: (name) => notFound('variable', name),
  functions: new Map(),
  loops: [{ name: 'loop', index: 3 }],
};
const valueOf = (expression: string, more: Partial<EvaluationScope> = {}) =>
  evaluateText(`[${expression}]`, { ...scope, ...more });

describe('functions of templates', () => {
  const cases = Object.entries(templateFunctions).flatMap(([name, row]) =>
    Object.entries(row.cases).map(([expression, value]) => ({ name, expression, value })),
  );

  it.each(cases)('$name: $expression', ({ expression, value }) => {
    expect(valueOf(expression)).toEqual(value);
  });

  it('have cases, but those that need more than a value, which other tests have', () => {
    const without = Object.entries(templateFunctions).filter(([, row]) => Object.keys(row.cases).length === 0);
    expect(without.map(([name]) => name).toSorted()).toEqual(
      [
        ...[
          'copyIndex',
          'fail',
          'lambda',
          'list*',
          'managementGroup',
          'managementGroupResourceId',
          'newGuid',
          'parameters',
          'providers',
        ],
        ...[
          'reference',
          'references',
          'resourceInfo',
          'toLogicalZone',
          'toLogicalZones',
          'toPhysicalZone',
          'toPhysicalZones',
          'utcNow',
          'variables',
        ],
      ].toSorted(),
    );
  });

  it.each(Object.entries(templateFunctions).filter(([name, row]) => row.args[0] > 0 && name !== 'list*'))(
    '%s says how many arguments it takes',
    (name) => {
      expect(() => valueOf(`${name}()`)).toThrow(/function requires .* argument\(s\) while 0 were provided/);
    },
  );

  it('know which pass of a loop it is', () => {
    expect(valueOf('copyIndex()')).toBe(3);
    expect(valueOf("copyIndex('LOOP', 2)")).toBe(5);
    expect(() => valueOf("copyIndex('other')")).toThrow('copyIndex');
  });

  it('know the time and chance only in default values of parameters', () => {
    expect(valueOf("utcNow('o')", { isParameterDefault: true })).toBe('2026-01-01T00:00:00.0000000Z');
    expect(valueOf('utcNow()', { isParameterDefault: true })).toBe('20260101T000000Z');
    expect(valueOf('newGuid()', { isParameterDefault: true })).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    for (const name of ['utcNow', 'newGuid'])
      expect(() => valueOf(`${name}()`)).toThrow('not expected at this location');
  });

  it.each(['managementGroup', 'managementGroupResourceId', 'toLogicalZone', 'toPhysicalZones'])(
    '%s is refused by name',
    (name) => {
      expect(() => valueOf(`${name}()`)).toThrow(NotBuiltInTemplates);
    },
  );

  it.each([
    ["fail('my text')", 'my text'],
    ['nothing()', "The template function 'nothing' is not valid."],
    ["createObject('a', 1).b", "The language expression property 'b' doesn't exist, available properties are 'a'."],
    ['createArray(1)[1]', "The language expression property array index '1' is out of bounds."],
    ["add(1, 'a')", "expects its parameter '2' to be of type 'Integer'. The provided value is of type 'String'"],
    ['div(1, 0)', 'the divisor is zero'],
    ['range(0, 10001)', 'between 0 and 10000'],
    ["substring('abc', 2, 2)", 'must refer to a location within the string'],
    ["parameters('p')", "The template parameter 'p' is not found."],
    ['concat(', 'Unable to parse language expression'],
    ["concat('a' 'b')", 'Unable to parse language expression'],
    ["lambda('x', 1)", 'a lambda is allowed only where a function expects one'],
    ["padLeft('a', 16385)", '16384'],
    [
      "reduce(range(0, 40), 'aaaaaaaaaa', lambda('x', 'y', concat(lambdaVariables('x'), lambdaVariables('x'))))",
      'longer than',
    ],
  ])('%s is refused', (expression, text) => {
    expect(() => valueOf(expression)).toThrow(TemplateError);
    expect(() => valueOf(expression)).toThrow(text);
  });

  it('stop at the length and depth of an expression', () => {
    expect(() => valueOf(`'${'a'.repeat(24_576)}'`)).toThrow("Limit: '24576'");
    expect(() => valueOf(`${'not('.repeat(150)}true()${')'.repeat(150)}`)).toThrow('nested too deeply');
    expect(() => valueOf(`${'not('.repeat(3000)}true()${')'.repeat(3000)}`)).toThrow('Unable to parse');
  });

  it('leave texts that are no expressions', () => {
    for (const [text, value] of [
      ['[[a]', '[a]'],
      ['[a', '[a'],
      ['a]', 'a]'],
      ['', ''],
    ] as const)
      expect(evaluateText(text, scope)).toBe(value);
  });
});
