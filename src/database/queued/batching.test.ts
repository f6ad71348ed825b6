import { describe, expect, it } from 'vitest';
import type { WaitingMessage } from './batching.ts';
import { batchingPolicyOf, planBatches } from './batching.ts';
import { parseIngestionMessage } from './ingestion-message.ts';

const waiting = (record: string, insertedOn: number, how: Record<string, unknown> = {}): WaitingMessage<string> => {
  const { raw = 0, ...rest } = how;
  const body = { Id: record, BlobPath: 'https://a/b/c', DatabaseName: 'D', TableName: 'T', ...rest };
  const message = parseIngestionMessage(Buffer.from(JSON.stringify(body)).toString('base64'));
  return { record, message, insertedOn, rawBytes: Number(raw) };
};
const policy = { timeMs: 1_000, items: 3, rawBytes: 100 };
const plan = (messages: readonly WaitingMessage<string>[], now: number) => {
  const { due, nextDueOn } = planBatches(messages, () => policy, now);
  return { due: due.map(({ members }) => members.map(({ record }) => record)), nextDueOn };
};

describe('batches of queued messages', () => {
  it('are due when the oldest message is as old as the policy says, not before', () => {
    const two = [waiting('a', 0), waiting('b', 500)];
    expect(plan(two, 999)).toEqual({ due: [], nextDueOn: 1_000 });
    expect(plan(two, 1_000)).toEqual({ due: [['a', 'b']], nextDueOn: undefined });
  });

  it('are due when there are enough, by number or by size, and begin anew', () => {
    const four = ['a', 'b', 'c', 'd'].map((name) => waiting(name, 0));
    expect(plan(four, 0)).toEqual({ due: [['a', 'b', 'c']], nextDueOn: 1_000 });
    const large = [waiting('a', 0, { raw: 60 }), waiting('b', 0, { raw: 40 }), waiting('c', 0)];
    expect(plan(large, 0)).toEqual({ due: [['a', 'b']], nextDueOn: 1_000 });
  });

  it('do not wait for a message that is to be flushed', () => {
    expect(plan([waiting('a', 0), waiting('b', 0, { FlushImmediately: true })], 0).due).toEqual([['a', 'b']]);
  });

  it('are of one table and of the same properties', () => {
    const tagged = { AdditionalProperties: { tags: '["x"]' } };
    const some = [
      waiting('a', 0),
      waiting('b', 0, { TableName: 'U' }),
      waiting('c', 0, tagged),
      waiting('d', 0, tagged),
    ];
    expect(plan(some, 1_000).due).toEqual([['a'], ['b'], ['c', 'd']]);
    const once = { AdditionalProperties: { ingestIfNotExists: '["x"]' } };
    expect(plan([waiting('a', 0, once), waiting('b', 0, once)], 1_000).due).toEqual([['a'], ['b']]);
  });
});

describe('the batching policy', () => {
  it("is the service's own where none is set", () => {
    expect(batchingPolicyOf(undefined)).toEqual({ timeMs: 300_000, items: 500, rawBytes: 1024 ** 3 });
    const set = { MaximumBatchingTimeSpan: '00:00:10', MaximumNumberOfItems: 7, MaximumRawDataSizeMB: 2 };
    expect(batchingPolicyOf(set)).toEqual({ timeMs: 10_000, items: 7, rawBytes: 2 * 1024 ** 2 });
  });
});
