import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const rows = async (text: string): Promise<unknown> => {
  const table = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return 'rows' in table ? table.rows : table;
};

/** By the documentation's list; each over a column that suits it. */
const aggregates = [
  ...['count()', 'countif(n > 2)', 'sum(n)', 'sumif(n, n > 1)', 'min(n)', 'max(t)', 'min(x)', 'avg(n)', 'avg(x)'],
  ...['avg(d)', 'avg(s)', 'avgif(n, n > 1)', 'dcount(n)', 'dcountif(n, n > 1)', 'percentile(n, 50)'],
  ...['percentiles(x, 25, 75)', 'sum(d)', 'sum(x)'],
  ...['make_set(n)', 'make_list(n)'],
];

describe('a materialized view', () => {
  it('is at every moment what its query gives over all of its rows', async () => {
    await cluster.run(
      '.create table T (k: string, t: datetime, n: long, x: real, d: decimal, s: timespan, b: dynamic)',
    );
    const line = (k: string, n: number): string =>
      `${k},2026-01-0${(n % 9) + 1},${n},${n}.5,${n}.25,0.00:00:0${n % 10},"{""k${n}"":${n}}"`;
    const ingest = (...lines: readonly string[]): Promise<unknown> =>
      cluster.run(`.ingest inline into table T <| ${lines.join('\n')}`);
    await ingest(line('before', 1));
    const summary = aggregates
      .map((text, at) => `a${at} = ${text}`)
      .map((text) => text.replace(/^a(\d+) = percentiles/, '(p1, p2) = percentiles'));
    const names = aggregates.flatMap((text, at) => {
      if (text.startsWith('percentiles')) return ['p1', 'p2'];
      return text.startsWith('make_') ? [`a${at} = array_sort_asc(a${at})`] : [`a${at}`];
    });
    const query = `T | summarize ${summary.join(', ')} by k`;
    await cluster.context.data.createMaterializedView({
      ...{ database: 'db', name: 'V', source: 'T', isOverView: false, query },
    });
    await cluster.context.data.createMaterializedView({
      ...{ database: 'db', name: 'W', source: 'T', isOverView: false, query, backfill: {} },
    });
    const compare = async (): Promise<void> => {
      const wanted = (from: string): string => `${from} | project k, ${names.join(', ')} | order by k asc`;
      expect(await rows(wanted('W'))).toEqual(await rows(wanted(query)));
      expect(await rows(wanted('V'))).toEqual(await rows(wanted(query.replace('T |', `T | where k != 'before' |`))));
    };
    await compare();
    await ingest(line('a', 2), line('a', 3), line('b', 4), 'c,,,,,,');
    await compare();
    expect(await cluster.context.data.materialize('db', 'V')).toBe(true);
    expect(cluster.context.data.materializedView('db', 'V').view.failures).toBeUndefined();
    expect(await rows(`materialized_view('V') | count`)).toEqual([[3n]]);
    await compare();
    await ingest(line('a', 1), line('d', 7), line('b', 8));
    await compare();
    expect(await rows(`materialized_view('V') | count`)).toEqual([[3n]]);
    expect(await rows(`materialized_view('V', 0s) | count`)).toEqual([[4n]]);
    await cluster.context.data.maintain();
    expect(await rows(`materialized_view('V') | count`)).toEqual([[4n]]);
    await compare();
    expect(await cluster.context.data.materialize('db', 'V')).toBe(false);
  });
});

describe('a query', () => {
  it('sees a view and its source as they were at one moment, whatever comes while they are opened', async () => {
    await cluster.run('.create table Source (n: long)');
    await cluster.run('.create materialized-view Last on table Source { Source | summarize max(n) by k = n % 1 }');
    await cluster.data.ingest('Source', 'csv', '1', { kind: 'inline' });
    const text = 'let newest = toscalar(Last | project max_n); Source | summarize now = max(n) | extend newest';
    const request = queryRequest(cluster.context, text);
    let count = 1;
    const open: (typeof request)['sources']['open'] = async (...asked) => {
      const opened = await request.sources.open(...asked);
      await cluster.data.ingest('Source', 'csv', String((count += 1)), { kind: 'inline' });
      return opened;
    };
    const table = await readResult(await cluster.engine.execute({ ...request, sources: { open } }));
    expect('rows' in table ? table.rows : table).toEqual([[1n, 1n]]);
    expect(count).toBeGreaterThan(2);
  });
});
