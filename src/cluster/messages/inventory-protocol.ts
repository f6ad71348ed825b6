import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { BlobName } from '../../storage/blob-store.ts';
import { parseBlobName } from '../../storage/blob-store.ts';
import { numberOf, objectOf, ProtocolError, textOf } from './message-fields.ts';

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
}

export interface ExtentCall extends InventoryCall {
  readonly extentId: Guid;
}

/** What one cluster holds: counts and ids, never a row or a column. */
export interface DatabaseInventory {
  readonly name: string;
  readonly tables: readonly TableInventory[];
}

export interface TableInventory {
  readonly name: string;
  /** Rows in the log of small writes: in no extent yet, sealed under the log key of the cluster. */
  readonly loggedRows: number;
  readonly extents: readonly ExtentInventory[];
}

export interface ExtentInventory {
  readonly extentId: Guid;
  /** The DEK that seals it. */
  readonly dekId: Guid;
  readonly rowCount: number;
  /** At rest. */
  readonly sealedBytes: number;
  /** Of its oldest and newest rows, milliseconds on the Kustody clock. */
  readonly minCreatedOn: number;
  readonly maxCreatedOn: number;
}

/** `unavailable`: the key is not there (any more). */
export type InventoryReply =
  | { readonly outcome: 'listed'; readonly databases: readonly DatabaseInventory[] }
  | { readonly outcome: 'unavailable' };

export type ExtentReply =
  | {
      readonly outcome: 'found';
      /** In the cluster's own blob store. */
      readonly blob: BlobName;
      readonly sealedBytes: number;
      /** JSON as the Azure Storage SDKs write it. */
      readonly encryptionData: string;
    }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'unavailable' };

const listMax = 1_000_000;
/** A table's name, or a title with one name or two. */
const nameCharsMax = 2_200;

/** @throws ProtocolError */
export function inventoryReplyOf(value: unknown): InventoryReply {
  const reply = objectOf(value);
  if (reply.outcome === 'unavailable') return { outcome: 'unavailable' };
  if (reply.outcome !== 'listed') throw new ProtocolError('outcome');
  return { outcome: 'listed', databases: listOf(reply.databases, databaseOf) };
}

/** @throws ProtocolError */
export function extentReplyOf(value: unknown): ExtentReply {
  const reply = objectOf(value);
  if (reply.outcome === 'unavailable' || reply.outcome === 'missing') return { outcome: reply.outcome };
  const blob = parseBlobName(textOf(reply.blob, 200));
  if (reply.outcome !== 'found' || blob === undefined) throw new ProtocolError('extent');
  return {
    outcome: 'found',
    blob,
    sealedBytes: numberOf(reply.sealedBytes),
    encryptionData: textOf(reply.encryptionData, 8_192),
  };
}

function databaseOf(value: unknown): DatabaseInventory {
  const database = objectOf(value);
  return { name: textOf(database.name, nameCharsMax), tables: listOf(database.tables, tableOf) };
}

function tableOf(value: unknown): TableInventory {
  const table = objectOf(value);
  return {
    name: textOf(table.name, nameCharsMax),
    loggedRows: numberOf(table.loggedRows),
    extents: listOf(table.extents, extentOf),
  };
}

function extentOf(value: unknown): ExtentInventory {
  const extent = objectOf(value);
  return {
    extentId: guidOf(extent.extentId),
    dekId: guidOf(extent.dekId),
    rowCount: numberOf(extent.rowCount),
    sealedBytes: numberOf(extent.sealedBytes),
    minCreatedOn: numberOf(extent.minCreatedOn),
    maxCreatedOn: numberOf(extent.maxCreatedOn),
  };
}

function listOf<T>(value: unknown, read: (item: unknown) => T): readonly T[] {
  if (!Array.isArray(value) || value.length > listMax) throw new ProtocolError('list');
  return value.map(read);
}

function guidOf(value: unknown): Guid {
  const guid = parseGuid(textOf(value, 36));
  if (guid === undefined) throw new ProtocolError('guid');
  return guid;
}
