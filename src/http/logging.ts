import { pino } from 'pino';
import type { DestinationStream } from 'pino';
import type { Guid } from '../base/guid.ts';
import { InvariantError } from '../base/invariant.ts';
import type { SeenRequest } from './recent-requests.ts';
import type { Tracer } from './tracing/tracer.ts';

/** One answered (or broken off) request. There is no place here for a URL, a header or a body. */
export interface RequestLine {
  readonly plane: string;
  readonly method: string;
  /** An operation id or route pattern, never the path that was asked for. */
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: Guid;
  readonly correlationId: Guid;
  /** Of the trace that it is part of, 32 hexadecimal digits. */
  readonly traceId?: string;
  /** The client left before the answer was complete. */
  readonly aborted?: true;
}

export type LogFields = Readonly<Record<string, string | number | boolean>>;

/** The only way to log: nobody can hand a whole request, error or object to it. Names and values of `fields` are chosen by
 * the caller and must never come from a body, a query, a header or a key. */
export interface Log {
  /** Makes spans of what is logged here; undefined: nobody traces. */
  readonly tracer?: Tracer;
  /** @param seen for who shows the last requests (`RecentRequests`): it is never written */
  request(line: RequestLine, seen?: SeenRequest): void;
  /** Whether somebody has asked for bodies of requests. Default: never. */
  wantsBodies?(): boolean;
  event(name: string, fields?: LogFields): void;
  warning(name: string, fields?: LogFields): void;
  /** Logs the class, the code and the stack frames of an error; not its message, which may quote what a client sent. */
  failure(name: string, error: unknown, fields?: LogFields): void;
}

export interface LogOptions {
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** Where the lines go: one JSON object each. */
  readonly destination: DestinationStream;
  /** Wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
}

export function createLog(options: LogOptions): Log {
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date(options.wallClock()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    options.destination,
  );
  return {
    request: (line) => logger.info(line, 'request'),
    event: (name, fields) => logger.info({ ...fields }, name),
    warning: (name, fields) => logger.warn({ ...fields }, name),
    failure: (name, error, fields) => logger.error({ ...fields, error: describeError(error) }, name),
  };
}

/** Says nothing. */
export const silentLog: Log = {
  request: () => undefined,
  event: () => undefined,
  warning: () => undefined,
  failure: () => undefined,
};

/** @returns class, code (when it looks like one) and stack frames. Only a broken invariant keeps its text: it is our own. */
export function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const code: unknown = 'code' in error ? error.code : undefined;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    type: error.name,
    ...(typeof code === 'string' && /^[A-Za-z0-9_]{1,64}$/.test(code) ? { code } : {}),
    ...(error instanceof InvariantError ? { promise: error.message } : {}),
    frames: frames.slice(0, 12).map((line) => line.trim()),
  };
}
