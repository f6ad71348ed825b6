import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { buildParserEntry } from './testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(await buildParserEntry());
});
afterAll(() => engine.close());
const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;

const cities = `datatable(city:string)['San Bernard', 'San', 'San Juan Capistrano', 'One -on- One', 'Two -on- Two', 'Moscow',
  'Moscow', 'Paris', 'Oslo'] | reduce by city`;
const numbered = `range x from 1 to 10 step 1 | project str = strcat('foo', 'Z', tostring(x))`;

describe('reduce', () => {
  // The queries of the documentation with the output it prints.
  it.each<[string, readonly (readonly unknown[])[]]>([
    [`${numbered} | reduce by str`, [['others', 10, '']]],
    [`${numbered} | reduce by str with characters='Z'`, [['foo*', 10, 'fooZ1']]],
    [
      `range x from 1 to 1000 step 1 | project t = strcat('MachineLearningX', tostring((x + 4) % 10))
       | reduce by t with threshold=0.001, characters='X'`,
      [['MachineLearning*', 1000, 'MachineLearningX5']],
    ],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });

  it('makes patterns of the kinds that the documentation shows', async () => {
    expect(await rowsOf(cities)).toEqual([
      ['San *', 3, 'San Bernard'],
      ['* -on- *', 2, 'One -on- One'],
      ['Moscow', 2, 'Moscow'],
      ['others', 2, ''],
    ]);
  });

  it('needs a word in a share of the rows', async () => {
    const logs = `range x from 1 to 20 step 1 | project line = iff(x <= 8, strcat('disk ', x, ' is full'), strcat('user', x))`;
    expect(await rowsOf(`${logs} | reduce by line with threshold=0.4`)).toEqual([
      ['disk * is full', 8, 'disk 1 is full'],
      ['others', 12, ''],
    ]);
    expect(await rowsOf(`${logs} | reduce by line with threshold=0.5`)).toEqual([['others', 20, '']]);
  });

  it('keeps values of nothing but a number apart', async () => {
    expect(await rowsOf(`datatable(s:string)['404', '404', '200', 'x'] | reduce by s`)).toEqual([
      ['404', 2, '404'],
      ['others', 2, ''],
    ]);
  });

  it('kind=source adds the pattern to the rows', async () => {
    expect(
      await rowsOf(`datatable(city:string, n:int)['San Jose', 1, 'x', 2, 'San Juan', 3] | reduce kind=source by city
        | project city, n, Pattern`),
    ).toEqual([
      ['San Jose', 1, 'San *'],
      ['x', 2, 'others'],
      ['San Juan', 3, 'San *'],
    ]);
  });

  it('refuses a threshold outside 0 to 1', async () => {
    await expect(engine.run(`print s='a' | reduce by s with threshold=2`)).rejects.toMatchObject({ code: 'semantic' });
  });
});
