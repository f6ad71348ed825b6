import type { Json } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';

const depthMax = 8;

/** Code, message and target of an error of the resource manager, and of each of its details a line below it.
 * @param otherwise stands for the code of what is no such error */
export function errorText(error: Json | undefined, otherwise: number | string, depth = 0): string {
  if (!isJsonObject(error)) return `The deployment was refused: ${otherwise}`;
  const target = textMember(error, 'target');
  const own = `${textMember(error, 'code') || otherwise}: ${textMember(error, 'message')}`;
  const { details } = error;
  const below = Array.isArray(details) && depth < depthMax ? (details as readonly Json[]) : [];
  return [
    `${own}${target === '' ? '' : ` (target ${target})`}`,
    ...below.map((detail) => `${'  '.repeat(depth + 1)}${errorText(detail, otherwise, depth + 1)}`),
  ].join('\n');
}
