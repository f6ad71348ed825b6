import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readResult } from './command-pipe.ts';
import type { CommandContext } from './command-context.ts';
import { queryRequest } from './query-request.ts';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

const hotOnly = { hotOnly: () => true };
let cluster: CommandFixture;
/** It is 1 January 2026: of the four extents one is of that day. */
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (n: long)');
  for (const [n, on] of ['2025-01-05', '2025-06-05', '2025-12-28'].entries())
    await cluster.run(`.append T with (creationTime='${on}T00:00:00Z') <| print n = ${n}`);
  await cluster.run('.append T <| print n = 9');
});
afterAll(() => cluster.close());

const rows = async (text: string, change: Partial<CommandContext> = hotOnly): Promise<unknown> => {
  const execution = await cluster.engine.execute(queryRequest({ ...cluster.context, ...change }, text));
  try {
    return (await readResult(execution)).rows;
  } finally {
    execution.close();
  }
};
const numbers = async (change?: Partial<CommandContext>): Promise<unknown> =>
  ((await rows('T | order by n asc', change)) as unknown[][]).map(([n]) => Number(n));
const hotExtents = async (): Promise<unknown> => (await cluster.run('.show table T details'))[0]?.['HotExtents'];

describe('a query of what is hot', () => {
  it('leaves out extents that are cold, be they read or counted', async () => {
    expect(await numbers()).toEqual([0, 1, 2, 9]);
    await cluster.run('.alter table T policy caching hot = 7d');
    expect(await numbers()).toEqual([2, 9]);
    expect(await rows('T | count')).toEqual([[2n]]);
    expect(await rows('T | where n == 0 | count')).toEqual([[0n]]);
    expect(await rows('T | summarize min(n), max(n)')).toEqual([[2n, 9n]]);
    expect(await numbers({})).toEqual([0, 1, 2, 9]);
    expect(await hotExtents()).toBe(2n);
    expect(await cluster.run('.set Copy <| T', hotOnly)).toMatchObject([{ RowCount: 2n }]);
  });

  it('has what hot windows make hot, which counts as such', async () => {
    const window = (from: string, to: string): string => `hot_window = datetime(${from}) .. datetime(${to})`;
    await cluster.run(`.alter table T policy caching hot = 1d, ${window('2025-06-01', '2025-07-01')}`);
    expect(await numbers()).toEqual([1, 9]);
    expect(await hotExtents()).toBe(2n);
    expect((await cluster.run('.show table T extents hot')).length).toBe(2);
    await cluster.run(
      `.alter table T policy caching hot = 1d, ${window('2025-06-01', '2025-06-05')}, ${window('2025-01-05', '2025-01-06')}`,
    );
    expect(await numbers()).toEqual([0, 9]);
  });

  it('sees of a materialized view what is hot of it, and of its source', async () => {
    await cluster.run('.alter table T policy caching hot = 7d');
    await cluster.run(
      '.create async materialized-view with (backfill=true) V on table T { T | summarize count() by n }',
    );
    await cluster.settle();
    expect(await rows('V | count')).toEqual([[4n]]);
    await cluster.run('.alter materialized-view V policy caching hot = 0d');
    expect(await rows('V | count')).toEqual([[0n]]);
    expect(await rows('V | count', {})).toEqual([[4n]]);
  });
});
