import type { Failure } from './answer.ts';
import { isRecord } from './exact-json.ts';

/** Reads `OneApiErrors` of a frame or row. */
export function failuresOf(holder: Readonly<Record<string, unknown>>): Failure[] {
  const errors = holder['OneApiErrors'];
  return Array.isArray(errors) ? errors.map((error: unknown) => failureOf(error)) : [];
}

/** Reads an error as Data Explorer's REST reference has it: `{ error: { code, message, @message, innererror } }`.
 * What has another shape is told as it is, within bounds. */
export function failureOf(body: unknown): Failure {
  const error = isRecord(body) && isRecord(body['error']) ? body['error'] : body;
  if (!isRecord(error)) return { code: 'Unknown', message: bounded(String(body)) };
  const message = [error['@message'], error['message']].find((text) => typeof text === 'string');
  const place = placeOf(error);
  return {
    code: typeof error['code'] === 'string' ? error['code'] : 'Unknown',
    message: bounded(typeof message === 'string' ? message : JSON.stringify(error)),
    ...(place === undefined ? {} : { place }),
  };
}

/** The innermost error that has a place knows it best. */
function placeOf(error: Readonly<Record<string, unknown>>, depth = 0): Failure['place'] {
  const inner = error['innererror'];
  const deeper = isRecord(inner) && depth < 8 ? placeOf(inner, depth + 1) : undefined;
  if (deeper !== undefined) return deeper;
  const [line, position] = [Number(error['@line'] ?? NaN), Number(error['@pos'] ?? NaN)];
  return Number.isInteger(line) && line > 0 && Number.isInteger(position) ? { line, position } : undefined;
}

const bounded = (text: string): string => (text.length > textMax ? `${text.slice(0, textMax)}…` : text);
const textMax = 20_000;
