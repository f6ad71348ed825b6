import { inflateRawSync } from 'node:zlib';
import { Turns } from '../../base/turns.ts';
import { dataError } from '../catalog/data-error.ts';
import { unpackLz4 } from './lz4.ts';
import { orcWrong } from './orc-wrong.ts';
import { ProtoMessage } from './protobuf.ts';
import { unpackSnappy } from './snappy.ts';
import { unpackZstd } from './zstd.ts';

/** What a column holds, in the order of the file's own numbers. @see ORC specification, "Schema Metadata" */
const kinds = [
  ...(['boolean', 'byte', 'short', 'int', 'long', 'float', 'double', 'string', 'binary', 'timestamp'] as const),
  ...(['list', 'map', 'struct', 'union', 'decimal', 'date', 'varchar', 'char', 'instant'] as const),
];
export type OrcKind = (typeof kinds)[number];

/** A column, and those inside of it. `id` numbers them in the file. */
export interface OrcType {
  readonly id: number;
  readonly kind: OrcKind;
  readonly children: readonly OrcType[];
  readonly names: readonly string[];
}

export interface OrcStripe {
  readonly rows: number;
  /** By column and kind. */
  readonly stream: (column: number, kind: number) => Promise<Uint8Array>;
  /** Takes texts of dictionaries out of those that a stripe may have. @throws DataError `MalformedData` */
  readonly takeTexts: (count: number) => void;
  readonly encodings: readonly { readonly kind: number; readonly dictionarySize: number }[];
}

export interface OrcFile {
  readonly type: OrcType;
  readonly stripes: () => AsyncGenerator<OrcStripe>;
}

/** Of the schema and the list of stripes, unpacked. */
const footerBytesMax = 16 * 1024 * 1024;
/** Of what all stripes say of themselves, unpacked. */
const stripeFootersBytesMax = 128 * 1024 * 1024;
/** Of one stripe, unpacked: all its streams together. */
const stripeBytesMax = 256 * 1024 * 1024;
const stripesMax = 100_000;
/** Of all columns of a stripe. */
const dictionariesMax = 10_000_000;
const chunkBytesMax = 16 * 1024 * 1024;
const typesMax = 10_000;
const depthMax = 100;
/** Bytes unpacked in one turn of the event loop. */
const bytesPerTurn = 1024 * 1024;

type Unpack = (packed: Uint8Array, bytesMax: number) => Uint8Array | undefined;

const inflated: Unpack = (packed, bytesMax) => {
  try {
    return inflateRawSync(packed, { maxOutputLength: bytesMax });
  } catch {
    return undefined;
  }
};

/** In the order of the file's own numbers. */
const codecs: readonly { readonly name: string; readonly unpack?: Unpack }[] = [
  { name: 'none' },
  { name: 'zlib', unpack: inflated },
  { name: 'snappy', unpack: unpackSnappy },
  { name: 'lzo' },
  { name: 'lz4', unpack: unpackLz4 },
  { name: 'zstd', unpack: unpackZstd },
];

/** Reads what a whole ORC file says of itself. @throws DataError `MalformedData`, `FormatNotSupported` for what is not read here */
export async function openOrc(file: Uint8Array, signal?: AbortSignal): Promise<OrcFile> {
  const tailLength = file.at(-1) ?? 0;
  if (Buffer.from(file.subarray(0, 3)).toString('latin1') !== 'ORC' || tailLength >= file.length - 3)
    throw orcWrong('is none: it does not begin as one');
  const tailAt = file.length - 1 - tailLength;
  const tail = messageOf(file.subarray(tailAt, file.length - 1));
  if (tail.text(8000) !== 'ORC') throw orcWrong('does not end as one');
  const codec = codecs[tail.number(2) ?? 0];
  if (codec === undefined || (codec.unpack === undefined && codec.name !== 'none'))
    throw dataError('FormatNotSupported', `orc packed by ${codec?.name ?? 'what is not known'}`);
  const chunkMax = tail.number(3) ?? 262_144;
  if (chunkMax > chunkBytesMax) throw orcWrong(`is packed in pieces of more than ${chunkBytesMax / 1024 ** 2} MiB`);
  const turns = new Turns(bytesPerTurn, signal);
  const read: Read = (from, length, room) => {
    if (!(from >= 0 && length >= 0 && from + length <= tailAt)) throw orcWrong('names a part that is not in it');
    const part = file.subarray(from, from + length);
    if (codec.unpack !== undefined) return unpacked(part, codec.unpack, chunkMax, room, turns);
    room(length);
    return Promise.resolve(part);
  };
  const footerLength = tail.number(1) ?? 0;
  const footer = messageOf(await read(tailAt - footerLength, footerLength, roomFor(footerBytesMax)));
  if (footer.bytes(10) !== undefined) throw dataError('FormatNotSupported', 'orc with encrypted columns');
  const type = typeOf(footer.all(4));
  if (type.kind !== 'struct') throw orcWrong('has no records, but other values');
  const stripes = footer.all(3);
  if (stripes.length > stripesMax) throw orcWrong(`has more than ${stripesMax} stripes`);
  return {
    type,
    stripes: async function* () {
      const room = roomFor(stripeFootersBytesMax);
      let end = 0;
      for (const bytes of stripes) {
        const turn = turns.after(stripeUnits);
        if (turn !== undefined) await turn;
        const stripe = messageOf(bytes);
        // Stripes that lie in each other would be much of little, again and again.
        const [start = 0, ...lengths] = [1, 2, 3, 4].map((field) => stripe.number(field) ?? 0);
        if (start < end) throw orcWrong('has stripes that lie in each other');
        end = lengths.reduce((sum, length) => sum + length, start);
        yield await openStripe(stripe, read, room);
      }
    },
  };
}

/** What a stripe costs beside its bytes, as bytes unpacked. */
const stripeUnits = 4_096;

/** Takes bytes that come out of what bytes may. @throws DataError `MalformedData` */
type Room = (bytes: number) => void;
type Read = (from: number, length: number, room: Room) => Promise<Uint8Array>;

/** One bound for all that is read with it, at the same time, too. */
function roomFor(bytesMax: number): Room {
  let left = bytesMax;
  return (bytes) => {
    left -= bytes;
    if (left < 0) throw orcWrong(`has more than ${bytesMax} bytes where less is to be`);
  };
}

async function openStripe(stripe: ProtoMessage, read: Read, footersRoom: Room): Promise<OrcStripe> {
  const [start = 0, index = 0, data = 0, footerLength = 0] = [1, 2, 3, 4].map((field) => stripe.number(field) ?? 0);
  const own = roomFor(footerBytesMax);
  const both: Room = (bytes) => {
    footersRoom(bytes);
    own(bytes);
  };
  const footer = messageOf(await read(start + index + data, footerLength, both));
  const zone = footer.text(3);
  if (!['', 'GMT', 'UTC', 'Etc/UTC'].includes(zone))
    throw dataError('FormatNotSupported', `orc with times of the zone ${zone.slice(0, 60)}`);
  const places = new Map<string, { readonly from: number; readonly length: number }>();
  let from = start;
  for (const bytes of footer.all(1)) {
    const stream = messageOf(bytes);
    const length = stream.number(3) ?? 0;
    places.set(`${stream.number(2) ?? 0} ${stream.number(1) ?? 0}`, { from, length });
    from += length;
  }
  const room = roomFor(stripeBytesMax);
  let textsLeft = dictionariesMax;
  return {
    rows: stripe.number(5) ?? 0,
    encodings: footer.all(2).map((bytes) => {
      const encoding = messageOf(bytes);
      return { kind: encoding.number(1) ?? 0, dictionarySize: encoding.number(2) ?? 0 };
    }),
    stream: async (column, kind) => {
      const place = places.get(`${column} ${kind}`);
      return place === undefined ? new Uint8Array() : read(place.from, place.length, room);
    },
    takeTexts: (count) => {
      textsLeft -= count;
      if (textsLeft < 0) throw orcWrong(`has dictionaries of more than ${dictionariesMax} texts`);
    },
  };
}

/** Packed pieces, each behind three bytes that say how long it is, and whether it is packed at all. */
async function unpacked(
  part: Uint8Array,
  unpack: Unpack,
  chunkMax: number,
  room: Room,
  turns: Turns,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < part.length;) {
    const header = (part[at] ?? 0) | ((part[at + 1] ?? 0) << 8) | ((part[at + 2] ?? 0) << 16);
    at += 3;
    const length = header >> 1;
    if (length > part.length - at) throw orcWrong('has a piece that ends too early');
    const chunk = part.subarray(at, at + length);
    at += length;
    const plain = (header & 1) === 1 ? chunk : unpack(chunk, chunkMax);
    if (plain === undefined) throw orcWrong('has a piece that cannot be unpacked');
    room(plain.length);
    chunks.push(plain);
    const turn = turns.after(plain.length + length);
    if (turn !== undefined) await turn;
  }
  return chunks.length === 1 ? (chunks[0] ?? part) : Buffer.concat(chunks);
}

function messageOf(bytes: Uint8Array): ProtoMessage {
  try {
    return new ProtoMessage(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw orcWrong(`says of itself what cannot be read: ${error.message}`);
    throw error;
  }
}

/** @param listed in the order of their ids: each before those inside of it */
function typeOf(listed: readonly Uint8Array[]): OrcType {
  if (listed.length === 0 || listed.length > typesMax) throw orcWrong(`has no columns, or more than ${typesMax}`);
  const types = listed.map((bytes) => messageOf(bytes));
  let count = 0;
  const made = (id: number, depth: number): OrcType => {
    const type = types[id];
    // Columns that name the same ones inside of them would be many of few.
    if ((count += 1) > types.length) throw orcWrong('has columns that make no sense');
    const kind = kinds[type?.number(1) ?? 0];
    if (type === undefined || kind === undefined || depth > depthMax) throw orcWrong('has columns that make no sense');
    const children = type.numbers(2).map((child) => {
      if (child <= id) throw orcWrong('has columns that make no sense');
      return made(child, depth + 1);
    });
    const needed = kind === 'list' ? 1 : kind === 'map' ? 2 : undefined;
    if (needed !== undefined && children.length !== needed) throw orcWrong('has columns that make no sense');
    const names = type.all(3).map((name) => Buffer.from(name).toString('utf8'));
    return { id, kind, children, names };
  };
  return made(0, 0);
}
