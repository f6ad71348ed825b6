import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../../support/server-fixture.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

const query = (
  csl: unknown,
  more: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<HostAnswer> => kusto.post('/v2/rest/query', { db: databaseName, csl, ...more }, headers);

describe('errors before the first row', () => {
  it.each([
    [
      'a text that does not parse',
      'print x = ',
      'General_BadRequest',
      'KustoBadRequestException',
      /Syntax error: SYN0002: Query could not be parsed at '<EOF>' on line \[1,10\] \[line:position=1:10\]. Query: '.*'$/,
    ],
    [
      'an unknown table',
      'print 1;\n Nowhere | count',
      'General_BadRequest',
      'KustoBadRequestException',
      /^Request is invalid and cannot be processed: Semantic error: SEM0100: 'count' operator: Failed to resolve table or column expression named 'Nowhere'$/,
    ],
    ['what is not built', 'print x = row_number()', 'General_BadRequest', 'KustoBadRequestException', /row_number/],
    [
      'a parameter without a value',
      'declare query_parameters(n:long); print n',
      'General_BadRequest',
      'KustoBadRequestException',
      /Semantic error: .*'n' has no value/,
    ],
  ])('%s', async (_what, csl, code, type, message) => {
    const { failed } = await kusto.call({ call: 'query', database: databaseName, text: csl });
    // As the client for JavaScript throws what the service refuses.
    expect(failed).toMatchObject({
      name: 'AxiosError',
      status: 400,
      body: {
        error: {
          code,
          '@type': `Kusto.Data.Exceptions.${type}`,
          '@permanent': true,
          '@message': expect.stringMatching(message) as string,
        },
      },
    });
  });

  it('are 400 for a database that does not exist, never 404', async () => {
    const { failed } = await kusto.call({ call: 'query', database: 'nowhere', text: 'print 1' });
    expect(failed).toMatchObject({ status: 400, body: { error: { code: 'BadRequest_DatabaseNotExist' } } });
  });

  it('carry the ids of the request, its text without secrets, and its database', async () => {
    const answer = await query("print h'secret' | nonsense", {}, { 'x-ms-client-request-id': 'mine;2' });
    expect(answer.body).toMatchObject({
      error: {
        '@text': "print h'***' | nonsense",
        '@database': databaseName,
        '@context': { clientRequestId: 'mine;2', activityId: answer.headers['x-ms-activity-id'] },
        innererror: { '@errorCode': 'SYN0002', '@line': '1', '@pos': '18', '@token': 'nonsense' },
      },
    });
  });

  it('are plain text for those who do not take JSON', async () => {
    const answer = await query('print x = ', {}, { accept: '*/*' });
    expect(answer.status).toBe(400);
    expect(answer.headers['content-type']).toMatch(/^text\/plain/);
    expect(answer.text).toMatch(
      /^General_BadRequest: Request is invalid and cannot be executed\.\n.*\n\nError details:\nClientRequestId='.*', ActivityId='[0-9a-f-]{36}', Timestamp='.*'\.\n$/s,
    );
  });

  it.each([
    ['no JSON', '{"db":'],
    ['no object', '[]'],
    ['no text', '{"db":"db1"}'],
    ['a text that is a number', '{"db":"db1","csl":1}'],
    ['properties that are no JSON', '{"db":"db1","csl":"print 1","properties":"{"}'],
    ['an option of another type', '{"db":"db1","csl":"print 1","properties":{"Options":{"servertimeout":"soon"}}}'],
  ])('%s is refused', async (_what, body) => {
    const answer = await kusto.post('/v2/rest/query', body);
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 400,
      body: { error: { code: 'General_BadRequest' } },
    });
  });

  it('takes properties that are null, empty, or JSON in a string, and unknown options', async () => {
    for (const properties of [
      null,
      '',
      '{}',
      '{"Options":{"query_language":"kql","whatever":[1]},"Parameters":null}',
    ]) {
      expect((await query('print 1', { properties })).status).toBe(200);
    }
  });

  it('knows no other paths', async () => {
    const answer = await kusto.post('/v3/rest/query', { db: databaseName, csl: 'print 1' });
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 404,
      body: { error: { '@permanent': true } },
    });
  });
});

describe('time', () => {
  const long = 'range a from 1 to 100000000000 step 1 | summarize sum(a % 7)';

  it('ends a query at its server timeout with 504', async () => {
    const { failed } = await kusto.call({
      call: 'query',
      database: databaseName,
      text: long,
      options: { servertimeout: 300 },
    });
    expect(failed).toMatchObject({
      status: 504,
      body: { error: { code: 'RequestExecutionTimeout', '@permanent': false } },
    });
  });

  it('ends a query that is cancelled by its client request id', async () => {
    const running = kusto.call({ call: 'query', database: databaseName, text: long, clientRequestId: 'cancel;me' });
    let cancelled: unknown;
    do {
      const { tables } = await kusto.call({ call: 'mgmt', database: databaseName, text: '.cancel query "cancel;me"' });
      cancelled = tables?.[0]?.rows;
    } while (!JSON.stringify(cancelled).includes('true') && !JSON.stringify(cancelled).includes('ancelled'));
    const { failed } = await running;
    expect(failed?.status).toBe(400);
    expect(JSON.stringify(failed?.body)).toMatch(/cancel/i);
  });
});

describe('who may do what', () => {
  const other = 'db2';
  const on = (path: string, csl: string, db = other) => kusto.post(path, { db, csl });
  const grant = (role: string) =>
    kusto.arm('PUT', `${kusto.clusterPath}/databases/${other}/principalAssignments/mine`, {
      properties: {
        principalId: kusto.environment.clientId,
        principalType: 'App',
        role,
        tenantId: kusto.environment.tenantId,
      },
    });
  beforeAll(async () => {
    await kusto.arm('PUT', `${kusto.clusterPath}/databases/${other}?callerRole=None`, {
      location: 'eastus',
      kind: 'ReadWrite',
    });
  });

  it('401 without a token, with the place to get one', async () => {
    for (const authorization of [undefined, 'Bearer nonsense', 'Basic eDp5']) {
      const answer = await kusto.send({
        ...{ host: clusterHost, method: 'POST', path: '/v2/rest/query', body: { db: databaseName, csl: 'print 1' } },
        headers: { accept: 'application/json', ...(authorization === undefined ? {} : { authorization }) },
      });
      expect(answer.status).toBe(401);
      expect(answer.headers['www-authenticate']).toContain(
        `Bearer authorization_uri="https://login.microsoftonline.com/${kusto.environment.tenantId}"`,
      );
    }
  });

  it('401 for a token of another service', async () => {
    const token = await kusto.tokenFor('https://vault.azure.net');
    const answer = await kusto.send({
      host: clusterHost,
      method: 'POST',
      path: '/v2/rest/query',
      token,
      body: { db: databaseName, csl: 'print 1' },
    });
    expect(answer.status).toBe(401);
  });

  it('takes a token for the cluster itself', async () => {
    const token = await kusto.tokenFor(`https://${clusterHost}`);
    const answer = await kusto.send({
      host: clusterHost,
      method: 'POST',
      path: '/v2/rest/query',
      token,
      body: { db: databaseName, csl: 'print 1' },
    });
    expect(answer.status).toBe(200);
  });

  it('403 on a database where the caller is nobody, though it owns the subscription', async () => {
    const answer = await on('/v2/rest/query', 'print 1');
    expect({ status: answer.status, body: answer.body }).toMatchObject({
      status: 403,
      body: {
        error: {
          code: 'Forbidden',
          '@type': 'Kusto.Data.Exceptions.KustoRequestDeniedException',
          '@message': expect.stringContaining(`database '${other}'`) as string,
        },
      },
    });
    expect((await on('/v2/rest/query', `database('${other}').T | count`, databaseName)).status).not.toBe(200);
  });

  it('a viewer reads, and does nothing else', async () => {
    await grant('Viewer');
    expect((await on('/v2/rest/query', 'print 1')).status).toBe(200);
    expect((await on('/v1/rest/mgmt', '.create table T (a:long)')).status).toBe(403);
    const ingest = await kusto.send({
      ...{ host: clusterHost, method: 'POST', token: kusto.token, body: Buffer.from('1\n') },
      path: `/v1/rest/ingest/${other}/T?streamFormat=csv`,
    });
    expect(ingest.status).toBe(403);
  });

  it('an ingestor does not read', async () => {
    await grant('Ingestor');
    expect((await on('/v2/rest/query', 'print 1')).status).toBe(403);
  });

  it('a role on the cluster counts in every database', async () => {
    await kusto.arm('PUT', `${kusto.clusterPath}/principalAssignments/all`, {
      properties: {
        principalId: kusto.environment.clientId,
        principalType: 'App',
        role: 'AllDatabasesViewer',
        tenantId: kusto.environment.tenantId,
      },
    });
    expect((await on('/v2/rest/query', 'print 1')).status).toBe(200);
    await kusto.arm('DELETE', `${kusto.clusterPath}/principalAssignments/all`);
    expect((await on('/v2/rest/query', 'print 1')).status).toBe(403);
  });
});
