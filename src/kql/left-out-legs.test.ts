import { afterAll, describe, expect, it } from 'vitest';
import { functionFacts } from './language.ts';
import type { KqlCatalog } from './plan/catalog.ts';
import { createKqlParser } from './parser/parser-client.ts';
import { parserEntry, parserSnapshots } from './testing/parser-entry.ts';

const functions = [
  ['Gone', '{ Nowhere }'],
  ['GoneDeep', '{ Gone() | where a > 0 }'],
  ['Broken', '{ print a = 1 | extend c = sourceHealthServiceId }'],
  ['Mistyped', "{ print a = 1 | where a == 'x' | where tostring(a) > 1 }"],
].map(([name = '', body = '']) => ({ name, parameters: '()', body }));
const catalog: KqlCatalog = {
  version: '1',
  cluster: 'c',
  databases: [{ name: 'db', tables: [{ name: 'T', columns: [{ name: 'a', type: 'long' }] }], functions }],
};
const parser = createKqlParser({
  entry: parserEntry,
  snapshots: parserSnapshots,
  limits: { textMax: 10_000, parseMsMax: 60_000 },
  functions: functionFacts,
  after: () => () => undefined,
});
afterAll(() => parser.stop());

const warningsOf = async (text: string, bestEffort = false): Promise<readonly string[] | undefined> =>
  (await parser.compile(text, 'db', catalog, { bestEffort })).warnings;

describe('what a fuzzy union does without is told, once:', () => {
  // Words of rows with `observed` are recorded answers of the service to such unions: azure-sdk-for-python issue 25137 for a column,
  // and a partial answer of Azure Monitor to a parser of Microsoft Sentinel for the others.
  it.each([
    [
      'a table (observed)',
      'union isfuzzy=true T, barracuda_CL',
      "'union' operator: Failed to resolve table expression named 'barracuda_CL'",
    ],
    [
      'a table with operators (observed)',
      'union isfuzzy=true T, (PostgreSQL_CL | where a > 1)',
      "'where' operator: Failed to resolve table or column expression named 'PostgreSQL_CL'",
    ],
    [
      'a function (observed)',
      'union isfuzzy=true T, _Im_WebSession(a=1)',
      "'union' operator: Failed to resolve tabular function named '_Im_WebSession'",
    ],
    [
      'a column (observed)',
      'union isfuzzy=true T, (T | extend c = sourceHealthServiceId)',
      "'extend' operator: Failed to resolve scalar expression named 'sourceHealthServiceId'",
    ],
    [
      'a column in a function',
      'union isfuzzy=true T, Broken(), Broken',
      "'extend' operator: Failed to resolve scalar expression named 'sourceHealthServiceId'",
    ],
    [
      'a table deep in functions',
      'union isfuzzy=true T, (GoneDeep | extend b = 1)',
      "'table' operator: Failed to resolve table expression named 'Nowhere'",
    ],
    [
      'a table of another name',
      "union isfuzzy=true T, table('Elsewhere')",
      "'union' operator: Failed to resolve table expression named 'Elsewhere'",
    ],
    [
      'inside of a leg',
      'union isfuzzy=true T, (union isfuzzy=true Missing, T)',
      "'union' operator: Failed to resolve table expression named 'Missing'",
    ],
  ])('%s', async (_what, text, ...warnings) => {
    expect(await warningsOf(text)).toEqual(warnings);
  });

  it('also where the request makes unions fuzzy, and in functions', async () => {
    const words = "'union' operator: Failed to resolve table expression named 'Missing'";
    expect(await warningsOf('union T, Missing', true)).toEqual([words]);
    expect(await warningsOf('let f = () { union isfuzzy=true T, Missing }; union f(), f()')).toEqual([words]);
  });

  it('a type that does not fit, too', async () => {
    expect(await warningsOf('union isfuzzy=true T, Mistyped()')).toEqual([
      'Cannot compare values of types string and long. Try adding explicit casts',
    ]);
  });

  it('but neither what is there nor a pattern of names that none has', async () => {
    expect(await warningsOf('union isfuzzy=true T, Gone*')).toBeUndefined();
    expect(await warningsOf('union isfuzzy=true T, (print a = 2)')).toBeUndefined();
  });

  it('and no more than a hundred of them', async () => {
    const legs = Array.from({ length: 150 }, (_each, index) => `Missing${String(index)}`);
    expect(await warningsOf(`union isfuzzy=true T, ${legs.join(', ')}`)).toHaveLength(100);
  });
});
