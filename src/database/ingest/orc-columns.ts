import { Turns } from '../../base/turns.ts';
import { inCalendar, ticksPerDay, ticksPerSecond, unixEpochTicks } from '../../kql/values/ticks.ts';
import { decimalText, realNode } from './avro-values.ts';
import type { JsonNode } from './json-reader.ts';
import { JsonBytes, JsonNumber, JsonTime, writeJson } from './json-reader.ts';
import type { OrcStripe, OrcType } from './orc-file.ts';
import { BitRuns, ByteRuns, integerRuns, OrcBytes } from './orc-runs.ts';
import { orcWrong } from './orc-wrong.ts';

/** Values of a column of one stripe, one after the other. */
export type NextValue = () => JsonNode;

/** Kinds of streams. @see ORC specification, "Stripe Footer" */
const streams = { present: 0, data: 1, length: 2, dictionary: 3, secondary: 5 } as const;

/** Values of one record. */
const valuesMax = 1_000_000;
/** What a value takes beside its text. */
const unitsPerValue = 8;
/** Texts of a dictionary that are kept as they are used; of others their place alone is. */
const keptTexts = 65_536;
/** Texts of a dictionary that are looked for in one turn of the event loop. */
const textsPerTurn = 32_768;
/** Seconds from 1970 to 2015, from where ORC counts. */
const orcEpochSeconds = 1_420_070_400n;
const decimalBitsMax = 140n;
const scaleMax = 100n;

export interface RowCounter {
  /** Values of the record that is read, and units of text that all have made. */
  values: number;
  units: number;
}

/** @param counter is told what is made, since a dictionary makes much of little @throws DataError `MalformedData` */
export async function columnReader(stripe: OrcStripe, type: OrcType, counter: RowCounter): Promise<NextValue> {
  const present = await stripe.stream(type.id, streams.present);
  const next = await presentReader(stripe, type, counter);
  const counted = (): JsonNode => {
    counter.units += unitsPerValue;
    if ((counter.values += 1) > valuesMax) throw orcWrong('has a record that is too large');
    return next();
  };
  if (present.length === 0) return counted;
  const bits = new BitRuns(present);
  return () => (bits.next() ? counted() : null);
}

async function presentReader(stripe: OrcStripe, type: OrcType, counter: RowCounter): Promise<NextValue> {
  const stream = (kind: keyof typeof streams) => stripe.stream(type.id, streams[kind]);
  const encoding = stripe.encodings[type.id] ?? { kind: 0, dictionarySize: 0 };
  const version = encoding.kind >= 2 ? 2 : 1;
  const integers = async (kind: keyof typeof streams, isSigned: boolean) =>
    integerRuns(await stream(kind), isSigned, version);
  const child = (index: number): Promise<NextValue> => {
    const found = type.children[index];
    if (found === undefined) throw orcWrong('has columns that make no sense');
    return columnReader(stripe, found, counter);
  };
  switch (type.kind) {
    case 'boolean': {
      const bits = new BitRuns(await stream('data'));
      return () => bits.next();
    }
    case 'byte': {
      const bytes = new ByteRuns(await stream('data'));
      return () => new JsonNumber(String((bytes.next() << 24) >> 24));
    }
    case 'short':
    case 'int':
    case 'long': {
      const numbers = await integers('data', true);
      return () => new JsonNumber(String(numbers.next()));
    }
    case 'float':
    case 'double': {
      const bytes = new OrcBytes(await stream('data'));
      const size = type.kind === 'float' ? 4 : 8;
      return () => {
        const { buffer, byteOffset } = bytes.take(size);
        const view = new DataView(buffer, byteOffset, size);
        return realNode(size === 4 ? view.getFloat32(0, true) : view.getFloat64(0, true));
      };
    }
    case 'string':
    case 'varchar':
    case 'char':
    case 'binary':
      return textReader(stripe, type, counter);
    case 'date': {
      const days = await integers('data', true);
      return () => {
        const day = days.next();
        return timeNode(String(day), inCalendar(day * ticksPerDay + unixEpochTicks));
      };
    }
    case 'timestamp':
    case 'instant': {
      const [seconds, nanos] = [await integers('data', true), await integers('secondary', false)];
      return () => timestampOf(seconds.next() + orcEpochSeconds, nanosOf(nanos.next()));
    }
    case 'decimal': {
      const unscaled = new OrcBytes(await stream('data'));
      const scales = await integers('secondary', true);
      return () => {
        const [value, scale] = [unscaled.zigzag(decimalBitsMax), scales.next()];
        if (scale < 0n || scale > scaleMax) throw orcWrong('has a decimal with too many digits');
        return new JsonNumber(decimalText(value, Number(scale)));
      };
    }
    case 'struct': {
      const members = await Promise.all(type.children.map((_child, index) => child(index)));
      return () => new Map(members.map((next, index) => [type.names[index] ?? String(index), next()]));
    }
    case 'list': {
      const [lengths, next] = [await integers('length', false), await child(0)];
      return () => Array.from({ length: lengthOf(lengths.next()) }, next);
    }
    case 'map': {
      const [lengths, key, value] = [await integers('length', false), await child(0), await child(1)];
      return () => new Map(Array.from({ length: lengthOf(lengths.next()) }, () => [nameOf(key()), value()]));
    }
    case 'union': {
      const tags = new ByteRuns(await stream('data'));
      const members = await Promise.all(type.children.map((_child, index) => child(index)));
      return () => {
        const next = members[tags.next()];
        if (next === undefined) throw orcWrong('chooses what its schema does not have');
        return next();
      };
    }
  }
}

async function textReader(stripe: OrcStripe, { id, kind }: OrcType, counter: RowCounter): Promise<NextValue> {
  const { kind: encoding, dictionarySize } = stripe.encodings[id] ?? { kind: 0, dictionarySize: 0 };
  const version = encoding >= 2 ? 2 : 1;
  const lengths = integerRuns(await stripe.stream(id, streams.length), false, version);
  const data = await stripe.stream(id, streams.data);
  const valueOf = (bytes: Uint8Array): JsonNode =>
    kind === 'binary' ? new JsonBytes(bytes.slice()) : Buffer.from(bytes).toString('utf8');
  if (encoding % 2 === 0) {
    const bytes = new OrcBytes(data);
    return () => {
      const length = Number(lengths.next());
      counter.units += length;
      return valueOf(bytes.take(length));
    };
  }
  stripe.takeTexts(dictionarySize);
  const dictionary = await stripe.stream(id, streams.dictionary);
  const ends = new Uint32Array(dictionarySize);
  const turns = new Turns(textsPerTurn);
  for (let index = 0, end = 0; index < dictionarySize; index += 1) {
    end += Number(lengths.next());
    if (!(end >= (ends[index - 1] ?? 0) && end <= dictionary.length))
      throw orcWrong('has a column that ends too early');
    ends[index] = end;
    const turn = turns.after(1);
    if (turn !== undefined) await turn;
  }
  const kept: JsonNode[] = [];
  const indexes = integerRuns(data, false, version);
  return () => {
    const index = Number(indexes.next());
    const end = ends[index];
    if (end === undefined) throw orcWrong('names a text that is not in its dictionary');
    const start = ends[index - 1] ?? 0;
    counter.units += end - start;
    if (index >= keptTexts) return valueOf(dictionary.subarray(start, end));
    return (kept[index] ??= valueOf(dictionary.subarray(start, end)));
  };
}

function lengthOf(length: bigint): number {
  if (length < 0n || length > BigInt(valuesMax)) throw orcWrong('has a record that is too large');
  return Number(length);
}

const nameOf = (key: JsonNode): string =>
  typeof key === 'string' ? key : key instanceof JsonTime ? key.shown : writeJson(key);

const timeNode = (text: string, ticks: bigint | null): JsonNode =>
  ticks === null ? null : new JsonTime(text, 'datetime', ticks);

/** The last three bits say how many zeros were left out. Some writers have negative ones in the second before 1970. */
function nanosOf(unsigned: bigint): bigint {
  const stored = BigInt.asIntN(64, unsigned);
  const zeros = stored & 7n;
  return zeros === 0n ? stored >> 3n : (stored >> 3n) * 10n ** (zeros + 1n);
}

/** What writers leave out of seconds before 1970 is taken off again, as all readers do. The number is microseconds. */
function timestampOf(seconds: bigint, nanos: bigint): JsonNode {
  const whole = seconds < 0n && nanos > 999_999n ? seconds - 1n : seconds;
  const ticks = whole * ticksPerSecond + nanos / 100n;
  return timeNode(String(whole * 1_000_000n + nanos / 1_000n), inCalendar(ticks + unixEpochTicks));
}
