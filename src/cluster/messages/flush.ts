import { Type } from '@sinclair/typebox';
import type { Message } from './message.ts';
import { count, outcome } from './message.ts';

/** What waited in the queue of a cluster has been ingested. `settled`: messages that came to their end, by rows or by a refusal. */
export const flushReply = Type.Union([outcome('flushed', { settled: count }), outcome('unavailable', {})]);

export type FlushReply = Message<typeof flushReply>;
