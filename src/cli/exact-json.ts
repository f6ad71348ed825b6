import { randomUUID } from 'node:crypto';

/** JSON whose whole numbers keep all their digits: JavaScript's own numbers hold 53 bits, a `long` has 64. */
export interface ExactJson {
  readonly value: unknown;
  /** A part of `value` as JSON, numbers as they came. */
  readonly stringify: (part: unknown, indent?: number) => string;
}

const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
/** Every whole number of fewer digits is exact in 53 bits. */
const inexactDigits = /^-?\d{16,}$/;

/** Long numbers stand in `value` as texts that nothing else can look like. @throws SyntaxError */
export function parseExactJson(text: string): ExactJson {
  if (!/\d{16}/.test(text))
    return { value: JSON.parse(text), stringify: (part, indent) => JSON.stringify(part, null, indent) };
  const mark = `${randomUUID()} `;
  const marked = text.replace(tokens, (token) => (inexactDigits.test(token) ? `"${mark}${token}"` : token));
  const unmarked = new RegExp(`"${mark}(-?\\d+)"`, 'g');
  return {
    value: JSON.parse(marked),
    stringify: (part, indent) => JSON.stringify(part, null, indent).replace(unmarked, '$1'),
  };
}
