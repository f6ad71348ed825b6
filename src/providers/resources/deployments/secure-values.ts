import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { PlannedTemplate } from '../../../templates/plan.ts';

const mask = '*******';

/** What of a secure parameter may stand in an answer: a text, also as JSON writes it, or a number. */
export type SecureText = string | number;

/** The values of secure parameters. */
export function secureTextsOf(plan: Pick<PlannedTemplate, 'parameters'>): readonly SecureText[] {
  const secure = [...plan.parameters.values()].filter(({ isSecure }) => isSecure);
  return [...new Set(secure.flatMap(({ value }) => textsIn(value)))];
}

function textsIn(value: Json): readonly SecureText[] {
  if (typeof value === 'string') return value === '' ? [] : [value, JSON.stringify(value).slice(1, -1)];
  if (typeof value === 'number') return [value];
  if (Array.isArray(value)) return value.flatMap((item: Json) => textsIn(item));
  return isJsonObject(value) ? Object.values(value).flatMap((member = null) => textsIn(member)) : [];
}

/** The same with stars wherever one of the texts stands in a text; a number only where no digit stands beside it. Names are the service's
 * own, and stay. */
export const masked = <T>(value: T, texts: readonly SecureText[]): T => maskedAll(value, texts, () => false);

/** The same for what the client wrote: a name that is one of the texts is a star, too. */
export function maskedBody<T>(body: T, texts: readonly SecureText[]): T {
  const names = new Set(texts.map(String));
  return maskedAll(body, texts, (name) => names.has(name));
}

/** The same for the path of a member. */
export function maskedPath(path: string, texts: readonly SecureText[]): string {
  const names = new Set(texts.map(String));
  const steps = path.split('.').map((step) => (names.has(step) ? mask : step));
  return steps.join('.');
}

function maskedAll<T>(value: T, texts: readonly SecureText[], isSecret: (name: string) => boolean): T {
  if (texts.length === 0) return value;
  const longestFirst = texts.toSorted((left, right) => String(right).length - String(left).length);
  const patterns = longestFirst.map((text) => {
    const escaped = String(text).replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
    return typeof text === 'number' ? `(?<![\\d.])${escaped}(?![\\d.])` : escaped;
  });
  const secrets = new RegExp(patterns.join('|'), 'g');
  const within = (each: Json): Json => {
    if (typeof each === 'string') return each.replaceAll(secrets, mask);
    if (typeof each === 'number') return texts.includes(each) ? mask : each;
    if (Array.isArray(each)) return each.map(within);
    if (!isJsonObject(each)) return each;
    const members = Object.entries(each).map(([name, member = null]) => [isSecret(name) ? mask : name, within(member)]);
    return Object.fromEntries(members) as JsonObject;
  };
  return within(value as unknown as Json) as unknown as T;
}
