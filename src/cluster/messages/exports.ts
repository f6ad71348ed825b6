import { Type } from '@sinclair/typebox';
import type { Message } from './message.ts';
import { count, guid, object, oneOf, outcome, text } from './message.ts';

/** Rows of the cluster are about to be in storage of the user's, are there, or an export ended. */
export const exportCall = object({
  step: oneOf(['begun', 'written', 'completed', 'failed']),
  database: text(1_024),
  /** Without what is secret. */
  container: text(1_000),
  rows: count,
  bytes: count,
  /** Of the request that exports. */
  activityId: guid,
  caller: object({ objectId: guid, tenantId: guid, displayName: text(1_000) }),
});

export type ExportCall = Message<typeof exportCall>;

export const exportReply = Type.Union([outcome('noted', {}), outcome('refused', { message: text(1_000) })]);

/** `refused`: the cluster may not use its key now, or may not write there. */
export type ExportReply = Message<typeof exportReply>;
