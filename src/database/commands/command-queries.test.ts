import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture({});
});
afterAll(() => cluster.close());

describe('a table whose name is a column of the table that a command names', () => {
  it('is the table in the query of the command', async () => {
    await cluster.run('.create tables Log (When: long, n: long), When (t: long, m: long)');
    await cluster.run('.ingest inline into table When <| 1,5\n2,2');
    await cluster.run('.append Log <| When | where m > 3');
    await cluster.run('.append Log <| let least = 3; When | where m < least | project When = t, n = m');
    const tables = await cluster.run('.show tables details | project TableName, TotalRowCount');
    expect(tables).toContainEqual({ TableName: 'Log', TotalRowCount: 2n });
  });

  it('is the table itself', async () => {
    await cluster.run('.create table Same (Same: long)');
    await cluster.run('.ingest inline into table Same <| 1\n5');
    await cluster.run('.create materialized-view V on table Same { Same | summarize count() by Same }');
    await cluster.run('.delete table Same records <| Same | where Same == 1');
    const tables = await cluster.run('.show tables details | project TableName, TotalRowCount');
    expect(tables).toContainEqual({ TableName: 'Same', TotalRowCount: 1n });
    await cluster.run('.drop materialized-view V');
    await cluster.run('.alter table Same policy row_level_security enable "Same | where Same > 3"');
  });
});
