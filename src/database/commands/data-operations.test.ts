import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Answer, CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { newGuid } from '../../base/new-guid.ts';
import { instant } from '../../clock/clock.ts';
import { DataOperations, dataOperationsOf } from '../catalog/data-operations.ts';
import { CatalogDraft } from '../catalog/catalog-draft.ts';
import { CatalogImage } from '../catalog/image.ts';

let cluster: CommandFixture;
let isFull = false;
beforeAll(async () => {
  cluster = await openCommandFixture({
    wrapStore: (store) => ({
      ...{ load: store.load.bind(store), get: store.get.bind(store), beside: store.beside.bind(store) },
      commit: async (...given) => (isFull ? { outcome: 'full' } : store.commit(...given)),
    }),
  });
  await cluster.run('.create tables T (k: string, n: long), Big (k: string)');
});
afterAll(() => cluster.close());

const show = (pipe = '', change: Parameters<CommandFixture['run']>[1] = {}): Promise<Answer> =>
  cluster.run(`.show data operations ${pipe}`, change);
const shown = (pipe = ''): Promise<Answer> =>
  show(`${pipe} | project OperationKind, Table, RowCount, ExtentCount, Properties`);
const told = (kind: string, table: string, rows: bigint, properties = '') => ({
  ...{ OperationKind: kind, Table: table, RowCount: rows, ExtentCount: 1n, Properties: properties },
});
const day = 24 * 3_600_000;
const inOrder = '| order by Timestamp desc, OperationKind asc';

describe('.show data operations', () => {
  it('tells of each operation that adds extents what it was, by whom, and what came of it, newest first', async () => {
    expect(await show()).toEqual([]);
    await cluster.run(
      `.alter table Big policy update '[{"IsEnabled": true, "Source": "T", "Query": "T | where n > 1 | project k"}]'`,
    );
    await cluster.run('.ingest inline into table T <| a,1\nb,2', { clientRequestId: 'mine' });
    const [update] = await show('| where OperationKind == "UpdatePolicy"');
    expect(update).toMatchObject(told('UpdatePolicy', 'Big', 1n, '{"SourceTable":"T"}'));
    const [ingested] = await show('| where OperationKind == "BatchIngest"');
    const [extent] = await cluster.run('.show table T extents');
    expect(ingested).toEqual({
      ...told('BatchIngest', 'T', 2n, '{"Format":"Csv","NumberOfInputStreams":1}'),
      ...{ Timestamp: expect.any(BigInt) as bigint, Database: 'db', ClientActivityId: 'mine' },
      ...{
        OriginalSize: 7n,
        ExtentSize: BigInt(Number(extent?.['ExtentSize'])),
        TotalCpu: expect.any(BigInt) as bigint,
      },
      ...{ Duration: 0n, Principal: cluster.context.caller.fqn },
    });
    cluster.data.advance(1_000);
    await cluster.run('.alter table Big policy update "[]"');
    await cluster.run('.set-or-append T <| print k = "c", n = 3');
    expect((await shown())[0]).toEqual(told('SetOrAppend', 'T', 1n));
    await cluster.run('.set-or-append T <| print k = "c", n = 3 | take 0');
    expect(await show()).toHaveLength(3);
  });

  it('tells of rows that were streamed when they become an extent, and of what a view takes in', async () => {
    const data = await cluster.data.data();
    await cluster.run('.alter table T policy streamingingestion enable');
    await cluster.run('.create materialized-view V on table T { T | summarize count() by k }');
    await cluster.data.ingest('T', 'csv', 'd,4\n');
    expect(await show()).toHaveLength(3);
    cluster.data.advance(1_000);
    await data.maintain();
    expect(
      await shown('| where OperationKind in ("RowStoreSeal", "MaterializedView") | order by OperationKind'),
    ).toEqual([told('RowStoreSeal', 'T', 1n), told('MaterializedView', 'V', 1n)]);
    await cluster.run('.set stored_query_result S <| T'); // nobody has such a table
    expect(await show()).toHaveLength(5);
  });

  it('shows everybody their own, and the others to those who monitor the database', async () => {
    const nobody = { clusterRoles: [], databases: [{ ...cluster.context.databases[0], name: 'db' }] } as never;
    expect(await show('', nobody)).toHaveLength(3); // of which nobody else was the cause
    const other = { ...cluster.context.caller, fqn: 'aadapp=other;tenant' };
    expect(await show('', { ...(nobody as object), caller: other })).toEqual([]);
  });

  it('has a record when, and only when, its extents were committed', async () => {
    isFull = true;
    await expect(cluster.run('.ingest inline into table T <| e,5')).rejects.toThrow();
    isFull = false;
    const before = await show(inOrder);
    expect(before).toHaveLength(5);
    await cluster.data.crash();
    const context = { data: await cluster.data.data() };
    expect(await show(inOrder, context)).toEqual(before);
  });

  it('forgets what is older than 30 days', async () => {
    const data = await cluster.data.data();
    cluster.data.advance(30 * day - 2_000);
    await data.maintain();
    expect(data.dataOperations().map(({ operation }) => operation)).not.toContain('BatchIngest');
  });

  it('keeps so many of them, the newest', () => {
    const image = new CatalogImage();
    let at = 0;
    const operations = new DataOperations({ image, randomBytes: systemRandomBytes, now: () => instant((at += 1)) });
    const id = newGuid(systemRandomBytes);
    const table = { tableId: id, databaseId: id, name: 'T' } as never;
    const extent = { originalBytes: 0, rowCount: 1, sealed: { length: 1, regions: 1 } } as never;
    for (let made = 0; made < 2_500; made += 1) {
      const [group, own] = [new CatalogDraft(image), new CatalogDraft(image)];
      operations.begin('SetOrAppend')(own, table, [extent]);
      group.merge(own);
      for (const [key, record] of group.changes) image.apply(key, record);
    }
    const kept = dataOperationsOf(image);
    expect(kept.length).toBeGreaterThanOrEqual(2_000);
    expect(kept.length).toBeLessThan(2_200 + 1);
    expect([kept[0]?.at, kept.at(-1)?.at]).toEqual([5_000, 2 * (2_500 - kept.length + 1)]);
  });
});
