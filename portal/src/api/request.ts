import { pageToken, pageTokenHeader } from './session.ts';

/** An answer other than 2xx. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  constructor(
    /** 0: no answer, the server is not there. */
    readonly status: number,
    readonly code: string,
    message: string,
    /** The body as it came: JSON, or text. */
    readonly body: unknown,
  ) {
    super(message);
  }
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, instead of `json`. */
  readonly body?: Blob | Uint8Array<ArrayBuffer> | string;
  readonly signal?: AbortSignal;
}

/** Whoever shows that the session is over, or the server gone. */
type Listener = (state: 'signedOut' | 'gone' | 'there') => void;
const listeners = new Set<Listener>();
export const onConnection = (listener: Listener): (() => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
const tell: Listener = (state) => {
  for (const listener of listeners) listener(state);
};

/** @param path begins with a slash
 * @returns the answer, with a status of 2xx
 * @throws ApiError; the signal's reason when it was aborted */
export async function send(path: string, call: Call = {}): Promise<Response> {
  const { method = 'GET', json, body, signal } = call;
  const payload = json === undefined ? body : JSON.stringify(json);
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      headers: {
        [pageTokenHeader]: pageToken() ?? '',
        ...(json === undefined ? {} : { 'content-type': 'application/json' }),
        ...call.headers,
      },
      ...(payload === undefined ? {} : { body: payload }),
      ...(signal === undefined ? {} : { signal }),
      cache: 'no-store',
      redirect: 'error',
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    tell('gone');
    throw new ApiError(0, 'NoAnswer', 'Kustody does not answer. Does it still run?', undefined);
  }
  if (answer.status === 401 && answer.headers.get('x-kustody-session') === 'none') tell('signedOut');
  else tell('there');
  if (answer.ok) return answer;
  throw errorOf(answer.status, await answer.text());
}

export async function sendJson<T>(path: string, call?: Call): Promise<T> {
  const answer = await send(path, call);
  const text = await answer.text();
  return (text === '' ? undefined : JSON.parse(text)) as T;
}

function errorOf(status: number, text: string): ApiError {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return new ApiError(status, String(status), text.slice(0, 2000) || `Status ${status}`, text);
  }
  const error = isObject(body) && isObject(body['error']) ? body['error'] : {};
  const textOf = (name: string): string | undefined => (typeof error[name] === 'string' ? error[name] : undefined);
  const code = textOf('code') ?? String(status);
  return new ApiError(status, code, textOf('@message') ?? textOf('message') ?? `Status ${status}`, body);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
