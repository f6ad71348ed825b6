import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';

/** What errors call a value. */
export function typeNameOf(value: Json | undefined): string {
  if (value === null || value === undefined) return 'Null';
  if (Array.isArray(value)) return 'Array';
  if (typeof value === 'string') return 'String';
  if (typeof value === 'boolean') return 'Boolean';
  if (typeof value === 'number') return Number.isInteger(value) ? 'Integer' : 'Float';
  return 'Object';
}

/** Names of members are the same in any case. */
export function memberOf(object: JsonObject, name: string): { readonly value: Json } | undefined {
  if (Object.hasOwn(object, name)) return { value: object[name] ?? null };
  const wanted = name.toLowerCase();
  const found = Object.keys(object).find((key) => key.toLowerCase() === wanted);
  return found === undefined ? undefined : { value: object[found] ?? null };
}

/** The same for many names of one object. */
export function membersOf(object: JsonObject): (name: string) => { readonly value: Json } | undefined {
  let names: Map<string, string> | undefined;
  return (name) => {
    if (Object.hasOwn(object, name)) return { value: object[name] ?? null };
    // Of names that differ only in case the first counts: it is set last.
    names ??= new Map(
      Object.keys(object)
        .toReversed()
        .map((key) => [key.toLowerCase(), key]),
    );
    const found = names.get(name.toLowerCase());
    return found === undefined ? undefined : { value: object[found] ?? null };
  };
}

export function sameValue(left: Json, right: Json): boolean {
  if (left === right) return true;
  if (Array.isArray(left) && Array.isArray(right)) {
    const others = right as readonly Json[];
    return left.length === others.length && left.every((item: Json, at) => sameValue(item, others[at] ?? null));
  }
  if (!isJsonObject(left) || !isJsonObject(right)) return false;
  const names = Object.keys(left);
  const otherOf = membersOf(right);
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => {
      const other = otherOf(name);
      return other !== undefined && sameValue(left[name] ?? null, other.value);
    })
  );
}

export const byOrdinal = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);

/** Text of a value, as `string()` and `concat()` write it. */
export function textOf(value: Json): string {
  if (typeof value === 'string') return value;
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return JSON.stringify(value);
}
