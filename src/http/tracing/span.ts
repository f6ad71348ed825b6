import type { SpanContext } from './trace-context.ts';

export const spanKinds = ['server', 'client', 'internal'] as const;
export type SpanKind = (typeof spanKinds)[number];

/** All that a span may say. There is no place here for a text of a query, a header, a token or a name that somebody gave to a key, a
 * secret or a row: paths are those of routes. What each is called outside stands in one table (`cli/telemetry/attribute-names.ts`). */
export interface SpanFields {
  readonly plane?: string;
  readonly method?: string;
  /** The pattern of the route. */
  readonly route?: string;
  /** The same with `REDACTED` for what a client put in. */
  readonly path?: string;
  readonly url?: string;
  readonly scheme?: string;
  readonly host?: string;
  readonly port?: number;
  readonly status?: number;
  /** Id of the operation, as the log has it. */
  readonly operation?: string;
}

/** One that has ended. Plain data: it goes from a cluster's process to the main one. */
export interface FinishedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string;
  /** Another one that brought this about. */
  readonly link?: Pick<SpanContext, 'traceId' | 'spanId'>;
  readonly kind: SpanKind;
  /** One of few: never from a client. */
  readonly name: string;
  /** Milliseconds since 1970 by the machine's clock. */
  readonly startMs: number;
  readonly ms: number;
  readonly fields: SpanFields;
  /** It failed: a status, or the name of an error. */
  readonly errorType?: string;
}

/** So many go in one message between processes at most. */
export const spansMax = 256;

/** Standard methods; any other is `_OTHER`.
 * @see OpenTelemetry semantic conventions for HTTP spans, `http.request.method` */
const methods: ReadonlySet<string> = new Set([
  ...['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'QUERY', 'TRACE'],
]);
export const spanMethod = (method: string): string => (methods.has(method) ? method : '_OTHER');

export const redacted = 'REDACTED';

/** @param pattern of a route: `/keys/:name` or `/{container}/*` */
export const redactedPath = (pattern: string): string => pattern.replaceAll(/:[A-Za-z]\w*|\{[^}]*\}|\*/g, redacted);
