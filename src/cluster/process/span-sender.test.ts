import { expect, it } from 'vitest';
import type { FinishedSpan } from '../../http/tracing/span.ts';
import { readSpans } from '../messages/spans.ts';
import { SpanSender } from './span-sender.ts';

const span = (name: string): FinishedSpan => ({
  ...{ traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), kind: 'internal', name, startMs: 1, ms: 2 },
  fields: { status: 200 },
});

it('spans that end while a message is under way go with the next one, and what is too many is lost', async () => {
  const sent: number[] = [];
  let answer = (): void => undefined;
  const sender = new SpanSender((call) => {
    sent.push(readSpans(call).spans.length);
    return new Promise<void>((resolve) => (answer = resolve));
  });
  sender.add(span('first'));
  sender.add(span('second'));
  await Promise.resolve();
  await Promise.resolve();
  expect(sent).toEqual([2]);
  for (let more = 0; more < 3_000; more += 1) sender.add(span('more'));
  const flushed = sender.flush();
  for (let turn = 0; turn < 100; turn += 1) {
    answer();
    await Promise.resolve();
  }
  await flushed;
  expect(sent).toEqual([2, ...Array.from({ length: 8 }, () => 256)]);
});

it('a main process that is gone costs the spans, and nothing else', async () => {
  let calls = 0;
  const sender = new SpanSender(() => {
    calls += 1;
    return Promise.reject(new Error('gone'));
  });
  sender.add(span('lost'));
  await sender.flush();
  sender.add(span('lost, too'));
  await sender.flush();
  expect(calls).toBe(2);
});

it.each([
  ['another field', { ...span('x'), query: 'T | take 1' }],
  ['another field of the request', { ...span('x'), fields: { body: 'T | take 1' } }],
  ['no proper id', { ...span('x'), spanId: 'B'.repeat(16) }],
  ['a long name', span('x'.repeat(201))],
])('a message with %s is refused', (_what, one) => {
  expect(() => readSpans({ spans: [one] })).toThrow('spans');
});
