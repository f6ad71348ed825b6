import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { bytesSource } from '../ingest/data-source.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

it('.ingest into answers with a row for each extent that a large source becomes, and keeps the details of each', async () => {
  await cluster.data.table('Large', { a: 'long' });
  const rowCount = 7_000_000;
  const bytes = Buffer.alloc(rowCount * 2, '1\n');
  const run = async (text: string) =>
    cluster.run(text, { data: await cluster.data.data(), sourceOf: (address) => bytesSource(address, bytes) });
  const answer = await run(".ingest into table Large (h'https://a/large.csv') with (persistDetails=true)");
  expect(answer.length).toBeGreaterThan(1);
  const extents = (await cluster.data.data()).extents('db', 'Large');
  const ids = (rows: typeof answer): unknown[] => rows.map((row) => row['ExtentId']).sort();
  expect(ids(answer)).toEqual(extents.map(({ extentId }) => extentId).sort());
  const details = await run(`.show operation ${String(answer[0]?.['OperationId'])} details`);
  expect(ids(details)).toEqual(ids(answer));
  expect(details.reduce((sum, row) => sum + Number(row['RowCount']), 0)).toBe(rowCount);
});
