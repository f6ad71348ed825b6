import { sendJson } from './request.ts';

/** An item of `GET /traffic`. */
export interface SeenRequest {
  readonly sequence: number;
  /** ISO 8601, by the Kustody clock. */
  readonly time: string;
  readonly plane: string;
  readonly method: string;
  readonly host: string;
  /** `…` stands for what is not kept. */
  readonly path: string;
  readonly operation: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
  readonly correlationId: string;
  readonly clientRequestId?: string;
  readonly callerId?: string;
  readonly appId?: string;
  readonly code?: string;
  readonly message?: string;
  readonly aborted?: true;
  readonly bodies?: { readonly request?: SeenBody; readonly answer?: SeenBody };
}

export interface SeenBody {
  readonly bytes: number;
  /** JSON, or a form, with `…` for what is hidden. Missing: too long to be kept, or neither. */
  readonly text?: string;
}

/** `POST` and `DELETE /traffic/bodies` */
export interface Recording {
  readonly recording: boolean;
  readonly secondsLeft: number;
  readonly requestsLeft: number;
}

export interface Seen {
  /** The newest first. */
  readonly requests: readonly SeenRequest[];
  readonly recording: Recording;
}

interface Traffic {
  /** The oldest first. */
  readonly requests: readonly SeenRequest[];
  readonly last: number;
  /** How many the server keeps. */
  readonly kept: number;
  readonly bodies: Recording;
}

/** Bodies of requests to come are kept, for a while. */
export const recordBodies = (): Promise<Recording> => sendJson('/traffic/bodies', { method: 'POST', json: {} });
/** Those that are kept are forgotten, here, too. */
export const forgetBodies = (): Promise<Recording> => sendJson('/traffic/bodies', { method: 'DELETE' });

export function withoutBodies(request: SeenRequest): SeenRequest {
  const { bodies, ...rest } = request;
  return bodies === undefined ? request : rest;
}

/** @returns a function that gives all requests that are kept, and asks only for those it has not seen */
export function followTraffic(): (signal: AbortSignal) => Promise<Seen> {
  let seen: readonly SeenRequest[] = [];
  let last = 0;
  const ask = (signal: AbortSignal): Promise<Traffic> => sendJson(`/traffic?after=${last}`, { signal });
  return async (signal) => {
    let answer = await ask(signal);
    if (answer.last < last) {
      // Another process, which counts from one.
      [seen, last] = [[], 0];
      answer = await ask(signal);
    }
    last = answer.last;
    seen = [...answer.requests.toReversed(), ...seen].slice(0, answer.kept);
    return { requests: seen, recording: answer.bodies };
  };
}
