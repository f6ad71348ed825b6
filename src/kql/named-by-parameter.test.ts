import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RefusingEngine } from './testing/refusing-engine.ts';
import { openRefusingEngine } from './testing/refusing-engine.ts';

const table = (name: string) => ({ name, columns: [{ name: 'x', type: 'string' } as const] });
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [table('T'), table('Hidden'), table('two words')],
      functions: [{ name: 'Count', parameters: '(name: string)', body: '{ table(name) | count }' }],
    },
    { name: 'other', tables: [table('Far')], functions: [] },
  ],
};

let engine: RefusingEngine;
beforeAll(async () => {
  engine = await openRefusingEngine(catalog);
});
afterAll(() => engine.close());

async function opensFor(query: string, parameters: Record<string, unknown>): Promise<readonly string[]> {
  engine.opened.length = 0;
  await expect(engine.run(query, parameters)).rejects.toThrow('opened');
  return [...engine.opened];
}

const declared = 'declare query_parameters(name: string);';

describe('a query parameter names', () => {
  it.each([
    ['a table', `${declared} table(name) | count`, { name: 'T' }, 'db.T'],
    ['a table, as a literal', `${declared} table(name) | count`, { name: '"T"' }, 'db.T'],
    ['a table whose name is no word', `${declared} table(name) | count`, { name: 'two words' }, 'db.two words'],
    ['a table for a stored function', `${declared} Count(name)`, { name: 'T' }, 'db.T'],
    ['a table for a function here', `${declared} let f = (t: string) { table(t) }; f(name)`, { name: 'T' }, 'db.T'],
    ['a database', `${declared} database(name).Far | count`, { name: 'other' }, 'other.Far'],
    ['what its default says', 'declare query_parameters(t: string = "T"); table(t) | count', {}, 'db.T'],
    ['what it is given instead', 'declare query_parameters(t: string = "T"); table(t)', { t: 'Hidden' }, 'db.Hidden'],
  ])('%s', async (_what, query, parameters, expected) => {
    expect(await opensFor(query, parameters)).toEqual([expected]);
  });

  it('the table of each request, though the text is the same', async () => {
    for (const name of ['T', 'Hidden'])
      expect(await opensFor(`${declared} table(name)`, { name })).toEqual([`db.${name}`]);
  });

  it('nothing where a function has a parameter of that name', async () => {
    const query = `${declared} let f = (name: string) { table(name) }; union f("T"), (print x = name)`;
    expect(await opensFor(query, { name: 'Hidden' })).toEqual(['db.T']);
  });
});

describe('refused', () => {
  it.each([
    ['a table that is not there', `${declared} table(name)`, { name: 'No' }, 'No'],
    ['a restricted table', `${declared} restrict access to (T); table(name)`, { name: 'Hidden' }, 'Failed to resolve'],
    [
      'text that would be more than a name',
      `${declared} table(name)`,
      { name: "T') | union table('Hidden" },
      'constant',
    ],
    ['a parameter without a value', `${declared} table(name)`, {}, 'constant'],
  ])('%s', async (_what, query, parameters, words) => {
    engine.opened.length = 0;
    const refused = engine.run(query, parameters);
    await expect(refused).rejects.toMatchObject({ code: expect.stringMatching(/semantic|NotFound/) as unknown });
    await expect(refused).rejects.toThrow(words);
    expect(engine.opened).toEqual([]);
  });
});
