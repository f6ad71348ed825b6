import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { HostAnswer } from '../../support/server-fixture.ts';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName as db, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
beforeAll(async () => {
  kusto = await startKustoData();
});
afterAll(() => kusto[Symbol.asyncDispose]());

interface Odd {
  readonly method?: string;
  readonly path?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

const send = ({ method = 'POST', path = '/v2/rest/query', body, headers }: Odd): Promise<HostAnswer> =>
  kusto.send({
    ...{ host: clusterHost, method, path, token: kusto.token },
    ...(body === undefined ? {} : { body: Buffer.from(body) }),
    headers: { accept: 'application/json', ...headers },
  });

const text = (value: unknown): string => JSON.stringify(value);
const print = { csl: 'print x = 1', db };

/** A refusal in the protocol's shape. */
const refusal = (code: string): unknown => ({
  error: { code, message: expect.any(String) as string, '@message': expect.any(String) as string, '@permanent': true },
});

describe('requests that are odd', () => {
  it.each<[string, Odd, number, string]>([
    ['no body', {}, 400, 'General_BadRequest'],
    ['null', { body: 'null' }, 400, 'General_BadRequest'],
    ['a list', { body: '[]' }, 400, 'General_BadRequest'],
    ['half a body', { body: '{"csl":' }, 400, 'General_BadRequest'],
    ['another charset', { body: Buffer.from('{"csl":"caf\xe9"}', 'latin1') }, 400, 'General_BadRequest'],
    ['a form', { body: `csl=print+1&db=${db}` }, 400, 'General_BadRequest'],
    ['no csl', { body: text({ db }) }, 400, 'General_BadRequest'],
    ['a csl that is no text', { body: text({ db, csl: 1 }) }, 400, 'General_BadRequest'],
    ['blanks', { body: text({ db, csl: ' \n ' }) }, 400, 'General_BadRequest'],
    ['a comment alone', { body: text({ db, csl: '// nothing' }) }, 400, 'General_BadRequest'],
    ['a db that is no text', { body: text({ ...print, db: 1 }) }, 400, 'General_BadRequest'],
    ['a db of dots', { body: text({ ...print, db: '../db' }) }, 400, 'BadRequest_DatabaseNotExist'],
    ['properties that are a number', { body: text({ ...print, properties: 1 }) }, 400, 'General_BadRequest'],
    ['properties that are half JSON', { body: text({ ...print, properties: '{' }) }, 400, 'General_BadRequest'],
    ['options that are a list', { body: text({ ...print, properties: { Options: [] } }) }, 400, 'General_BadRequest'],
    [
      'parameters that are a list',
      { body: text({ ...print, properties: { Parameters: [1] } }) },
      400,
      'General_BadRequest',
    ],
    [
      'an option that cannot be',
      { body: text({ ...print, properties: { Options: { servertimeout: 'soon' } } }) },
      400,
      'General_BadRequest',
    ],
    ['JSON that is too deep', { body: `{"x":${'['.repeat(20_000)}${']'.repeat(20_000)}}` }, 400, 'General_BadRequest'],
    ['a prototype', { body: `{"csl":"print 1","db":"${db}","__proto__":{"csl":"x"}}` }, 400, 'General_BadRequest'],
    [
      'a text that is too long',
      { body: text({ db, csl: `print '${'a'.repeat(2_000_000)}'` }) },
      400,
      'General_BadRequest',
    ],
    ['a body that is too long', { body: Buffer.alloc(17 << 20, ' ') }, 413, 'PayloadTooLarge'],
    ['a surrogate half', { body: `{"csl":"print \\ud800","db":"${db}"}` }, 400, 'General_BadRequest'],
    ['a zero character', { body: text({ db, csl: 'print \0' }) }, 400, 'General_BadRequest'],
    ['a dot alone', { path: '/v1/rest/mgmt', body: text({ db, csl: '.' }) }, 400, 'General_BadRequest'],
    [
      'a command that nobody knows',
      { path: '/v1/rest/mgmt', body: text({ db, csl: '.frobnicate table T' }) },
      400,
      'BadRequest_SyntaxError',
    ],
    ['a broken escape in the path', { path: '/v1/rest/ingest/db/%ff?streamFormat=csv' }, 400, 'General_BadRequest'],
    ['another method', { method: 'PUT', body: text(print) }, 404, 'NotFound'],
    ['another version', { path: '/v3/rest/query', body: text(print) }, 404, 'NotFound'],
    ['a token that is none', { body: text(print), headers: { authorization: 'Bearer a.b.c' } }, 401, 'Unauthorized'],
    ['another scheme', { body: text(print), headers: { authorization: 'Basic eDp5' } }, 401, 'Unauthorized'],
    [
      'a write in a read-only request',
      { path: '/v1/rest/mgmt', body: text({ db, csl: '.create table Q (x: int)' }), headers: { 'x-ms-readonly': '1' } },
      403,
      'Forbidden',
    ],
  ])('%s', async (_what, odd, status, code) => {
    const answer = await send(odd);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject(refusal(code) as object);
  });

  it.each<[string, Odd]>([
    ['a byte order mark', { body: `\ufeff${text(print)}` }],
    ['another content type', { body: text(print), headers: { 'content-type': 'text/plain' } }],
    ['doubled slashes and capitals', { path: '//V2/rest/Query/', body: text(print) }],
    [
      'many headers',
      { body: text(print), headers: Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`x-h-${n}`, 'v'])) },
    ],
    ['a long id', { body: text(print), headers: { 'x-ms-client-request-id': 'r'.repeat(5_000) } }],
    ['no database, where none is needed', { body: text({ csl: print.csl }) }],
    ['the default database of clients', { body: text({ csl: print.csl, db: 'NetDefaultDB' }) }],
  ])('%s is no reason to refuse', async (_what, odd) => {
    const answer = await send(odd);
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"Rows":[[1]]');
  });

  it('the default database of clients holds nothing', async () => {
    const answer = await send({ body: text({ csl: 'Nothing | count', db: 'NetDefaultDB' }) });
    expect(answer.body).toMatchObject({ error: { '@message': expect.stringContaining('SEM0100') as string } });
    const databases = await send({
      path: '/v1/rest/mgmt',
      body: text({ csl: '.show databases | project DatabaseName', db: '' }),
    });
    expect(databases.body).toHaveProperty('Tables.0.Rows', [[db]]);
  });

  it('any JSON at all has an answer of the protocol, and the cluster goes on', async () => {
    const value = fc.oneof(fc.jsonValue(), fc.constantFrom('print 1', '.show tables', db, 'true', '00:00:01', '{}'));
    const bag = fc.dictionary(
      fc.constantFrom(
        'servertimeout',
        'notruncation',
        'truncationmaxrecords',
        'query_now',
        'results_error_reporting_placement',
        'x',
      ),
      value,
    );
    const body = fc.record(
      {
        db: value,
        csl: value,
        properties: fc.oneof(value, fc.record({ Options: bag, Parameters: bag }), bag.map(text)),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(
        body,
        fc.constantFrom('/v1/rest/query', '/v2/rest/query', '/v1/rest/mgmt'),
        async (sent, path) => {
          const answer = await send({ path, body: text(sent) });
          expect([200, 400, 403]).toContain(answer.status);
          if (answer.status !== 200)
            expect(answer.body).toMatchObject({ error: { code: expect.any(String) as string } });
        },
      ),
      { numRuns: 150 },
    );
    expect((await send({ body: text(print) })).status).toBe(200);
  });
});
