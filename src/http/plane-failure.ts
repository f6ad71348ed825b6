import type { OutgoingHttpHeaders } from 'node:http';
import type { Json } from '../base/json.ts';

/** An answer ready to be sent. An object or array goes out as JSON; text and bytes as they are, so set their `content-type`. */
export interface PlaneAnswer {
  readonly status: number;
  /** The phrase of the status line; without it the usual one. */
  readonly reason?: string;
  readonly headers?: OutgoingHttpHeaders;
  readonly body?: Json | Uint8Array;
  /** Why it is refused, for whoever looks at the last requests: where the body does not say it, or may quote what a client sent. */
  readonly told?: Refusal;
}

/** A code and a text in which nothing is that a client sent in a body. */
export interface Refusal {
  readonly code: string;
  readonly message?: string;
}

/** What can go wrong around a plane's own code. Every plane says it in its own protocol's shape; `status` and `text` are
 * what HTTP itself would say and carry nothing that the client sent. */
export const planeFailures = {
  /** No route takes this method and path. */
  notFound: { status: 404, text: 'No operation matches this method and path.' },
  /** The path is not valid percent-encoding, or a segment is too long. */
  badUrl: { status: 400, text: 'The request path is malformed.' },
  bodyTooLarge: { status: 413, text: 'The request body is too large.' },
  /** Not UTF-8, not JSON, nested too deep, or a member named `__proto__`. */
  badJson: { status: 400, text: 'The request body is not valid JSON.' },
  /** The connection ended, or the announced length was not the real one. */
  badBody: { status: 400, text: 'The request body could not be read.' },
  /** Bodies of other requests take the room that there is; try again in a moment. */
  busy: { status: 429, text: 'Too many large requests at the same time.' },
  /** The disk of this server is full; nothing was changed. */
  storageFull: { status: 507, text: 'The disk of the server is full. Nothing was changed.' },
  unsupportedMediaType: { status: 415, text: 'The content type of the request body is missing or not supported.' },
  /** Our own bug. Logged; the client learns nothing of it. */
  internal: { status: 500, text: 'An internal error occurred.' },
} as const;

export type PlaneFailureKind = keyof typeof planeFailures;

export interface PlaneFailure {
  readonly kind: PlaneFailureKind;
  readonly status: number;
  readonly text: string;
}

export const planeFailure = (kind: PlaneFailureKind): PlaneFailure => ({ kind, ...planeFailures[kind] });

/** Failures of a connection on which no request could be read. */
export const connectionFailures = {
  malformedRequest: { status: 400, text: 'The request is not valid HTTP.' },
  requestTimeout: { status: 408, text: 'The request did not arrive in time.' },
  headersTooLarge: { status: 431, text: 'The request headers are too large.' },
} as const;

export type ConnectionFailureKind = keyof typeof connectionFailures;
