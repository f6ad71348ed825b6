import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openDataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import { fuzz } from '../../../tests/support/fuzz.ts';
import { zipOf } from '../../../tests/support/zip-writer.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import type { DataSource } from './data-source.ts';
import { bytesSource } from './data-source.ts';
import { requireFormat } from './formats.ts';
import { readBatch, readRows } from './read-batch.ts';

/** The same bytes in pieces of so many. */
async function* inPieces(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

async function rowsOf(format: string, types: readonly KqlType[], bytes: Uint8Array, size?: number): Promise<unknown> {
  const { reader, ...rest } = requireFormat(format);
  if (reader.kind === 'parquet') throw new Error('read by the engine');
  const columns = types.map((type, index) => ({ columnId: index + 1, name: 'abc'[index] ?? '', type }));
  const options = { format: { ...rest, reader }, columns, mapping: undefined, ignoreFirstRecord: false };
  try {
    if (size === undefined) return (await readBatch(bytes, options)).columns.map(({ values }) => values);
    const values: unknown[][] = columns.map(() => []);
    for await (const batch of readRows(inPieces(bytes, size), options))
      batch.columns.forEach((column, index) => (values[index] = (values[index] ?? []).concat(column.values)));
    return values;
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
}

const text = fc.string({
  unit: fc.constantFrom('a', '"', ',', '\n', '\r', '\\', 'é', '😀', '{', '}', '[', ']', ':', '1', ' '),
});

describe('data in pieces', () => {
  it.each(['csv', 'tsve', 'txt', 'raw', 'multijson', 'json', 'singlejson'])(
    'gives the rows and the complaints of the whole: %s',
    async (format) => {
      await fc.assert(
        fc.asyncProperty(text, fc.integer({ min: 1, max: 9 }), async (content, size) => {
          const bytes = Buffer.from(content);
          const whole = await rowsOf(format, ['string', 'dynamic', 'long'], bytes);
          expect(await rowsOf(format, ['string', 'dynamic', 'long'], bytes, size)).toEqual(whole);
        }),
        fuzz(300, 60),
      );
    },
  );

  it('reads records that lie across the pieces of a long text', async () => {
    const lines = Array.from({ length: 200_000 }, (_each, index) => `${index},"text, ${index}\nof two lines"`);
    const bytes = Buffer.from(lines.join('\r\n'));
    const whole = await rowsOf('csv', ['long', 'string'], bytes, 65_521);
    expect(whole).toEqual([
      lines.map((_each, index) => BigInt(index)),
      lines.map((_each, index) => `text, ${index}\nof two lines`),
    ]);
  });

  it.each([
    ['multijson', (items: readonly string[]) => `[${items.join(', \n')}]`],
    ['multijson', (items: readonly string[]) => items.join('\n')],
    ['json', (items: readonly string[]) => items.join('\n')],
    ['singlejson', (items: readonly string[]) => `[${items.join(',')}]`],
  ] as const)('reads JSON across the pieces: %s', async (format, written) => {
    const items = Array.from(
      { length: 60_000 },
      (_each, index) => `{"a":"é${index}","c":${index},"b":{"x":[${index}]}}`,
    );
    const bytes = Buffer.from(written(items));
    expect(bytes.byteLength).toBeGreaterThan(2 * 1024 * 1024);
    expect(await rowsOf(format, ['string', 'dynamic', 'long'], bytes, 40_961)).toEqual([
      items.map((_each, index) => `é${index}`),
      items.map((_each, index) => `{"x":[${index}]}`),
      items.map((_each, index) => BigInt(index)),
    ]);
  });

  it('says the line of what is wrong far down', async () => {
    const lines = [...Array.from({ length: 300_000 }, (_each, index) => `{"a":"${index}"}`), '{"a":}'];
    expect(await rowsOf('json', ['string'], Buffer.from(lines.join('\n')), 65_536)).toBe(
      'A JSON value is expected (line 300001, column 6).',
    );
  });

  it('says the line of what is not UTF-8 far down', async () => {
    const bytes = Buffer.concat([Buffer.from('line é\n'.repeat(100_000)), Buffer.from([0x61, 0xff, 0x0a])]);
    expect(await rowsOf('csv', ['string'], bytes, 4_099)).toBe(
      'The data is not valid UTF-8 text (line 100001, column 2).',
    );
  });
});

describe('ingestFrom', () => {
  let fixture: DataFixture;
  beforeAll(async () => {
    fixture = await openDataFixture();
    await fixture.table('T', { a: 'long', b: 'string' });
  });
  afterAll(() => fixture.close());

  const ingest = async (sources: readonly DataSource[], more: object = {}): Promise<unknown> => {
    const data = await fixture.data();
    try {
      const result = await data.ingestFrom({ database: 'db', table: 'T', sources, ...more });
      return { rowCount: result.rowCount, bytes: result.bytes, repeated: result.repeated };
    } catch (error) {
      return error instanceof Error && 'malformed' in error ? (error.malformed ?? error.message) : error;
    }
  };
  const csv = (name: string, content: string): DataSource => bytesSource(name, Buffer.from(content));

  it('puts all files into one extent, however they are packed', async () => {
    const before = (await fixture.data()).extents('db', 'T').length;
    const zip = zipOf({ 'in/one.csv': '3,zip\n', 'in/other.txt': '4,left out\n', 'two.csv': '5,zip too\n' });
    const gz = gzipSync('2,gz\n');
    const sources = [csv('https://a/1.csv', '1,plain\n'), bytesSource('b.csv.gz', gz), bytesSource('c.zip', zip)];
    expect(await ingest(sources, { zipPattern: '*.csv' })).toEqual({
      rowCount: 4,
      bytes: 8 + gz.byteLength + zip.byteLength,
      repeated: false,
    });
    expect(await fixture.rows('T', 'a')).toEqual([
      [1n, 'plain'],
      [2n, 'gz'],
      [3n, 'zip'],
      [5n, 'zip too'],
    ]);
    expect((await fixture.data()).extents('db', 'T').length - before).toBe(1);
  });

  it('ingests all or nothing', async () => {
    const before = (await fixture.data()).extents('db', 'T').length;
    expect(await ingest([csv('1.csv', '7,ok\n'), csv('2.csv', '8,"never closed\n')])).toBe(
      'Stream_ClosingQuoteMissing',
    );
    expect((await fixture.data()).extents('db', 'T').length).toBe(before);
  });

  it('takes the format from the name, and says what lies where', async () => {
    await fixture.table('Where', { a: 'long', place: 'string' });
    const mapping = JSON.stringify([
      { column: 'a', Properties: { Path: '$.a' } },
      { column: 'place', Properties: { Transform: 'SourceLocation' } },
    ]);
    const source = csv('https://account/box/data.json', '{"a": 9}');
    const gz = bytesSource('https://account/box/data.json.gz', gzipSync('{"a": 10}'));
    expect(await ingest([source, gz], { table: 'Where', mapping })).toMatchObject({ rowCount: 2 });
    expect(await fixture.rows('Where', 'a')).toEqual([
      [9n, 'https://account/box/data.json'],
      [10n, 'https://account/box/data.json.gz'],
    ]);
  });

  it('ingests a request id once', async () => {
    const once = [csv('once.csv', '20,once\n')];
    const [first, second] = await Promise.all([ingest(once, { requestId: 'r' }), ingest(once, { requestId: 'r' })]);
    expect([first, second]).toMatchObject([{ repeated: false }, { repeated: true }]);
    expect(await ingest(once, { requestId: 'r' })).toMatchObject({ rowCount: 1, repeated: true });
  });

  it('stops when the signal says so', async () => {
    const controller = new AbortController();
    const endless: DataSource = {
      name: 'endless.csv',
      open: () => {
        async function* stream(): AsyncGenerator<Uint8Array> {
          for (let row = 0; ; row += 1) {
            if (row === 40) controller.abort(new Error('stopped'));
            yield await Promise.resolve(Buffer.from('1,more\n'.repeat(10_000)));
          }
        }
        return Promise.resolve({ bytes: undefined, stream: stream() });
      },
    };
    await expect(ingest([endless], { signal: controller.signal })).resolves.toMatchObject({ message: 'stopped' });
  });

  it.each([
    ['no archive', 'a.zip', Buffer.from('PK not an archive'), 'BadRequest_InvalidArchive'],
    ['an archive without files', 'a.zip', zipOf({}), 'BadRequest_EmptyArchive'],
    ['an archive that is cut', 'a.zip', zipOf({ 'a.csv': '1,x' }).subarray(9), 'BadRequest_InvalidArchive'],
    [
      'an archive that promises less',
      'a.zip',
      zipOf({ 'a.csv': '1,x\n'.repeat(99) }, { bytes: 5 }),
      'BadRequest_InvalidArchive',
    ],
    ['no gzip', 'a.csv.gz', Buffer.from('plain'), 'BadRequest_InvalidArchive'],
    ['gzip that is cut', 'a.csv.gz', gzipSync('1,x\n'.repeat(99)).subarray(0, 20), 'BadRequest_InvalidArchive'],
    ['no Parquet', 'a.parquet', Buffer.from('PAR1 no'), 'BadRequest_InvalidBlob'],
  ])('refuses %s', async (_what, name, bytes, code) => {
    expect(await ingest([bytesSource(name, bytes)])).toBe(code);
  });
});
