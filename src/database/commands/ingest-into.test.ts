import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { DataSource } from '../ingest/data-source.ts';
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

it('.ingest into that waits for its source ends when its operation is canceled', async () => {
  await cluster.data.table('Waits', { a: 'long' });
  let begun: () => void = () => undefined;
  const isReading = new Promise<void>((resolve) => (begun = resolve));
  async function* stream(signal: AbortSignal | undefined): AsyncGenerator<Uint8Array> {
    yield Buffer.from('1\n');
    await new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(new Error('The request was stopped.')));
      begun();
    });
  }
  const sourceOf = (name: string): DataSource => ({
    name,
    open: (signal) => Promise.resolve({ bytes: undefined, stream: stream(signal) }),
  });
  const [asked] = await cluster.run(".ingest async into table Waits (h'https://a/b.csv')", { sourceOf });
  const id = String(asked?.['OperationId']);
  await isReading;
  expect(await cluster.run(`.cancel operation ${id} with (reason = "Too slow")`)).toMatchObject([
    { OperationId: id, Operation: 'DataIngestPull', CancellationState: 'Cancelled successfully' },
  ]);
  await cluster.settle();
  const shown = await cluster.run(`.show operations ${id} | project State, Status`);
  expect(shown).toMatchObject([{ State: 'Canceled', Status: expect.stringContaining('Too slow') as string }]);
  expect(await cluster.data.rows('Waits')).toEqual([]);
});
