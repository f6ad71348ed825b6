import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { until } from '../../../tests/support/until.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { MemoryBlobStore } from '../../storage/memory/memory-blob-store.ts';
import { readResult } from './command-pipe.ts';
import { queryRequest } from './query-request.ts';

/** As a container that takes connections and answers nothing, from `hang` until `answer`. */
class SilentBlobs extends MemoryBlobStore {
  #hung: Promise<void> | undefined;
  #answer = (): void => undefined;
  /** Requests that wait. */
  waiting = 0;

  hang(): void {
    this.#hung = new Promise((resolve) => (this.#answer = resolve));
  }

  answer(): void {
    this.#hung = undefined;
    this.#answer();
  }

  override async write(name: BlobName, pieces: AsyncIterable<Uint8Array>): Promise<{ readonly length: number }> {
    await this.#asked();
    return super.write(name, pieces);
  }

  override async readInto(name: BlobName, offset: number, target: Uint8Array): Promise<number> {
    await this.#asked();
    return super.readInto(name, offset, target);
  }

  override async *list(prefix: string): ReturnType<MemoryBlobStore['list']> {
    await this.#asked();
    yield* super.list(prefix);
  }

  /** Without being asked over the wire. */
  all(prefix: string): ReturnType<MemoryBlobStore['list']> {
    return super.list(prefix);
  }

  async #asked(): Promise<void> {
    this.waiting += 1;
    await this.#hung;
    this.waiting -= 1;
  }
}

const blobs = new SilentBlobs();
let isLost = false;
let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture({
    ...{ blobs, cacheBytesMax: 0 }, // so that each query of an extent asks for its blob
    wrapStore: (store) => ({
      ...{ load: store.load.bind(store), get: store.get.bind(store), beside: store.beside.bind(store) },
      commit: (...given) => (isLost ? Promise.reject(new Error('lost')) : store.commit(...given)),
    }),
  });
  await cluster.run('.create tables T (n: long), Small (n: long)');
  await cluster.run('.alter table Small policy streamingingestion enable');
  await cluster.run('.set-or-append T <| range n from 1 to 100 step 1');
  await cluster.data.ingest('Small', 'csv', '1\n2\n');
});
afterAll(() => cluster.close());

const query = async (text: string) =>
  (await readResult(await cluster.engine.execute(queryRequest(cluster.context, text)))).rows;
const names = async (): Promise<readonly string[]> => {
  const found: string[] = [];
  for await (const { name } of blobs.all('')) found.push(name);
  return found;
};
const under = () => cluster.run('.show operations | where State == "InProgress" | project Operation, OperationId');

describe('while the store of extents answers nothing', () => {
  it('whatever needs none of them is answered, and says what is under way', async () => {
    blobs.hang();
    const appended = cluster.run('.set-or-append T <| range n from 101 to 200 step 1');
    const [behind] = await cluster.run('.set-or-append async T <| range n from 201 to 300 step 1');
    const read = query('T | summarize sum(n)');
    const collected = (await cluster.data.data()).maintain();
    await until(() => blobs.waiting === 4);
    const shown = await under();
    expect(shown.map(({ Operation: operation }) => operation)).toEqual(['TableSetOrAppend', 'TableSetOrAppend']);
    expect(shown.map(({ OperationId: id }) => id)).toContain(behind?.['OperationId']);
    expect(await cluster.run('.show tables | project TableName')).toHaveLength(2);
    expect(await cluster.run('.show table T details | project TotalRowCount')).toEqual([{ TotalRowCount: 100n }]);
    expect(await cluster.run('.show table T extents | project RowCount')).toEqual([{ RowCount: 100n }]);
    expect(await query('print 1')).toEqual([[1n]]);
    expect(await query('Small | count')).toEqual([[2n]]);
    expect(await cluster.data.ingest('Small', 'csv', '3\n')).toMatchObject({ rowCount: 1 });
    await cluster.run('.create table Other (n: long)');
    expect(await query('Small | summarize sum(n)')).toEqual([[6n]]);
    await cluster.data.changeCustody();
    expect(await under()).toHaveLength(2);
    blobs.answer();
    expect(await appended).toMatchObject([{ RowCount: 100n }]);
    await Promise.all([cluster.settle(), collected]);
    expect(await read).toEqual([[5_050n]]);
    expect(await under()).toEqual([]);
    expect(await query('T | count')).toEqual([[300n]]);
  });

  it('whoever stops to wait for it is answered at once, and nothing of it stays', async () => {
    blobs.hang();
    const gone = new AbortController();
    const appended = cluster.run('.set-or-append T <| range n from 1 to 7 step 1', { signal: gone.signal });
    const ingested = cluster.run('.ingest inline into table T <|\n8', { signal: gone.signal });
    const [behind] = await cluster.run('.set-or-append async T <| range n from 9 to 10 step 1');
    await until(() => blobs.waiting === 3);
    gone.abort(new KqlError('cancelled', 'The client is gone.'));
    const told = await Promise.allSettled([appended, ingested]);
    expect(told.map((one) => one.status === 'rejected' && String(one.reason))).toEqual([
      expect.stringContaining('The client is gone.'),
      expect.stringContaining('The client is gone.'),
    ]);
    expect(await cluster.run(`.cancel operation ${String(behind?.['OperationId'])}`)).toMatchObject([
      { CancellationState: 'Cancelled successfully' },
    ]);
    await cluster.settle();
    expect(await under()).toEqual([]);
    const before = await names();
    blobs.answer();
    await until(() => blobs.waiting === 0);
    await until(async () => (await names()).length === before.length);
    expect(await query('T | count')).toEqual([[300n]]);
  });

  it('the catalog is opened anew where nobody knows what was stored', async () => {
    const before = cluster.data.holder();
    blobs.hang();
    const read = query('T | summarize sum(n)');
    await until(() => blobs.waiting > 0);
    isLost = true;
    await expect(cluster.run('.create table Lost (n: long)')).rejects.toThrow('lost');
    isLost = false;
    const data = await before.data();
    expect(data.broken).toBe(false);
    blobs.answer();
    await read.catch(() => undefined); // its file was closed meanwhile
  });
});
