import { Type } from '@sinclair/typebox';
import type { InventoryCall } from './inventory.ts';
import type { Message } from './message.ts';
import { outcome, text } from './message.ts';

/** Rows that the server itself adds to a table, for whoever asked the resource manager for it. */
export interface RowsCall extends InventoryCall {
  readonly database: string;
  readonly table: string;
  /** As KQL has them: `{ name: 'At', type: 'datetime' }`. The table is made, or gets those that it lacks. */
  readonly columns: readonly { readonly name: string; readonly type: string }[];
  /** In the order of `columns`. */
  readonly csv: string;
  /** Rows that come again under the same id stay once. */
  readonly requestId: string;
}

/** `unavailable`: the key is not there (any more). `refused`: there is a table of that name which cannot take them. */
export const rowsReply = Type.Union([
  outcome('added', {}),
  outcome('refused', { code: text(200) }),
  outcome('unavailable', {}),
]);

export type RowsReply = Message<typeof rowsReply>;
