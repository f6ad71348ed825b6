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
  ])
    await cluster.run(command);
  const script = await kqlScriptOf(cluster.run, 'db');
  expect(script.indexOf('function Zero')).toBeLessThan(script.indexOf('function Calls'));
  await cluster.run(script);
  expect(await kqlScriptOf(cluster.run, 'db')).toBe(script);
  for (const command of ['.drop function Calls', '.drop function Zero', '.drop table Log', `.drop table ['a b']`])
    await cluster.run(command);
  expect(await kqlScriptOf(cluster.run, 'db')).not.toBe(script);
  await cluster.run(script);
  expect(await kqlScriptOf(cluster.run, 'db')).toBe(script);
  expect(script).toContain('how bad');
  expect(script).toContain('policy caching hot');
});
