import type { Json } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { Plan } from '../../../templates/plan.ts';

const mask = '*******';

/** The texts of secure parameters. */
export function secureTextsOf(plan: Plan): readonly string[] {
  const secure = [...plan.parameters.values()].filter(({ isSecure }) => isSecure);
  return secure.flatMap(({ value }) => textsIn(value));
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  if (Array.isArray(value)) return value.flatMap((item: Json) => textsIn(item));
  return isJsonObject(value) ? Object.values(value).flatMap((member = null) => textsIn(member)) : [];
}

/** The same with stars wherever one of the texts stands. */
export function masked<T>(value: T, texts: readonly string[]): T {
  if (texts.length === 0) return value;
  return maskedJson(
    value as unknown as Json,
    texts.toSorted((left, right) => right.length - left.length),
  ) as unknown as T;
}

function maskedJson(value: Json, texts: readonly string[]): Json {
  if (typeof value === 'string') return texts.reduce((held, text) => held.replaceAll(text, () => mask), value);
  if (Array.isArray(value)) return value.map((item: Json) => maskedJson(item, texts));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member = null]) => [name, maskedJson(member, texts)]));
}
