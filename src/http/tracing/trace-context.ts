/** Which span of which trace something is part of: what goes from process to process. */
export interface SpanContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all zero. */
  readonly spanId: string;
  /** Whether spans of the trace are recorded; ids go on anyway. */
  readonly sampled: boolean;
}

const traceparentCharsMax = 256;

/** Of a `traceparent` header; a later version of it may have more behind what this one has.
 * @returns undefined for any other text: then the request begins a trace of its own
 * @see W3C Trace Context, 3.2 */
export function parseTraceparent(header: string | undefined): SpanContext | undefined {
  if (header === undefined || header.length > traceparentCharsMax) return undefined;
  const [, version, traceId, spanId, flags = '', rest] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(header) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  if (version === 'ff' || (version === '00' && rest !== undefined)) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const formatTraceparent = ({ traceId, spanId, sampled }: SpanContext): string =>
  `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
