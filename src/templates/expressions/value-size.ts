import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { EvaluationWork } from './facts.ts';
import { evaluationMax } from './facts.ts';
import { TemplateError } from './template-error.ts';

/** In characters, where every item and member counts for one more; a value that stands in another twice counts twice. */
interface Size {
  readonly chars: number;
  readonly depth: number;
}

/** As large as a template may be, and as deep as a request over the wire. */
const valueCharsMax = 4 * 1024 * 1024;
const valueDepthMax = 100;

/** Reading so many characters is as much work as one evaluation. */
const charsPerEvaluation = 32;

/** Values never change, so a large one is measured once, by what is measured of its parts. Millions of small ones in here would cost the
 * garbage collector more than to measure them again. */
const measured = new WeakMap<object, Size>();
const measuredMin = 200;

function sizeOf(value: Json): Size {
  if (typeof value === 'string') return { chars: value.length + 1, depth: 0 };
  if (typeof value !== 'object' || value === null) return { chars: 1, depth: 0 };
  const held = measured.get(value);
  if (held !== undefined) return held;
  let [chars, depth] = [1, 0];
  const add = (part: Json, nameChars: number): void => {
    const size = sizeOf(part);
    chars += size.chars + nameChars;
    depth = Math.max(depth, size.depth);
  };
  if (isJsonObject(value)) for (const [name, part = null] of Object.entries(value)) add(part, usableName(name).length);
  else for (const part of value) add(part, 0);
  const size = { chars, depth: depth + 1 };
  if (chars >= measuredMin) measured.set(value, size);
  return size;
}

/** No request over the wire has such a member either: whoever assigned it would set a prototype.
 * @throws TemplateError */
export function usableName(name: string): string {
  if (name === '__proto__') throw new TemplateError("A value of the template has a member '__proto__'.");
  return name;
}

/** A small expression must not make a large value, whatever it is put together from. @throws TemplateError */
export function boundedValue(value: Json): Json {
  const { chars, depth } = sizeOf(value);
  if (chars > valueCharsMax) {
    throw new TemplateError(`A value of the template is larger than ${valueCharsMax} characters.`);
  }
  if (depth > valueDepthMax) throw new TemplateError('A value of the template is nested too deeply.');
  return value;
}

/** At most, and a comma: a number such as `-1.2345678901234567e-300`, which counts as one character. */
const bytesPerCharacter = 25;

/** The service's limit of 4 MB holds for a template whose loops and expressions are evaluated, too; and so much is kept of it in one record.
 * @returns what says so as soon as values are together larger: in characters, which are counted without reading the values again, or in
 * bytes as JSON writes them, where one character can be six */
export function boundedTogether(what: string, max = valueCharsMax): (value: Json) => Json {
  let [chars, bytes] = [0, 0];
  let unwritten: Json[] = [];
  const refuse = (unit: string): never => {
    throw new TemplateError(
      `The ${what} of the template are together larger than ${max} ${unit}. Please see https://aka.ms/arm-syntax for usage details.`,
    );
  };
  return (value) => {
    chars += sizeOf(value).chars;
    if (chars > max) refuse('characters');
    unwritten.push(value);
    if (chars * bytesPerCharacter <= max) return value;
    for (const each of unwritten) bytes += Buffer.byteLength(JSON.stringify(each));
    unwritten = [];
    if (bytes > max) refuse('bytes');
    return value;
  };
}

/** @throws TemplateError when nothing is left */
export function spend(work: EvaluationWork, evaluations: number): void {
  work.left -= evaluations;
  if (work.left < 0)
    throw new TemplateError(`The expressions of the template need more than ${evaluationMax} evaluations.`);
}

/** For an expression that is read before it is evaluated, in each pass of a loop anew. @throws TemplateError when nothing is left */
export const spendOnText = (work: EvaluationWork, text: string): void =>
  spend(work, Math.floor(text.length / charsPerEvaluation));

/** For what reads its arguments from end to end, so many times.
 * @throws TemplateError */
export function spendOnReading(work: EvaluationWork, values: readonly Json[], times = 1): void {
  const chars = values.reduce<number>((sum, value) => sum + sizeOf(value).chars, 0);
  spend(work, Math.floor((chars * times) / charsPerEvaluation));
}
