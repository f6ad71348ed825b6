import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ClientCall, KustoData } from '../kusto-data/kusto-fixture.ts';
import { databaseName, startKustoData } from '../kusto-data/kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
  for (const text of [
    '.create table Sales (Who:string, Amount:long)',
    '.set-or-append Sales <| print Who = current_principal(), Amount = 1',
    '.ingest inline into table Sales <| aadapp=somebody,2',
    '.create table Plain (Who:string)',
  ])
    expect((await run(text)).failed, text).toBeUndefined();
}, 120_000);
afterAll(() => kusto[Symbol.asyncDispose]());

const run = (text: string) => kusto.call({ call: 'mgmt', database: databaseName, text });

/** Rows of the first result, or the status that it failed with. */
async function rows(text: string, call: ClientCall['call'] = 'query', options = {}): Promise<unknown> {
  const { tables, failed } = await kusto.call({ call, database: databaseName, text, options });
  if (failed !== undefined) return failed.status;
  return tables?.find(({ kind }) => kind === 'PrimaryResult')?.rows;
}

describe('row level security through the official client', () => {
  it('shows rows of the caller alone, in both versions of queries, until it is deleted', async () => {
    const policy = '"Sales | where Who == current_principal()"';
    expect(await rows('Sales | count')).toEqual([[2]]);
    expect((await run(`.alter table Sales policy row_level_security disable ${policy}`)).failed).toBeUndefined();
    expect(await rows('Sales | count')).toEqual([[2]]);
    expect(await rows('Sales | count', 'query', { query_force_row_level_security: true })).toEqual([[1]]);
    const set = await run(`.alter table Sales policy row_level_security enable ${policy}`);
    expect(set.tables?.[0]?.columns.map(({ name }) => name)).toEqual([
      ...['PolicyName', 'EntityName', 'Policy', 'ChildEntities', 'EntityType'],
    ]);
    expect(set.tables?.[0]?.rows[0]?.slice(0, 2)).toEqual(['RowLevelSecurityPolicy', `[${databaseName}].[Sales]`]);
    for (const call of ['query', 'queryV1'] as const) expect(await rows('Sales | count', call)).toEqual([[1]]);
    expect(await rows('search "somebody" | count')).toEqual([[0]]);
    expect((await run('.delete table Sales policy row_level_security')).failed).toBeUndefined();
    expect(await rows('Sales | count')).toEqual([[2]]);
  });

  it('refuses a query that is none of such a table', async () => {
    const { failed } = await run('.alter table Sales policy row_level_security enable "Plain"');
    expect(failed).toMatchObject({ status: 400 });
    expect(JSON.stringify(failed)).toContain('gives other columns');
  });
});

describe('a restricted view access policy', () => {
  it('keeps administrators out until they are unrestricted viewers', async () => {
    expect((await run('.alter table Plain policy restricted_view_access true')).failed).toBeUndefined();
    expect(await rows('Plain')).toBe(403);
    expect(await rows('union Sales, Plain | count')).toBe(403);
    expect(await rows('Sales | count')).toEqual([[2]]);
    await kusto.arm('PUT', `${kusto.clusterPath}/databases/${databaseName}/principalAssignments/viewer`, {
      properties: {
        principalId: kusto.environment.clientId,
        principalType: 'App',
        role: 'UnrestrictedViewer',
        tenantId: kusto.environment.tenantId,
      },
    });
    expect(await rows('Plain')).toEqual([]);
  });
});
