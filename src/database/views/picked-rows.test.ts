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
