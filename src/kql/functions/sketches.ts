import { KqlError } from '../plan/kql-error.ts';
import { nativeFunction } from '../sql/native.ts';
import { jsonArray, jsonItems } from '../values/json-text.ts';
import { itemsOf, unique } from './array.ts';

/** Sketches keep every distinct value, so their answers are exact; in the shape of the service, not in its bytes:
 * hll `[[1024,bits],["hash",…],[]]`, tdigest `[[7],[value,…],[weight,…]]`. Larger ones are refused. */
const valuesMax = 262_144;

const hashesOf = (sketch: string): string[] | undefined => jsonItems(jsonItems(sketch)?.[1] ?? '');

/** By accuracy: the power of two that is the number of entries. */
const entryBits = [12, 14, 16, 17, 18];

function hllText(hashes: readonly string[], bits: string): string {
  if (hashes.length > valuesMax)
    throw new KqlError('notSupported', `hll() of more than ${valuesMax} distinct values is not supported.`);
  return `[[1024,${bits}],${jsonArray(hashes)},[]]`;
}
/** Of a list of hashes, or of sketches. */
export const hllOf = nativeFunction('hll_of', ['dynamic', 'long'], 'dynamic', ([list, accuracy]) => {
  const hashes = unique(itemsOf(list) ?? []);
  const bits = entryBits[Number(accuracy)];
  if (bits === undefined) throw new KqlError('runtime', 'The accuracy must be from 0 to 4.');
  return hashes.length === 0 ? null : hllText(hashes, String(bits));
});
export const hllUnion = nativeFunction('hll_union', ['dynamic'], 'dynamic', ([list]) => {
  const sketches = (itemsOf(list) ?? []).flatMap((sketch) => {
    const [size, hashes] = (jsonItems(sketch) ?? []).map((part) => jsonItems(part));
    return size?.[1] !== undefined && hashes ? [{ bits: size[1], hashes }] : [];
  });
  const [first, ...others] = sketches;
  if (!first) return null;
  if (others.some(({ bits }) => bits !== first.bits))
    throw new KqlError('runtime', 'hll_merge(): sketches of different accuracy cannot be merged.');
  return hllText(unique(sketches.flatMap(({ hashes }) => hashes)), first.bits);
});
export const hllCount = nativeFunction('hll_count', ['dynamic'], 'long', ([sketch]) => {
  const hashes = hashesOf(String(sketch));
  return hashes ? BigInt(hashes.length) : null;
});

/** Value and weight pairs → values in their order, equal ones once. */
export const digestOfPairs = nativeFunction('tdigest_of', ['dynamic'], 'dynamic', ([list]) =>
  digest((itemsOf(list) ?? []).map((pair) => jsonItems(pair) ?? [])),
);
export const digestUnion = nativeFunction('tdigest_union', ['dynamic'], 'dynamic', ([list]) =>
  digest(
    (itemsOf(list) ?? []).flatMap((sketch) => {
      const [, values, weights] = (jsonItems(sketch) ?? []).map((part) => jsonItems(part) ?? []);
      return (values ?? []).map((value, index) => [value, weights?.[index] ?? '1']);
    }),
  ),
);
function digest(pairs: readonly (readonly string[])[]): string | null {
  const weights = new Map<string, number>();
  for (const [value, weight] of pairs)
    if (value !== undefined) weights.set(value, (weights.get(value) ?? 0) + Number(weight));
  if (weights.size === 0) return null;
  if (weights.size > valuesMax)
    throw new KqlError('notSupported', `tdigest() of more than ${valuesMax} distinct values is not supported.`);
  const sorted = [...weights].sort(([a], [b]) => (a.startsWith('"') ? (a < b ? -1 : 1) : Number(a) - Number(b)));
  return `[[7],${jsonArray(sorted.map(([value]) => value))},${jsonArray(sorted.map(([, weight]) => String(weight)))}]`;
}
