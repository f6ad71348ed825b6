import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';

/** One difference, as what-if shows it. */
export type PropertyChange = {
  readonly path: string;
  readonly propertyChangeType: 'Create' | 'Delete' | 'Modify' | 'Array' | 'NoEffect';
  readonly before?: Json;
  readonly after?: Json;
  readonly children?: readonly PropertyChange[];
};

/** What makes one value of another, member by member.
 * @param isKnown whether a value can be compared: an expression that only the deployment can evaluate cannot */
export function differencesOf(
  before: Json,
  after: Json,
  isKnown: (value: Json) => boolean,
  path = '',
): readonly PropertyChange[] {
  if (!isKnown(after)) return [{ path, propertyChangeType: 'NoEffect', before, after }];
  if (isJsonObject(before) && isJsonObject(after)) return memberDifferences(before, after, isKnown, path);
  if (Array.isArray(before) && Array.isArray(after)) {
    const children = itemDifferences(before as readonly Json[], after as readonly Json[], isKnown);
    return children.length === 0 ? [] : [{ path, propertyChangeType: 'Array', before, after, children }];
  }
  return isSame(before, after, path) ? [] : [{ path, propertyChangeType: 'Modify', before, after }];
}

function memberDifferences(
  before: JsonObject,
  after: JsonObject,
  isKnown: (value: Json) => boolean,
  path: string,
): readonly PropertyChange[] {
  const at = (name: string): string => (path === '' ? name : `${path}.${name}`);
  const found: PropertyChange[] = [];
  const unmatched = new Set(Object.keys(before));
  for (const [name, value = null] of Object.entries(after)) {
    const held = Object.keys(before).find((each) => each.toLowerCase() === name.toLowerCase());
    if (held !== undefined) unmatched.delete(held);
    const old = held === undefined ? null : (before[held] ?? null);
    if (old === null) {
      // What is null or empty makes nothing.
      if (!isNothing(value))
        found.push({ path: at(name), propertyChangeType: isKnown(value) ? 'Create' : 'NoEffect', after: value });
    } else if (value === null) {
      if (!isNothing(old)) found.push({ path: at(name), propertyChangeType: 'Delete', before: old });
    } else found.push(...differencesOf(old, value, isKnown, at(name)));
  }
  for (const name of unmatched) {
    const value = before[name] ?? null;
    if (!isNothing(value)) found.push({ path: at(name), propertyChangeType: 'Delete', before: value });
  }
  return found;
}

function itemDifferences(
  before: readonly Json[],
  after: readonly Json[],
  isKnown: (value: Json) => boolean,
): readonly PropertyChange[] {
  const length = Math.max(before.length, after.length);
  return Array.from({ length }, (_, at): readonly PropertyChange[] => {
    const [old, next] = [before[at], after[at]];
    if (old === undefined) return [{ path: String(at), propertyChangeType: 'Create', after: next ?? null }];
    if (next === undefined) return [{ path: String(at), propertyChangeType: 'Delete', before: old }];
    const inner = differencesOf(old, next, isKnown);
    if (inner.length === 0) return [];
    return isJsonObject(next)
      ? [{ path: String(at), propertyChangeType: 'Modify', children: inner }]
      : inner.map((each) => ({ ...each, path: String(at) }));
  }).flat();
}

const isNothing = (value: Json): boolean =>
  value === null ||
  value === '' ||
  (isJsonObject(value) && Object.values(value).every((member = null) => isNothing(member))) ||
  (Array.isArray(value) && value.length === 0);

/** Regions are written in two ways, ids in any case, and the addresses of vaults with a slash at the end or without. */
function isSame(before: Json, after: Json, path: string): boolean {
  if (before === after) return true;
  if (typeof before !== 'string' || typeof after !== 'string') return false;
  if (path === 'location') return bare(before) === bare(after);
  const [old, next] = [before.toLowerCase(), after.toLowerCase()];
  if (old.startsWith('/subscriptions/') || isGuid(old) || /vaulturi$/i.test(path))
    return trimmed(old) === trimmed(next);
  // Names of kinds and settings come back in the service's own casing.
  return old === next && /(^|\.)(kind|type|name|tier|family|bypass|defaultAction|publicNetworkAccess)$/i.test(path);
}

const bare = (text: string): string => text.replaceAll(' ', '').toLowerCase();
const trimmed = (text: string): string => text.replace(/\/+$/, '');
const isGuid = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);
