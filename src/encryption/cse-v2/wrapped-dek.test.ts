import { expect, it } from 'vitest';
import { systemRandomBytes } from '../../base/random.ts';
import { KeyUnwrapError, unwrapKeyA256, wrapKeyA256 } from './aes-key-wrap.ts';
import { makeDek, rewrapDek, unwrapDek, wrappedDekBytes } from './wrapped-dek.ts';

const wrappingKey = Buffer.alloc(32, 1);
const other = Buffer.alloc(32, 2);

it('a DEK is wrapped together with the version, as the Azure Storage SDKs do', () => {
  const { dek, wrapped } = makeDek(wrappingKey, systemRandomBytes);
  expect(wrapped).toHaveLength(wrappedDekBytes);
  const plain = unwrapKeyA256(wrappingKey, wrapped);
  expect(plain.subarray(0, 8)).toEqual(Buffer.from('2.0\0\0\0\0\0'));
  expect(dek.export()).toEqual(plain.subarray(8));
  expect(unwrapDek(wrappingKey, wrapped).equals(dek)).toBe(true);
});

it('a DEK does not unwrap with another key, changed, or under another version', () => {
  const { wrapped } = makeDek(wrappingKey, systemRandomBytes);
  expect(() => unwrapDek(other, wrapped)).toThrow(KeyUnwrapError);
  for (let bit = 0; bit < wrapped.length * 8; bit += 1) {
    const changed = Buffer.from(wrapped);
    changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    expect(() => unwrapDek(wrappingKey, changed)).toThrow(KeyUnwrapError);
  }
  for (const version of ['1.0', '2.1', '2.0x']) {
    const plain = Buffer.alloc(40);
    plain.write(version);
    expect(() => unwrapDek(wrappingKey, wrapKeyA256(wrappingKey, plain))).toThrow(KeyUnwrapError);
  }
});

it('rewrapDek moves a DEK to another key, and the old one is of no use then', () => {
  const { dek, wrapped } = makeDek(wrappingKey, systemRandomBytes);
  const again = rewrapDek(wrappingKey, other, wrapped);
  expect(unwrapDek(other, again).equals(dek)).toBe(true);
  expect(() => unwrapDek(wrappingKey, again)).toThrow(KeyUnwrapError);
  expect(() => rewrapDek(other, wrappingKey, wrapped)).toThrow(KeyUnwrapError);
});
