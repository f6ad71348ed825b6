import type { KeyObject } from 'node:crypto';

/** What a cluster's data is sealed with: derived from one generation of the cluster key, by purpose. */
export interface DataKeys {
  readonly generation: number;
  /** 256 bits; HKDF input for sealing catalog records. */
  readonly catalog: KeyObject;
  /** Makes the key of a segment of the log of small writes. */
  makeSegmentKey(): { readonly key: KeyObject; readonly wrapped: Uint8Array };
  openSegmentKey(wrapped: Uint8Array): KeyObject;
}

/** Wraps what was wrapped under one generation under the next. */
export interface Rewrap {
  dek(wrapped: Uint8Array): Uint8Array;
  segmentKey(wrapped: Uint8Array): Uint8Array;
}
