import { describe, expect, it } from 'vitest';
import { parseGuid } from '../base/guid.ts';
import { readCorrelation } from './correlation.ts';

const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
const parent = '00f067aa0ba902b7';
const guid = parseGuid('11111111-2222-3333-4444-555555555555');

const traceOf = (traceparent?: string): string | undefined =>
  readCorrelation(traceparent === undefined ? {} : { traceparent }, () => guid ?? expect.unreachable()).traceId;

describe('the trace of a request', () => {
  it('is that of the traceparent that the caller sent, of later versions of it, too', () => {
    expect(traceOf(`00-${trace}-${parent}-01`)).toBe(trace);
    expect(traceOf(`00-${trace}-${parent}-00`)).toBe(trace);
    expect(traceOf(`cc-${trace}-${parent}-01-what-comes-later`)).toBe(trace);
  });

  it.each([
    ['none', undefined],
    ['no traceparent', 'x'],
    ['no version', `ff-${trace}-${parent}-01`],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${parent}-01`],
    ['a parent of zeros', `00-${trace}-${'0'.repeat(16)}-01`],
    ['capital letters', `00-${trace.toUpperCase()}-${parent}-01`],
    ['more than version 00 has', `00-${trace}-${parent}-01-more`],
    ['too long a text', `cc-${trace}-${parent}-01-${'x'.repeat(300)}`],
    ['a line of its own', `00-${trace}-${parent}-01\n`],
  ])('is not known by %s', (_, text) => {
    expect(traceOf(text)).toBeUndefined();
  });
});
