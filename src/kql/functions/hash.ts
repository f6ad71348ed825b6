import type { Sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { createHash } from 'node:crypto';
import type { KqlType } from '../plan/types.ts';
import { cast, convert } from '../sql/convert.ts';
import { native } from '../sql/native-row.ts';
import type { NativeFunction } from '../sql/native.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import { xxhash64 } from '../algorithms/text/xxhash64.ts';
import { xxhash64Rows } from '../algorithms/text/xxhash64-rows.ts';

/** Cryptographic hashes are of the text that tostring() gives. */
const textHash = (name: string, algorithm: string): FunctionRow =>
  native(name, ['string'], 'string', ([text]) => createHash(algorithm).update(String(text), 'utf8').digest('hex'));

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};

const hashOfText = nativeFunction(
  'xxhash_text',
  ['string'],
  'long',
  ([text]) => xxhash64(Buffer.from(String(text), 'utf8')),
  { overBytes: xxhash64Rows },
);
const hashOfLong = nativeFunction('xxhash_long', ['long'], 'long', ([value]) => xxhash64(int64(big(value))), {
  overBytes: xxhash64Rows,
});
const hashOfInt = nativeFunction(
  'xxhash_int',
  ['long'],
  'long',
  ([value]) => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(Number(value));
    return xxhash64(bytes);
  },
  { overBytes: (rows, results) => xxhash64Rows(rows, results, 4) },
);
const hashOfReal = nativeFunction(
  'xxhash_real',
  ['real'],
  'long',
  ([value]) => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(Number.isNaN(value) ? NaN : Number(value));
    return xxhash64(bytes);
  },
  { overBytes: xxhash64Rows },
);

/** The native function for values of a type, and the type it takes. */
export const hashInput: Readonly<Record<KqlType, readonly [NativeFunction, KqlType]>> = {
  bool: [hashOfInt, 'long'],
  int: [hashOfInt, 'long'],
  long: [hashOfLong, 'long'],
  datetime: [hashOfLong, 'datetime'],
  timespan: [hashOfLong, 'timespan'],
  real: [hashOfReal, 'real'],
  decimal: [hashOfText, 'string'],
  guid: [hashOfText, 'string'],
  string: [hashOfText, 'string'],
  dynamic: [hashOfText, 'string'],
};

export const hashNatives = [hashOfText, hashOfLong, hashOfInt, hashOfReal];

/** SQL of the 64-bit hash of a value's bytes. */
export const hashOf = (value: SqlArgument): Sql => {
  const [fn, type] = hashInput[value.type];
  return nativeCall(fn, convert(value.sql, value.type, type));
};

/** `hash(x[, mod])`: XXH64 of the value's bytes, never negative with a modulus. */
const hash: FunctionRow = {
  aliases: ['hash_xxhash64'],
  result: 'long',
  natives: hashNatives,
  sql: ([value, modulus]) =>
    value ? (modulus ? kql.floorMod(hashOf(value), cast(modulus, 'long')) : hashOf(value)) : 'NULL',
};

export const hashFunctions: FunctionRows = {
  hash,
  hash_md5: textHash('hash_md5', 'md5'),
  hash_sha1: textHash('hash_sha1', 'sha1'),
  hash_sha256: textHash('hash_sha256', 'sha256'),
};
