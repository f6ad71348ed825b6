import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (n: long)');
  await cluster.run('.alter table T policy streamingingestion enable');
});
afterAll(() => cluster.close());

const rows = async (text: string): Promise<readonly (readonly unknown[])[]> => {
  const { rows: found } = await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)));
  return found;
};

it('cursors give every row once, through merges and flushes, though the clock stands still', async () => {
  const seen: unknown[] = [];
  let cursor = '';
  let next = 0;
  for (let round = 0; round < 12; round += 1) {
    for (let count = 0; count < round % 3; count += 1) {
      const value = (next += 1);
      if (value % 2 === 0) await cluster.run(`.ingest inline into table T <| ${value}`);
      else await cluster.data.ingest('T', 'csv', `${value}\n`, { kind: 'streaming' });
    }
    if (round % 4 === 3) await cluster.context.data.maintain();
    const found = await rows(`T | where cursor_after('${cursor}') | project n, c = cursor_current() | sort by n asc`);
    seen.push(...found.map(([n]) => n));
    const [[current]] = (await rows('print cursor_current()')) as [[string]];
    // Nothing came between: what was seen is what there is up to now.
    for (const [, at] of found) expect(at).toBe(current);
    expect(await rows(`T | where cursor_before_or_at('${current}') | count`)).toEqual([[BigInt(next)]]);
    cursor = current;
  }
  expect(seen).toEqual(Array.from({ length: next }, (_, index) => BigInt(index + 1)));
  expect(await rows("T | where not(cursor_before_or_at('')) | count")).toEqual([[BigInt(next)]]);
});

it('what comes while a query runs is left to the next one', async () => {
  const request = queryRequest(cluster.context, "T | where cursor_after('') | count");
  const before = await readResult(await cluster.engine.execute(request));
  await cluster.run('.ingest inline into table T <| 1000');
  expect((await readResult(await cluster.engine.execute(request))).rows).toEqual(before.rows);
});
