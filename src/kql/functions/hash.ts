import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { createHash } from 'node:crypto';
import type { KqlType } from '../plan/types.ts';
import { cast, convert } from '../sql/convert.ts';
import { native } from '../sql/native-row.ts';
import type { NativeFunction, NativeValue, OverBytes } from '../sql/native.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import { xxhash64 } from '../algorithms/text/xxhash64.ts';
import { reduceRows, xxhash64Rows } from '../algorithms/text/xxhash64-rows.ts';

/** Cryptographic hashes are of the text that tostring() gives. */
const textHash = (name: string, algorithm: string): FunctionRow =>
  native(name, ['string'], 'string', ([text]) => createHash(algorithm).update(String(text), 'utf8').digest('hex'));

const wholeTypes: ReadonlySet<KqlType> = new Set(['int', 'long']);

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};

/** The hash of values of a type, and what is left of it by a modulus that is positive and the same for every row: SQL would divide for each
 * row, also for those that share a value, and could not be asked while rows are read.
 * @param width how many bytes of each value count; all of them without it */
function hashing(
  name: string,
  type: KqlType,
  bytesOf: (value: NativeValue | undefined) => Buffer,
  width?: number,
): readonly [NativeFunction, NativeFunction] {
  const hashRows: OverBytes = (rows, results) => xxhash64Rows(rows, results, width);
  const reduced: OverBytes = (rows, results, modulus) => {
    xxhash64Rows(rows, results, width);
    reduceRows(results, big(modulus));
  };
  return [
    nativeFunction(name, [type], 'long', ([value]) => xxhash64(bytesOf(value)), { overBytes: hashRows }),
    nativeFunction(
      `${name}_mod`,
      [type, 'long'],
      'long',
      ([value, by]) => {
        const [hash, modulus] = [xxhash64(bytesOf(value)), big(by)];
        return ((hash % modulus) + modulus) % modulus;
      },
      { overBytes: reduced },
    ),
  ];
}

const ofText = hashing('xxhash_text', 'string', (value) => Buffer.from(String(value), 'utf8'));
const ofLong = hashing('xxhash_long', 'long', (value) => int64(big(value)));
const ofInt = hashing('xxhash_int', 'long', (value) => int64(big(value)).subarray(0, 4), 4);
const ofReal = hashing('xxhash_real', 'real', (value) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(Number.isNaN(value) ? NaN : Number(value));
  return bytes;
});

/** The native functions for values of a type, and the type they take. */
const hashInput: Readonly<Record<KqlType, readonly [typeof ofText, KqlType]>> = {
  bool: [ofInt, 'long'],
  int: [ofInt, 'long'],
  long: [ofLong, 'long'],
  datetime: [ofLong, 'datetime'],
  timespan: [ofLong, 'timespan'],
  real: [ofReal, 'real'],
  decimal: [ofText, 'string'],
  guid: [ofText, 'string'],
  string: [ofText, 'string'],
  dynamic: [ofText, 'string'],
};

export const hashNatives = [ofText, ofLong, ofInt, ofReal].flat();

/** SQL of the 64-bit hash of a value's bytes. */
export const hashOf = (value: SqlArgument): Sql => {
  const [[fn], type] = hashInput[value.type];
  return nativeCall(fn, convert(value.sql, value.type, type));
};

/** Of the hash, what is left by a modulus, from 0 on. */
function remainderOf(value: SqlArgument, modulus: SqlArgument): Sql {
  const { expression } = modulus;
  const isPositive = expression.k === 'literal' && /^[1-9]\d*$/.test(String(expression.value));
  if (!isPositive || !wholeTypes.has(modulus.type)) return kql.floorMod(hashOf(value), cast(modulus, 'long'));
  const [[, fn], type] = hashInput[value.type];
  const hashed = convert(value.sql, value.type, type);
  const call = nativeCall(fn, hashed, cast(modulus, 'long'));
  // A column alone: what is written twice at each level would grow with the power of two.
  if (typeof hashed !== 'string') return call;
  // DuckDB asks for each row group what becomes of null, which is a third of all calls and costs as much as one of 2,048 rows.
  return { ...call, whileRead: sql`CASE WHEN ${hashed} IS NOT NULL THEN ${call} END` };
}

/** `hash(x[, mod])`: XXH64 of the value's bytes, never negative with a modulus. */
const hash: FunctionRow = {
  aliases: ['hash_xxhash64'],
  result: 'long',
  natives: hashNatives,
  sql: ([value, modulus]) => (value ? (modulus ? remainderOf(value, modulus) : hashOf(value)) : 'NULL'),
};

export const hashFunctions: FunctionRows = {
  hash,
  hash_md5: textHash('hash_md5', 'md5'),
  hash_sha1: textHash('hash_sha1', 'sha1'),
  hash_sha256: textHash('hash_sha256', 'sha256'),
};
