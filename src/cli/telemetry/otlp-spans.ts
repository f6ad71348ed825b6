import type { Attributes, HrTime } from '@opentelemetry/api';
import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_PATH,
  ATTR_URL_SCHEME,
} from '@opentelemetry/semantic-conventions';
import type { FinishedSpan, SpanFields } from '../../http/tracing/span.ts';

/** What each field is called outside: the standard name where there is one. */
export const attributeNames = {
  method: ATTR_HTTP_REQUEST_METHOD,
  route: ATTR_HTTP_ROUTE,
  path: ATTR_URL_PATH,
  url: ATTR_URL_FULL,
  scheme: ATTR_URL_SCHEME,
  host: ATTR_SERVER_ADDRESS,
  port: ATTR_SERVER_PORT,
  status: ATTR_HTTP_RESPONSE_STATUS_CODE,
  plane: 'kustody.plane',
  operation: 'kustody.operation',
} as const satisfies Record<keyof SpanFields, string>;

const kinds = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  internal: SpanKind.INTERNAL,
} as const satisfies Record<FinishedSpan['kind'], SpanKind>;

/** A span as the official processor and exporter take it. */
export function otlpSpan(
  span: FinishedSpan,
  resource: Resource,
  instrumentationScope: ReadableSpan['instrumentationScope'],
): ReadableSpan {
  const { traceId, errorType, link } = span;
  const contextOf = (spanId: string) => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  const context = contextOf(span.spanId);
  return {
    ...{ name: span.name, kind: kinds[span.kind], resource, instrumentationScope },
    spanContext: () => context,
    ...(span.parentId === undefined ? {} : { parentSpanContext: contextOf(span.parentId) }),
    ...{ startTime: hrTime(span.startMs), endTime: hrTime(span.startMs + span.ms), duration: hrTime(span.ms) },
    // A server's answer of 4xx is the client's mistake, and no error of the span.
    status: { code: errorType === undefined ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: { ...attributesOf(span.fields), ...(errorType === undefined ? {} : { [ATTR_ERROR_TYPE]: errorType }) },
    links: link === undefined ? [] : [{ context: { ...link, traceFlags: TraceFlags.SAMPLED } }],
    ...{ events: [], ended: true, droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

function attributesOf(fields: SpanFields): Attributes {
  const attributes: Attributes = {};
  for (const [field, name] of Object.entries(attributeNames)) {
    const value = fields[field as keyof SpanFields];
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

/** @param milliseconds since 1970, or a duration */
export function hrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.min(999_999_999, Math.round((milliseconds - seconds * 1000) * 1e6))];
}
