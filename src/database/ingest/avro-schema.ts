import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { malformedData } from '../catalog/data-error.ts';

export type AvroPrimitive = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string';

/** What a number or text of the file stands for. @see Avro specification, "Logical Types" */
export type AvroLogical =
  | { readonly name: 'date' | 'time-millis' | 'time-micros' }
  | { readonly name: 'timestamp'; readonly unitsPerSecond: bigint }
  | { readonly name: 'decimal'; readonly scale: number };

export type AvroType =
  | { readonly kind: 'primitive'; readonly name: AvroPrimitive; readonly logical?: AvroLogical }
  | { readonly kind: 'fixed'; readonly size: number; readonly logical?: AvroLogical }
  | { readonly kind: 'enum'; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly item: AvroType }
  | { readonly kind: 'union'; readonly members: readonly AvroType[] }
  | { readonly kind: 'record'; readonly fields: { readonly name: string; readonly type: AvroType }[] };

const primitives: readonly string[] = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];
const typesMax = 10_000;
const depthMax = 100;
/** Bytes of a `fixed`. */
const fixedMax = 1024 * 1024;
/** Digits behind the point; the engine's decimals have 18. */
const scaleMax = 100;

/** Reads a schema. A record may hold itself, as lists and trees do. @throws DataError `MalformedData` */
export function parseAvroSchema(json: Json): AvroType {
  const named = new Map<string, AvroType>();
  let types = 0;
  const parse = (from: Json | undefined, space: string, depth: number): AvroType => {
    if ((types += 1) > typesMax || depth > depthMax) throw wrong('is too large');
    if (typeof from === 'string') return byName(from, space);
    if (Array.isArray(from))
      return { kind: 'union', members: (from as readonly Json[]).map((one) => parse(one, space, depth + 1)) };
    if (!isJsonObject(from)) throw wrong('has a type that is none');
    const { type } = from;
    const own = spaceOf(from, space);
    switch (type) {
      case 'record':
      case 'error': {
        const fields: { name: string; type: AvroType }[] = [];
        const made: AvroType = { kind: 'record', fields };
        define(from, own, made);
        const listed = from['fields'];
        if (!Array.isArray(listed)) throw wrong('has a record without fields');
        for (const field of listed as readonly Json[]) {
          if (!isJsonObject(field) || typeof field['name'] !== 'string') throw wrong('has a field without a name');
          fields.push({ name: field['name'], type: parse(field['type'], own, depth + 1) });
        }
        return made;
      }
      case 'enum': {
        const symbols = from['symbols'];
        if (!Array.isArray(symbols)) throw wrong('has an enum without symbols');
        return define(from, own, { kind: 'enum', symbols: (symbols as readonly Json[]).map(String) });
      }
      case 'fixed': {
        const size = from['size'];
        if (typeof size !== 'number' || !Number.isInteger(size) || size < 0 || size > fixedMax)
          throw wrong('has a fixed type without a size');
        return define(from, own, { kind: 'fixed', size, ...logicalOf(from) });
      }
      case 'array':
        return { kind: 'array', item: parse(from['items'], space, depth + 1) };
      case 'map':
        return { kind: 'map', item: parse(from['values'], space, depth + 1) };
      default: {
        const inner = parse(type, space, depth + 1);
        return inner.kind === 'primitive' ? { ...inner, ...logicalOf(from) } : inner;
      }
    }
  };
  const byName = (name: string, space: string): AvroType => {
    if (primitives.includes(name)) return { kind: 'primitive', name: name as AvroPrimitive };
    const found = named.get(name.includes('.') || space === '' ? name : `${space}.${name}`) ?? named.get(name);
    if (found === undefined) throw wrong(`names the unknown type '${name.slice(0, 100)}'`);
    return found;
  };
  const define = (from: Readonly<Record<string, Json | undefined>>, space: string, type: AvroType): AvroType => {
    const { name } = from;
    if (typeof name !== 'string') throw wrong('has a type without a name');
    named.set(name.includes('.') || space === '' ? name : `${space}.${name}`, type);
    return type;
  };
  return parse(json, '', 0);
}

function spaceOf(from: Readonly<Record<string, Json | undefined>>, around: string): string {
  const { name, namespace } = from;
  if (typeof name === 'string' && name.includes('.')) return name.slice(0, name.lastIndexOf('.'));
  return typeof namespace === 'string' ? namespace : around;
}

/** One that is not known, or does not fit, is as if it were not there. */
function logicalOf(from: Readonly<Record<string, Json | undefined>>): { readonly logical?: AvroLogical } {
  const { logicalType: name, scale = 0 } = from;
  const unitsPerSecond = typeof name === 'string' ? timestamps.get(name) : undefined;
  if (unitsPerSecond !== undefined) return { logical: { name: 'timestamp', unitsPerSecond } };
  if (name === 'date' || name === 'time-millis' || name === 'time-micros') return { logical: { name } };
  const isScale = typeof scale === 'number' && Number.isInteger(scale) && scale >= 0 && scale <= scaleMax;
  return name === 'decimal' && isScale ? { logical: { name, scale } } : {};
}

const timestamps: ReadonlyMap<string, bigint> = new Map(
  [['millis', 1_000n] as const, ['micros', 1_000_000n] as const, ['nanos', 1_000_000_000n] as const].flatMap(
    ([unit, each]): [string, bigint][] => [
      [`timestamp-${unit}`, each],
      [`local-timestamp-${unit}`, each],
    ],
  ),
);

const wrong = (what: string): Error => malformedData('BadRequest_InvalidBlob', `The schema of the Avro file ${what}`);
