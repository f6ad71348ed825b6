import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from './testing/local-engine.ts';
import { parserEntry } from './testing/parser-entry.ts';

const functions = [
  ['Fits', '()', '{ print a = 1 }'],
  ['Gone', '()', '{ Nowhere }'],
  ['GoneDeep', '()', '{ let read = (most:long = 5) { Nowhere | where b < most }; read() }'],
  ['GoneDeeper', '()', '{ GoneDeep() | where a > 0 }'],
  ['GoneAside', '()', '{ print a = 2 | where a in ((Gone | project a)) }'],
  ['Fuzzy', '()', '{ union isfuzzy=true Fits(), GoneDeeper(), Gone }'],
  ['NoColumn', '(t:(*))', "{ t | where b == 'x' }"],
  ['Twice', '()', `{ print s = 'a1 b2' | parse s with 'a' x ' b' x }`],
  ['Drawn', '()', '{ print a = 1 | render timechart with (title="one") }'],
  ['Open', '()', '{ print d = dynamic({"k":7}) | evaluate bag_unpack(d) | project k }'],
] as const;
/** Bodies that no longer fit what they read. */
const lacking = [
  ...['project-away nosuch', 'project-rename x = nosuch', 'project-keep nosuch', 'project-reorder nosuch'],
  ...['project nosuch', "where nosuch == 'x'", 'sort by nosuch', 'summarize sum(nosuch)', 'extend x = nosuch(a)'],
  'join kind=inner (print b = 1) on a',
];
const mistyped = [
  'extend Process = coalesce(tostring(a), split("a b", " ")[0])',
  'extend s = tostring(a) | where s > 1',
];
const broken = [...lacking, ...mistyped, 'extend x = strlen(1, 2)', '| take 1'];
/** A fuzzy union does without these. */
const unresolved = [...lacking, ...mistyped];
const catalog = {
  version: '1',
  cluster: 'local',
  databases: [
    {
      name: 'db',
      tables: [],
      functions: [
        ...functions.map(([name, parameters, body]) => ({ name, parameters, body })),
        ...broken.map((operator, index) => ({
          name: `Broken${index}`,
          parameters: '()',
          body: `{ print a = 1 | ${operator} }`,
        })),
      ],
    },
  ],
};
let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry, { catalog });
});
afterAll(() => engine.close());

describe('a stored function whose body no longer fits is refused:', () => {
  it.each(broken.map((operator, index) => [operator, `Broken${index}`] as const))('%s', async (operator, name) => {
    const code = operator.startsWith('|') ? 'syntax' : 'semantic';
    const fuzzy = `union isfuzzy=true Fits(), ${name}()`;
    for (const query of [`${name}()`, name, `${name} | count`, ...(unresolved.includes(operator) ? [] : [fuzzy])])
      await expect(engine.run(query)).rejects.toMatchObject({ name: 'KqlError', code });
  });

  it.each(['print a = 1 | invoke NoColumn()', 'Gone()', 'Gone', 'GoneDeeper', 'GoneAside', 'union Fits(), GoneDeep'])(
    '%s',
    async (query) => {
      await expect(engine.run(query)).rejects.toMatchObject({ name: 'KqlError', code: 'semantic' });
    },
  );
});

describe('a fuzzy union does without legs that cannot be resolved:', () => {
  it.each([
    ...unresolved.map((_operator, index) => `union isfuzzy=true Fits(), Broken${String(index)}()`),
    'union isfuzzy=true (Broken0 | extend more = 1), Fits',
    'union isfuzzy=true (union isfuzzy=true (print b = 1 | where c == 1), Gone), Fits',
    'union isfuzzy=true (print a = 2 | where nosuch == 1), Fits',
    'let late = (x:long) { print b = x | where x in (Broken0) }; union isfuzzy=true late(1), Fits',
    "union isfuzzy=true (print a = 'x' | extend c = nosuch | where c > a), Fits",
    'union isfuzzy=true Fits(), Gone()',
    'union isfuzzy=true Gone, Fits',
    "union isfuzzy=true Fits, table('Nowhere'), (print a = 1 | where a in (table('Nowhere')))",
    "union isfuzzy=true Fits(), (print b = 'x' | where b > 1)",
    'let parser = (off:bool = false) { print Process = coalesce("", split("a b", " ")[0]) | where not(off) }; union isfuzzy=true parser(), Fits',
    'union isfuzzy=true GoneDeep(), Fits(), (GoneDeeper() | where b > 1)',
    'Fuzzy() | project a',
    `union isfuzzy=true (print a = 1, Process = 'p'), Broken${String(lacking.length)}() | where Process == 'p' | project a`,
  ])('%s', async (query) => {
    const [table] = await engine.run(query);
    expect([table?.columns.map(({ name }) => name), table?.rows]).toEqual([['a'], [[1]]]);
  });

  it.each([
    'union isfuzzy=true Gone(), GoneDeep()',
    "union isfuzzy=true Fits(), GoneDeep() | where b == 'x'",
    'union isfuzzy=true Fits(), (print b = 1 | where c == 1) | project b',
    'union isfuzzy=true Fits(), Broken0 | where nosuch == 1',
    'union isfuzzy=true (print a = 1 | where nosuch == 1), Broken0',
  ])('and no column of theirs, nor anything for all of them: %s', async (query) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'semantic' });
  });
});

it('may capture one name twice in parse, where the last counts, which a query may not', async () => {
  const [table] = await engine.run('Twice() | project x');
  expect(table?.rows).toEqual([['2']]);
  await expect(engine.run(`print s = 'a1 b2' | parse s with 'a' x ' b' x`)).rejects.toMatchObject({ code: 'semantic' });
});

it.each([
  'Drawn',
  'Drawn() | where a == 1',
  'union Drawn, (print a = 2) | where a == 1',
  'let drawn = print a = 1 | render piechart; drawn',
  'let drawn = view () { print a = 1 | render piechart }; union dra*',
])('what a name stands for may end with render, which draws nothing: %s', async (query) => {
  const [table] = await engine.run(query);
  expect([table?.columns.map(({ name }) => name), table?.rows]).toEqual([['a'], [[1]]]);
});

it('what is known only once it has run is answered as before', async () => {
  expect((await engine.run('Open()'))[0]?.rows).toEqual([[7]]);
});
