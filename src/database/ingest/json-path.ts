import type { JsonNode } from './json-reader.ts';
import { isBag } from './json-reader.ts';

/** Steps from the record down: names of properties, indexes of items. */
export type JsonPath = readonly (string | number)[];

const step = /\.([^.[\]'"*]+)|\.?\['((?:[^'\\]|\\.)*)'\]|\.?\["((?:[^"\\]|\\.)*)"\]|\[(\d{1,6})\]/y;

/** Reads `$`, `$.a.b`, `$['a b']`, `$.a[0]`. @returns undefined for wildcards, filters and anything else */
export function parseJsonPath(text: string): JsonPath | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('$')) return undefined;
  const steps: (string | number)[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < trimmed.length) {
    const match = step.exec(trimmed);
    if (match === null) return undefined;
    const [, plain, single, double, index] = match;
    const name = single ?? double;
    if (index !== undefined) steps.push(Number(index));
    else steps.push(name === undefined ? (plain ?? '') : name.replace(/\\(.)/g, '$1'));
  }
  return steps;
}

/** @returns undefined when the path leads nowhere */
export function atPath(root: JsonNode, path: JsonPath): JsonNode | undefined {
  let node: JsonNode | undefined = root;
  for (const key of path) {
    if (typeof key === 'number') node = Array.isArray(node) ? (node[key] as JsonNode | undefined) : undefined;
    else node = isBag(node) ? node.get(key) : undefined;
    if (node === undefined) return undefined;
  }
  return node;
}

/** Of paths those that lead on from one, as they go on from there. */
export const insideOf = (path: JsonPath, others: readonly JsonPath[]): readonly JsonPath[] =>
  others
    .filter((other) => other.length > path.length && path.every((key, index) => key === other[index]))
    .map((other) => other.slice(path.length));

/** A copy without what the paths lead to. Arrays are left as they are. */
export function withoutPaths(node: JsonNode, paths: readonly JsonPath[]): JsonNode {
  if (!isBag(node)) return node;
  const kept = new Map<string, JsonNode>();
  for (const [name, value] of node) {
    const inside = paths.filter(([first]) => first === name).map((path) => path.slice(1));
    if (!inside.some((path) => path.length === 0))
      kept.set(name, inside.length === 0 ? value : withoutPaths(value, inside));
  }
  return kept;
}
