import { describe, expect, it } from 'vitest';
import { exampleFacts } from './functions/example.fixture.ts';
import { evaluationMax } from './expressions/facts.ts';
import { TemplateError } from './expressions/template-error.ts';
import { outputsOf, planTemplate } from './plan.ts';
import { readTemplate } from './template.ts';
import type { JsonObject } from '../base/json.ts';

const outputOf = (value: string, parts: JsonObject = {}): unknown => {
  const template = readTemplate({
    ...{ $schema: 's', contentVersion: '1.0.0.0', resources: [], ...parts },
    outputs: { o: { type: 'object', value } },
  });
  return outputsOf(planTemplate(template, {}, { ...exampleFacts, work: { left: evaluationMax } }))[0]?.value;
};

describe('templates that mean harm', () => {
  it('a function that calls itself leaves no trace in what is evaluated later', () => {
    const member = (value: string): JsonObject => ({ parameters: [], output: { type: 'string', value } });
    const functions = [{ namespace: 'n', members: { round: member('[n.round()]'), plain: member('well') } }];
    for (let times = 0; times < 40; times++)
      expect(() => outputOf('[n.round()]', { functions })).toThrow('call each other too deeply');
    expect(outputOf('[n.plain()]', { functions })).toBe('well');
  });

  it('values that double do not become large', () => {
    const doubling = Array.from({ length: 40 }, (_, at) => [
      `v${at + 1}`,
      `[createArray(variables('v${at}'), variables('v${at}'))]`,
    ]);
    const variables = { v0: 'x', ...Object.fromEntries(doubling) } as JsonObject;
    for (const value of ["[string(variables('v40'))]", "[variables('v40')]"])
      expect(() => outputOf(value, { variables })).toThrow(TemplateError);
  });

  it('values that grow in depth end somewhere', () => {
    const deep = "reduce(range(0, 9999), 1, lambda('x', 'y', createArray(lambdaVariables('x'))))";
    for (const value of [`[string(${deep})]`, `[${deep}]`]) expect(() => outputOf(value)).toThrow(TemplateError);
  });

  it.each([
    "[length(map(range(0, 10000), lambda('x', length(toUpper(variables('long'))))))]",
    "[length(union(variables('objects'), variables('objects')))]",
    "[length(intersection(variables('objects'), variables('objects')))]",
  ])('%s is more work than allowed', (value) => {
    const long =
      "[reduce(range(0, 18), 'aaaaaaaaaa', lambda('x', 'y', concat(lambdaVariables('x'), lambdaVariables('x'))))]";
    const objects = "[map(range(0, 4000), lambda('x', createObject('a', lambdaVariables('x'))))]";
    expect(() => outputOf(value, { variables: { long, objects } })).toThrow('evaluations');
  });

  it('long lists of plain values have their union, in the order and case rules of before', () => {
    expect(outputOf('[length(union(range(0, 10000), range(5000, 10000)))]')).toBe(15_000);
    expect(outputOf('[intersection(range(0, 10000), range(9998, 10000))]')).toEqual([9998, 9999]);
    expect(outputOf("[union(createObject('aB', 1), createObject('Ab', 2, 'c', 3, 'C', 4))]")).toEqual({ aB: 2, c: 4 });
    expect(outputOf("[equals(createObject('aB', 1), createObject('Ab', 1))]")).toBe(true);
  });

  it.each([
    `[null()${'.a'.repeat(12_000)}]`,
    '[uriComponent(json(\'"\\ud800"\'))]',
    "[dateTimeAdd('9999-12-31', 'P99999Y')]",
    "[uri('http://a', '//[')]",
  ])('%s is refused as a mistake of the template', (value) => {
    expect(() => outputOf(value)).toThrow(TemplateError);
  });

  it('no member of a value sets a prototype', () => {
    for (const value of [
      "[createObject('__proto__', createObject('a', 1))]",
      "[toObject(createArray('__proto__'), lambda('x', lambdaVariables('x')))]",
    ])
      expect(() => outputOf(value)).toThrow('__proto__');
    const variables = { v: { "[concat('__pro', 'to__')]": { a: 1 } } };
    expect(() => outputOf("[variables('v')]", { variables })).toThrow('__proto__');
  });

  it('a reference to a definition that is no address is refused', () => {
    const parameters = { p: { $ref: '#/definitions/%' } };
    expect(() => outputOf('a', { parameters })).toThrow(TemplateError);
  });
});
