import { expect, it } from 'vitest';
import { openDataFixture } from '../../tests/support/cluster-data-fixture.ts';

const opened = async () => {
  const cluster = await openDataFixture();
  return { ...cluster, [Symbol.asyncDispose]: () => cluster.close() };
};

it('rows that the server records are there once for each request id, whatever comes with it, and need no policy', async () => {
  await using cluster = await opened();
  const data = await cluster.data();
  await data.createTables('db', [{ name: 'T', columns: [{ name: 'n', type: 'long' }] }]);
  const send = (text: string, requestId: string) => cluster.ingest('T', 'csv', text, { kind: 'recorded', requestId });
  expect(await send('1', 'a')).toMatchObject({ repeated: false, extentId: undefined });
  expect(await send('2', 'a')).toMatchObject({ repeated: true });
  await cluster.crash();
  expect(await send('3', 'a')).toMatchObject({ repeated: true });
  expect(await send('3', 'b')).toMatchObject({ repeated: false });
  expect(await cluster.rows('T', 'n')).toEqual([[1n], [3n]]);
});
