import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

const functions = [
  ['Unpack', '(T:(d:dynamic))', '{ T | evaluate bag_unpack(d) }'],
  ['Orders', '()', '{ datatable(d:dynamic)[dynamic({"id":1, "city":"Oslo"}), dynamic({"id":2})] | invoke Unpack() }'],
  ['Cities', '(least:long = 1)', '{ let some = (n:long) { Orders() | where id >= n }; some(least) | project city }'],
  ['Wide', '()', '{ Orders | summarize n = count() by city | evaluate pivot(city, sum(n)) }'],
  ['Wrong', '()', '{ Orders() | project gone }'],
] as const;
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    { name: 'db', tables: [], functions: functions.map(([name, parameters, body]) => ({ name, parameters, body })) },
    {
      name: 'other',
      tables: [],
      functions: [{ name: 'Far', parameters: '()', body: '{ print d = dynamic({"a":1}) | evaluate bag_unpack(d) }' }],
    },
  ],
};
let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog });
});
afterAll(() => engine.close());

const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;

describe('columns that depend on data, inside stored functions', () => {
  it.each<[string, unknown]>([
    ['Orders() | where id == 1 | project city', [['Oslo']]],
    ['print d = dynamic({"k":true}) | invoke Unpack() | project k', [[true]]],
    ['Cities(2)', [['']]],
    ['Cities | count', [[2]]],
    ['Wide() | project Oslo', [[1]]],
    ['set notruncation; declare query_parameters(n:long = 2); let id = 5; Orders() | where id == n | count', [[1]]],
    ['Orders | getschema | project ColumnName', [['city'], ['id']]],
  ])('%s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });

  it.each<[string, unknown]>([
    ["database('other').Far() | project a", [[1]]],
    ["database('db').Orders() | where id == 2 | project city", [['']]],
    ['let Orders = () { print id = 7 }; Orders() | project id, city = "" | union (Cities()) | count', [[3]]],
  ])('whoever calls them: %s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });

  it('are refused where two calls of one have different ones', async () => {
    const query = `union (print d = dynamic({"a":1}) | invoke Unpack()), (print d = dynamic({"b":1}) | invoke Unpack())`;
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'notSupported' });
  });

  it('leave errors at their place in the text as sent', async () => {
    const text =
      'print d = dynamic({"a":1}) | evaluate bag_unpack(d) | join kind=inner (Orders()) on $left.a == $right.id | project gone';
    await expect(engine.run(text)).rejects.toMatchObject({ code: 'semantic', position: text.indexOf('gone') });
    await expect(engine.run('Wrong()')).rejects.toMatchObject({ code: 'semantic', position: undefined });
  });
});

const bags = `datatable(k:string, d:dynamic)['p', dynamic({"a":1}), 'q', dynamic({"b":"x"})]`;
describe('columns that depend on data, inside subqueries', () => {
  it.each<[string, unknown]>([
    [`${bags} | partition by k (evaluate bag_unpack(d)) | where isnotnull(a) | project b, a`, [['', 1]]],
    [`let P = ${bags} | partition by k (evaluate bag_unpack(d)); P | summarize sum(a)`, [[1]]],
    [
      `let total = (T:(a:long)) { T | summarize sum(a) };
       print x = toscalar(${bags} | evaluate bag_unpack(d) | invoke total())`,
      [[1]],
    ],
    [
      `let total = (T:(a:long)) { T | summarize sum(a) }; let gone = ${bags} | evaluate bag_unpack(d);
       union (gone | invoke total()), (print sum_a = 5) | sort by sum_a asc`,
      [[1], [5]],
    ],
    [
      `datatable(id:long, tags:dynamic)[1, dynamic(['x', 'x']), 2, dynamic(['y'])]
       | mv-apply tag = tags to typeof(string) on (project tag, one = 1 | evaluate pivot(tag, sum(one)))
       | where x > 1 | project id, x, y`,
      [[1, 2, null]],
    ],
  ])('can be named after them: %s', async (query, expected) => {
    expect(await rowsOf(query)).toEqual(expected);
  });

  it('do not count twice in project-reorder', async () => {
    const [table] = await engine.run(
      `print k = 1, d = dynamic({"b":2, "c":3}) | evaluate bag_unpack(d) | project-reorder c, * asc`,
    );
    expect(table?.columns.map(({ name }) => name)).toEqual(['c', 'b', 'k']);
  });

  it.each([
    `${bags} | partition by k (evaluate bag_unpack(d)) | project a, gone`,
    `${bags} | where isnotempty(gone) | evaluate bag_unpack(d) | project a`,
  ])('are asked for before a name is refused: %s', async (text) => {
    await expect(engine.run(text)).rejects.toMatchObject({ code: 'semantic', position: text.indexOf('gone') });
  });
});

// Where a bag has no such key the service fails to resolve the name, as it does any other: https://github.com/Azure/Azure-Sentinel/issues/2276,
// issues/10021.
describe('columns that depend on data, inside legs of a fuzzy union', () => {
  const unpacked = (bag: string): string =>
    `(print d = dynamic(${bag}) | evaluate bag_unpack(d)
      | extend Key = tostring(['@Name']), Value = ['#text'] | evaluate pivot(Key, take_any(Value)) | where Target has 'x')`;
  it.each<[string, string, unknown[], unknown[]]>([
    [
      'are there',
      `union isfuzzy=true (print a = 1), ${unpacked('{"@Name":"Target","#text":"x"}')}`,
      ['a', '#text', '@Name', 'Target'],
      [
        [1, '', '', ''],
        [null, 'x', 'Target', 'x'],
      ],
    ],
    ['are not', `union isfuzzy=true (print a = 1), ${unpacked('{"Name":"x"}')}`, ['a'], [[1]]],
    ['are not, later', `union isfuzzy=true (print a = 1), ${unpacked('{"@Name":"Other","#text":"x"}')}`, ['a'], [[1]]],
    [
      'before them a name is not there',
      `union isfuzzy=true (print a = 1), (print d = gone | evaluate bag_unpack(d))`,
      ['a'],
      [[1]],
    ],
    [
      'are not, deeper',
      `union isfuzzy=true (print a = 1), (print id = 1 | join kind=inner ${unpacked('{}')} on id)`,
      ['a'],
      [[1]],
    ],
  ])('the leg is left out when they are not: %s', async (_what, query, columns, rows) => {
    const [table] = await engine.run(query);
    expect([table?.columns.map(({ name }) => name), table?.rows]).toEqual([columns, rows]);
  });

  it.each([
    ['all legs are left out', `union isfuzzy=true ${unpacked('{}')}, Nowhere`, 'SEM0529'],
    ['what is piped into it is no leg', `${unpacked('{}')} | union isfuzzy=true (print a = 1)`, 'SEM0100'],
    ['the union is not fuzzy', `union (print a = 1), ${unpacked('{}')}`, 'SEM0100'],
  ])('the query is refused when %s', async (_what, query, code) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'semantic', engine: { code } });
  });
});

describe('columns that depend on data', () => {
  it('may have any name, and none that goes on as text of the query', async () => {
    const names = ['line\nbreak', 'return\rbreak', 'tab\t', '\u2028', "']:long) | count //", '\\', "\\'", '', '\u0000'];
    const bag = JSON.stringify(Object.fromEntries(names.map((name) => [name, 1])));
    const query = `print d = parse_json(base64_decode_tostring('${Buffer.from(bag).toString('base64')}')) | evaluate bag_unpack(d)`;
    const [table] = await engine.run(query);
    expect(table?.columns.map(({ name }) => name).sort()).toEqual([...names].sort());
    expect(table?.rows).toEqual([names.map(() => 1)]);
  });
});
