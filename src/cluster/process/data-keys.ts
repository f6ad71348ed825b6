import type { KeyObject } from 'node:crypto';
import { createSecretKey } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { ClusterKey } from '../../encryption/cluster-key.ts';
import { unwrapKeyA256, wrapKeyA256 } from '../../encryption/cse-v2/aes-key-wrap.ts';
import { rewrapDek } from '../../encryption/cse-v2/wrapped-dek.ts';
import type { DatabaseKeyring } from './database-keyring.ts';
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

/** Between two generations: no data is touched, only the keys that it is sealed with. */
export const rewrapBetween = (old: ProcessDataKeys, next: ProcessDataKeys): Rewrap => ({
  dek: (wrapped) => old.withDekWrappingKey((from) => next.withDekWrappingKey((to) => rewrapDek(from, to, wrapped))),
  // Under a database's own key, too, or not: that wrap is inside this one, and stays.
  segmentKey: (wrapped) => {
    const bytes = old.withLogKey((key) => unwrapKeyA256(key, wrapped));
    try {
      return next.withLogKey((key) => wrapKeyA256(key, bytes));
    } finally {
      zeroBytes(bytes);
    }
  },
});

/** Copies `bytes` to where V8 does not move them, and overwrites them. */
function secret(bytes: Buffer): KeyObject {
  try {
    return createSecretKey(bytes);
  } finally {
    zeroBytes(bytes);
  }
}
