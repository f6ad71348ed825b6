import { promisify } from 'node:util';
import { inflateRaw } from 'node:zlib';
import { Turns } from '../../base/turns.ts';
import type { Json } from '../../base/json.ts';
import { dataError, malformedData } from '../catalog/data-error.ts';
import { unpackSnappy } from './snappy.ts';
import { unpackZstdInTurns } from './zstd.ts';
import type { SourceRecord } from './value-reader.ts';
import type { AvroType } from './avro-schema.ts';
import { parseAvroSchema } from './avro-schema.ts';
import { AvroValues } from './avro-values.ts';
import { PieceReader } from './piece-reader.ts';

const inflate = promisify(inflateRaw);

/** Of the schema and what else stands before the rows. */
const headerBytesMax = 4 * 1024 * 1024;
const headerEntriesMax = 10_000;
/** Of one block, packed or not: it is read as a whole. */
const blockBytesMax = 64 * 1024 * 1024;
const syncBytes = 16;
/** Blocks that are read in one turn of the event loop, however small they are. */
const blocksPerTurn = 1_000;

type Unpack = (packed: Uint8Array) => Promise<Uint8Array | undefined>;

/** @see Avro specification, "Object Container Files", "Required Codecs" and "Optional Codecs" */
const codecs: ReadonlyMap<string, Unpack> = new Map<string, Unpack>([
  ['null', (packed) => Promise.resolve(packed)],
  ['deflate', (packed) => inflate(packed, { maxOutputLength: blockBytesMax }).catch(() => undefined)],
  // Behind the block stands a checksum of it.
  [
    'snappy',
    (packed) => Promise.resolve(packed.length < 4 ? undefined : unpackSnappy(packed.subarray(0, -4), blockBytesMax)),
  ],
  ['zstandard', (packed) => unpackZstdInTurns(packed, blockBytesMax)],
]);

/** Records of an Avro file that comes in pieces, a block at a time. Numbers of records stand for lines.
 * @throws DataError `MalformedData`, `FormatNotSupported` for a codec that is not read here */
export async function* avroWindows(
  pieces: AsyncIterable<Uint8Array>,
  signal?: AbortSignal,
): AsyncGenerator<Iterable<SourceRecord>> {
  const reader = new PieceReader(pieces, () => wrong('ends too early'));
  const { schema, codec, sync } = await readHeader(reader);
  const turns = new Turns(blocksPerTurn, signal);
  let line = 0;
  while (!(await reader.isAtEnd())) {
    const turn = turns.after(1);
    if (turn !== undefined) await turn;
    const count = await reader.long();
    const size = Number(await reader.long());
    if (count < 0n || size < 0) throw wrong('has a block of a negative size');
    if (size > blockBytesMax) throw tooLarge();
    const block = await codec(await reader.take(size));
    if (block === undefined) throw wrong('has a block that cannot be unpacked, or is too large');
    if (Buffer.compare(await reader.take(syncBytes), sync) !== 0)
      throw wrong('has a block that is not marked as its own');
    yield recordsOf(block, schema, count, line);
    line += Number(count);
  }
}

function* recordsOf(block: Uint8Array, schema: AvroType, count: bigint, before: number): Generator<SourceRecord> {
  const values = new AvroValues(block);
  for (let index = 1; index <= count; index += 1) {
    const json = values.record(schema);
    yield { line: before + index, json, end: values.units };
  }
  if (!values.isAtEnd) throw wrong('has more in a block than its records');
}

interface Header {
  readonly schema: AvroType;
  readonly codec: Unpack;
  readonly sync: Uint8Array;
}

async function readHeader(reader: PieceReader): Promise<Header> {
  const magic = Buffer.from(await reader.take(4)).toString('latin1');
  if (magic !== 'Obj\u0001') throw wrong('is none: it does not begin as one');
  const facts = new Map<string, Uint8Array>();
  for (let [left, entries] = [headerBytesMax, headerEntriesMax]; ;) {
    let count = await reader.long();
    if (count === 0n) break;
    if (count < 0n) {
      await reader.long();
      count = -count;
    }
    entries -= Number(count);
    if (entries < 0) throw wrong(`says more than ${headerEntriesMax} things of itself`);
    for (; count > 0n; count -= 1n) {
      const name = Buffer.from(await sized(reader, left)).toString('utf8');
      const value = await sized(reader, left);
      left -= name.length + value.length + 2;
      if (left < 0) throw tooLarge();
      facts.set(name, Uint8Array.from(value));
    }
  }
  const name = Buffer.from(facts.get('avro.codec') ?? Buffer.from('null')).toString('utf8');
  const codec = codecs.get(name);
  if (codec === undefined) throw dataError('FormatNotSupported', `avro with the codec ${name.slice(0, 100)}`);
  const sync = Uint8Array.from(await reader.take(syncBytes));
  return { schema: schemaOf(facts.get('avro.schema')), codec, sync };
}

async function sized(reader: PieceReader, bytesMax: number): Promise<Uint8Array> {
  const size = Number(await reader.long());
  if (size < 0 || size > bytesMax) throw tooLarge();
  return reader.take(size);
}

function schemaOf(bytes: Uint8Array | undefined): AvroType {
  let json: Json;
  try {
    json = JSON.parse(Buffer.from(bytes ?? []).toString('utf8')) as Json;
  } catch {
    throw wrong('has no schema');
  }
  const schema = parseAvroSchema(json);
  if (schema.kind !== 'record') throw wrong('has no records, but other values');
  return schema;
}

const wrong = (what: string): Error => malformedData('BadRequest_InvalidBlob', `The Avro file ${what}`);
const tooLarge = (): Error =>
  malformedData(
    'Stream_InputStreamTooLarge',
    `A block of the Avro file has more than ${blockBytesMax / 1024 ** 2} MiB`,
  );
