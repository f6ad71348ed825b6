import { describe, expect, it } from 'vitest';
import type { FinishedSpan } from './span.ts';
import { redactedPath, spanMethod } from './span.ts';
import { formatTraceparent, parseTraceparent } from './trace-context.ts';
import type { Sampling } from './tracer.ts';
import { step, Tracer } from './tracer.ts';

function tracerOf(sampling: Sampling = { followsParent: true, ratio: 1 }, first = 1) {
  const spans: FinishedSpan[] = [];
  let [drawn, at] = [first, 0];
  const tracer = new Tracer({
    sampling,
    randomBytes: (bytes) => new Uint8Array(bytes).fill(drawn++),
    wallMs: () => 1_000_000,
    monotonicMs: () => (at += 5),
    ended: (span) => spans.push(span),
  });
  return { tracer, spans };
}
const parent = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), sampled: true };

describe('a tracer', () => {
  it('makes steps children of what runs, across awaits, and none outside of a trace', async () => {
    const { tracer, spans } = tracerOf();
    expect(await step(tracer, 'alone', () => Promise.resolve(7))).toBe(7);
    expect(spans).toEqual([]);
    const outer = tracer.begin('server', parent);
    await tracer.run(outer.context, async () => {
      await Promise.resolve();
      await step(tracer, 'inner', async () => {
        await Promise.resolve();
        expect(tracer.traceparent).toBe(`00-${parent.traceId}-${'02'.repeat(8)}-01`);
      });
    });
    outer.end('outer', { status: 200 });
    expect(tracer.current).toBeUndefined();
    expect(spans).toEqual([
      {
        ...{ traceId: parent.traceId, spanId: '02'.repeat(8), parentId: '01'.repeat(8), kind: 'internal' },
        ...{ name: 'inner', startMs: 1_000_000, ms: 5, fields: {} },
      },
      {
        ...{ traceId: parent.traceId, spanId: '01'.repeat(8), parentId: parent.spanId, kind: 'server' },
        ...{ name: 'outer', startMs: 1_000_000, ms: 15, fields: { status: 200 } },
      },
    ]);
  });

  it('tells of a step that fails by the name of its error alone', async () => {
    const { tracer, spans } = tracerOf();
    const fails = tracer.run(parent, () =>
      tracer.step('fails', () => Promise.reject(new RangeError('secret of a row'))),
    );
    await expect(fails).rejects.toThrow(RangeError);
    expect(spans[0]).toMatchObject({ name: 'fails', errorType: 'RangeError' });
    expect(JSON.stringify(spans)).not.toContain('secret');
  });

  it.each([
    [{ followsParent: true, ratio: 0 }, parent, true],
    [{ followsParent: true, ratio: 1 }, { ...parent, sampled: false }, false],
    [{ followsParent: false, ratio: 0 }, parent, false],
    [{ followsParent: false, ratio: 1 }, { ...parent, sampled: false }, true],
    [{ followsParent: true, ratio: 0 }, null, false],
    [{ followsParent: true, ratio: 1 }, null, true],
    [{ followsParent: false, ratio: 1 }, { ...parent, traceId: 'f'.repeat(32) }, true],
    // The last 52 bits count: 0x80… of them is half of what there is.
    [{ followsParent: false, ratio: 0.5 }, { ...parent, traceId: `${'f'.repeat(19)}7${'f'.repeat(12)}` }, true],
    [{ followsParent: false, ratio: 0.5 }, { ...parent, traceId: `${'0'.repeat(19)}8${'0'.repeat(12)}` }, false],
  ] as const)('with %j records what has the parent %j: %s', (sampling, from, isRecorded) => {
    const { tracer, spans } = tracerOf(sampling);
    const span = tracer.begin('server', from);
    span.end('one');
    span.end('again');
    expect(spans.map(({ name }) => name)).toEqual(isRecorded ? ['one'] : []);
    expect(span.context.sampled).toBe(isRecorded);
  });

  it('draws no id of zeros alone', () => {
    const { context } = tracerOf(undefined, 0).tracer.begin('server', null);
    expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
    expect(context.traceId).toBe(`${'0'.repeat(30)}01`);
  });
});

describe('what spans say', () => {
  it.each([
    ['/keys/:name/:version/wrapkey', '/keys/REDACTED/REDACTED/wrapkey'],
    ['/*', '/REDACTED'],
    ['/keys/{name}', '/keys/REDACTED'],
    ['/v1/rest/query', '/v1/rest/query'],
  ])('has of %s only %s', (pattern, path) => {
    expect(redactedPath(pattern)).toBe(path);
  });

  it('has standard methods alone', () => {
    expect([spanMethod('PUT'), spanMethod('MKCALENDAR')]).toEqual(['PUT', '_OTHER']);
  });
});
