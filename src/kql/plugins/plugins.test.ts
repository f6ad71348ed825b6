import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());

const day = (number: number): string => `2017-08-0${number}T00:00:00.0000000Z`;
const users = `let start = datetime(2017-08-01); let end = datetime(2017-08-04);
let T = datatable(UserId:string, Timestamp:datetime)['A', datetime(2017-08-01), 'D', datetime(2017-08-01),
  'J', datetime(2017-08-01), 'B', datetime(2017-08-01), 'C', datetime(2017-08-02), 'T', datetime(2017-08-02),
  'J', datetime(2017-08-02), 'H', datetime(2017-08-03), 'T', datetime(2017-08-03), 'T', datetime(2017-08-03),
  'J', datetime(2017-08-03), 'B', datetime(2017-08-03), 'S', datetime(2017-08-03), 'S', datetime(2017-08-04)]; T `;
const cohorts = `datatable(d:long, users:dynamic)[1, dynamic([0,2,3,4]), 2, dynamic([0,1,3,4,5]), 3, dynamic([0,2,4,5]),
  4, dynamic([0,1,2,3]), 5, dynamic([0,1,2,3,4])]
  | mv-expand user = users to typeof(long) | project user, t = datetime(2017-07-31) + d * 1d`;
const deaths = `datatable(State:string, Event:string, Deaths:long)['ARKANSAS','Heat',1, 'ARIZONA','Flood',4, 'ARKANSAS','Heat',2]`;
const networks = `let N = datatable(network:string, name:string)['10.0.0.0/8','wide', '10.1.0.0/16','narrow'];
let IPs = datatable(ip:string)['10.1.2.3', '10.9.9.9', '192.168.0.1', 'no address']; IPs `;

/** Two polygons and three places from the documentation of geo_polygon_lookup. */
const places = `let shapes = datatable(name:string, shape:dynamic)['New York', dynamic({"type":"Polygon", "coordinates":
  [[[-73.97375470114766,40.74300078124614],[-73.98653921014294,40.75486501361894],[-73.99910622331991,40.74112695466084],
  [-73.97375470114766,40.74300078124614]]]}), 'Paris', dynamic({"type":"Polygon","coordinates":[[[2.57564669886321,
  48.769567764921334],[2.420098611499384,49.05163394896812],[2.1016783119165723,48.80113794475062],[2.57564669886321,
  48.769567764921334]]]})];
  datatable(place:string, x:real, y:real)['Eiffel Tower',2.294489426068907,48.858263476169185,
  'Statue of Liberty',-74.04462223203123,40.689195627512674, 'London',-0.13245599272019604,51.49879464208368]`;

/** Examples of the documentation, and rules that follow from its words. */
const cases: Readonly<Record<string, readonly [string, readonly (readonly unknown[])[]]>> = {
  'pivot sums into columns in the order of the rows; nothing sums to 0': [
    `${deaths} | evaluate pivot(State, sum(Deaths), Event) | sort by Event asc`,
    [
      ['Flood', 0, 4],
      ['Heat', 3, 0],
    ],
  ],
  'pivot counts by default, and groups by all other columns': [
    `${deaths} | project State, Event | evaluate pivot(State) | sort by Event asc`,
    [
      ['Flood', 0, 1],
      ['Heat', 2, 0],
    ],
  ],
  'pivot gives null where max has no rows': [
    `${deaths} | evaluate pivot(State, max(Deaths), Event) : (Event:string, ARIZONA:long) | sort by Event asc`,
    [
      ['Flood', 4],
      ['Heat', null],
    ],
  ],
  'columns after pivot can be named': [
    `${deaths} | evaluate pivot(State, sum(Deaths)) | where Event == 'Heat' | project x = ARKANSAS + 1`,
    [[4]],
  ],
  'pivot groups by a column that is only part of what is aggregated': [
    `${deaths} | project State, Deaths | evaluate pivot(State, make_bag(bag_pack('d', Deaths))) | sort by Deaths asc`,
    [
      [1, '{"d":1}', '{}'],
      [2, '{"d":2}', '{}'],
      [4, '{}', '{"d":4}'],
    ],
  ],
  'getschema tells the columns that depend on data': [
    `print d = dynamic({"a":1, "b":"x"}) | evaluate bag_unpack(d) | getschema | project ColumnName, ColumnType`,
    [
      ['a', 'long'],
      ['b', 'string'],
    ],
  ],
  'bag_unpack in a partition has the columns of all of its parts': [
    `datatable(k:string, d:dynamic)['p', dynamic({"a":1}), 'q', dynamic({"b":"x"})]
     | partition by k (evaluate bag_unpack(d) | extend n = 1) | sort by k asc`,
    [
      ['p', 1, '', 1],
      ['q', null, 'x', 1],
    ],
  ],
  'pivot in mv-apply leaves null what only other rows have': [
    `datatable(id:long, items:dynamic)[1, dynamic(["x"]), 2, dynamic(["y"])]
     | mv-apply item = items to typeof(string) on (project item, n = 5 | evaluate pivot(item, sum(n)))
     | project-away items | sort by id asc`,
    [
      [1, 5, null],
      [2, null, 5],
    ],
  ],
  'functions that unpack the same columns in every call': [
    `let unpacked = (T:(d:dynamic)) { T | evaluate bag_unpack(d) };
     union (print d = dynamic({"a":1}) | invoke unpacked()), (print d = dynamic({"a":2}) | invoke unpacked()) | sort by a asc`,
    [[1], [2]],
  ],
  'evaluate takes hints of filters': [
    `print k = 'p', d = dynamic({"a":1})
     | evaluate hint.pass_filters=true hint.pass_filters_column=k hint.distribution=single bag_unpack(d) | where k == 'p'`,
    [['p', 1]],
  ],
  'bag_unpack takes its four arguments in order': [
    `datatable(b:string, d:dynamic)['own', dynamic({"a":1, "b":"x", "c":true})]
     | evaluate bag_unpack(d, '', 'replace_source', dynamic(['c']))`,
    [['x', 1]],
  ],
  'bag_unpack replaces a column of the source where a bag lacks it, too': [
    `datatable(a:string, d:dynamic)['own', dynamic({"a":"x"}), 'own', dynamic({})]
     | evaluate bag_unpack(d, columnsConflict='replace_source')`,
    [['x'], ['']],
  ],
  'ipv4_lookup numbers columns of its table whose names are taken, and fills them': [
    `let N = datatable(net:string, owner:string)['10.0.0.0/8', 'ops'];
     datatable(ip:string, owner:string)['10.1.2.3', 'dev', '8.8.8.8', 'web']
     | evaluate ipv4_lookup(N, ip, net, return_unmatched = true) | project ip, owner, owner1`,
    [
      ['10.1.2.3', 'dev', 'ops'],
      ['8.8.8.8', 'web', ''],
    ],
  ],
  'ipv4_lookup gives a row for every network': [
    `${networks} | evaluate ipv4_lookup(N, ip, network) | summarize names = array_sort_asc(make_list(name)) by ip | sort by ip asc`,
    [
      ['10.1.2.3', '["narrow","wide"]'],
      ['10.9.9.9', '["wide"]'],
    ],
  ],
  'ipv4_lookup keeps what it does not find when asked': [
    `${networks} | evaluate ipv4_lookup(N, ip, network, return_unmatched = true) | where isempty(network) | project ip, name`,
    [
      ['192.168.0.1', ''],
      ['no address', ''],
    ],
  ],
  'rows_near keeps the neighbours': [
    `datatable(x:long, s:string)[1,'a', 2,'a', 3,'hit', 4,'a', 5,'a', 6,'a'] | evaluate rows_near(s == 'hit', 1) | project x`,
    [[2], [3], [4]],
  ],
  'dcount_intersect counts what sketches share': [
    `range x from 1 to 100 step 1 | summarize a = hll(iif(x % 2 == 0, x, 0)), b = hll(iif(x % 3 == 0, x, 0)),
       c = hll(iif(x % 5 == 0, x, 0)) | evaluate dcount_intersect(a, b, c) | project s0 - 1, s1 - 1, s2 - 1`,
    [[50, 16, 3]],
  ],
  'rolling_percentile goes over the last bins': [
    `range idx from 0 to 95 step 1 | project Timestamp = datetime(2017-08-01) + 1h * idx, val = idx + 1
     | evaluate rolling_percentile(val, 50, Timestamp, 1d, 3)`,
    [
      [day(1), 12],
      [day(2), 24],
      [day(3), 36],
      [day(4), 60],
    ],
  ],
  activity_counts_metrics: [
    `${users} | evaluate activity_counts_metrics(UserId, Timestamp, start, end, 1d)`,
    [
      [day(1), 4, 4, 4, 4],
      [day(2), 3, 3, 2, 6],
      [day(3), 6, 5, 2, 8],
      [day(4), 1, 1, 0, 8],
    ],
  ],
  sliding_window_counts: [
    `${users} | evaluate sliding_window_counts(UserId, Timestamp, start, end, 2d, 1d)`,
    [
      [day(1), 4, 4],
      [day(2), 7, 6],
      [day(3), 9, 6],
      [day(4), 7, 5],
    ],
  ],
  'sliding_window_counts rounds the lookback down to whole bins': [
    `${users} | evaluate sliding_window_counts(UserId, Timestamp, start, end, 47h, 1d) | take 2`,
    [
      [day(1), 4, 4],
      [day(2), 3, 3],
    ],
  ],
  'activity_metrics compares with the window before': [
    `${users} | evaluate activity_metrics(UserId, Timestamp, start, end, 1d)`,
    [
      // The service gives 1 and 0 where there is nothing to compare with.
      [day(1), 4, 4, 1, 0],
      [day(2), 3, 2, 0.25, 0.75],
      [day(3), 5, 3, 2 / 3, 1 / 3],
      [day(4), 1, 0, 0.2, 0.8],
    ],
  ],
  // The example of the documentation with its output.
  new_activity_metrics: [
    `${cohorts} | evaluate new_activity_metrics(user, t, datetime(2017-08-01), datetime(2017-08-07) - 1tick, 1d)
     | where from_t < datetime(2017-08-03)`,
    [
      [day(1), day(1), 4, 4, 0, 1, 0],
      [day(1), day(2), 2, 3, 1, 0.75, 0.25],
      [day(1), day(3), 1, 3, 1, 0.75, 0.25],
      [day(1), day(4), 1, 3, 1, 0.75, 0.25],
      [day(1), day(5), 1, 4, 0, 1, 0],
      [day(1), day(6), 0, 0, 4, 0, 1],
      [day(2), day(2), 2, 2, 0, 1, 0],
      [day(2), day(3), 0, 1, 1, 0.5, 0.5],
      [day(2), day(4), 0, 1, 1, 0.5, 0.5],
      [day(2), day(5), 0, 1, 1, 0.5, 0.5],
      [day(2), day(6), 0, 0, 2, 0, 1],
    ],
  ],
  'new_activity_metrics of one cohort, with ids that are known before': [
    `let known = datatable(user:long)[0, 5]; ${cohorts} | evaluate new_activity_metrics(user, t, datetime(2017-08-01),
       datetime(2017-08-03), 1d, datetime(2017-08-02), known)`,
    [
      [day(2), day(2), 1, 1, 0, 1, 0],
      [day(2), day(3), 0, 0, 1, 0, 1],
    ],
  ],
  // The example of the documentation, and what it prints.
  active_users_count: [
    `datatable(User:string, Timestamp:datetime)['B', datetime(2018-06-29), 'B', datetime(2018-06-30),
       'A', datetime(2018-07-02), 'B', datetime(2018-07-04), 'B', datetime(2018-07-08), 'A', datetime(2018-07-10),
       'A', datetime(2018-07-14), 'A', datetime(2018-07-17), 'A', datetime(2018-07-20), 'B', datetime(2018-07-24)]
     | evaluate active_users_count(User, Timestamp, datetime(2018-07-01), datetime(2018-07-31), 8d, 1d, 3, 7d)`,
    [
      ['2018-07-01T00:00:00.0000000Z', 1],
      ['2018-07-15T00:00:00.0000000Z', 1],
    ],
  ],
  // The data of the documentation: ids to 41 are never away longer than 41 slots, the nine others always are.
  'session_count counts the sessions of each bin': [
    `range Timeline from 1 to 9999 step 1 | extend k = 1 | join kind=inner (range Id from 1 to 50 step 1 | extend k = 1) on k
     | where Timeline % Id == 0 | project Timeline, Id
     | evaluate session_count(Id, Timeline, 1, 10000, 100, 41) | where Timeline in (1, 101, 201)`,
    [1, 101, 201].map((from) => [
      from,
      41 +
        [42, 43, 44, 45, 46, 47, 48, 49, 50].reduce(
          (sum, id) => sum + Math.floor((from + 99) / id) - Math.floor((from - 1) / id),
          0,
        ),
    ]),
  ],
  'session_count splits by dimensions': [
    `datatable(u:string, t:long, d:string)['a',1,'x', 'a',3,'x', 'a',9,'x', 'b',2,'y', 'b',12,'y']
     | evaluate session_count(u, t, 0, 19, 10, 4, d)`,
    [
      [0, 'x', 2],
      [0, 'y', 1],
      [10, 'y', 1],
    ],
  ],
  activity_engagement: [
    `${users} | evaluate activity_engagement(UserId, Timestamp, start, end, 1d, 2d)`,
    [
      [day(1), 4, 4, 1],
      [day(2), 3, 6, 0.5],
      [day(3), 5, 6, 5 / 6],
      [day(4), 1, 5, 0.2],
    ],
  ],
};

describe('operators that walk rows', () => {
  it.each<[string, readonly (readonly unknown[])[]]>([
    [
      "datatable(a:string, b:long)['x',1, 'y',5, 'x',2] | serialize | scan partition by a declare (n:long = 0) with (step s: true => n = s.n + b;)",
      [
        ['x', 1, 1],
        ['x', 2, 3],
        ['y', 5, 5],
      ],
    ],
    [
      "datatable(a:string, b:long)['x',1] | evaluate narrow()",
      [
        [0, 'a', 'x'],
        [0, 'b', '1'],
      ],
    ],
    ["print 1; print 'b' | take 1", [[1]]],
  ])('%s', async (query, expected) => {
    expect((await engine.run(query))[0]?.rows).toEqual(expected);
  });
  it('gives every statement its own rows', async () => {
    const tables = await engine.run('print 1; range x from 1 to 3 step 1; print 2');
    expect(tables.map((table) => table.rows.length)).toEqual([1, 3, 1]);
  });
});

const country = `declare pattern country = (name:string)[state:string] {
  ('USA').['New York'] = { print Capital = 'Albany', of = strcat(name, '/', state) };
  ('Canada').['Alberta'] = { print Capital = 'Edmonton', of = '' }; };`;
const app = `declare pattern app = (id:string) { ('a1') = { datatable(x:long)[1, 2] | where x == 2 }; ('a2') = { print x = 3 }; };`;

describe('patterns', () => {
  it.each<[string, readonly (readonly unknown[])[]]>([
    [`${country} country('Canada').Alberta | project Capital`, [['Edmonton']]],
    [`${country} country('USA').['New York']`, [['Albany', 'USA/New York']]],
    [`${app} union app('a1'), app('a2') | sort by x asc`, [[2], [3]]],
  ])('%s', async (query, expected) => {
    expect((await engine.run(query))[0]?.rows).toEqual(expected);
  });
  it('refuses values that no match has', async () => {
    await expect(engine.run(`${app} app('a3')`)).rejects.toMatchObject({ code: 'semantic' });
  });
});

describe('plugins', () => {
  it.each(Object.entries(cases))('%s', async (_name, [query, expected]) => {
    expect((await engine.run(query))[0]?.rows).toEqual(expected);
  });

  it.each<[string, readonly (readonly unknown[])[]]>([
    ['geo_polygon_lookup(shapes, shape, x, y)', [['Eiffel Tower', 'Paris']]],
    [
      'geo_polygon_lookup(shapes, shape, x, y, radius = 7000)',
      [
        ['Eiffel Tower', 'Paris'],
        ['Statue of Liberty', 'New York'],
      ],
    ],
    [
      'geo_polygon_lookup(shapes, shape, x, y, return_unmatched = true)',
      [
        ['Eiffel Tower', 'Paris'],
        ['Statue of Liberty', ''],
        ['London', ''],
      ],
    ],
  ])('%s', async (call, expected) => {
    const [table] = await engine.run(`${places} | evaluate ${call} | project place, name`);
    expect(table?.rows).toEqual(expected);
  });

  it.each([
    // Each call would have columns of its own, which nothing written into the function can say.
    `let unpacked = (T:(d:dynamic)) { T | evaluate bag_unpack(d) };
     union (print d = dynamic({"a":1}) | invoke unpacked()), (print d = dynamic({"b":2}) | invoke unpacked())`,
    `datatable(k:string, d:dynamic)['p', dynamic({"a":1}), 'q', dynamic({"a":"x"})] | partition by k (evaluate bag_unpack(d))`,
  ])('refuses what would have other columns for every run: %s', async (query) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'notSupported' });
  });

  it('geo_polygon_lookup fills columns whose names are taken', async () => {
    const [table] = await engine.run(
      `${places} | extend name = 'own' | evaluate geo_polygon_lookup(shapes, shape, x, y) | project place, name, name1`,
    );
    expect(table?.rows).toEqual([['Eiffel Tower', 'own', 'Paris']]);
  });

  it.each([
    `${deaths} | evaluate pivot(State, percentile(Deaths, 50), Event)`,
    `datatable(g:string, k:string)['x', 'g'] | evaluate pivot(k)`,
    `${deaths} | evaluate pivot(State, sum(Deaths), Event) : (Event:string, ARIZONA:string)`,
    `print n = 1, d = dynamic({"n":2}) | evaluate bag_unpack(d) : (n:long)`,
    `print d = dynamic({"n":2}) | evaluate bag_unpack(d, columnsConflict = 'newest')`,
    `print d = dynamic({"n":2}) | evaluate bag_unpack(d, prefix = 'p_')`,
    `print d = dynamic({"n":2}) | evaluate bag_unpack(d, 'p_', 'error', dynamic([]), true)`,
    `print d = 'text' | evaluate bag_unpack(d)`,
    `let N = datatable(net:string)['10.0.0.0/8']; print ip = 1 | evaluate ipv4_lookup(N, ip, net)`,
  ])('refuses %s', async (query) => {
    await expect(engine.run(query)).rejects.toMatchObject({ code: 'semantic' });
  });

  it('ipv6_lookup puts the columns of its table first', async () => {
    const [table] = await engine.run(
      `let N = datatable(network:string, name:string)['2001:db8::/32','doc'];
       datatable(ip:string)['2001:db8::1'] | evaluate ipv6_lookup(N, ip, network)`,
    );
    expect(table?.columns.map((column) => column.name)).toEqual(['network', 'name', 'ip']);
    expect(table?.rows).toEqual([['2001:db8::/32', 'doc', '2001:db8::1']]);
  });

  it.each(['python(typeof(*), "")', 'http_request("https://example.com")', 'identity()'])(
    'refuses %s by name',
    async (call) => {
      await expect(engine.run(`datatable(x:long)[1] | evaluate ${call}`)).rejects.toMatchObject({
        code: 'notSupported',
        message: expect.stringContaining(call.split('(')[0] ?? '') as string,
      });
    },
  );
});
