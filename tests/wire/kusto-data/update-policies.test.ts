import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
const mgmt = async (csl: string) => (await kusto.post('/v1/rest/mgmt', { db: databaseName, csl })).body;
beforeAll(async () => {
  kusto = await startKustoData();
  await mgmt('.create table Raw (line: string)');
  await mgmt('.create table Parsed (k: string, v: long)');
  await mgmt('.alter table Raw policy streamingingestion enable');
});
afterAll(() => kusto[Symbol.asyncDispose]());

const stream = (body: string) =>
  kusto.send({
    ...{ host: clusterHost, method: 'POST', token: kusto.token },
    path: `/v1/rest/ingest/${databaseName}/Raw?streamFormat=csv`,
    headers: { accept: 'application/json' },
    body: Buffer.from(body),
  });
const rows = async (csl: string): Promise<unknown> => {
  const { body } = await kusto.post('/v1/rest/query', { db: databaseName, csl });
  return (body as { Tables: { Rows: unknown }[] }).Tables[0]?.Rows;
};
const policy = (transactional: boolean): string =>
  `.alter table Parsed policy update @'[{"IsEnabled": true, "Source": "Raw", "Query": "Raw | parse line with k \\"=\\" v:long | project k, v", "IsTransactional": ${transactional}}]'`;

it('says of a streaming ingestion what came of update policies', async () => {
  await mgmt(policy(false));
  expect((await stream('a=1')).body).toMatchObject({ Tables: [{ Rows: [[1, 'Succeeded', 'Unknown', null]] }] });
  expect(await rows('Parsed')).toEqual([['a', 1]]);
  await mgmt('.alter table Parsed (k: string)');
  const failed = (await stream('b=2')).body as { Tables: { Rows: unknown[][] }[] };
  const code = 'UpdatePolicy_QuerySchemaDoesNotMatchTableSchema';
  expect(failed.Tables[0]?.Rows[0]?.slice(0, 3)).toEqual([1, 'Failed', code]);
  const told = '.show ingestion failures | where OriginatesFromUpdatePolicy | project Table, ErrorCode';
  const { Tables } = (await mgmt(told)) as { Tables: { Rows: unknown }[] };
  expect(Tables[0]?.Rows).toEqual([['Parsed', code]]);
  expect(await rows('Raw | count')).toEqual([[2]]);
});

it('refuses rows that a transactional policy cannot take, with its code', async () => {
  await mgmt('.alter table Parsed (k: string, v: long)');
  await mgmt(policy(true));
  await mgmt('.alter table Parsed (k: string)');
  const { status, body } = await stream('c=3');
  expect(status).toBe(400);
  expect(body).toMatchObject({
    error: {
      code: 'UpdatePolicy_QuerySchemaDoesNotMatchTableSchema',
      '@permanent': true,
      '@message': expect.stringContaining("Failed to invoke update policy. Target Table = 'Parsed'") as string,
    },
  });
  expect(await rows('Raw | count')).toEqual([[2]]);
});
