import { KqlError } from '../plan/kql-error.ts';
import type { Literal } from '../plan/expression.ts';
import type { KqlType } from '../plan/types.ts';
import { innerText, readers } from './literal-text.ts';

/** Reads the value of a query parameter as clients send it: a KQL literal as text, a plain string, or a JSON value. It is
 * never spliced into the query.
 * @throws KqlError semantic when it is no value of the declared type */
export function parameterLiteral(name: string, type: KqlType, given: unknown): Literal {
  try {
    return { k: 'literal', type, value: valueOf(type, given) };
  } catch {
    throw new KqlError('semantic', `The value of the query parameter '${name}' is not a valid ${type}.`);
  }
}

function valueOf(type: KqlType, given: unknown): Literal['value'] {
  if (given === null || given === undefined) return type === 'string' ? '' : null;
  if (type === 'string') return typeof given === 'string' ? stringValue(given) : JSON.stringify(given);
  if (type === 'dynamic') return dynamicValue(given);
  const text =
    typeof given === 'string'
      ? innerText(given.trim())
      : typeof given === 'number' || typeof given === 'boolean' || typeof given === 'bigint'
        ? String(given)
        : '?';
  return text.toLowerCase() === 'null' ? null : readers[type](text);
}

/** A quoted literal loses its quotes; anything else is the string itself. */
function stringValue(text: string): string {
  const match = /^([hH@]*)(["'])([\s\S]*)\2$/.exec(text);
  if (!match) return text;
  const inner = match[3] ?? '';
  return match[1]?.includes('@')
    ? inner
    : inner.replace(
        /\\(["'\\nrt])/g,
        (_whole, character: string) => ({ n: '\n', r: '\r', t: '\t' })[character] ?? character,
      );
}

function dynamicValue(given: unknown): string | null {
  if (typeof given !== 'string') return JSON.stringify(given);
  const match = /^dynamic\s*\(([\s\S]*)\)$/i.exec(given.trim());
  const text = (match ? (match[1] ?? '') : given).trim();
  const value = JSON.parse(text) as unknown;
  return value === null ? null : JSON.stringify(value);
}
