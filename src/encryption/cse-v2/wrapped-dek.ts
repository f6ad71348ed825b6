import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { equalBytes, zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import { KeyUnwrapError, unwrapKeyA256, wrapKeyA256 } from './aes-key-wrap.ts';
import { dekBytes, protocolVersion } from './format.ts';

/** The version goes into the wrap, zero-padded to 8 bytes, so that nobody can pass the key off for another version of the format. */
const prefix = Buffer.alloc(8);
prefix.write(protocolVersion, 'ascii');

export const wrappedDekBytes = 8 + prefix.length + dekBytes;

/** Makes a DEK. It lives as a key object, whose bytes V8 does not move around.
 * @returns the DEK, and 48 bytes: version and DEK, wrapped with A256KW */
export function makeDek(
  wrappingKey: Uint8Array,
  randomBytes: RandomBytes,
): { readonly dek: KeyObject; readonly wrapped: Buffer } {
  const bytes = Buffer.from(randomBytes(dekBytes));
  const plain = Buffer.concat([prefix, bytes]);
  try {
    return { dek: createSecretKey(bytes), wrapped: wrapKeyA256(wrappingKey, plain) };
  } finally {
    zeroBytes(bytes, plain);
  }
}

/** @throws KeyUnwrapError for a wrong key, changed bytes, or another version of the format */
export function unwrapDek(wrappingKey: Uint8Array, wrapped: Uint8Array): KeyObject {
  const plain = unwrapVersioned(wrappingKey, wrapped);
  try {
    return createSecretKey(plain.subarray(prefix.length));
  } finally {
    zeroBytes(plain);
  }
}

/** Of a DEK that a database's own key wraps, inside the wrap of the cluster's. */
export const twiceWrappedDekBytes = 8 + wrappedDekBytes;

/** Opens with `old`, wraps with `next`: the only thing a change of custody does to an extent. A wrap inside stays as it is.
 * @throws KeyUnwrapError */
export function rewrapDek(old: Uint8Array, next: Uint8Array, wrapped: Uint8Array): Buffer {
  const plain =
    wrapped.byteLength === twiceWrappedDekBytes ? unwrapKeyA256(old, wrapped) : unwrapVersioned(old, wrapped);
  try {
    const again = wrapKeyA256(next, plain);
    const check = unwrapKeyA256(next, again);
    invariant(equalBytes(check, plain), 'what was wrapped unwraps to the same key');
    zeroBytes(check);
    return again;
  } finally {
    zeroBytes(plain);
  }
}

/** What wraps a DEK: the key of the cluster, and inside that wrap the own key of its database, undefined for one without. */
export interface DekWrap {
  readonly cluster: Uint8Array;
  readonly own: Uint8Array | undefined;
}

/** As `rewrapDek`, of a database whose own key changes, comes or goes: the DEK itself is unwrapped and wrapped.
 * @throws KeyUnwrapError */
export function rewrapOwnDek(old: DekWrap, next: DekWrap, wrapped: Uint8Array): Buffer {
  const plain = unwrapOwn(old, wrapped);
  try {
    const again =
      next.own === undefined
        ? wrapKeyA256(next.cluster, plain)
        : wrapKeyA256(next.cluster, wrapKeyA256(next.own, plain));
    const check = unwrapOwn(next, again);
    invariant(equalBytes(check, plain), 'what was wrapped unwraps to the same key');
    zeroBytes(check);
    return again;
  } finally {
    zeroBytes(plain);
  }
}

function unwrapOwn({ cluster, own }: DekWrap, wrapped: Uint8Array): Buffer {
  if (wrapped.byteLength !== twiceWrappedDekBytes) return unwrapVersioned(cluster, wrapped);
  if (own === undefined) throw new KeyUnwrapError();
  return unwrapVersioned(own, unwrapKeyA256(cluster, wrapped));
}

function unwrapVersioned(wrappingKey: Uint8Array, wrapped: Uint8Array): Buffer {
  if (wrapped.byteLength !== wrappedDekBytes) throw new KeyUnwrapError();
  const plain = unwrapKeyA256(wrappingKey, wrapped);
  if (equalBytes(plain.subarray(0, prefix.length), prefix)) return plain;
  zeroBytes(plain);
  throw new KeyUnwrapError();
}
