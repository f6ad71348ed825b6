import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openLocalEngine } from '../testing/local-engine.ts';
import { parserEntry } from '../testing/parser-entry.ts';

let engine: Awaited<ReturnType<typeof openLocalEngine>>;
beforeAll(async () => {
  engine = await openLocalEngine(parserEntry);
});
afterAll(() => engine.close());
const rowsOf = async (query: string): Promise<unknown> => (await engine.run(query))[0]?.rows;

const at = (text: string): string => `2007-${text}:00.0000000Z`;

describe('sequence_detect', () => {
  // The sequences that the documentation finds among storms, from the storms that it names; heat comes in several zones.
  const storms = `datatable(State:string, StartTime:datetime, EventType:string)[
    'CALIFORNIA', datetime(2007-05-08), 'Excessive Heat', 'CALIFORNIA', datetime(2007-05-08), 'Excessive Heat',
    'TEXAS', datetime(2007-08-11 13:56), 'Wildfire', 'TEXAS', datetime(2007-08-10 08:00), 'Excessive Heat',
    'CALIFORNIA', datetime(2007-05-10 11:30), 'Wildfire', 'CALIFORNIA', datetime(2007-05-08 16:02), 'Wildfire',
    'CALIFORNIA', datetime(2007-07-04 09:00), 'Excessive Heat', 'CALIFORNIA', datetime(2007-07-05 23:01), 'Wildfire',
    'SOUTH DAKOTA', datetime(2007-07-23 12:00), 'Excessive Heat', 'SOUTH DAKOTA', datetime(2007-07-27 09:00), 'Wildfire',
    'CALIFORNIA', datetime(2007-08-31 08:00), 'Excessive Heat', 'CALIFORNIA', datetime(2007-09-01 11:28), 'Wildfire',
    'CALIFORNIA', datetime(2007-09-02 12:00), 'Excessive Heat', 'CALIFORNIA', datetime(2007-09-02 13:30), 'Wildfire',
    'NEVADA', datetime(2007-09-02 14:00), 'Wildfire', 'UTAH', datetime(2007-03-01), 'Excessive Heat',
    'UTAH', datetime(2007-03-07), 'Wildfire', 'CALIFORNIA', datetime(2007-09-01 00:00), 'Hail']`;
  it('finds what the documentation shows', async () => {
    const [table] = await engine.run(`${storms} | evaluate sequence_detect(StartTime, 5d, 5d,
      heat = (EventType == 'Excessive Heat'), wildfire = (EventType == 'Wildfire'), State)`);
    expect(table?.columns.map(({ name, type }) => `${name}:${type}`)).toEqual([
      'State:string',
      'heat_StartTime:datetime',
      'wildfire_StartTime:datetime',
      'Duration:timespan',
    ]);
    expect(table?.rows).toEqual([
      ['CALIFORNIA', at('05-08T00:00'), at('05-08T16:02'), '16:02:00'],
      ['CALIFORNIA', at('05-08T00:00'), at('05-10T11:30'), '2.11:30:00'],
      ['CALIFORNIA', at('07-04T09:00'), at('07-05T23:01'), '1.14:01:00'],
      ['SOUTH DAKOTA', at('07-23T12:00'), at('07-27T09:00'), '3.21:00:00'],
      ['TEXAS', at('08-10T08:00'), at('08-11T13:56'), '1.05:56:00'],
      ['CALIFORNIA', at('08-31T08:00'), at('09-01T11:28'), '1.03:28:00'],
      ['CALIFORNIA', at('08-31T08:00'), at('09-02T13:30'), '2.05:30:00'],
      ['CALIFORNIA', at('09-02T12:00'), at('09-02T13:30'), '01:30:00'],
    ]);
  });

  const steps = `datatable(t:datetime, n:int)[datetime(2007-01-01 00:00),1, datetime(2007-01-01 00:04),2,
    datetime(2007-01-01 00:09),3, datetime(2007-01-01 00:10),2, datetime(2007-01-01 00:16),3]`;
  it.each<[string, readonly (readonly string[])[]]>([
    ['5m, 1h', [['00:00', '00:04', '00:09']]],
    [
      '20m, 1h',
      [
        ['00:00', '00:04', '00:09'],
        ['00:00', '00:04', '00:16'],
        ['00:00', '00:10', '00:16'],
      ],
    ],
    ['20m, 10m', [['00:00', '00:04', '00:09']]],
    ['20m, 8m', []],
  ])('keeps to the windows %s', async (windows, expected) => {
    const [table] = await engine.run(
      `${steps} | evaluate sequence_detect(t, ${windows}, a = (n == 1), b = (n == 2), c = (n == 3)) | project-away Duration`,
    );
    expect(table?.rows).toEqual(expected.map((times) => times.map((time) => at(`01-01T${time}`))));
  });

  it('never takes one record for two steps', async () => {
    expect(
      await rowsOf(`${steps} | where n == 1 | evaluate sequence_detect(t, 1h, 1h, a = (n == 1), b = (n < 2))`),
    ).toEqual([]);
  });
});

const journeys = `let Storms = datatable(Id:long, T:datetime, Kind:string)[
  1, datetime(2007-02-01 00:00), 'Hail', 1, datetime(2007-02-01 00:30), 'Tornado', 1, datetime(2007-02-01 00:50), 'Wind',
  2, datetime(2007-02-01 00:00), 'Hail', 2, datetime(2007-02-01 01:00), 'Flood', 2, datetime(2007-02-01 02:00), 'Tornado',
  2, datetime(2007-02-01 02:10), 'Tornado', 2, datetime(2007-02-01 03:00), 'Wind', 2, datetime(2007-02-01 03:30), 'Hail',
  3, datetime(2007-02-01 00:00), 'Hail', 3, datetime(2007-02-01 20:00), 'Tornado', 3, datetime(2007-02-02 06:00), 'Wind',
  4, datetime(2007-02-01 00:00), 'Tornado', 4, datetime(2007-02-01 00:30), 'Hail',
  5, datetime(2006-12-31 00:00), 'Hail']; Storms`;
const year = 'datetime(2007-01-01), datetime(2008-01-01)';
const start = at('01-01T00:00');

describe('funnel plugins', () => {
  it('funnel_sequence_completion counts how far ids come in each period', async () => {
    expect(
      await rowsOf(`${journeys} | evaluate funnel_sequence_completion(Id, T, ${year}, 365d, Kind,
        dynamic(['Hail', 'Tornado', 'Wind']), dynamic([1h, 4h, 1d]))`),
    ).toEqual([
      [start, 'Hail', '01:00:00', 4],
      [start, 'Tornado', '01:00:00', 1],
      [start, 'Wind', '01:00:00', 1],
      [start, 'Hail', '04:00:00', 4],
      [start, 'Tornado', '04:00:00', 2],
      [start, 'Wind', '04:00:00', 2],
      [start, 'Hail', '1.00:00:00', 4],
      [start, 'Tornado', '1.00:00:00', 3],
      [start, 'Wind', '1.00:00:00', 2],
    ]);
  });

  // Every way to take records in order, tried out.
  it.each([1, 2, 3, 4])('funnel_sequence_completion counts what trying all ways counts (%i)', async (seed) => {
    const sequence = seed % 2 === 0 ? ['a', 'b', 'a'] : ['a', 'b', 'c'];
    const records = Array.from({ length: 60 }, (_record, i) => ({
      id: (i * i * 3 + seed) % 7,
      t: (i * 37 * seed + i * i) % 97,
      s: 'abc'[((i * i * 31 + i * seed * 17) >> 3) % 3] ?? '',
    }));
    const ofId = (id: number): typeof records => records.filter((record) => record.id === id).sort((a, b) => a.t - b.t);
    const reaches = (own: typeof records, from: number, depth: number, start: number, period: number): boolean =>
      depth === 0 ||
      own.some(
        (record, at) =>
          at >= from &&
          record.s === sequence[sequence.length - depth] &&
          (depth === sequence.length || record.t - start <= period) &&
          reaches(own, at + 1, depth - 1, depth === sequence.length ? record.t : start, period),
      );
    const expected = [10, 30].map(
      (period) => [0, 1, 2, 3, 4, 5, 6].filter((id) => reaches(ofId(id), 0, 3, 0, period)).length,
    );
    const cells = records.map(({ id, t, s }) => `${id},${t},'${s}'`).join(',');
    const table = `datatable(id:long, m:long, s:string)[${cells}] | extend t = datetime(2007-01-01) + m * 1m`;
    const [all] = await engine.run(`${table} | evaluate funnel_sequence_completion(id, t, ${year}, 365d, s,
      dynamic(${JSON.stringify(sequence)}), dynamic([10m, 30m]))`);
    const last = ['00:10:00', '00:30:00'].map((period) => {
      const rows = all?.rows.filter((row) => row[2] === period) ?? [];
      return rows.length === 3 ? rows[2]?.[3] : 0;
    });
    expect(last).toEqual(expected);
  });

  it('funnel_sequence_completion looks at each window by itself', async () => {
    expect(
      await rowsOf(`${journeys} | where Id == 3 | evaluate funnel_sequence_completion(Id, T, ${year}, 1d, Kind,
        dynamic(['Tornado', 'Wind']), dynamic([2d]))`),
    ).toEqual([[at('02-01T00:00'), 'Tornado', '2.00:00:00', 1]]);
  });

  it('funnel_sequence gives three tables', async () => {
    const tables = await engine.run(
      `${journeys} | evaluate funnel_sequence(Id, T, ${year}, 1d, 365d, Kind, dynamic(['Tornado']))`,
    );
    expect(tables.map((table) => table.columns.map((column) => column.name))).toEqual([
      ['T', 'prev', 'next', 'dcount', 'samples'],
      ['T', 'prev', 'dcount', 'samples'],
      ['T', 'next', 'dcount', 'samples'],
    ]);
    expect(tables.map((table) => table.rows)).toEqual([
      [
        [start, 'Hail', 'Wind', 2, '[1,3]'],
        [start, 'Flood', 'Wind', 1, '[2]'],
        [start, '', 'Hail', 1, '[4]'],
      ],
      [
        [start, 'Hail', 2, '[1,3]'],
        [start, 'Flood', 1, '[2]'],
        [start, '', 1, '[4]'],
      ],
      [
        [start, 'Wind', 3, '[1,2,3]'],
        [start, 'Hail', 1, '[4]'],
      ],
    ]);
  });

  it('funnel_sequence lets other states stand inside the sequence, within the window', async () => {
    const [table] = await engine.run(
      `${journeys} | evaluate funnel_sequence(Id, T, ${year}, 2h, 365d, Kind, dynamic(['Hail', 'Tornado', 'Wind']))`,
    );
    expect(table?.rows).toEqual([
      [start, '', '', 1, '[1]'],
      [start, '', 'Hail', 1, '[2]'],
    ]);
  });

  it.each([
    'funnel_sequence(Id, T, datetime(2007), datetime(2008), 1d, 365d, Kind, dynamic([]))',
    'preview(1) | count',
  ])('refuses %s', async (call) => {
    await expect(engine.run(`${journeys} | evaluate ${call}`)).rejects.toMatchObject({ code: 'semantic' });
  });
});

describe('preview', () => {
  it('gives some rows and the count of all', async () => {
    const tables = await engine.run('range x from 1 to 5 step 1 | evaluate preview(2)');
    expect(tables.map((table) => table.rows)).toEqual([[[1], [2]], [[5]]]);
  });
});
