import { Type } from '@sinclair/typebox';
import type { Json } from '../../base/json.ts';
import type { Message } from './message.ts';
import { count, object, reader } from './message.ts';

/** What was committed to the cluster's catalog after a position that an earlier answer gave. Without one: the position of now. */
export const changesCall = object({ after: Type.Optional(count) });

export type CatalogChangesCall = Message<typeof changesCall>;

/** @throws ProtocolError */
export const readCatalogChanges = reader('catalogChanges', changesCall);

/** As it stands in the state, whose id it has; null: it is gone. */
export interface ChangedRecord {
  readonly id: string;
  readonly value: Json;
}

export type CatalogChangesReply =
  /** Whole commits, in their order, the last of which is at `at`. `accessAt`: of the last one that changed records that say who may read or do what. */
  | {
      readonly outcome: 'changes';
      readonly at: number;
      readonly accessAt: number;
      readonly commits: readonly (readonly ChangedRecord[])[];
    }
  /** That was too long ago: the catalog is to be read anew. */
  | { readonly outcome: 'reload' }
  /** The process may not read the catalog, or not with its key. */
  | { readonly outcome: 'ended' };
