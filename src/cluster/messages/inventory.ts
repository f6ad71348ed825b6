import { Type } from '@sinclair/typebox';
import type { Guid } from '../../base/guid.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { blobNamePattern } from '../../storage/blob-store.ts';
import type { Message } from './message.ts';
import { branded, guid, list, number, object, outcome, text } from './message.ts';

/** What the resource manager knows of the cluster at this moment. */
export interface InventoryCall {
  readonly databases: readonly KnownDatabase[];
  /** Milliseconds on the Kustody clock. */
  readonly now: number;
}

export interface KnownDatabase {
  readonly databaseId: Guid;
  readonly name: string;
  readonly softDeletePeriodMs?: number;
  readonly hotCachePeriodMs?: number;
  readonly suspended?: string;
}

export interface ExtentCall extends InventoryCall {
  readonly extentId: Guid;
}

const listMax = 1_000_000;
/** A table's name, or a title with one name or two. */
const name = text(2_200);

/** `dekId`: of the DEK that seals it. `sealedBytes`: at rest. `minCreatedOn`, `maxCreatedOn`: of its oldest and newest rows, milliseconds
 * on the Kustody clock. */
const extent = object({
  extentId: guid,
  dekId: guid,
  rowCount: number,
  sealedBytes: number,
  minCreatedOn: number,
  maxCreatedOn: number,
});

/** `loggedRows`: rows in the log of small writes: in no extent yet, sealed under the log key of the cluster. */
const table = object({ name, loggedRows: number, extents: list(extent, listMax) });

/** What one cluster holds: counts and ids, never a row or a column. */
const database = object({ name, tables: list(table, listMax) });

const unavailable = outcome('unavailable', {});

/** `unavailable`: the key is not there (any more). */
export const inventoryReply = Type.Union([outcome('listed', { databases: list(database, listMax) }), unavailable]);

/** `blob`: in the cluster's own blob store. `encryptionData`: JSON as the Azure Storage SDKs write it. */
export const extentReply = Type.Union([
  outcome('found', {
    blob: branded<BlobName>(blobNamePattern, { maxLength: 200 }),
    sealedBytes: number,
    encryptionData: text(8_192),
  }),
  outcome('missing', {}),
  unavailable,
]);

export type DatabaseInventory = Message<typeof database>;
export type TableInventory = Message<typeof table>;
export type InventoryReply = Message<typeof inventoryReply>;
export type ExtentReply = Message<typeof extentReply>;
