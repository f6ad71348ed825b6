import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { readResult } from './command-pipe.ts';
import { queryRequest } from './query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (k: string, t: datetime, n: long)');
  await cluster.run('.create table Dim (k: string, label: string)');
  await cluster.run('.ingest inline into table T <| a,2026-01-01,1');
});
afterAll(() => cluster.close());

const create = (text: string): Promise<unknown> => cluster.run(`.create materialized-view ${text}`);

const shownOfV2 = (what: string): string => `.show materialized-view V2 ${what}`;

describe('commands of materialized views', () => {
  it('make a view, show it, change what is said of it, and drop it', async () => {
    const [made] = await cluster.run('.create materialized-view V on table T { T | summarize count() by k }');
    expect(made).toMatchObject({
      ...{ Name: 'V', SourceTable: 'T', Query: 'T | summarize count() by k', IsEnabled: true, IsHealthy: true },
      ...{ Lookback: null, AutoUpdateSchema: false, LastRun: null, LastRunResult: '' },
    });
    expect(await cluster.run('.show materialized-view V')).toEqual([made]);
    expect(await cluster.run('.show materialized-views')).toEqual([made]);
    for (const async of ['', 'async '])
      expect(await cluster.run(`.create ${async}ifnotexists materialized-view V on table T { T | count }`)).toEqual([
        made,
      ]);
    expect(await cluster.run('.show materialized-view V | project Name')).toEqual([{ Name: 'V' }]);
    expect((await cluster.run('.alter materialized-view V docstring "d"'))[0]).toMatchObject({ DocString: 'd' });
    expect((await cluster.run('.alter materialized-view V folder @"a\\b"'))[0]).toMatchObject({ Folder: 'a\\b' });
    expect((await cluster.run('.disable materialized-view V'))[0]).toMatchObject({ IsEnabled: false });
    await expect(cluster.run('.disable materialized-view V')).rejects.toThrow('already disabled');
    expect((await cluster.run('.enable materialized-view V'))[0]).toMatchObject({ IsEnabled: true });
    expect((await cluster.run('.rename materialized-view V to V2'))[0]).toMatchObject({ Name: 'V2' });
    expect(await cluster.run('.show materialized-view V2 cslschema')).toEqual([
      { TableName: 'V2', Schema: 'k:string,count_:long', DatabaseName: 'db', Folder: 'a\\b', DocString: 'd' },
    ]);
    expect(await cluster.run('.show materialized-view V2 schema as csl')).toMatchObject([{ TableName: 'V2' }]);
    expect((await cluster.run('.show materialized-view V2 details'))[0]).toMatchObject({ TotalRowCount: 0n });
    expect(await cluster.run('.drop materialized-view V2')).toEqual([]);
    expect(await cluster.run('.drop materialized-view V2 ifexists')).toEqual([]);
    for (const text of ['.drop materialized-view V2', ...['details', 'extents', 'failures'].map(shownOfV2)])
      await expect(cluster.run(text), text).rejects.toMatchObject({ code: 'ViewNotFound' });
  });

  it('fill a view with what is there only when asked to, in one operation', async () => {
    const [started] = await cluster.run(
      '.create async materialized-view with (backfill=true, docString="x") B on table T { T | summarize sum(n) by k }',
    );
    await cluster.settle();
    expect(await cluster.run(`.show operations ${String(started?.['OperationId'])} | project State`)).toEqual([
      { State: 'Completed' },
    ]);
    expect((await cluster.run('.show materialized-view B extents'))[0]).toMatchObject({ RowCount: 1n });
    await expect(create('with (backfill=true) B2 on table T { T | summarize sum(n) by k }')).rejects.toThrow('async');
    const cleared = await cluster.run('.clear materialized-view B data');
    expect(cleared).toMatchObject([{ TableName: '_MV_B' }]);
    expect(await cluster.run('.show materialized-view B extents')).toEqual([]);
  });

  it('fill a view with the extents of a table, which loses them', async () => {
    const query = 'S | summarize arg_max(t, *) by k';
    await cluster.run('.create tables S (k: string, t: datetime, n: long), Prepared (t: datetime, k: string, n: long)');
    await cluster.run('.ingest inline into table Prepared <| 2026-01-01,a,1\n2026-01-01,b,2');
    const made = async (text: string): Promise<unknown> => {
      const [started] = await cluster.run(`.create async materialized-view ${text}`);
      await cluster.settle();
      const [operation] = await cluster.run(`.show operations ${String(started?.['OperationId'])}`);
      return operation?.['State'] === 'Completed' ? 'Completed' : operation?.['Status'];
    };
    const count = async (text: string): Promise<unknown> => {
      const request = queryRequest(cluster.context, `${text} | count`);
      return (await readResult(await cluster.engine.execute(request))).rows[0]?.[0];
    };
    for (const [aggregate, why] of [
      ['avg(n)', 'keeps more than they give'],
      ['arg_max(t, n), count()', 'the table has the columns'],
    ] as const)
      expect(
        await made(`with (move_extents_from=Prepared) Moved on table S { S | summarize ${aggregate} by k }`),
      ).toContain(why);
    expect(await count('Prepared')).toBe(2n);
    expect(await made(`with (move_extents_from = Prepared, docString="d") Moved on table S { ${query} }`)).toBe(
      'Completed',
    );
    expect(await count('Prepared')).toBe(0n);
    expect(await count('Moved | where n in (1, 2)')).toBe(2n);
    await cluster.run('.ingest inline into table S <| a,2026-01-02,3');
    expect(await count('Moved | where n in (2, 3)')).toBe(2n);
    await cluster.context.data.maintain();
    expect(await count("materialized_view('Moved') | where n in (2, 3)")).toBe(2n);

    await cluster.run('.ingest inline into table Prepared <| 2026-01-01,c,5');
    const past = 'source_ingestion_time_from=datetime(2020-01-01)';
    const late = 'effectiveDateTime=datetime(2100-01-01)';
    expect(await made(`with (move_extents_from=['Prepared'], ${past}, ${late}) Both on table S { ${query} }`)).toBe(
      'Completed',
    );
    expect(await count('Prepared')).toBe(1n);
    expect(await count('Both | where k == "a" and n == 3')).toBe(1n);
    expect(await count('Both')).toBe(1n);
  });

  it.each([
    ['with (move_extents_from=T, backfill=true)', 'exclude each other'],
    ['with (source_ingestion_time_from=datetime(2020-01-01))', "needs 'move_extents_from'"],
    ['with (Concurrency=2)', "needs 'backfill'"],
    ['with (backfill=true, MaxSourceRecordsForSingleIngest=0)', 'at least 1'],
    ['with (move_extents_from=T, updateExtentsCreationTime=true)', "needs 'backfill'"],
  ])('refuse the properties %s', async (properties, why) => {
    const text = `.create async materialized-view ${properties} X on table T { T | summarize count() by k }`;
    await expect(cluster.run(text)).rejects.toThrow(why);
  });

  it('take properties that divide the work of a backfill, which is one commit here', async () => {
    const properties = 'backfill=true, MaxSourceRecordsForSingleIngest=3000000, Concurrency=2';
    const [started] = await cluster.run(
      `.create async materialized-view with (${properties}) Divided on table T { T | summarize count() by k }`,
    );
    await cluster.settle();
    expect(await cluster.run(`.show operations ${String(started?.['OperationId'])} | project State`)).toEqual([
      { State: 'Completed' },
    ]);
  });

  it('enable a view that would show what its source hides only when asked to', async () => {
    await cluster.run('.create table Hidden (k: string, n: long)');
    await create('Open on table Hidden { Hidden | summarize take_any(*) by k }');
    await cluster.run('.disable materialized-view Open');
    await cluster.run('.alter materialized-view Open policy row_level_security enable "Open"');
    await cluster.run('.alter table Hidden policy row_level_security enable "Hidden | where n > 1"');
    await cluster.run('.delete materialized-view Open policy row_level_security');
    await expect(cluster.run('.enable materialized-view Open')).rejects.toMatchObject({ code: 'InvalidView' });
    const allowed = 'with (allowMaterializedViewsWithoutRowLevelSecurity=true)';
    expect(await cluster.run(`.enable materialized-view Open ${allowed}`)).toMatchObject([{ IsEnabled: true }]);
  });

  it('may count what their source hides, and show it only when asked to', async () => {
    await cluster.run('.create table Veiled (k: string, n: long)');
    const secure = '.alter table Veiled policy row_level_security enable';
    await cluster.run(`${secure} "Veiled | where n > 1"`);
    await create('Counts on table Veiled { Veiled | summarize count() by k }');
    for (const picked of ['take_any(*)', 'arg_max(n, *)', 'arg_min(n, *)'])
      await expect(create(`Shows on table Veiled { Veiled | summarize ${picked} by k }`)).rejects.toThrow(
        'unless allowMaterializedViewsWithoutRowLevelSecurity is set',
      );
    const allowed = 'with (allowMaterializedViewsWithoutRowLevelSecurity=true)';
    await cluster.run(
      `.create materialized-view ${allowed} Shows on table Veiled { Veiled | summarize take_any(*) by k }`,
    );
    await expect(cluster.run(`${secure} "Veiled | where n > 2"`)).rejects.toMatchObject({ code: 'InvalidPolicy' });
    expect(await cluster.run(`${secure} ${allowed} "Veiled | where n > 2"`)).toHaveLength(1);
    await expect(cluster.run(`${secure} with (other=true) "Veiled"`)).rejects.toThrow("'other' is not supported");
  });

  it.each([
    ['T | summarize count()', "must have a 'by' clause"],
    ['T | where n > 1', "must end with one 'summarize'"],
    ['T | summarize a = count() by k | extend b = a', "must end with one 'summarize'"],
    ['T | summarize a = sum(n) / count() by k', 'is not supported in materialized views'],
    ['T | summarize stdev(n) by k', "'stdev' is not supported in materialized views"],
    ['T | sort by n | summarize count() by k', "operator 'sort'"],
    ['T | top 3 by n | summarize count() by k', "operator 'top'"],
    ['T | where t > ago(1d) | summarize count() by k', "function 'ago'"],
    ['T | join Dim on k | summarize count() by k', 'dimensionTables'],
    ['T | summarize n = max(n) by k | summarize count() by n', "exactly one 'summarize'"],
    ['Dim | summarize count() by k', 'neither its source'],
  ])('refuse the query %s', async (query, why) => {
    await expect(create(`X on table T { ${query} }`)).rejects.toMatchObject({
      code: 'InvalidView',
      message: expect.stringContaining(why) as string,
    });
  });

  it('keep row level security of a source from being set where a view of its rows has none', async () => {
    await cluster.run('.create table Secret (k: string, n: long)');
    await create('Shown on table Secret { Secret | summarize take_any(*) by k }');
    const secure = '.alter table Secret policy row_level_security enable "Secret | where n > 1"';
    await expect(cluster.run(secure)).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await cluster.run('.alter materialized-view Shown policy row_level_security enable "Shown | where n > 1"');
    await cluster.run(secure);
    await expect(create('Other on table Secret { Secret | summarize arg_max(n, *) by k }')).rejects.toThrow(
      'row level',
    );
  });

  it('set policies that are shown like those of tables', async () => {
    await create('P on table T { T | summarize arg_max(t, *) by k }');
    for (const [policy, value] of [
      ['caching', 'hot = 7d'],
      ['retention', `'{"SoftDeletePeriod": "30.00:00:00"}'`],
      ['merge', '```{"RowCountUpperBoundForMerge": 0}```'],
      ['row_level_security', 'enable "P | where n > 1"'],
    ] as const) {
      const [set] = await cluster.run(`.alter materialized-view P policy ${policy} ${value}`);
      expect(set).toMatchObject({ EntityName: '[db].[P]', EntityType: 'MaterializedView' });
      expect(await cluster.run(`.show materialized-view P policy ${policy}`)).toEqual([set]);
      expect((await cluster.run(`.delete materialized-view P policy ${policy}`))[0]).toMatchObject({ Policy: 'null' });
    }
  });
});
