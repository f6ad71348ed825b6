import { expect, it } from 'vitest';
import { functionFacts } from '../../../language.ts';
import type { KqlCatalog } from '../../../plan/catalog.ts';
import { compiledCalls } from '../build/expressions/compiled-calls.ts';
import type { GlobalState } from '../language/language.ts';
import { languagePackage, toArray } from '../language/language.ts';
import { loadLanguage } from '../load-language.ts';
import { engineFunctions } from './engine-functions.ts';
import { stateCache } from './global-state.ts';

loadLanguage();
const catalog = (version: string): KqlCatalog => ({
  version,
  cluster: 'c',
  databases: [{ name: 'db', tables: [], functions: [{ name: 'strlen', parameters: '()', body: '{ print 1 }' }] }],
});
const lookupsOf = (state: GlobalState): readonly unknown[] => {
  const { functionsMap, aggregatesMap, pluginMap, operatorMap, commandMap } = state as unknown as Record<
    string,
    unknown
  >;
  return [functionsMap, aggregatesMap, pluginMap, operatorMap, commandMap];
};

it('states of all catalogs share what no catalog changes, and find in it what they would find alone', () => {
  const [stateOf, functions] = [stateCache(), engineFunctions(functionFacts, compiledCalls)];
  const [one, other] = ['1', '2'].map((version) => stateOf(catalog(version), functions, 'db')) as [
    GlobalState,
    GlobalState,
  ];
  for (const [at, lookup] of lookupsOf(one).entries()) {
    expect(lookup).toBeTruthy();
    expect(lookupsOf(other)[at]).toBe(lookup);
  }
  const alone = one.WithFunctions(toArray(one.Functions)).WithPlugIns([]);
  expect(lookupsOf(alone)[2] ?? null).toBeNull();
  for (const name of ['strlen', 'count', 'bag_unpack', 'no_such'])
    for (const find of ['GetFunction', 'GetAggregate'] as const) expect(one[find](name)).toBe(alone[find](name));
  expect(one.GetFunction('strlen')).toBeTruthy();
  expect(one.GetPlugIn('bag_unpack')).toBeTruthy();
  expect(one.GetCommand('ShowTables')).toBeTruthy();
  const others = stateOf(catalog('1'), engineFunctions({}, compiledCalls), 'db');
  expect(lookupsOf(others)[0]).not.toBe(lookupsOf(one)[0]);
  expect(languagePackage().GlobalState.Default.GetFunction('no_such') ?? null).toBeNull();
});
