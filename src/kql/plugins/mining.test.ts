import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
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

/** Storms of May 2007 by what the documentation tells of them: kind, damage, damage to crops, how many. */
const storms = `let Storms = datatable(EventType:string, Damage:string, DamageCrops:long, n:long)[
  'Hail','NO',0,2278, 'Hail','YES',0,93, 'Hail','YES',1,49, 'Hail','YES',5,48, 'Thunderstorm Wind','NO',0,779, 'Thunderstorm Wind','YES',0,500,
  'Thunderstorm Wind','YES',2,12, 'Flash Flood','NO',0,359, 'Flash Flood','YES',0,150, 'Flash Flood','YES',3,64,
  'Flood','NO',0,150, 'Flood','YES',0,81, 'Flood','YES',4,36, 'Other','NO',0,1008, 'Other','YES',0,277]; Storms`;

describe('basket', () => {
  it('gives the patterns of the documentation and their counts', async () => {
    const percentOf = (count: number): number => (100 * count) / 5884;
    expect(
      await rowsOf(`${storms} | evaluate basket(0.2, n) | where EventType != 'Other' | project Count, Percent, EventType, Damage,
        DamageCrops`),
    ).toEqual([
      [5675, percentOf(5675), '', '', 0],
      [4574, percentOf(4574), '', 'NO', 0],
      [2468, percentOf(2468), 'Hail', '', null],
      [2371, percentOf(2371), 'Hail', '', 0],
      [2278, percentOf(2278), 'Hail', 'NO', 0],
      [1310, percentOf(1310), '', 'YES', null],
      [1291, percentOf(1291), 'Thunderstorm Wind', '', null],
      [1279, percentOf(1279), 'Thunderstorm Wind', '', 0],
    ]);
  });

  it('puts the given values where a pattern has none', async () => {
    expect(
      await rowsOf(
        `${storms} | evaluate basket(0.4, n, '~', '*', long(-1)) | project SegmentId, EventType, Damage, DamageCrops`,
      ),
    ).toEqual([
      [0, '*', '*', 0],
      [1, '*', 'NO', 0],
      [2, 'Hail', '*', -1],
      [3, 'Hail', '*', 0],
    ]);
  });

  it('counts dimensions that follow from others as none', async () => {
    const columns = `range i from 1 to 8 step 1 | project a = i % 2, b = iff(i % 2 == 0, 'even', 'odd'), c = i > 4`;
    expect(await rowsOf(`${columns} | evaluate basket(0.2, '~', 1) | project Count, a, b, c`)).toEqual([
      [4, 1, 'odd', null],
      [4, 0, 'even', null],
      [4, null, '', false],
      [4, null, '', true],
    ]);
    expect(await rowsOf(`${columns} | evaluate basket(0.2) | where Count == 2 | count`)).toEqual([[4]]);
  });

  it.each(['basket(0.01)', "basket('~', DamageCrops, 0)", 'basket(0.1, Damage)'])('refuses %s', async (call) => {
    await expect(engine.run(`${storms} | evaluate ${call}`)).rejects.toMatchObject({ code: 'semantic' });
  });

  // Every set of so many values at most, counted one by one.
  it.each([
    [1, 4],
    [2, 4],
    [3, 4],
    [1, 1],
    [2, 2],
    [3, 2],
  ])('finds what trying all sets finds (rows %i, %i dimensions)', async (seed, dimensions) => {
    const rows = Array.from({ length: 40 }, (_row, i) => [1, 2, 3, 5].map((n) => ((i + seed) * (i + n) * 7) % (n + 2)));
    const closed = new Set<string>();
    for (const row of rows)
      for (let mask = 1; mask < 16; mask += 1) {
        if ([1, 2, 4, 8].filter((bit) => mask & bit).length > dimensions) continue;
        const matching = rows.filter((other) => other.every((value, at) => !(mask & (1 << at)) || value === row[at]));
        if (matching.length < 4) continue;
        const shared = row.map((value, at) => (matching.every((other) => other[at] === value) ? value : null));
        closed.add(JSON.stringify([matching.length, ...shared]));
      }
    const table = `datatable(a:long, b:long, c:long, d:long)[${rows.flat().join(',')}]`;
    const found =
      (await engine.run(`${table} | evaluate basket(0.1, '~', ${dimensions}) | project Count, a, b, c, d`))[0]?.rows ??
      [];
    expect(found.map((row) => JSON.stringify(row)).sort()).toEqual([...closed].sort());
  });
});

describe('diffpatterns', () => {
  it('gives the patterns of the documentation and their shares', async () => {
    const [table] = await engine.run(`${storms} | evaluate diffpatterns(Damage, 'NO', 'YES', n)`);
    expect(table?.columns.map((column) => column.name)).toEqual([
      'SegmentId',
      'CountA',
      'CountB',
      'PercentA',
      'PercentB',
      'PercentDiffAB',
      'EventType',
      'DamageCrops',
      'n',
    ]);
    expect(table?.rows.map((row) => row.slice(0, 8))).toEqual([
      [0, 2278, 93, 49.8, 7.1, 42.7, 'Hail', 0],
      [1, 779, 512, 17.03, 39.08, 22.05, 'Thunderstorm Wind', null],
      [2, 359, 214, 7.85, 16.34, 8.49, 'Flash Flood', null],
      [3, 150, 117, 3.28, 8.93, 5.65, 'Flood', null],
    ]);
  });

  it('looks at rows of the two values only, and leaves small differences out', async () => {
    expect(
      await rowsOf(`datatable(side:long, x:string, y:string)[1,'a','p', 1,'a','q', 2,'b','p', 2,'b','q', 3,'a','p', 3,'a','p']
        | evaluate diffpatterns(side, '1', '2', '~', 0.6) | project CountA, CountB, x, y`),
    ).toEqual([
      [2, 0, 'a', ''],
      [0, 2, 'b', ''],
    ]);
  });

  it('refuses a value that no row has', async () => {
    await expect(engine.run(`${storms} | evaluate diffpatterns(Damage, 'NO', 'MAYBE')`)).rejects.toMatchObject({
      code: 'semantic',
    });
  });
});

it('gives up a search that would take too long', async () => {
  const wide = Array.from({ length: 40 }, (_column, at) => `c${at} = binary_and(hash(i * ${at + 3}), 1)`).join(', ');
  await expect(
    engine.run(`range i from 1 to 1000 step 1 | project ${wide} | evaluate basket(0.015)`),
  ).rejects.toMatchObject({ code: 'limits' });
});

describe('autocluster', () => {
  /** The groups that the documentation finds in its sample of incidents, with hosts and trace points spread over them. */
  const incidents = `let groups = datatable(Region:string, ScaleUnit:string, Deployment:string, n:long)['eau','su7','b5',639,
      'scus','su5','9d',94, 'ncus','su1','e2',82, 'scus','su3','90',68, 'weu','su4','be',55];
    let few = range i from 1 to 34 step 1 | project Region = 'x', ScaleUnit = strcat('u', i), Deployment = strcat('d', i), n = 1;
    union groups, few | mv-expand i = range(1, n) to typeof(long)
    | project Region, ScaleUnit, Deployment, Tracepoint = case(Region == 'eau', i % 2, Region == 'x', 100 * tolong(substring(ScaleUnit, 1)), 10 + i % 3), ServiceHost = iff(Region == 'eau', 'e7', strcat(Deployment, i))`;
  it('finds the groups of the documentation', async () => {
    expect(
      await rowsOf(`${incidents} | evaluate autocluster() | project Count, Percent, Region, ScaleUnit, ServiceHost`),
    ).toEqual(
      [
        [639, 'eau', 'su7', 'e7'],
        [94, 'scus', 'su5', ''],
        [82, 'ncus', 'su1', ''],
        [68, 'scus', 'su3', ''],
        [55, 'weu', 'su4', ''],
      ].map(([count, ...cells]) => [count, (100 * Number(count)) / 972, ...cells]),
    );
  });

  it('prefers size when it weighs more', async () => {
    const rows = `range i from 1 to 100 step 1 | project a = iff(i <= 90, 'x', tostring(i)), b = iff(i <= 30, 'y', tostring(i))`;
    expect(await rowsOf(`${rows} | evaluate autocluster(0.9) | project Count, a, b`)).toEqual([[90, 'x', '']]);
    expect(await rowsOf(`${rows} | evaluate autocluster(0.1, '~', 10, '*') | project Count, a, b`)).toEqual([
      [30, 'x', 'y'],
      [90, 'x', '*'],
    ]);
  });
});

describe('diffpatterns_text', () => {
  // Texts in the manner of the documentation's patterns: tokens in their places, `*` between and after them.
  const texts = `let Texts = datatable(text:string, cold:bool, n:int)['Below normal rain fell', false, 30,
      'Below normal snow', false, 20, 'A time of drought in West Tennessee,', false, 10, 'Some days of drought in West Tennessee,', false, 5,
      'Wind chill reached x', true, 15, 'Wind chill reached y', true, 15, 'Other', true, 10, 'Other', false, 10];
    Texts | mv-expand i = range(1, n) to typeof(long) | project text, cold`;
  it('finds tokens that make the difference', async () => {
    const [table] = await engine.run(`${texts} | evaluate diffpatterns_text(text, cold)`);
    expect(table?.columns.map((column) => column.name)).toEqual([
      'Count_of_True',
      'Count_of_False',
      'Percent_of_True',
      'Percent_of_False',
      'Pattern',
    ]);
    expect(table?.rows).toEqual([
      [30, 0, 75, 0, 'Wind chill reached *'],
      [10, 10, 25, 13.33, 'Other'],
      [0, 15, 0, 20, '* * of drought in West Tennessee,'],
      [0, 50, 0, 66.67, 'Below normal *'],
    ]);
  });
  it('keeps to the number of tokens and the threshold, and its columns can be named', async () => {
    expect(
      await rowsOf(
        `${texts} | evaluate diffpatterns_text(text, cold, 2, 0.3) | where Count_of_True > 0 | project Pattern`,
      ),
    ).toEqual([['Wind chill reached *']]);
    expect(await rowsOf(`${texts} | evaluate diffpatterns_text(text, cold, 1, 0.3, 2) | project Pattern`)).toEqual([
      ['Below normal *'],
    ]);
  });
  it.each(['text, cold, 500', 'text, cold, 1, 2', 'text, isnull(cold)'])('refuses %s', async (args) => {
    await expect(engine.run(`${texts} | evaluate diffpatterns_text(${args})`)).rejects.toMatchObject({
      code: 'semantic',
    });
  });
});

describe('schema_merge', () => {
  const schemas = (second: string): string => `let schema1 = datatable(Uri:string, HttpStatus:int)[] | getschema;
    let schema2 = datatable(${second})[] | getschema; union schema1, schema2`;
  // The examples of the documentation with the output it prints.
  it.each<[string, string, readonly (readonly unknown[])[]]>([
    [
      'Uri:string, HttpStatus:int, Referrer:string',
      'schema_merge()',
      [
        ['Uri', 0, 'System.String', 'string'],
        ['HttpStatus', 1, 'System.Int32', 'int'],
        ['Referrer', 2, 'System.String', 'string'],
      ],
    ],
    [
      'Uri:string, Referrer:string, HttpStatus:int',
      'schema_merge()',
      [
        ['Uri', 0, 'System.String', 'string'],
        ['Referrer', 1, 'System.String', 'string'],
        [
          'HttpStatus',
          -1,
          'ERROR(unknown CSL type:ERROR(columns are out of order))',
          'ERROR(columns are out of order)',
        ],
      ],
    ],
    [
      'Uri:string, Referrer:string, HttpStatus:int',
      'schema_merge(PreserveOrder = false)',
      [
        ['Uri', 0, 'System.String', 'string'],
        ['Referrer', 1, 'System.String', 'string'],
        ['HttpStatus', 2, 'System.Int32', 'int'],
      ],
    ],
  ])('%s %s', async (second, call, expected) => {
    expect(await rowsOf(`${schemas(second)} | evaluate ${call}`)).toEqual(expected);
  });
  it.each(['Uri:long', 'Uri:string, Other:int'])('refuses what the documentation leaves open: %s', async (second) => {
    await expect(engine.run(`${schemas(second)} | evaluate schema_merge()`)).rejects.toMatchObject({
      code: 'notSupported',
    });
  });
});
