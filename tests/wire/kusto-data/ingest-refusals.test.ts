import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KustoData } from './kusto-fixture.ts';
import { clusterHost, databaseName, startKustoData } from './kusto-fixture.ts';

let kusto: KustoData;
const mgmt = async (csl: string) => (await kusto.post('/v1/rest/mgmt', { db: databaseName, csl })).body;
beforeAll(async () => {
  kusto = await startKustoData();
  await mgmt('.create table Rows (n: long, s: string, w: datetime, d: dynamic)');
  await mgmt('.alter table Rows policy streamingingestion enable');
});
afterAll(() => kusto[Symbol.asyncDispose]());

interface Sent {
  readonly query?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const ingest = (
  body: string | Uint8Array,
  { query = 'streamFormat=csv', path = `${databaseName}/Rows`, headers = {} }: Sent,
) =>
  kusto.send({
    ...{ host: clusterHost, method: 'POST', token: kusto.token, path: `/v1/rest/ingest/${path}?${query}` },
    headers: { accept: 'application/json', ...headers },
    body: Buffer.from(body),
  });

const stored = async (): Promise<unknown> => {
  const { body } = await kusto.post('/v1/rest/query', { db: databaseName, csl: 'Rows | sort by n asc' });
  return (body as { Tables: { Rows: unknown }[] }).Tables[0]?.Rows;
};

const gzip = { 'content-encoding': 'gzip' };
const format = (name: string): Sent => ({ query: `streamFormat=${name}` });

describe('data that is refused', () => {
  const malformed = 'BadRequest_StreamingIngestionError';
  it.each<[string, string | Uint8Array, Sent, number, string, RegExp]>([
    ['csv: an open quote', '1,a\n2,"b\n3,c', {}, 400, malformed, /\(line 2, column 3\)\.$/],
    ['csv: text after a quote', '1,a\n2,"b"c', {}, 400, malformed, /\(line 2, column 6\)\.$/],
    [
      'csv: another charset',
      Buffer.from('1,a\n2,caf\xe9', 'latin1'),
      {},
      400,
      malformed,
      /UTF-8 text \(line 2, column 6\)\.$/,
    ],
    ['tsv: an open quote', '1\ta\n2\t"b', format('tsv'), 400, malformed, /\(line 2, column 3\)\.$/],
    ['psv: an open quote', '1|a\n2|"b', format('psv'), 400, malformed, /\(line 2, column 3\)\.$/],
    ['json: a comma too many', '{"n":1}\n{"n":2,}', format('json'), 400, malformed, /\(line 2, column 8\)\.$/],
    ['json: an end too early', '{"n":1}\n{"n":2', format('json'), 400, malformed, /\(line 2, column 7\)\.$/],
    ['json: no object', '{"n":1}\n[{"n":2}]', format('json'), 400, malformed, /\(line 2, column 1\)\.$/],
    ['json: several lines', '{"n":1}\n{\n"n":2}', format('json'), 400, malformed, /\(line 2, column 1\)\.$/],
    ['json: a number that is none', '{"n":NaN}', format('json'), 400, malformed, /\(line 1, column 6\)\.$/],
    ['json: too deep', `{"d":${'['.repeat(300)}${']'.repeat(300)}}`, format('json'), 400, malformed, /200 levels/],
    [
      'multijson: an end too early',
      '[{"n":1},\n{"n":2]',
      format('multijson'),
      400,
      malformed,
      /\(line 2, column 7\)\.$/,
    ],
    ['multijson: no objects', '[1,2]', format('multijson'), 400, malformed, /\(line 1, column 2\)\.$/],
    ['parquet: something else', 'abc', format('parquet'), 400, malformed, /not valid Parquet/],
    ['gzip that is none', '1,a', { headers: gzip }, 400, 'General_BadRequest', /could not be decompressed/],
    [
      'gzip cut off',
      gzipSync('1,a\n'.repeat(1000)).subarray(0, 30),
      { headers: gzip },
      400,
      'General_BadRequest',
      /decompressed/,
    ],
    [
      'gzip of 100 MB',
      gzipSync(Buffer.alloc(100e6, '1,a\n')),
      { headers: gzip },
      413,
      'PayloadTooLarge',
      /4194304 bytes/,
    ],
    ['5 MB', Buffer.alloc(5 << 20, '1,a\n'), {}, 413, 'PayloadTooLarge', /4194304 bytes/],
    [
      'another encoding',
      '1,a',
      { headers: { 'content-encoding': 'br' } },
      400,
      'General_BadRequest',
      /content encoding/,
    ],
    ['no format', '1,a', { query: '' }, 400, 'BadRequest_MalformedIngestionProperty', /streamFormat/],
    ['a format that nobody knows', '1,a', format('nope'), 400, 'BadRequest_FormatNotSupported', /'nope'/],
    ['a format that is not built', '1,a', format('SStream'), 400, 'BadRequest_FormatNotSupported', /'SStream'/],
    [
      'a mapping that is not there',
      '{}',
      { query: 'streamFormat=json&mappingName=m' },
      400,
      'BadRequest_MappingReferenceWasNotFound',
      /'m'/,
    ],
    [
      'a blob of a foreign account',
      '{"sourceUri":"https://a.blob.core.windows.net/c/b?sas"}',
      { query: 'streamFormat=csv&sourceKind=uri' },
      400,
      'General_BadRequest',
      /'https:\/\/a\.blob\.core\.windows\.net\/c\/b' is not read: .* --allow a\.blob\.core\.windows\.net/,
    ],
    [
      'a table that is not there',
      '1',
      { path: `${databaseName}/Nowhere` },
      400,
      'BadRequest_EntityNotFound',
      /'Nowhere'/,
    ],
    ['a database that is not there', '1', { path: 'nowhere/Rows' }, 400, 'BadRequest_DatabaseNotExist', /'nowhere'/],
  ])('%s', async (_what, body, sent, status, code, message) => {
    const answer = await ingest(body, sent);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({
      error: { code, '@message': expect.stringMatching(message) as string, '@permanent': true },
    });
    expect(await stored()).toEqual([]);
  });
});

describe('data that is taken', () => {
  const row = (n: number | null, s: string, w: string | null = null, d: unknown = null): unknown[] => [n, s, w, d];
  const day = '2024-02-29T00:00:00.0000000Z';
  it.each<[string, string | Uint8Array, Sent, unknown[]]>([
    ['nothing', '', {}, []],
    ['a mark of UTF-8 alone', Uint8Array.of(0xef, 0xbb, 0xbf), {}, []],
    ['csv after such a mark', Buffer.from('\ufeff1,a\n'), {}, [row(1, 'a')]],
    ['UTF-16 with its mark', Buffer.from('\ufeff1,é\n', 'utf16le'), {}, [row(1, 'é')]],
    [
      'csv with both kinds of line ends, and lines in quotes',
      '1,"a\r\nb"\r\n\r\n2,"x""y"',
      {},
      [row(1, 'a\r\nb'), row(2, 'x"y')],
    ],
    ['csv of too few and too many fields', '1\n2,b,2024-02-29,{},too many', {}, [row(1, ''), row(2, 'b', day, {})]],
    ['csv with what is no number', 'x,a\n', {}, [row(null, 'a')]],
    ['tsv', '1\ta b\t2024-02-29\t{"k":[1]}', format('tsv'), [row(1, 'a b', day, { k: [1] })]],
    ['psv', '1|a|2024-02-29|[1]', format('PSV'), [row(1, 'a', day, [1])]],
    [
      'json',
      '{"n":1,"s":"😀\\u2028"}\n\n{"d":{"n":null}}\r\n',
      format('json'),
      [row(null, '', null, { n: null }), row(1, '😀\u2028')],
    ],
    ['multijson', '[{"n":1},\n{"n":2}] {"n":3}', format('MultiJSON'), [row(1, ''), row(2, ''), row(3, '')]],
    ['gzip', gzipSync('1,a'), { headers: gzip }, [row(1, 'a')]],
    ['names that are percent-encoded', '1,a', { path: `${databaseName}/%52ows` }, [row(1, 'a')]],
  ])('%s', async (_what, body, sent, expected) => {
    const answer = await ingest(body, sent);
    expect(answer.body).toMatchObject({ Tables: [{ Rows: [[expected.length, 'Inactive', 'Unknown', null]] }] });
    expect(await stored()).toEqual(expected);
    await mgmt('.clear table Rows data');
  });
});
