/** Thrift's compact protocol, as far as what a Parquet file says of itself needs it. @see apache/parquet-format, "parquet.thrift" */
type Value =
  | { readonly kind: 'i32' | 'i64'; readonly value: bigint }
  | { readonly kind: 'binary'; readonly bytes: Buffer }
  | { readonly kind: 'list'; readonly of: Value['kind']; readonly items: readonly Value[]; readonly claimed?: number }
  | { readonly kind: 'struct'; readonly fields: Readonly<Record<number, Value>> };

const types = { i32: 5, i64: 6, binary: 8, list: 9, struct: 12 } as const;

const varint = (value: bigint): number[] => {
  const bytes: number[] = [];
  let left = value;
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  return [...bytes, Number(left)];
};
const zigzag = (value: bigint): bigint => BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));

function encoded(value: Value): Buffer {
  switch (value.kind) {
    case 'i32':
    case 'i64':
      return Buffer.from(varint(zigzag(value.value)));
    case 'binary':
      return Buffer.concat([Buffer.from(varint(BigInt(value.bytes.length))), value.bytes]);
    case 'list': {
      const head = [0xf0 | types[value.of], ...varint(BigInt(value.claimed ?? value.items.length))];
      return Buffer.concat([Buffer.from(head), ...value.items.map(encoded)]);
    }
    case 'struct': {
      let last = 0;
      const fields = Object.entries(value.fields).flatMap(([name, field]) => {
        const head = ((Number(name) - last) << 4) | types[field.kind];
        last = Number(name);
        return [Buffer.from([head]), encoded(field)];
      });
      return Buffer.concat([...fields, Buffer.from([0])]);
    }
  }
}

const i32 = (value: number): Value => ({ kind: 'i32', value: BigInt(value) });
const i64 = (value: number | bigint): Value => ({ kind: 'i64', value: BigInt(value) });
const text = (value: string): Value => ({ kind: 'binary', bytes: Buffer.from(value) });
const struct = (fields: Readonly<Record<number, Value>>): Value => ({ kind: 'struct', fields });
const list = (of: Value['kind'], items: readonly Value[], claimed?: number): Value =>
  claimed === undefined ? { kind: 'list', of, items } : { kind: 'list', of, items, claimed };

const group = (name: string, children: number): Value => struct({ 3: i32(0), 4: text(name), 5: i32(children) });
/** Required, 64 bits. */
const leaf = (name: string): Value => struct({ 1: i32(2), 3: i32(0), 4: text(name) });

interface Claims {
  readonly schema?: readonly Value[];
  readonly schemaClaimed?: number;
  readonly rows?: number | bigint;
  readonly rowGroupsClaimed?: number;
  /** Of its one page, by the number of what the header of a page says. */
  readonly page?: Readonly<Record<number, number>>;
  readonly codec?: number;
  readonly data?: Buffer;
  readonly footerLength?: number;
  /** Fields more that the header of its page has. */
  readonly more?: Buffer;
}

/** A file of one column with one page, but for what it claims of itself. */
function parquetOf(claims: Claims = {}): Buffer {
  const { schema = [group('root', 1), leaf('n')], rows = 1, data = Buffer.alloc(8), codec = 0, page = {} } = claims;
  const { 1: type = 0, 2: plainBytes = data.length, 3: packedBytes = data.length, 5: values = Number(rows) } = page;
  const known = encoded(
    struct({
      ...{ 1: i32(type), 2: i32(plainBytes), 3: i32(packedBytes) },
      5: struct({ 1: i32(values), 2: i32(0), 3: i32(3), 4: i32(3) }),
    }),
  );
  const header = Buffer.concat([known.subarray(0, -1), claims.more ?? Buffer.alloc(0), Buffer.from([0])]);
  const bytes = header.length + data.length;
  const column = struct({
    2: i64(4),
    3: struct({
      ...{ 1: i32(2), 2: list('i32', [i32(0)]), 3: list('binary', [text('n')]), 4: i32(codec), 5: i64(rows) },
      ...{ 6: i64(header.length + plainBytes), 7: i64(bytes), 9: i64(4) },
    }),
  });
  const rowGroup = struct({ 1: list('struct', [column]), 2: i64(bytes), 3: i64(rows) });
  const footer = encoded(
    struct({
      ...{ 1: i32(1), 2: list('struct', schema, claims.schemaClaimed), 3: i64(rows) },
      4: list('struct', [rowGroup], claims.rowGroupsClaimed),
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(claims.footerLength ?? footer.length);
  return Buffer.concat([Buffer.from('PAR1'), header, data, footer, length, Buffer.from('PAR1')]);
}

const snappyLength = (value: number): Buffer => Buffer.from([...varint(BigInt(value)), 0, 0]);
/** A frame that says that it has so much, and then one byte again and again. */
const zstdFrame = (bytes: bigint): Buffer => {
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(bytes);
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0]), size, Buffer.from([0x03, 0x00, 0x10, 0x00])]);
};

/** What is right, so that the others are wrong in what their names say. */
export const plainParquet = (): Buffer => parquetOf();

/** Files of few bytes that claim to have much, or are deep. */
export const hostileParquet: Readonly<Record<string, () => Buffer>> = {
  'rows without end': () => parquetOf({ rows: 2n ** 62n }),
  'rows below none': () => parquetOf({ rows: -1n }),
  'three million rows in one page of eight bytes': () => parquetOf({ rows: 3_000_000 }),
  'a page of two gigabytes': () => parquetOf({ page: { 2: 2 ** 31 - 1 } }),
  'a packed page of two gigabytes': () => parquetOf({ page: { 3: 2 ** 31 - 1 } }),
  'a page of less than nothing': () => parquetOf({ page: { 2: -1, 3: -1 } }),
  'a page that Snappy says has four gigabytes': () =>
    parquetOf({ codec: 1, data: snappyLength(2 ** 32 - 1), page: { 2: 2 ** 31 - 1 } }),
  'a page that ZSTD says has an exabyte': () =>
    parquetOf({ codec: 6, data: zstdFrame(2n ** 60n), page: { 2: 2 ** 31 - 1 } }),
  'a schema of a hundred thousand levels': () =>
    parquetOf({ schema: [...Array.from({ length: 100_000 }, () => group('g', 1)), leaf('n')] }),
  'a header of a page of a hundred thousand levels': () =>
    parquetOf({ more: Buffer.concat([Buffer.from([0xac]), Buffer.alloc(100_000, 0x1c), Buffer.alloc(100_001)]) }),
  'a schema with two billion children': () => parquetOf({ schema: [group('root', 2 ** 31 - 1), leaf('n')] }),
  'a schema that claims two billion parts': () => parquetOf({ schemaClaimed: 2 ** 31 - 1 }),
  'row groups that are claimed to be two billion': () => parquetOf({ rowGroupsClaimed: 2 ** 31 - 1 }),
  'a schema of two million empty parts': () =>
    parquetOf({ schema: [group('root', 1), leaf('n'), ...Array.from({ length: 2_000_000 }, () => struct({}))] }),
  'a footer of four gigabytes': () => parquetOf({ footerLength: 2 ** 32 - 1 }),
};
