import { afterAll, describe, expect, it } from 'vitest';
import type { KqlCatalog } from './plan/catalog.ts';
import type { Program } from './plan/plan.ts';
import { functionFacts } from './language.ts';
import { createKqlParser } from './parser/parser-client.ts';
import { programCache } from './program-cache.ts';
import { parserEntry, parserSnapshots } from './testing/parser-entry.ts';
import { namingParameters } from './values/naming-parameters.ts';

const nothing: Program = { options: {}, parameters: [], lets: [], results: [] };

it('compiled texts are kept up to so many bytes of their programs, the newest, however short they are', async () => {
  const catalog: KqlCatalog = { version: '1', cluster: 'c', databases: [] };
  let compiles = 0;
  const cols = Array.from(
    { length: 18_000 },
    (_one, n) => ({ name: `a name of the column ${n}`, type: 'string' }) as const,
  );
  const cache = programCache(
    {
      compile: () => {
        compiles += 1;
        const plan = { op: 'table', database: 'db', table: 'T', cols } as const;
        return Promise.resolve({ ...nothing, results: [{ name: 'PrimaryResult', plan }] } satisfies Program);
      },
    },
    2_000,
  );
  const ask = (index: number) => cache.compile(`T // ${index}`, 'db', catalog);
  for (let index = 0; index < 50; index += 1) await ask(index);
  for (let index = 30; index < 50; index += 1) await ask(index);
  expect(compiles).toBe(50);
  await ask(0); // of some 2 MB each
  expect(compiles).toBe(51);
});

it('compiled texts are kept up to so many characters of them all, the newest', async () => {
  const catalog: KqlCatalog = { version: '1', cluster: 'c', databases: [] };
  const compiled: string[] = [];
  const cache = programCache(
    {
      compile: (text) => {
        compiled.push(text);
        return Promise.resolve(nothing);
      },
    },
    2_000,
  );
  const text = (index: number): string => `print ${index} // ${'x'.repeat(19_900)}`;
  const ask = (index: number) => cache.compile(text(index), 'db', catalog);
  for (let index = 0; index < 100; index += 1) await ask(index);
  await ask(99);
  expect(compiled).toHaveLength(100);
  await ask(0); // 100 texts of 20,000 are twice what is kept
  expect(compiled).toHaveLength(101);
});

describe('of values of query parameters, those count that name something', () => {
  const table = (name: string) => ({ name, columns: [{ name: 'x', type: 'string' } as const] });
  const catalog: KqlCatalog = {
    version: '1',
    cluster: 'c',
    databases: [
      {
        name: 'db',
        tables: [table('T'), table('U'), table('V')],
        functions: [
          { name: 'Rows', parameters: '(name: string)', body: '{ table(name) }' },
          { name: 'Having', parameters: '(value: string)', body: '{ T | where x == value }' },
          { name: 'Chosen', parameters: '(name: string, value: string)', body: '{ table(name) | where x == value }' },
        ],
      },
    ],
  };
  const limits = { textMax: 100_000, parseMsMax: 60_000 };
  const parser = createKqlParser({
    entry: parserEntry,
    snapshots: parserSnapshots,
    limits,
    functions: functionFacts,
    after: () => () => undefined,
  });
  afterAll(() => parser.stop());

  /** For each request, what is read and how often the text has been compiled. */
  async function compilesOf(query: string, requests: readonly Record<string, string>[]): Promise<string[]> {
    let compiles = 0;
    const counting: Pick<typeof parser, 'compile'> = {
      compile: (...args) => {
        compiles += 1;
        return parser.compile(...args);
      },
    };
    const cache = programCache(counting, 100);
    const names = Object.keys(requests[0] ?? {});
    const text = `declare query_parameters(${names.map((name) => `${name}: string`).join(', ')}); ${query}`;
    const seen: string[] = [];
    for (const given of requests) {
      const naming = namingParameters(text, given, catalog);
      const program = await cache.compile(text, 'db', catalog, { ...(naming && { naming }) });
      const read = /"table":"(\w+)"/.exec(JSON.stringify(program))?.[1] ?? '';
      seen.push(`${read} ${compiles}`);
    }
    return seen;
  }

  it.each([
    ['none here', 'T | where x == p', ['T 1', 'T 1', 'T 1', 'T 1']],
    ['none in a function', 'Having(p)', ['T 1', 'T 1', 'T 1', 'T 1']],
    ['a table here', 'table(p)', ['T 1', 'U 2', 'V 3', 'U 3']],
    ['a table in a function', 'Rows(p)', ['T 1', 'U 2', 'V 3', 'U 3']],
    ['a table in a function of the query', 'let f = (n: string) { Rows(n) }; f(p)', ['T 1', 'U 2', 'V 3', 'U 3']],
  ])('%s: %s', async (_what, query, expected) => {
    const requests = ['T', 'U', 'V', 'U'].map((p) => ({ p }));
    expect(await compilesOf(query, requests)).toEqual(expected);
  });

  it('one of two', async () => {
    const requests = [
      { p: 'T', q: 'a' },
      { p: 'T', q: 'b' },
      { p: 'U', q: 'b' },
      { p: 'U', q: 'c' },
    ];
    expect(await compilesOf('Chosen(p, q)', requests)).toEqual(['T 1', 'T 1', 'U 2', 'U 2']);
  });

  it('a value that cannot be a name is no constant', async () => {
    const requests = ['a', '%', 'b', '*'].map((p) => ({ p }));
    expect(await compilesOf('Having(p)', requests)).toEqual(['T 1', 'T 2', 'T 2', 'T 2']);
  });
});
