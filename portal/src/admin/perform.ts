import { isJsonObject, textMember } from '../../../src/base/json.ts';
import type { JsonObject } from '../../../src/base/json.ts';
import { armHost } from '../api/hosts.ts';
import { callPlane } from '../api/planes.ts';
import { ApiError } from '../api/request.ts';
import type { PlaneRequest } from './form.ts';

/** Sends one after the other, and follows each to its end. @throws ApiError with what the service says, of an operation that failed later, too */
export async function perform(steps: readonly PlaneRequest[], signal: AbortSignal): Promise<void> {
  for (const { host, method, path, json, doneWhenThere } of steps) {
    const answer = await callPlane(host, path, { method, signal, ...(json === undefined ? {} : { json }) });
    const operation = answer.headers.get('azure-asyncoperation');
    const location = answer.headers.get('location');
    if (operation !== null) await followOperation(operation, signal);
    else if (answer.status === 202 && location !== null) await followLocation(location, signal);
    if (doneWhenThere !== undefined) await untilThere(host, doneWhenThere, signal);
  }
}

const looksMax = 60;
const lookMs = 500;

async function untilThere(host: string, path: string, signal: AbortSignal): Promise<void> {
  for (let look = 1; ; look += 1) {
    try {
      await callPlane(host, path, { signal });
      return;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 404 || look === looksMax) throw error;
    }
    await sleep(lookMs, signal);
  }
}

async function followOperation(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await callPlane(armHost, pathOf(url), { signal });
    const body = (await answer.json()) as JsonObject;
    const status = textMember(body, 'status');
    if (status === 'Succeeded') return;
    if (status === 'Failed' || status === 'Canceled') {
      const error = isJsonObject(body['error']) ? body['error'] : {};
      throw new ApiError(answer.status, textMember(error, 'code') || status, textMember(error, 'message'), body);
    }
    await pause(answer, signal);
  }
}

async function followLocation(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await callPlane(armHost, pathOf(url), { signal });
    if (answer.status !== 202) return;
    await pause(answer, signal);
  }
}

function pathOf(url: string): string {
  const { pathname, search } = new URL(url);
  return `${pathname}${search}`;
}

/** Somebody looks on: asked more often than the service would have programs do. */
const pauseMsMax = 2_000;

async function pause(answer: Response, signal: AbortSignal): Promise<void> {
  const seconds = Number(answer.headers.get('retry-after') ?? 1);
  await sleep(Math.min(pauseMsMax, Number.isFinite(seconds) ? seconds * 1000 : pauseMsMax), signal);
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  signal.throwIfAborted();
}
