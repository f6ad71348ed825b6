import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { refusal } from '../../../tests/support/refusal.ts';
import { openDataFixture, openTestEngine } from '../../../tests/support/cluster-data-fixture.ts';
import type { DataFixture } from '../../../tests/support/cluster-data-fixture.ts';
import type { EngineDatabase } from '../../kql/duckdb/engine-database.ts';
import type { KqlType } from '../../kql/plan/types.ts';
import { requireFormat } from './formats.ts';
import { readBatch } from './read-batch.ts';
import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';

const vector = (name: string): Buffer =>
  readFileSync(join(import.meta.dirname, '..', '..', '..', 'vectors', 'avro', `${name}.avro`));

let engine: EngineDatabase;
let fixture: DataFixture;
beforeAll(async () => {
  engine = await openTestEngine();
});
afterAll(() => engine.close());
beforeEach(async () => {
  fixture = await openDataFixture({ engine });
  return () => fixture.close();
});

let tables = 0;
type Properties = Readonly<Record<string, string>>;

/** Ingests into a new table and reads it back, in the order of the file. */
async function ingested(
  body: Uint8Array,
  columns: Readonly<Record<string, KqlType>>,
  mapping?: Readonly<Record<string, Properties>>,
  format = 'avro',
): Promise<unknown[][]> {
  const table = `T${(tables += 1)}`;
  await fixture.table(table, columns);
  const mapped = mapping && Object.entries(mapping).map(([Column, Properties]) => ({ Column, Properties }));
  await fixture.ingest(table, format, '', { body, ...(mapped && { mapping: JSON.stringify(mapped) }) });
  const shown = (value: unknown, type: KqlType): unknown => {
    if (typeof value !== 'bigint') return value;
    if (type === 'datetime') return formatDatetime(value);
    return type === 'timespan' ? formatTimespan(value) : value;
  };
  const rows = await fixture.rows(table);
  return rows.map((row) => Object.values(columns).map((type, column) => shown(row[column], type)));
}

/** The three values of one field, by its own name or as a transformation makes them. */
async function field(name: string, type: KqlType, properties: Properties = {}): Promise<unknown[]> {
  return (await ingested(vector('types.deflate'), { c: type }, { c: { Path: `$.${name}`, ...properties } })).flat();
}

describe('Avro', () => {
  it.each(['null', 'deflate', 'snappy', 'zstandard'])(
    'packed by %s has each field in the column of its name',
    async (codec) => {
      const columns = { Boolean: 'bool', Text: 'string', Long: 'long', Enum: 'string', Missing: 'int' } as const;
      expect(await ingested(vector(`types.${codec}`), columns)).toEqual([
        [true, 'grüße, ☕', 7n, 'SPADES', null],
        [true, '', 2n ** 53n + 1n, 'SPADES', null],
        [false, 'x'.repeat(300), -(2n ** 63n), 'HEARTS', null],
      ]);
    },
  );

  it.each<[string, KqlType, unknown[]]>([
    ['Int', 'int', [7, 2 ** 31 - 1, -(2 ** 31)]],
    ['Int', 'real', [7, 2 ** 31 - 1, -(2 ** 31)]],
    ['Float', 'real', [0.5, 0.5, -Infinity]],
    ['Double', 'real', [1.75, NaN, NaN]],
    ['Bytes', 'string', ['{"a":[1,2]}', '', '//4A']],
    ['Bytes', 'dynamic', ['{"a":[1,2]}', null, '"//4A"']],
    ['Optional', 'long', [42n, null, -1n]],
    ['Uuid', 'guid', Array.from({ length: 3 }, () => '74be27de-1e4e-49d9-b579-fe0b331d3642')],
    [
      'Date',
      'datetime',
      ['2026-01-02T00:00:00.0000000Z', '1969-12-31T00:00:00.0000000Z', '0001-01-01T00:00:00.0000000Z'],
    ],
    ...['Millis', 'Micros', 'LocalMillis'].map((name): [string, KqlType, unknown[]] => [
      name,
      'datetime',
      ['2026-01-02T03:04:05.6780000Z', '1969-12-31T23:59:59.0010000Z', '0001-01-01T00:00:00.0000000Z'],
    ]),
    [
      'Millis',
      'string',
      ['2026-01-02T03:04:05.6780000Z', '1969-12-31T23:59:59.0010000Z', '0001-01-01T00:00:00.0000000Z'],
    ],
    ['Millis', 'long', [1767323045678n, -999n, -62135596800000n]],
    ['TimeMillis', 'timespan', Array.from({ length: 3 }, () => '01:02:03.0040000')],
    ['TimeMicros', 'timespan', Array.from({ length: 3 }, () => '23:59:59.9999990')],
    ['Decimal', 'string', ['1234567890.1234', '-0.0100', '-99.9900']],
    ['FixedDecimal', 'real', [1234567890.12, -0.01, -99.99]],
  ])('%s as %s', async (name, type, values) => {
    expect(await field(name, type)).toEqual(values);
  });

  it('goes down paths, and takes whole records', async () => {
    const columns = { N: 'string', V: 'real', T: 'long', R: 'dynamic', L: 'long', C: 'string', P: 'string' } as const;
    const mapping = {
      ...{ N: { Path: '$.Event.Name' }, V: { Path: '$.Values[1]' }, T: { Path: "$.Tags['b']" } },
      ...{
        R: { Field: 'Event' },
        L: { Path: '$.List.next.value' },
        C: { ConstValue: 'c' },
        P: { Field: "$.['Event'].Name" },
      },
    };
    expect(await ingested(vector('nested'), columns, mapping)).toEqual([
      ['start', -2, 2n, '{"Name":"start","odd_name":5}', 2n, 'c', 'start'],
      ['end', null, null, '{"Name":"end","odd_name":-5}', null, 'c', 'end'],
    ]);
  });

  it('is transformed as mappings ask', async () => {
    const columns = { D: 'dynamic', P: 'dynamic', N: 'string', O: 'string', Row: 'long', From: 'string' } as const;
    const mapping = {
      D: { Path: '$.Event', Transform: 'DropMappedFields' },
      P: { Path: '$.Pairs', Transform: 'PropertyBagArrayToDictionary' },
      N: { Path: '$.Event.Name' },
      O: { Path: '$.Octets', Transform: 'BytesAsBase64' },
      Row: { Transform: 'SourceLineNumber' },
      From: { Transform: 'SourceLocation' },
    };
    expect(await ingested(vector('nested'), columns, mapping, 'ApacheAvro')).toEqual([
      ['{"odd_name":5}', '{"n1":"v1","n2":"v2"}', 'start', 'AH//', 1n, ''],
      ['{"odd_name":-5}', '{}', 'end', '', 2n, ''],
    ]);
  });

  it('bytes become base64, numbers since 1970 become times', async () => {
    expect(await field('Bytes', 'string', { Transform: 'BytesAsBase64' })).toEqual(['eyJhIjpbMSwyXX0=', '', '//4A']);
    expect(await field('Fixed', 'string', { Transform: 'BytesAsBase64' })).toEqual(Array(3).fill('AAH+/w=='));
    const begin = '2020-01-01T00:00:00.0000000Z';
    expect(await field('Unix', 'datetime', { Transform: 'DateTimeFromUnixSeconds' })).toEqual(Array(3).fill(begin));
    expect((await field('Millis', 'datetime', { Transform: 'DateTimeFromUnixMilliseconds' }))[0]).toBe(
      '2026-01-02T03:04:05.6780000Z',
    );
  });

  it('comes in blocks, and their records are counted through', async () => {
    const rows = await ingested(
      vector('blocks'),
      { N: 'int', S: 'string', Row: 'long' },
      {
        ...{ N: { Field: 'N' }, S: { Field: 'S' }, Row: { Transform: 'SourceLineNumber' } },
      },
    );
    expect(rows).toHaveLength(5000);
    expect(rows.every(([n, , row]) => row === BigInt(Number(n) + 1))).toBe(true);
    expect(rows[4999]).toEqual([4999, `row 4999 ${'y'.repeat(49)}`, 5000n]);
  });

  it('is refused where it is cut, changed, or no Avro', async () => {
    const file = vector('types.null');
    await fixture.table('T', { Long: 'long' });
    for (let length = 0; length < file.length; length += 61) {
      const cut = refusal(fixture.ingest('T', 'avro', '', { body: file.subarray(0, length) }));
      expect((await cut)[0], `${length} bytes`).toBe('MalformedData');
    }
    const marked = Buffer.from(file);
    marked[file.length - 1] = 99;
    expect(await refusal(fixture.ingest('T', 'avro', '', { body: marked }))).toEqual([
      ...['MalformedData', 'The Avro file has a block that is not marked as its own.'],
    ]);
    const packed = Buffer.from(vector('types.deflate'));
    packed.fill(255, packed.length - 60, packed.length - 20);
    expect((await refusal(fixture.ingest('T', 'avro', '', { body: packed })))[0]).toBe('MalformedData');
    expect(await refusal(fixture.ingest('T', 'avro', '', { body: Buffer.from('a,b,c') }))).toEqual([
      ...['MalformedData', 'The Avro file is none: it does not begin as one.'],
    ]);
    expect(await fixture.rows('T')).toEqual([]);
  });

  it('is refused by the name of a codec that is not read here', async () => {
    const file = vector('types.null').toString('latin1').replace('\bnull', '\u000ebzip2__');
    await fixture.table('T', { Long: 'long' });
    expect((await refusal(fixture.ingest('T', 'avro', '', { body: Buffer.from(file, 'latin1') })))[1]).toContain(
      'avro with the codec bzip2__',
    );
  });

  it('that declares more than it has takes no more memory than that', async () => {
    await fixture.table('T', { N: 'long' });
    const header = (schema: string) => {
      const long = (value: number): Buffer => {
        const bytes: number[] = [];
        let left = BigInt(value) * 2n;
        for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
        return Buffer.from([...bytes, Number(left)]);
      };
      const text = (value: string) => Buffer.concat([long(value.length), Buffer.from(value)]);
      const start = [
        Buffer.from('Obj\u0001', 'latin1'),
        long(1),
        text('avro.schema'),
        text(schema),
        long(0),
        Buffer.alloc(16),
      ];
      return { start: Buffer.concat(start), long };
    };
    const record = (type: string) => `{"type":"record","name":"R","fields":[{"name":"N","type":${type}}]}`;
    const { start, long } = header(record('"null"'));
    const many = Buffer.concat([start, long(2 ** 50), long(0), Buffer.alloc(16)]);
    const format = { ...requireFormat('avro'), reader: { kind: 'avro' } } as const;
    const few = readBatch(many, { format, columns: [], mapping: undefined, ignoreFirstRecord: false, rowsMax: 99 });
    expect((await refusal(few))[0]).toBe('PayloadTooLarge');
    const items = header(record('{"type":"array","items":"null"}'));
    const block = Buffer.concat([items.long(2 ** 40), items.long(0)]);
    const body = Buffer.concat([items.start, items.long(1), items.long(block.length), block, Buffer.alloc(16)]);
    expect((await refusal(fixture.ingest('T', 'avro', '', { body })))[1]).toContain('too large or too deep');
    const large = Buffer.concat([start, long(1), long(2 ** 40)]);
    expect((await refusal(fixture.ingest('T', 'avro', '', { body: large })))[1]).toContain('more than 64 MiB');
  });
});
