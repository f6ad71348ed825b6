import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { kqlScriptOf } from './kql-script.ts';

let cluster: CommandFixture;

beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

it('a script makes the same database again, and runs twice', async () => {
  for (const command of [
    `.create table ['a b'] (n: long, ['x y']: dynamic) with (docstring="It's \\"one\\"", folder="f")`,
    '.create table Log (When: datetime, Level: string)',
    `.alter-merge table Log column-docstrings (Level: "how bad")`,
    '.create function Zero() { 0 }',
    '.create function Calls() { Zero() + 1 }',
    `.create table Log ingestion csv mapping "M" '[{"column":"Level","Ordinal":1}]'`,
    `.alter table Log policy retention '{"SoftDeletePeriod": "30.00:00:00"}'`,
    '.alter table Log policy caching hot = 7d',
    '.alter database db policy caching hot = 36h',
    '.create materialized-view V on table Log { Log | summarize count() by Level }',
    `.create entity_group Both (cluster('c').database('D'))`,
    `.add table Log ingestors ('aadapp=load;example.com')`,
    `.alter database db policy managed_identity '[{"ObjectId": "system", "AllowedUsages": "NativeIngestion"}]'`,
  ])
    await cluster.run(command);
  const script = await kqlScriptOf(cluster.run, 'db');
  expect(script.search(/function .*Zero\(/)).toBeGreaterThan(0);
  expect(script.search(/function .*Zero\(/)).toBeLessThan(script.search(/function .*Calls\(/));
  await cluster.run(script);
  expect(await kqlScriptOf(cluster.run, 'db')).toBe(script);
  for (const command of [
    '.drop materialized-view V',
    '.drop entity_group Both',
    '.drop function Calls',
    '.drop function Zero',
    '.drop table Log',
    `.drop table ['a b']`,
  ])
    await cluster.run(command);
  expect(await kqlScriptOf(cluster.run, 'db')).not.toBe(script);
  await cluster.run(script);
  expect(await kqlScriptOf(cluster.run, 'db')).toBe(script);
  expect(script).toContain('how bad');
  expect(script).toContain('policy caching hot');
  for (const kept of ['create-or-alter materialized-view V', 'entity_group Both']) expect(script).toContain(kept);
  for (const left of ['.add ', 'managed_identity']) expect(script).not.toContain(left);
});

it('external tables are comments: what proves access to them is to be filled in', async () => {
  const rows = [
    '.create-merge table T (A:long)',
    '.create-or-alter external table E (A:long) kind=storage dataformat=csv (h@"https://a.blob.core.windows.net/b;*******")',
  ].map((DatabaseSchemaScript) => ({ DatabaseSchemaScript }));
  const script = await kqlScriptOf(() => Promise.resolve(rows), 'db');
  const line = script.split('\n').find((one) => one.includes('external table'));
  expect(line).toMatch(/^\/\/ \.create-or-alter external table E /);
  expect(script).toContain('\n.create-merge table T');
});
