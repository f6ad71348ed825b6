import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import { KeyUnwrapError, unwrapKeyA256, wrapKeyA256 } from '../../encryption/cse-v2/aes-key-wrap.ts';
import { rewrapDek, rewrapOwnDek } from '../../encryption/cse-v2/wrapped-dek.ts';
import type { DatabaseKeyPurpose, DatabaseKeyring, OwnKeyChange, OwnKeys } from './database-keyring.ts';
import { lendOf } from './database-keyring.ts';
import type { DataKeys, Rewrap } from '../../database/catalog/data-keys.ts';

const segmentKeyBytes = 32;

/** The keys of one generation that the data of a cluster needs. They outlive the `ClusterKey` they come from, and end with the process. */
export interface ProcessDataKeys extends DataKeys {
  withDekWrappingKey<T>(use: (wrappingKey: Uint8Array) => T): T;
  withLogKey<T>(use: (wrappingKey: Uint8Array) => T): T;
}

export function dataKeysOf(
  generation: number,
  clusterKey: ClusterKey,
  { randomBytes, databaseKeys }: { readonly randomBytes: RandomBytes; readonly databaseKeys: DatabaseKeyring },
): ProcessDataKeys {
  const dekWrapping = secret(clusterKey.derive('dekWrapping'));
  const log = secret(clusterKey.derive('log'));
  const lend = <T>(key: KeyObject, use: (bytes: Uint8Array) => T): T => {
    const bytes = key.export();
    try {
      return use(bytes);
    } finally {
      zeroBytes(bytes);
    }
  };
  const withLogKey = <T>(use: (wrappingKey: Uint8Array) => T): T => lend(log, use);
  return {
    generation,
    catalog: secret(clusterKey.derive('catalog')),
    withDekWrappingKey: (use) => lend(dekWrapping, use),
    withLogKey,
    makeSegmentKey: (databaseId) => {
      const bytes = Buffer.from(randomBytes(segmentKeyBytes));
      const inner = databaseKeys.lend(databaseId, 'log', (key) =>
        key === undefined ? bytes : wrapKeyA256(key, bytes),
      );
      const wrapped = withLogKey((key) => wrapKeyA256(key, inner));
      return { key: secret(bytes), wrapped };
    },
    openSegmentKey: (wrapped, databaseId) => {
      const inner = withLogKey((key) => unwrapKeyA256(key, wrapped));
      if (inner.byteLength === segmentKeyBytes) return secret(inner);
      return secret(databaseKeys.lendOwn(databaseId, 'log', (key) => unwrapKeyA256(key, inner)));
    },
    isLocked: (databaseId) => databaseKeys.isLocked(databaseId),
  };
}

/** Between two generations: no data is touched, only the keys that it is sealed with.
 * @param change of the own key of one database. Those of all others need not be here: their wrap is inside that of the cluster's, and stays. */
export function rewrapBetween(old: ProcessDataKeys, next: ProcessDataKeys, change?: OwnKeyChange): Rewrap {
  const { from, to } = change ?? {};
  return {
    ...(change === undefined ? {} : { database: { databaseId: change.databaseId, hasOwnKey: to !== undefined } }),
    dek: (wrapped, isOfDatabase) =>
      old.withDekWrappingKey((before) =>
        next.withDekWrappingKey((after) => {
          if (!isOfDatabase) return rewrapDek(before, after, wrapped);
          return lendMaybe(from, 'dekWrapping', (ownBefore) =>
            lendMaybe(to, 'dekWrapping', (ownAfter) =>
              rewrapOwnDek({ cluster: before, own: ownBefore }, { cluster: after, own: ownAfter }, wrapped),
            ),
          );
        }),
      ),
    segmentKey: (wrapped, isOfDatabase) => {
      const outer = old.withLogKey((key) => unwrapKeyA256(key, wrapped));
      const inner = isOfDatabase ? changedSegmentKey(outer, from, to) : outer;
      try {
        return next.withLogKey((key) => wrapKeyA256(key, inner));
      } finally {
        zeroBytes(outer, inner);
      }
    },
  };
}

/** @param outer the key of a segment, in the wrap of the database's own key if it has one; overwritten by the caller */
function changedSegmentKey(outer: Uint8Array, from: OwnKeys | undefined, to: OwnKeys | undefined): Uint8Array {
  const isOwn = outer.byteLength !== segmentKeyBytes;
  const plain = isOwn
    ? lendMaybe(from, 'log', (key) => {
        if (key === undefined) throw new KeyUnwrapError();
        return unwrapKeyA256(key, outer);
      })
    : outer;
  if (to === undefined) return plain;
  try {
    return lendOf(to, 'log', (key) => wrapKeyA256(key, plain));
  } finally {
    zeroBytes(plain);
  }
}

const lendMaybe = <T>(
  keys: OwnKeys | undefined,
  purpose: DatabaseKeyPurpose,
  use: (key: Uint8Array | undefined) => T,
): T => (keys === undefined ? use(undefined) : lendOf(keys, purpose, use));

/** Copies `bytes` to where V8 does not move them, and overwrites them. */
function secret(bytes: Buffer): KeyObject {
  try {
    return createSecretKey(bytes);
  } finally {
    zeroBytes(bytes);
  }
}
