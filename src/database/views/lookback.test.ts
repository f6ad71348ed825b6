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

const rows = async (text: string): Promise<readonly (readonly unknown[])[]> => {
  const { rows: found } = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return found;
};
const hour = 3_600_000;
/** `k` at an hour of the first of January, or without a time. */
const line = (k: string, at: number | '', n: number): string =>
  `${k},${at === '' ? '' : new Date(Date.UTC(2026, 0, 1) + at * hour).toISOString()},${n}`;

/** A view over a table of its own, which rows come into in parts, each seen before and after the view has taken it in. */
async function followed(name: string, summary: string, properties: string) {
  await cluster.run(`.create table ${name} (k: string, t: datetime, n: long)`);
  await cluster.run(
    `.create materialized-view with (${properties}) ${name}View on table ${name} { ${name} | summarize ${summary} by k }`,
  );
  const materialize = () => cluster.context.data.materialize('db', `${name}View`);
  const shown = () => rows(`${name}View | project k, n | sort by k asc, n asc`);
  const take = async (...lines: readonly string[]): Promise<readonly (readonly unknown[])[]> => {
    await cluster.run(`.ingest inline into table ${name} <| ${lines.join('\n')}`);
    const before = await shown();
    await materialize();
    expect(await shown()).toEqual(before);
    expect(await rows(`materialized_view('${name}View') | project k, n | sort by k asc, n asc`)).toEqual(before);
    return before;
  };
  return { take, shown };
}

describe('a lookback by a column', () => {
  it.each([
    ['Latest', 'arg_max(t, *)'],
    ['Any', 'take_any(*)'],
  ])('makes one row of those of a group that are near, and leaves the others: %s', async (name, summary) => {
    const { take } = await followed(name, summary, 'lookback=6h, lookback_column="t"');
    const isAny = summary.startsWith('take_any');
    expect(await take(line('a', 0, 1), line('b', 0, 2), line('far', 100, 3))).toEqual([
      ['a', 1n],
      ['b', 2n],
      ['far', 3n],
    ]);
    // The sixth hour is within it, the one after it is not.
    const second = [
      ['a', isAny ? 1n : 4n],
      ['b', 2n],
      ['far', 3n],
    ];
    expect(await take(line('a', 6, 4))).toEqual(second);
    const third = [['a', isAny ? 1n : 4n], ['b', 2n], ['b', 5n], ...second.slice(2)];
    expect(await take(line('b', isAny ? 7 : 13, 5))).toEqual(third);
    // Rows that come late are near rows that are later.
    expect(await take(line('far', 95, 6))).toEqual(third);
    expect(await take(line('far', 93, 7))).toEqual(
      isAny ? [...third, ['far', 7n]] : [...third.slice(0, -1), ['far', 3n], ['far', 7n]],
    );
  });

  it('compares what has no time with all', async () => {
    const { take } = await followed('Timeless', 'take_any(t, n)', 'lookback=1h, lookback_column="t"');
    expect(await take(line('a', '', 1), line('b', 0, 2))).toEqual([
      ['a', 1n],
      ['b', 2n],
    ]);
    expect(await take(line('a', 50, 3))).toEqual([
      ['a', 1n],
      ['b', 2n],
    ]);
    // No new row has a time: nothing that has one is near.
    expect(await take(line('b', '', 4))).toEqual([
      ['a', 1n],
      ['b', 2n],
      ['b', 4n],
    ]);
  });

  it('is kept of aggregates that combine rows, and not of those whose times are no states', async () => {
    const { take } = await followed('Sums', 't = max(t), n = sum(n)', 'lookback=6h, lookback_column="t"');
    await take(line('a', 0, 1));
    expect(await take(line('a', 6, 2))).toEqual([['a', 3n]]);
    expect(await take(line('a', 13, 4))).toEqual([
      ['a', 3n],
      ['a', 4n],
    ]);
    await expect(followed('Mean', 't = avg(t)', 'lookback=6h, lookback_column="t"')).rejects.toThrow(/average/);
  });
});

describe('a lookback by the time of ingestion', () => {
  it.each([
    ['LatestIn', 'arg_max(t, *)'],
    ['AnyIn', 'take_any(*)'],
    ['Chosen', 'arg_max(t, n)'],
  ])('leaves rows apart that came later than it: %s', async (name, summary) => {
    const { take, shown } = await followed(name, summary, 'lookback=6h');
    const isAny = summary.startsWith('take_any');
    await take(line('a', 1, 1), line('b', 1, 2));
    cluster.data.advance(5 * hour);
    expect(await take(line('a', 2, 3))).toEqual([
      ['a', isAny ? 1n : 3n],
      ['b', 2n],
    ]);
    cluster.data.advance(5 * hour);
    const apart = [
      ['a', isAny ? 1n : 3n],
      ['b', 2n],
      ['b', 5n],
    ];
    // What arg_max took came five hours ago, what take_any kept ten.
    expect(await take(line('a', 0, 3), line('b', 2, 5))).toEqual(
      isAny ? [['a', 1n], ['a', 3n], ...apart.slice(1)] : apart,
    );
    expect(await rows(`${name}View | getschema | where ColumnName startswith '$' | count`)).toEqual([[0n]]);
    await cluster.run(`.alter materialized-view ${name}View lookback timespan(null)`);
    expect(await shown()).toHaveLength(2);
    if (isAny) return; // The rows that it has stay.
    // What is there has no time any more, and is compared with all.
    await cluster.run(`.alter materialized-view ${name}View lookback 1h`);
    cluster.data.advance(50 * hour);
    expect(await take(line('a', 9, 9), line('b', 9, 9))).toEqual([
      ['a', 9n],
      ['b', 9n],
    ]);
  });

  it('is refused where rows do not keep theirs', async () => {
    await cluster.run('.create table Bags (k: string, b: dynamic)');
    await cluster.run('.create materialized-view Plain on table Bags { Bags | summarize take_any(*) by k }');
    const over = (text: string) => cluster.run(`.create materialized-view with (lookback=6h) Other ${text}`);
    await expect(over('on table Bags { Bags | mv-expand b | summarize take_any(*) by k }')).rejects.toThrow(
      /ingestion_time/,
    );
    await expect(over('on materialized-view Plain { Plain | summarize take_any(*) by k }')).rejects.toThrow(
      /over materialized views/,
    );
    await cluster.run(
      '.create materialized-view Expanded on table Bags { Bags | mv-expand b | summarize take_any(*) by k }',
    );
    await expect(cluster.run('.alter materialized-view Expanded lookback 6h')).rejects.toThrow(/ingestion_time/);
  });
});
