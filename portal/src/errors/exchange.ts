import { callPlane } from '../api/planes.ts';
import { ApiError } from '../api/request.ts';

/** A request to the resource manager, as somebody else could send it. */
export interface ArmRequest {
  readonly says: string;
  readonly method: 'GET' | 'PUT' | 'PATCH' | 'DELETE';
  /** With its `api-version`. */
  readonly path: string;
  readonly json?: unknown;
}

/** A request that was sent, with what was answered. */
export interface Exchange extends ArmRequest {
  readonly stage: Stage;
  /** 0: none came. */
  readonly status: number;
  /** JSON, or text as it came; undefined when it was empty. */
  readonly answer: unknown;
}

/** Why a request is sent: what the error needs, the error, what takes it away, and what is left of it. */
export type Stage = 'prepare' | 'error' | 'mend' | 'tidy';

export const managementHost = 'management.azure.com';

/** @throws only when the signal was aborted: what is refused is an answer, too */
export async function exchange(stage: Stage, request: ArmRequest, signal: AbortSignal): Promise<Exchange> {
  const { method, path, json } = request;
  try {
    const answer = await callPlane(managementHost, path, {
      ...{ method, signal },
      ...(json === undefined ? {} : { json }),
    });
    return { ...request, stage, status: answer.status, answer: parsed(await answer.text()) };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { ...request, stage, status: error.status, answer: error.body ?? error.message };
  }
}

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
