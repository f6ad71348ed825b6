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
});
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

describe('results that were computed before', () => {
  interface Frame {
    readonly TableKind?: string;
    readonly Rows?: readonly (readonly unknown[])[];
  }
  /** Rows of the first result, and the request that computed them. */
  async function cached(csl: string, options: object = {}): Promise<{ rows: unknown; original: unknown }> {
    const body = {
      db: databaseName,
      csl,
      properties: { Options: { query_results_cache_max_age: '01:00:00', ...options } },
    };
    const answer = await kusto.post('/v2/rest/query', body, { 'x-ms-client-request-id': `asked:${(asked += 1)}` });
    const frames = JSON.parse(answer.text) as readonly Frame[];
    const row = (kind: string) => frames.find(({ TableKind }) => TableKind === kind)?.Rows ?? [];
    const told = row('QueryProperties').find(([, name]) => name === 'ServerCache')?.[2];
    return {
      rows: row('PrimaryResult'),
      original:
        told === undefined
          ? undefined
          : (JSON.parse(told as string) as Record<string, unknown>)['OriginalClientRequestId'],
    };
  }
  let asked = 0;
  const add = () => run('.ingest inline into table Kept <| aadapp=somebody,1');
  const shown = async (text: string): Promise<unknown> => (await run(text)).tables?.[0]?.rows[0];

  it('are given to whoever takes them, until they are cleared, and forced anew', async () => {
    await run('.create table Kept (Who:string, Amount:long)');
    const text = 'Kept | summarize Rows = count(), Sum = sum(Amount) | render table';
    expect(await cached(text)).toEqual({ rows: [[0, 0]], original: undefined });
    await add();
    expect(await cached(text)).toEqual({ rows: [[0, 0]], original: 'asked:1' });
    expect(await rows(text)).toEqual([[1, 1]]);
    expect(await cached(`${text} `)).toEqual({ rows: [[1, 1]], original: undefined });
    expect(await cached(text, { query_results_cache_max_age: '02:00:00' })).toEqual({
      rows: [[1, 1]],
      original: undefined,
    });
    expect(await cached(text, { query_results_cache_force_refresh: true })).toEqual({
      rows: [[1, 1]],
      original: undefined,
    });
    expect(await cached(text)).toMatchObject({ rows: [[1, 1]], original: expect.not.stringMatching(/:1$/) as string });
    const told = await shown('.show database cache query_results');
    expect(told).toEqual(['KEngine000000', 2, 3, 64 * 1024 * 1024, expect.any(Number), 3]);
    expect(await shown('.clear database cache query_results')).toEqual(['KEngine000000', 3]);
    await add();
    expect(await cached(text)).toEqual({ rows: [[2, 2]], original: undefined });
  });

  it('are asked for in the text, too', async () => {
    const text = 'set query_results_cache_max_age = time(1h);\nKept | count';
    const before = await rows(text);
    await add();
    expect(await rows(text)).toEqual(before);
    expect(await rows(text, 'queryV1')).toEqual(before);
    expect(await rows(`set query_results_cache_max_age = time(0);\nKept | count`)).not.toEqual(before);
  });

  it.each([
    'Kept | where current_principal() != "" | count',
    'Kept | evaluate narrow() | count',
    'union Kept, (Secured | project Who, Amount = 1) | count',
    'let who = () { current_principal_is_member_of("aadapp=x") }; Kept | extend w = who() | count',
  ])('are not kept of what is not the same for everybody: %s', async (text) => {
    await run('.create-merge table Secured (Who:string)');
    await run('.alter table Secured policy row_level_security enable "Secured | where Who == current_principal()"');
    const first = await cached(text);
    await add();
    const second = await cached(text);
    expect(second.original).toBeUndefined();
    expect(second.rows).not.toEqual(first.rows);
  });
});
