import type { Where } from '../api/kusto.ts';
import { postKusto } from '../api/kusto.ts';
import { ApiError } from '../api/request.ts';
import type { Answer, Failure } from './answer/answer.ts';
import { failureOf } from './answer/failures.ts';
import { readAnswer } from './answer/read-answer.ts';
import { isCommand } from './editor/statement.ts';

/** Runs one text and reads all of its answer: a command in version 1, anything else in version 2.
 * @param parameters values of declared query parameters, as texts
 * @throws ApiError, for `failuresOfRequest`; the signal's reason when it was cancelled */
export async function ask(
  where: Where,
  text: string,
  parameters: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Answer> {
  const requestId = `KustodyPortal.query;${crypto.randomUUID()}`;
  const endpoint = isCommand(text) ? '/v1/rest/mgmt' : '/v2/rest/query';
  const properties = Object.keys(parameters).length === 0 ? {} : { properties: { Parameters: parameters } };
  const response = await postKusto(endpoint, where, text, { ...properties, signal, requestId });
  return readAnswer(await response.text());
}

/** What went wrong, with its place in the text where the service names one. */
export function failureOfRequest(error: unknown): Failure {
  if (error instanceof ApiError) {
    const failure = error.body === undefined ? undefined : failureOf(error.body);
    return failure === undefined || failure.code === 'Unknown' ? { code: error.code, message: error.message } : failure;
  }
  return { code: 'PortalError', message: error instanceof Error ? error.message : String(error) };
}
