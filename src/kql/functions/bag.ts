import type { NativeValue } from '../sql/native.ts';
import { native } from '../sql/native-row.ts';
import { jsonArrayOf } from '../sql/convert.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import { allAsJson } from '../sql/convert-value.ts';
import type { FunctionRows } from '../sql/scope.ts';
import { jsonArray, jsonBag, jsonItems, jsonKind, jsonPairs, jsonToText } from '../values/json-text.ts';
import { itemsOf } from './array.ts';
import { typedText } from './conversion.ts';

const pairsOf = (value: NativeValue | undefined): [string, string][] | undefined =>
  typeof value === 'string' ? jsonPairs(value) : undefined;

/** `$.a.b['c d'][0]` → a, b, c d, 0. Undefined when the text is no path. */
export function pathSteps(path: string): string[] | undefined {
  if (!path.startsWith('$')) return undefined;
  const steps: string[] = [];
  const pattern = /\.([^.[\]]+)|\[\s*(?:'([^']*)'|"([^"]*)"|(-?\d+))\s*\]/y;
  pattern.lastIndex = 1;
  while (pattern.lastIndex < path.length) {
    const match = pattern.exec(path);
    if (!match) return undefined;
    steps.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
  }
  return steps;
}

/** The raw value at the end of a path; undefined when it is not there. */
export function valueAt(json: string, steps: readonly string[]): string | undefined {
  let current: string | undefined = json;
  for (const step of steps) {
    if (current === undefined) return undefined;
    const items = jsonItems(current);
    if (items) current = /^-?\d+$/.test(step) ? items.at(Number(step)) : undefined;
    else current = jsonPairs(current)?.find(([name]) => name === step)?.[1];
  }
  return current;
}

const stepsOf = (key: NativeValue | undefined): string[] => pathSteps(String(key)) ?? [String(key)];

/** Neither the bag itself nor an element of an array is a key. */
function hasKey(json: string, [step, ...rest]: readonly string[]): boolean {
  const found = jsonPairs(json)?.find(([name]) => name === step);
  return found !== undefined && (rest.length === 0 || hasKey(found[1], rest));
}

function withValue(json: string | undefined, steps: readonly string[], value: string): string {
  const [step, ...rest] = steps;
  if (step === undefined) return value;
  const pairs = (json === undefined ? undefined : jsonPairs(json)) ?? [];
  const at = pairs.findIndex(([name]) => name === step);
  const inner = withValue(pairs[at]?.[1], rest, value);
  if (at < 0) return jsonBag([...pairs, [step, inner]]);
  return jsonBag(pairs.map((pair, index) => (index === at ? [step, inner] : pair)));
}

function withoutPath(json: string, steps: readonly string[]): string {
  const [step, ...rest] = steps;
  const pairs = jsonPairs(json);
  if (step === undefined || !pairs) return json;
  if (rest.length === 0) return jsonBag(pairs.filter(([name]) => name !== step));
  return jsonBag(pairs.map(([name, value]) => [name, name === step ? withoutPath(value, rest) : value]));
}

/** All arguments come as one JSON array; only bags count. The leftmost value of a key wins. */
const bagMerge = nativeFunction('bag_merge', ['dynamic'], 'dynamic', ([all]) => {
  const bags = (itemsOf(all) ?? []).flatMap((item) => {
    const pairs = jsonPairs(item);
    return pairs ? [pairs] : [];
  });
  return bags.length === 0 ? null : mergeBags(bags);
});
export function mergeBags(bags: readonly (readonly [string, string])[][], limit = Infinity): string {
  const merged = new Map<string, string>();
  for (const [name, value] of bags.flat()) if (!merged.has(name) && merged.size < limit) merged.set(name, value);
  return jsonBag(merged);
}

function treePaths(json: string, prefix: string): string[] {
  const pairs = jsonPairs(json);
  if (pairs)
    return pairs.flatMap(([name, value]) => [`${prefix}['${name}']`, ...treePaths(value, `${prefix}['${name}']`)]);
  const items = jsonItems(json);
  if (items) return [...new Set([`${prefix}[0]`, ...items.flatMap((item) => treePaths(item, `${prefix}[0]`))])];
  return [];
}

const extractJson = native('extract_json', ['string', 'string'], 'string', ([path, json]) => {
  const steps = pathSteps(String(path));
  const found = steps && valueAt(String(json).trim(), steps);
  return found === undefined || found === 'null' ? null : jsonToText(found);
});

export const bagFunctions: FunctionRows = {
  bag_merge: {
    result: 'dynamic',
    natives: [bagMerge],
    sql: (args) => nativeCall(bagMerge, jsonArrayOf(args)),
    run: (args) => bagMerge.run([allAsJson(args)]),
  },
  bag_keys: native('bag_keys', ['dynamic'], 'dynamic', ([bag]) => {
    const pairs = pairsOf(bag);
    return pairs ? jsonArray(pairs.map(([name]) => JSON.stringify(name))) : null;
  }),
  bag_has_key: native('bag_has_key', ['dynamic', 'string'], 'bool', ([bag, key]) =>
    pairsOf(bag) ? hasKey(String(bag), stepsOf(key)) : null,
  ),
  // Neither the bag itself nor an element of an array can be set.
  bag_set_key: native(
    'bag_set_key',
    ['dynamic', 'string', 'dynamic'],
    'dynamic',
    ([bag, key, value]) => {
      const steps = stepsOf(key);
      if (!pairsOf(bag) || steps.length === 0 || /^\$.*\[\s*-?\d/.test(String(key))) return null;
      return withValue(String(bag), steps, value === null || value === undefined ? 'null' : String(value));
    },
    { nulls: true },
  ),
  bag_remove_keys: native('bag_remove_keys', ['dynamic', 'dynamic'], 'dynamic', ([bag, keys]) => {
    if (!pairsOf(bag)) return null;
    return (itemsOf(keys) ?? []).map(jsonToText).reduce((json, key) => withoutPath(json, stepsOf(key)), String(bag));
  }),
  bag_zip: native('bag_zip', ['dynamic', 'dynamic'], 'dynamic', ([keys, values]) => {
    const [names, items] = [itemsOf(keys), itemsOf(values)];
    if (!names) return null;
    const pairs = names.map((name, index) => [name, items?.[index] ?? 'null'] as const);
    return jsonBag(
      pairs.filter(([name]) => jsonKind(name) === 'string').map(([name, item]) => [jsonToText(name), item]),
    );
  }),
  treepath: native('treepath', ['dynamic'], 'dynamic', ([json]) =>
    jsonArray(treePaths(String(json), '').map((path) => JSON.stringify(path))),
  ),
  extract_json: { ...typedText(extractJson), aliases: ['extractjson'] },
};
