import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { PlannedTemplate } from '../../../templates/plan.ts';
import type { Place } from './found-texts.ts';
import { FoundTexts, replaceAt } from './found-texts.ts';

const mask = '*******';

/** What of a secure parameter may stand in an answer: a text, also as JSON writes it, or a number. */
export type SecureText = string | number;

/** By the parameters of a template: they are the same for each of its errors. */
const textsOf = new WeakMap<PlannedTemplate['parameters'], readonly SecureText[]>();

/** The values of secure parameters. */
export function secureTextsOf({ parameters }: Pick<PlannedTemplate, 'parameters'>): readonly SecureText[] {
  const held = textsOf.get(parameters);
  if (held !== undefined) return held;
  const found = new Set<SecureText>();
  for (const { isSecure, value } of parameters.values()) if (isSecure) addTexts(value, found);
  const texts = [...found];
  textsOf.set(parameters, texts);
  return texts;
}

function addTexts(value: Json, found: Set<SecureText>): void {
  if (typeof value === 'number') found.add(value);
  else if (typeof value === 'string') {
    if (value !== '') found.add(value).add(JSON.stringify(value).slice(1, -1));
  } else if (Array.isArray(value)) for (const item of value as readonly Json[]) addTexts(item, found);
  else if (isJsonObject(value)) for (const member of Object.values(value)) addTexts(member ?? null, found);
}

/** The same with stars wherever one of the texts stands in a text; a number only where no digit stands beside it. Names are the service's
 * own, and stay. */
export const masked = <T>(value: T, texts: readonly SecureText[]): T => maskedAll(value, maskOf(texts), () => false);

/** The same for what the client wrote: a name that is one of the texts is a star, too. */
export function maskedBody<T>(body: T, texts: readonly SecureText[]): T {
  const secret = maskOf(texts);
  return maskedAll(body, secret, (name) => secret.names.has(name));
}

/** The same for the path of a member. */
export function maskedPath(path: string, texts: readonly SecureText[]): string {
  const { names } = maskOf(texts);
  const steps = path.split('.').map((step) => (names.has(step) ? mask : step));
  return steps.join('.');
}

/** So many characters of texts are looked for within others. Where there are more, to find each would hold up whoever answers: every text
 * is a star then. */
const charsMax = 64 * 1024;

interface Mask {
  readonly names: ReadonlySet<string>;
  readonly numbers: ReadonlySet<SecureText>;
  readonly hide: (text: string) => string;
}

/** One deployment's are looked for in all that it shows. */
const masks = new WeakMap<readonly SecureText[], Mask>();

function maskOf(texts: readonly SecureText[]): Mask {
  const held = masks.get(texts);
  if (held !== undefined) return held;
  const made = { names: new Set(texts.map(String)), numbers: new Set(texts), hide: hidingOf(texts) };
  masks.set(texts, made);
  return made;
}

const numberInText = /(?<![\d.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\d.])/g;

function hidingOf(texts: readonly SecureText[]): Mask['hide'] {
  const written = texts.filter((text) => typeof text === 'string');
  if (written.reduce((sum, { length }) => sum + length, 0) > charsMax) return (text) => (text === '' ? text : mask);
  const found = new FoundTexts(written);
  const numbers = new Set(texts.filter((text) => typeof text === 'number').map(String));
  const numbersIn = (text: string): readonly Place[] =>
    [...text.matchAll(numberInText)].flatMap(({ 0: number, index }) => {
      const to = index + number.length;
      if (numbers.has(number)) return [{ from: index, to }];
      return number.startsWith('-') && numbers.has(number.slice(1)) ? [{ from: index + 1, to }] : [];
    });
  // Both in the text as it was: of one that holds another, the rest would be left else.
  return (text) => replaceAt(text, [...found.placesIn(text), ...(numbers.size === 0 ? [] : numbersIn(text))], mask);
}

function maskedAll<T>(value: T, { names, numbers, hide }: Mask, isSecret: (name: string) => boolean): T {
  if (names.size === 0) return value;
  const within = (each: Json): Json => {
    if (typeof each === 'string') return hide(each);
    if (typeof each === 'number') return numbers.has(each) ? mask : each;
    if (Array.isArray(each)) return each.map(within);
    if (!isJsonObject(each)) return each;
    const members = Object.entries(each).map(([name, member = null]) => [isSecret(name) ? mask : name, within(member)]);
    return Object.fromEntries(members) as JsonObject;
  };
  return within(value as unknown as Json) as unknown as T;
}
