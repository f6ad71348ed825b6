import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { python, pythonHas } from '../../support/python.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

describe.skipIf(!pythonHas('azure.kusto.ingest'))('azure-kusto-data and -ingest for Python', () => {
  it('creates, ingests, queries, streams, queues, and understands errors', async () => {
    await using kusto = await startKustoData();
    const proxy = `http://127.0.0.1:${kusto.server.proxyPort}`;
    const { stdout } = await promisify(execFile)(
      python,
      [join(import.meta.dirname, 'python.client.py'), `https://${clusterHost}`, databaseName],
      {
        env: {
          PATH: process.env['PATH'],
          HTTPS_PROXY: proxy,
          HTTP_PROXY: proxy,
          REQUESTS_CA_BUNDLE: kusto.server.caFile,
          AZURE_TENANT_ID: kusto.environment.tenantId,
          AZURE_CLIENT_ID: kusto.environment.clientId,
          AZURE_CLIENT_SECRET: kusto.environment.clientSecret,
        },
      },
    );
    expect(JSON.parse(stdout)).toEqual({
      created: 1,
      row: [1, '2020-01-02 03:04:05.123456+00:00', 2, 'NaN', { a: 1 }],
      parameter: 10,
      streamed: 12_502_500,
      warned: [
        [
          'KustoResponseDataSetV2',
          [1],
          1,
          [expect.stringMatching(/^Please .* Description:'{"Count":1,"Text":"'union' op/)],
        ],
        [
          'KustoResponseDataSetV1',
          [1],
          1,
          [expect.stringMatching(/^Please .* Description:''union' operator: Failed to/)],
        ],
      ],
      semantic: [
        ...['KustoApiError', true, 'General_BadRequest', 'Kusto.Data.Exceptions.KustoBadRequestException', true],
        "Request is invalid and cannot be processed: Semantic error: SEM0100: 'table' operator: Failed to resolve table expression named 'Nowhere'",
      ],
      syntax: [
        ...['KustoApiError', false, 'General_BadRequest', 'Kusto.Data.Exceptions.KustoBadRequestException', true],
        expect.stringMatching(/Syntax error: SYN0002: Query could not be parsed at '<EOF>'/),
      ],
      missing: ['BadRequest_DatabaseNotExist', true],
      truncated: true,
      queued: {
        ...{ stream: 1, file: 1, blob: 1, rows: 3, success: ['Q', 'Q', 'Q'] },
        failure: ['BadRequest_MappingReferenceWasNotFound', 'Skipped_IngestByTagAlreadyExists'],
      },
      managed: [['SUCCESS', 'QUEUED'], 5_001],
    });
  });
});
