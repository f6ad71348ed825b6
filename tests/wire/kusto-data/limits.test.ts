import { request as httpRequest } from 'node:http';
import { readFileSync } from 'node:fs';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';
import { until } from '../../support/until.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

interface Frame {
  readonly FrameType: string;
  readonly TableKind?: string;
  readonly Rows?: readonly unknown[];
  readonly HasErrors?: boolean;
  readonly OneApiErrors?: readonly { readonly error: Readonly<Record<string, unknown>> }[];
}

async function framesOf(csl: string, options: Readonly<Record<string, unknown>> = {}): Promise<readonly Frame[]> {
  const answer = await kusto.post('/v2/rest/query', { db: databaseName, csl, properties: { Options: options } });
  expect(answer.status).toBe(200);
  return JSON.parse(answer.text) as Frame[];
}

const primaryRows = (frames: readonly Frame[]): readonly unknown[] =>
  (frames.find(({ TableKind }) => TableKind === 'PrimaryResult')?.Rows ?? []).filter((row) => Array.isArray(row));

describe('the default limits of a result', () => {
  const exceeded = (limit: string) => ({
    code: 'LimitsExceeded',
    message: 'Request is invalid and cannot be executed.',
    '@type': 'Kusto.Data.Exceptions.KustoServicePartialQueryFailureLimitsExceededException',
    '@permanent': false,
    '@message': `Query execution has exceeded the allowed limits (80DA0003): The results of this query exceed the set limit of ${limit}, so not all records were returned (E_QUERY_RESULT_SET_TOO_LARGE, 0x80DA0003). See https://aka.ms/kustoquerylimits for more information and possible solutions..`,
  });

  it('are 500,000 records: of one more, so many come, and the error', async () => {
    const frames = await framesOf('range x from 1 to 500001 step 1');
    const rows = primaryRows(frames);
    expect(rows).toHaveLength(500_000);
    expect(rows.at(-1)).toEqual([500_000]);
    expect(frames.at(-1)).toMatchObject({ HasErrors: true, OneApiErrors: [{ error: exceeded('500000 records') }] });
  });

  it.each([
    ['500,000 records', 'range x from 1 to 500000 step 1', {}, 500_000],
    ['all of more when told so', 'range x from 1 to 500001 step 1', { notruncation: true }, 500_001],
    ['all of more when the text says so', 'set notruncation; range x from 1 to 500001 step 1', {}, 500_001],
  ])('let %s through', async (_what, text, options, count) => {
    const frames = await framesOf(text, options);
    expect(primaryRows(frames)).toHaveLength(count);
    expect(frames.at(-1)).toMatchObject({ FrameType: 'DataSetCompletion', HasErrors: false });
  });

  it('are 64 MiB', async () => {
    const text =
      'range x from 1 to 80 step 1 | extend s = strcat_array(repeat("0123456789abcdef", 65536), "") | project s';
    const frames = await framesOf(text);
    expect(primaryRows(frames)).toHaveLength(63);
    expect(frames.at(-1)).toMatchObject({ HasErrors: true, OneApiErrors: [{ error: exceeded('67108864 bytes') }] });
  });

  it('count over all results of a request', async () => {
    const frames = await framesOf('range x from 1 to 8 step 1; range x from 1 to 8 step 1', {
      truncationmaxrecords: 10,
    });
    const tables = frames.filter(({ TableKind }) => TableKind === 'PrimaryResult');
    expect(tables.map(({ Rows }) => (Rows ?? []).filter((row) => Array.isArray(row)).length)).toEqual([8, 2]);
  });
});

describe('a query that fails on its way', () => {
  it('ends with the error, not as if its rows so far were all', async () => {
    const text = 'range x from 1 to 400000 step 1 | extend s = "y", r = iff(assert(x < 390000, "too far"), 1.5, 2.5)';
    const frames = await framesOf(text);
    expect(primaryRows(frames).length).toBeLessThan(390_000);
    const last = frames.at(-1);
    expect(last).toMatchObject({ FrameType: 'DataSetCompletion', HasErrors: true });
    expect(JSON.stringify(last?.OneApiErrors)).toContain('too far');
    const old = await kusto.post('/v1/rest/query', { db: databaseName, csl: text });
    expect(old.text.slice(-2_000)).toContain('too far');
  });
});

describe('a regular expression that backtracking would try for ever', () => {
  it.each([
    ['constant', String.raw`print x = extract(@'^(a+)+$', 1, strcat(strrep('a', 40), 'b'))`],
    ['counted', String.raw`print x = countof(strcat(strrep('a', 40), 'b'), @'(a|a)+$', 'regex')`],
    ['in parse', String.raw`print s = strcat(strrep('a', 40), 'b') | parse kind=regex s with @'^(a+)+$' x`],
  ])('is answered when it is %s, and the cluster goes on', async (_where, csl) => {
    const answer = await kusto.post('/v2/rest/query', { db: databaseName, csl });
    expect(answer.status).toBe(200);
    expect(answer.text).not.toContain('"HasErrors":true');
    const next = await kusto.post('/v1/rest/query', { db: databaseName, csl: 'print 1' });
    expect(next.status).toBe(200);
  });
});

describe('what a query looked at', () => {
  it('is told at its end: extents that cannot match are not opened', async () => {
    await kusto.post('/v1/rest/mgmt', { db: databaseName, csl: '.create table Days (When: datetime, N: long)' });
    for (const day of [1, 2, 3, 4])
      await kusto.post('/v1/rest/mgmt', {
        db: databaseName,
        csl: `.ingest inline into table Days <| 2026-01-0${day},${day}\n2026-01-0${day}T12:00:00Z,${day * 10}`,
      });
    const statistics = async (csl: string): Promise<unknown> => {
      const frames = await framesOf(csl);
      const information = frames.find(({ TableKind }) => TableKind === 'QueryCompletionInformation')?.Rows ?? [];
      const payload = information.flatMap((row) => (Array.isArray(row) ? [String(row.at(-1))] : [])).at(-1) ?? '';
      const { input_dataset_statistics: input, dataset_statistics: output } = JSON.parse(payload) as Record<
        string,
        unknown
      >;
      return { input, output };
    };
    expect(await statistics('Days | where When >= datetime(2026-01-03) and N > 3 | project N')).toEqual({
      input: { extents: { total: 4, scanned: 2 }, rows: { total: 8, scanned: 4 } },
      output: [{ table_row_count: 3, table_size: '[30][4][40]'.length }],
    });
    expect(await statistics('Days | summarize sum(N)')).toMatchObject({ input: { extents: { total: 4, scanned: 4 } } });
    expect(await statistics('Days | count')).toMatchObject({ input: { extents: { total: 4, scanned: 0 } } });
  });
});

describe('a client that goes away', () => {
  it('ends its query', async () => {
    const endless = 'range a from 1 to 100000000000 step 1 | summarize sum(a % 7)';
    const socket = tlsConnect({
      ...{ host: '127.0.0.1', port: kusto.server.port, servername: clusterHost },
      ca: readFileSync(kusto.server.caFile, 'utf8'),
    });
    const leaving = httpRequest({
      ...{ createConnection: () => socket, method: 'POST', path: '/v2/rest/query' },
      headers: { host: clusterHost, authorization: `Bearer ${kusto.token}`, 'x-ms-client-request-id': 'gone;1' },
    });
    leaving.on('error', () => undefined);
    leaving.end(JSON.stringify({ db: databaseName, csl: endless }));
    const runs = async (): Promise<boolean> => {
      const csl = '.show queries | where State == "InProgress" and ClientActivityId == "gone;1" | count';
      const { body } = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl });
      return JSON.stringify(body).includes('[[1]]');
    };
    await until(runs);
    socket.destroy();
    await until(async () => !(await runs()));
    const csl = '.show queries | where ClientActivityId == "gone;1" | project State, FailureReason';
    const { body } = await kusto.post('/v1/rest/mgmt', { db: databaseName, csl });
    expect(body).toHaveProperty('Tables.0.Rows', [['Cancelled', 'The client closed the connection.']]);
  });
});
