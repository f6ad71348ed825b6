import { createHash } from 'node:crypto';
import type { KqlType } from '../plan/types.ts';
import { cast, convert } from '../sql/convert.ts';
import { big, native } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import { xxhash64 } from '../algorithms/text/xxhash64.ts';

/** Cryptographic hashes are of the text that tostring() gives. */
const textHash = (name: string, algorithm: string): FunctionRow =>
  native(name, ['string'], 'string', ([text]) => createHash(algorithm).update(String(text), 'utf8').digest('hex'));

const int64 = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
};

native('xxhash_text', ['string'], 'long', ([text]) => xxhash64(Buffer.from(String(text), 'utf8')));
native('xxhash_long', ['long'], 'long', ([value]) => xxhash64(int64(big(value))));
native('xxhash_int', ['long'], 'long', ([value]) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(Number(value));
  return xxhash64(bytes);
});
native('xxhash_real', ['real'], 'long', ([value]) => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(Number.isNaN(value) ? NaN : Number(value));
  return xxhash64(bytes);
});

/** The native function for values of a type, and the type it takes. */
export const hashInput: Readonly<Record<KqlType, readonly [string, KqlType]>> = {
  bool: ['xxhash_int', 'long'],
  int: ['xxhash_int', 'long'],
  long: ['xxhash_long', 'long'],
  datetime: ['xxhash_long', 'datetime'],
  timespan: ['xxhash_long', 'timespan'],
  real: ['xxhash_real', 'real'],
  decimal: ['xxhash_text', 'string'],
  guid: ['xxhash_text', 'string'],
  string: ['xxhash_text', 'string'],
  dynamic: ['xxhash_text', 'string'],
};

/** SQL of the 64-bit hash of a value's bytes. */
export const hashOf = (value: SqlArgument): string => {
  const [name, type] = hashInput[value.type];
  return `kql_n_${name}(${convert(value.sql, value.type, type)})`;
};

/** `hash(x[, mod])`: XXH64 of the value's bytes, never negative with a modulus. */
const hash: FunctionRow = {
  result: 'long',
  sql: ([value, modulus]) =>
    value ? (modulus ? `kql_floor_mod(${hashOf(value)}, ${cast(modulus, 'long')})` : hashOf(value)) : 'NULL',
};

export const hashFunctions: FunctionRows = {
  hash,
  hash_xxhash64: hash,
  hash_md5: textHash('hash_md5', 'md5'),
  hash_sha1: textHash('hash_sha1', 'sha1'),
  hash_sha256: textHash('hash_sha256', 'sha256'),
};
