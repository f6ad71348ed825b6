import { deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { sample } from '../../support/sample.ts';
import type { Attacked, Outcome } from './attacked.ts';
import { audiences, db, hosts } from './attacked.ts';

const mebibyte = 1 << 20;
/** A gzip file may consist of several, one after the other: 1 MiB each, all in about 1 KiB. */
const member = gzipSync(Buffer.alloc(mebibyte, '1,a\n'));
const gibibyte = Buffer.concat(Array.from({ length: 1024 }, () => member));
const nested = gzipSync(gibibyte);
const deep = `${'{"d":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
const malformed = [400, 'BadRequest_StreamingIngestionError'] as const;
const tooLarge = [413, 'PayloadTooLarge'] as const;
const general = [400, 'General_BadRequest'] as const;

/** Of another kind: tests/wire/kusto-data/ingest-refusals.test.ts. */
const bodies: readonly (readonly [string, string, Uint8Array | string, Record<string, string>, number, string])[] = [
  ['1 GiB of rows in gzip', 'csv', gibibyte, { 'content-encoding': 'gzip' }, ...tooLarge],
  ['1 GiB of rows in gzip, of JSON', 'multijson', gibibyte, { 'content-encoding': 'x-gzip' }, ...tooLarge],
  ['1 GiB of rows in gzip, of Parquet', 'parquet', gibibyte, { 'content-encoding': 'gzip' }, ...tooLarge],
  [
    '16 MiB in deflate',
    'csv',
    deflateSync(Buffer.alloc(16 * mebibyte)),
    { 'content-encoding': 'deflate' },
    ...tooLarge,
  ],
  ['gzip in gzip, and says so', 'csv', nested, { 'content-encoding': 'gzip, gzip' }, ...general],
  ['a coding that is called constructor', 'csv', '1,a', { 'content-encoding': 'constructor' }, ...general],
  ['a coding that is called __proto__', 'csv', '1,a', { 'content-encoding': '__proto__' }, ...general],
  ['JSON 100,000 levels deep', 'json', deep, {}, ...malformed],
  ['JSON 100,000 levels deep, in gzip', 'json', gzipSync(deep), { 'content-encoding': 'gzip' }, ...malformed],
  ['lists 1,000,000 levels deep', 'multijson', '['.repeat(1_000_000), {}, ...malformed],
  ['Parquet that says it has 2 GiB of footer', 'parquet', parquetOf(0x7fffffff), {}, ...malformed],
  ['Parquet with a footer of nothing', 'parquet', parquetOf(0), {}, ...malformed],
];

/** The marks of a Parquet file around nothing, and a length of its footer. */
function parquetOf(footerBytes: number): Uint8Array {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(footerBytes);
  return Buffer.concat([Buffer.from('PAR1'), Buffer.alloc(64), length, Buffer.from('PAR1')]);
}

export function describeData(attacked: () => Attacked): void {
  const ingest = async (
    format: string,
    body: Uint8Array | string,
    more: Record<string, string> = {},
  ): Promise<Outcome> => {
    const authorization = `Bearer ${await attacked().tokenFor(audiences.cluster)}`;
    const path = `/v1/rest/ingest/${db}/Rows?streamFormat=${format}`;
    return attacked().attempt(hosts.cluster, 'POST', path, { headers: { authorization, ...more }, body });
  };

  describe('data that is a trap', () => {
    it.each(sample(bodies, 8, 'bodies'))('%s (%s) is refused', async (_what, format, body, headers, status, code) => {
      expect(await ingest(format, body, headers)).toMatchObject({ status, code });
    });

    it('does not grow in a query, a key or a resource', async () => {
      const encoded = { 'content-encoding': 'gzip', 'content-type': 'application/json' };
      const small = gzipSync(JSON.stringify({ db, csl: 'print 1', kty: 'RSA', location: 'eastus' }));
      for (const body of [small, gibibyte]) {
        for (const [plane, method, path, status] of [
          ['cluster', 'POST', '/v1/rest/query', [400]],
          ['vault', 'POST', '/keys/zipped/create?api-version=7.4', [400, 413]],
          ['arm', 'PUT', `${attacked().group}?api-version=2021-04-01`, [415]],
        ] as const) {
          const authorization = `Bearer ${await attacked().tokenFor(audiences[plane])}`;
          const answer = await attacked().attempt(hosts[plane], method, path, {
            headers: { authorization, ...encoded },
            body,
          });
          expect(status).toContain(answer.status);
        }
      }
    });

    it('has numbers and keys that stay what they are', async () => {
      await attacked().mgmt('.create table Odd (n: long, r: real, d: dynamic)');
      await attacked().mgmt('.alter table Odd policy streamingingestion enable');
      const authorization = `Bearer ${await attacked().tokenFor(audiences.cluster)}`;
      const lines = [
        '{"n":1,"r":1e999,"d":{"__proto__":{"polluted":1},"constructor":2}}',
        '{"n":2,"n":3,"r":-1e999,"d":{"a":1,"a":2}}',
        '{"n":99999999999999999999,"__proto__":{"n":7},"constructor":8}',
        '{"n":9007199254740993,"toString":1}',
      ];
      const answer = await attacked().attempt(hosts.cluster, 'POST', `/v1/rest/ingest/${db}/Odd?streamFormat=json`, {
        ...{ headers: { authorization }, body: lines.join('\n') },
      });
      expect(answer).toMatchObject({ status: 200 });
      const rows = await attacked().query(
        'Odd | where n == 1 or n > 5 | project n, isfinite(r), d.__proto__.polluted, d.constructor | sort by n asc',
      );
      expect(rows.text).toContain('"Rows":[[1,false,1,2],[9007199254740993,');
      expect((await attacked().query('Odd | where n in (7, 8) | count')).text).toContain('"Rows":[[0]]');
      expect((await attacked().query('print isnull(dynamic({}).polluted)')).text).toContain('"Rows":[[true]]');
      await attacked().mgmt('.drop table Odd');
    });
  });
}
