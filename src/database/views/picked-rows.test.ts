import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table Dim (k: string, label: string)');
  await cluster.run('.ingest inline into table Dim <| a,first\nb,second');
});
afterAll(() => cluster.close());

const rows = async (text: string): Promise<readonly (readonly unknown[])[]> => {
  const { rows: found } = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return found;
};

const columns = '(k: string, t: datetime, n: long, s: string, b: dynamic)';
const line = (k: string, day: number | '', n: number | '', s: string, b = ''): string =>
  `${k},${day === '' ? '' : `2026-01-0${day}`},${n},${s},"${b.replaceAll('"', '""')}"`;
/** Ingested one after the other; what each part changes has to be seen at once. */
const parts: readonly (readonly string[])[] = [
  [line('a', 2, 2, 'two', '[1,[2]]'), line('b', 1, 7, '', '{"x":1}')],
  [line('a', 3, 3, '', '[3]'), line('c', '', '', 'none'), line('b', 4, '', 'late', '{"y":2}')],
  [line('a', 1, 9, 'old'), line('c', 5, 1, 'now', '{"x":3,"z":4}'), line('d', '', 4, 'd')],
];

/** Each picks rows that no other row ties with, or combines all of them. */
describe.each([
  ['arg_max(t, *)', 't, n, s, b'],
  ['arg_min(t, *)', 't, n, s, b'],
  ['arg_max(n, s, t)', 'n, s, t'],
  ['m = arg_max(n, s, t), c = count()', 'm, s, t, c'],
  ['(lo, los) = arg_min(n, s), (hi, his) = arg_max(n, s)', 'lo, los, hi, his'],
  ['w = take_anyif(n, s == "now" or n > 8)', 'w'],
  ['l = make_list(b)', 'l = array_sort_asc(l)'],
  ['l = make_set(b)', 'l = array_sort_asc(l)'],
  ['g = make_bag(b)', 'x = tolong(g.x) > 0, y = tolong(g.y), z = tolong(g.z)'],
  ['h = hll(n), q = tdigest(n)', 'h = dcount_hll(h), q = tostring(percentile_tdigest(q, 50))'],
])('a materialized view of %s', (summary, shown) => {
  it('is at every moment what its query gives', async () => {
    await cluster.run('.drop table P ifexists');
    await cluster.run(`.create table P ${columns}`);
    const query = `P | summarize ${summary} by k`;
    await cluster.run(`.create materialized-view V on table P { ${query} }`);
    const compare = async (): Promise<void> => {
      const wanted = (from: string): string => `${from} | project k, ${shown} | order by k asc`;
      expect(await rows(wanted('V'))).toEqual(await rows(wanted(query)));
    };
    for (const part of parts) {
      await cluster.run(`.ingest inline into table P <| ${part.join('\n')}`);
      await compare();
      await cluster.context.data.materialize('db', 'V');
      await compare();
    }
    expect(await rows("materialized_view('V') | count")).toEqual([[4n]]);
    await cluster.run('.drop materialized-view V');
  });
});

it('a view over a view, and one with a dimension table, follow their sources', async () => {
  await cluster.run(`.create table Q ${columns}`);
  await cluster.run('.create materialized-view Once on table Q { Q | summarize take_any(*) by k, n }');
  await cluster.run(
    '.create materialized-view Sums on materialized-view Once { Once | summarize total = sum(n) by k }',
  );
  await cluster.run(
    '.create materialized-view with (dimensionTables=dynamic(["Dim"])) Named on table Q { Q | lookup Dim on k | summarize c = count() by label }',
  );
  const twice = [line('a', 1, 5, 'x'), line('b', 1, 6, 'x')].join('\n');
  const compare = async (): Promise<void> => {
    expect(await rows('Sums | sort by k asc')).toEqual([
      ['a', 5n],
      ['b', 6n],
    ]);
    expect(await rows('Named | sort by label asc')).toEqual(
      await rows('Q | lookup Dim on k | summarize c = count() by label | sort by label asc'),
    );
  };
  for (let time = 0; time < 3; time += 1) {
    await cluster.run(`.ingest inline into table Q <| ${twice}`);
    await compare();
    for (const view of ['Once', 'Sums', 'Named']) await cluster.context.data.materialize('db', view);
    await compare();
  }
});

describe('a view with autoUpdateSchema', () => {
  const materialize = (view: string) => cluster.context.data.materialize('db', view);
  const columnsOf = async (view: string): Promise<unknown> => {
    const [row] = await cluster.run(`.show materialized-view ${view} cslschema`);
    return row?.['Schema'];
  };

  it('has the columns that its source gets and loses, and no other view has', async () => {
    await cluster.run('.create table Grows (k: string, n: long, old: string)');
    const made = (name: string, auto: boolean) =>
      cluster.run(
        `.create materialized-view with (autoUpdateSchema=${auto}) ${name} on table Grows { Grows | summarize arg_max(n, *) by k }`,
      );
    await made('Follows', true);
    await made('Stays', false);
    await cluster.run('.ingest inline into table Grows <| a,1,x\nb,1,y');
    for (const view of ['Follows', 'Stays']) await materialize(view);
    await cluster.run('.alter-merge table Grows (more: long)');
    expect([await materialize('Follows'), await materialize('Follows'), await materialize('Stays')]).toEqual([
      true,
      false,
      false,
    ]);
    expect(await columnsOf('Follows')).toBe('k:string,n:long,old:string,more:long');
    expect(await columnsOf('Stays')).toBe('k:string,n:long,old:string');
    expect(await rows('Follows | project k, n, more | sort by k asc')).toEqual([
      ['a', 1n, null],
      ['b', 1n, null],
    ]);
    await cluster.run('.ingest inline into table Grows <| a,2,z,7');
    const newest = [
      ['a', 2n, 7n],
      ['b', 1n, null],
    ];
    expect(await rows('Follows | project k, n, more | sort by k asc')).toEqual(newest);
    await materialize('Follows');
    expect(await rows('Follows | project k, n, more | sort by k asc')).toEqual(newest);
    await cluster.run('.drop column Grows.old');
    await materialize('Follows');
    expect(await columnsOf('Follows')).toBe('k:string,n:long,more:long');
    expect(await rows('Follows | project k, n, more | sort by k asc')).toEqual(newest);
  });

  it('is disabled when its query means nothing any more', async () => {
    await cluster.run('.create table Breaks (k: string, n: long)');
    await cluster.run(
      '.create materialized-view with (autoUpdateSchema=true) Broken on table Breaks { Breaks | summarize arg_max(n, *) by k }',
    );
    await materialize('Broken');
    await cluster.run('.rename column Breaks.k to other');
    await materialize('Broken');
    expect(await cluster.run('.show materialized-view Broken | project IsEnabled')).toEqual([{ IsEnabled: false }]);
  });
});
