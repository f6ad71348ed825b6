import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from '../commands/command-pipe.ts';
import { queryRequest } from '../commands/query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.data.table('T', { n: 'long', d: 'dynamic' });
  for (const n of [1, 100]) await cluster.data.ingest('T', 'csv', row(n), { kind: 'inline' });
});
afterAll(() => cluster.close());

const row = (n: number): string => `${n},"{""k"":${n}}"`;

/** Between the moments that a query opens a table, something happens. */
async function rowsOf(text: string, between: () => Promise<unknown>): Promise<[rows: string, opened: number]> {
  const request = queryRequest({ ...cluster.context, data: await cluster.data.data() }, text);
  let opened = 0;
  const happening = async <T>(opening: Promise<T>): Promise<T> => {
    const table = await opening;
    opened += 1;
    await between();
    return table;
  };
  const execution = await cluster.engine.execute({
    ...request,
    sources: { open: (database, table, uses) => happening(request.sources.open(database, table, uses)) },
  });
  return [(await readResult(execution)).rows.map((values) => values.join()).join(' '), opened];
}

// The binder refuses k at first: the part of the query that tells it reads fewer rows of the table than all of it.
const text = `let U = T | where n < 10 | partition by n (evaluate bag_unpack(d)) | where k > 0;
  union (U | summarize n = sum(n)), (T | where n > 50 | summarize n = sum(n)) | sort by n asc`;

it('columns that depend on data leave a query at one moment of its tables, of which it turns out to read more', async () => {
  const answer = await rowsOf(text, () =>
    cluster.data.ingest('T', 'csv', `${row(2)}\n${row(200)}`, { kind: 'inline' }),
  );
  expect(answer).toEqual(['1 100', 1]);
});

it('a query whose moment is gone begins anew', async () => {
  const data = await cluster.data.data();
  for (let n = 20; n < 40; n += 1) await cluster.data.ingest('T', 'csv', row(n), { kind: 'inline' });
  const answer = await rowsOf(text, async () => {
    for (let times = 0; times < 3; times += 1) await data.maintain(); // merges extents
  });
  expect(answer).toEqual(['3 300', 2]);
  expect(data.extents('db', 'T')).toHaveLength(1);
});
