import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (a:long)');
  await cluster.run('.create table U (a:long)');
});
afterAll(() => cluster.close());

const policy = async (text: string): Promise<unknown> => JSON.parse(String((await cluster.run(text))[0]?.['Policy']));

describe('policies', () => {
  it('are null on a table until set, and the service default on a database', async () => {
    expect(await cluster.run('.show table T policy retention')).toEqual([
      { PolicyName: 'RetentionPolicy', EntityName: '[db].[T]', Policy: 'null', ChildEntities: '', EntityType: 'Table' },
    ]);
    expect(await policy('.show database db policy retention')).toEqual({
      SoftDeletePeriod: '365000.00:00:00',
      Recoverability: 'Enabled',
    });
    expect(await cluster.run('.show database db policy retention | project ChildEntities, EntityType')).toEqual([
      { ChildEntities: JSON.stringify(['T', 'U'], undefined, 2), EntityType: 'Database' },
    ]);
  });

  it('retention: long form, short form, merged, deleted', async () => {
    expect(
      await policy(`.alter table T policy retention '{"SoftDeletePeriod":"10.00:00:00","Recoverability":"Disabled"}'`),
    ).toEqual({
      SoftDeletePeriod: '10.00:00:00',
      Recoverability: 'Disabled',
    });
    expect(await policy('.alter-merge table T policy retention softdelete = 3d')).toEqual({
      SoftDeletePeriod: '3.00:00:00',
      Recoverability: 'Disabled',
    });
    expect(await policy('.alter-merge table T policy retention recoverability = enabled')).toEqual({
      SoftDeletePeriod: '3.00:00:00',
      Recoverability: 'Enabled',
    });
    await cluster.run('.delete table T policy retention');
    expect(await policy('.show table T policy retention')).toBeNull();
    await expect(cluster.run(`.alter table T policy retention '{"HardDeletePeriod":"1d"}'`)).rejects.toMatchObject({
      code: 'InvalidPolicy',
    });
    await expect(cluster.run(`.alter table T policy retention 'x'`)).rejects.toMatchObject({ code: 'InvalidPolicy' });
  });

  it('caching of a table, of several, of the database', async () => {
    expect(await policy('.alter table T policy caching hot = 36h')).toEqual({
      DataHotSpan: '1.12:00:00',
      IndexHotSpan: '1.12:00:00',
    });
    expect(await cluster.run('.alter tables (T, U) policy caching hot = 2d')).toHaveLength(2);
    expect(await policy('.show table U policy caching')).toEqual({
      DataHotSpan: '2.00:00:00',
      IndexHotSpan: '2.00:00:00',
    });
    await cluster.run('.alter database db policy caching hot = 9d');
    expect(await policy('.show database policy caching')).toMatchObject({ DataHotSpan: '9.00:00:00' });
  });

  it('streaming ingestion: enabled by word and by JSON, and it takes effect', async () => {
    const stream = () => cluster.data.ingest('U', 'csv', '1');
    await expect(stream()).rejects.toMatchObject({ code: 'StreamingDisabled' });
    expect(await policy('.alter table U policy streamingingestion enable')).toEqual({
      IsEnabled: true,
      HintAllocatedRate: null,
    });
    expect(await stream()).toMatchObject({ rowCount: 1 });
    await cluster.run(`.alter-merge table U policy streamingingestion '{"HintAllocatedRate":2.1}'`);
    expect(await policy('.show table U policy streamingingestion')).toEqual({
      IsEnabled: true,
      HintAllocatedRate: 2.1,
    });
  });

  it.each([
    [`.alter table T policy merge '{"AllowMerge": "no"}'`],
    [`.alter table T policy merge '{"MaxExtentsToMerge": -1}'`],
    [`.alter table T policy merge '{"Lookback": {"Kind": "Custom"}}'`],
    [`.alter table T policy sharding '{"MaxRowCount": "many"}'`],
    [`.alter table T policy ingestionbatching '{"MaximumBatchingTimeSpan": 5}'`],
    [`.alter database db policy retention '{"SoftDeletePeriod": "00:00:00"}'`],
  ])('refuse values that cannot be: %s', async (text) => {
    await cluster.run('.create-merge table T (a:long)');
    await expect(cluster.run(text)).rejects.toMatchObject({ code: 'InvalidPolicy' });
  });

  it('merge, batching and sharding are kept as they are', async () => {
    await cluster.run(`.alter table T policy merge '{"MaxExtentsToMerge":100}'`);
    await cluster.run(`.alter-merge table T policy merge '{"AllowRebuild":true}'`);
    expect(await policy('.show table T policy merge')).toEqual({ MaxExtentsToMerge: 100, AllowRebuild: true });
    await cluster.run(`.alter table T policy ingestionbatching @'{"MaximumBatchingTimeSpan":"00:00:30"}'`);
    expect(await policy('.show table T policy ingestionbatching')).toEqual({ MaximumBatchingTimeSpan: '00:00:30' });
    await cluster.run(
      `.alter table T policy ingestionbatching "{'MaximumBatchingTimeSpan': '0:0:10', 'MaximumNumberOfItems': 10000}"`,
    );
    expect(await policy('.show table T policy ingestionbatching')).toMatchObject({
      MaximumBatchingTimeSpan: '0:0:10',
      MaximumNumberOfItems: 10000,
    });
  });

  it('that nobody can set are null and refused by name', async () => {
    expect(await policy('.show table T policy mirroring')).toBeNull();
    await expect(cluster.run('.delete table T policy mirroring')).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining('DeleteTablePolicyMirroring') as string,
    });
  });
});

describe('ingestion mappings', () => {
  const text = `'[{"column":"a","Properties":{"Ordinal":"0"}}]'`;

  it('are created, altered, shown and dropped', async () => {
    await cluster.run(`.create table T ingestion csv mapping "m" ${text}`);
    await expect(cluster.run(`.create table T ingestion csv mapping "m" ${text}`)).rejects.toMatchObject({
      code: 'DuplicateMapping',
    });
    await cluster.run(`.create-or-alter table T ingestion csv mapping "m" ${text}`);
    await expect(cluster.run(`.alter table T ingestion csv mapping "other" ${text}`)).rejects.toMatchObject({
      code: 'MappingNotFound',
    });
    expect(await cluster.run('.show table T ingestion mappings')).toMatchObject([
      { Name: 'm', Kind: 'Csv', Database: 'db', Table: 'T' },
    ]);
    expect(await cluster.run('.show table T ingestion json mappings')).toEqual([]);
    expect(await cluster.run('.show table T ingestion csv mapping "m"')).toHaveLength(1);
    await cluster.run('.drop table T ingestion csv mapping "m"');
    await expect(cluster.run('.show table T ingestion csv mapping "m"')).rejects.toMatchObject({
      code: 'MappingNotFound',
    });
  });

  it('can belong to the database', async () => {
    expect(await cluster.run(`.create database db ingestion csv mapping "d" ${text}`)).toMatchObject([
      { Name: 'd', Database: 'db' },
    ]);
    expect(await cluster.run('.show database db ingestion mappings')).toHaveLength(1);
    expect(await cluster.run('.show ingestion mappings')).toMatchObject([{ Name: 'd', Table: '' }]);
    await cluster.run('.drop database db ingestion csv mapping "d"');
  });
});

describe('functions', () => {
  it('are created, called, altered and dropped', async () => {
    expect(
      await cluster.run(
        '.create function with (docstring="d", folder="f") F(T2:(a:long), n:long = 5) { T2 | where a < n }',
      ),
    ).toEqual([
      { Name: 'F', Parameters: '(T2:(a:long), n:long = 5)', Body: '{ T2 | where a < n }', Folder: 'f', DocString: 'd' },
    ]);
    await expect(cluster.run('.create function F() { T }')).rejects.toMatchObject({ code: 'EntityExists' });
    await cluster.run('.create function ifnotexists F() { T }');
    await cluster.run('.create-or-alter function F(n:long) { print x = n * 2 }');
    await cluster.run('.set-or-append Doubled <| F(21)');
    expect(await cluster.data.rows('Doubled')).toEqual([[42n]]);
    await cluster.run('.alter function F docstring "twice"');
    expect(await cluster.run('.show function F')).toMatchObject([{ DocString: 'twice', Parameters: '(n:long)' }]);
    expect(await cluster.run('.show functions | count')).toEqual([{ Count: 1n }]);
    expect(await cluster.run('.drop function F')).toEqual([{ Name: 'F' }]);
    await expect(cluster.run('.drop function F')).rejects.toMatchObject({ code: 'FunctionNotFound' });
    await cluster.run('.drop function F ifexists');
  });

  it('must be valid, unless that is not to be checked', async () => {
    await expect(cluster.run('.create function G() { Nowhere | take 1 }')).rejects.toMatchObject({ code: 'semantic' });
    await cluster.run('.create function with (skipvalidation=true) G() { Nowhere | take 1 }');
  });
});

describe('.execute database script', () => {
  it('runs commands in order and stops at the first that fails, unless told to go on', async () => {
    const script =
      '.create table S1 (a:long)\n// a comment\n\n.create table S1 (b:string)\n.create-merge table S2\n  (a:long)';
    const results = async (text: string): Promise<unknown> => (await cluster.run(text)).map((row) => row['Result']);
    expect(await results(`.execute database script <|\n${script}`)).toEqual(['Completed', 'Failed', 'Skipped']);
    expect(await results(`.execute database script with (ContinueOnErrors=true) <|\n${script}`)).toEqual([
      'Completed',
      'Failed',
      'Completed',
    ]);
    await expect(cluster.run(`.execute database script with (ThrowOnErrors=true) <|\n${script}`)).rejects.toMatchObject(
      { code: 'EntityExists' },
    );
  });

  it('takes its options as they are documented, and the database for granted', async () => {
    const script = '<|\n.create-merge table S4 (a: long)';
    const results = async (text: string): Promise<unknown> => (await cluster.run(text)).map((row) => row['Result']);
    expect(await results(`.execute script ${script}`)).toEqual(['Completed']);
    for (const [options, why] of [
      ['ContinueOnErrors=true, ThrowOnErrors=true', 'exclude each other'],
      ['ContinueOnErrors=7', 'is true or false'],
      ['Everything=true', 'is not supported'],
    ])
      await expect(cluster.run(`.execute database script with (${options}) ${script}`), options).rejects.toThrow(why);
  });

  it('skips what only reads, and of the cluster runs what is about the cluster', async () => {
    const results = async (text: string): Promise<unknown> => (await cluster.run(text)).map((row) => row['Result']);
    const script =
      '.show tables\n.alter cluster policy caching hot = 11d\n.create table S3 (a: long)\n.disable plugin autocluster';
    expect(await results(`.execute database script <|\n.show tables\n.create-merge table S2 (a: long)`)).toEqual([
      'Skipped',
      'Completed',
    ]);
    expect(await results(`.execute cluster script <|\n${script}`)).toEqual([
      'Skipped',
      'Completed',
      'Failed',
      'Skipped',
    ]);
    expect((await cluster.run('.show cluster policy caching')).map((row) => row['Policy'])[0]).toContain('11.00:00:00');
    expect(await cluster.run('.show tables | where TableName == "S3"')).toEqual([]);
    await expect(cluster.run('.execute cluster script <|\n.show tables', { clusterRoles: [] })).rejects.toThrow(
      'not authorized',
    );
  });
});
