import { cast, jsonArrayOf, jsonElement } from '../sql/convert.ts';
import { jsonPairs } from '../values/json-text.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';

const member = nativeFunction('member', ['dynamic', 'string'], 'dynamic', ([bag, key]) => {
  const found = jsonPairs(String(bag))?.find(([name]) => name === key)?.[1];
  return found === undefined || found === 'null' ? null : found;
});

/** `d.key`: only bags have keys; a missing key and a JSON null are both null. */
const path: FunctionRow = {
  result: 'dynamic',
  natives: [member],
  sql: ([target, key], _call, { ctx }) => {
    if (!target || key?.expression.k !== 'literal') return 'NULL';
    if (unreachable.has(String(key.expression.value)))
      return nativeCall(member, cast(target, 'dynamic'), ctx.bind(String(key.expression.value), 'VARCHAR'));
    const name = String(key.expression.value).replaceAll('\\', '\\\\').replaceAll('"', '\\"');
    return `kql_json(json_extract(${cast(target, 'dynamic')}, ${ctx.bind(`$."${name}"`, 'VARCHAR')}))`;
  },
};

/** Keys that DuckDB's paths cannot name: there is no empty one, and this one stands for all. */
const unreachable: ReadonlySet<string> = new Set(['', '*']);

/** `d[0]`, `d[-1]`, `d["key"]`. */
const index: FunctionRow = {
  result: 'dynamic',
  natives: [member],
  sql: ([target, key], call, scope) => {
    if (!target || !key) return 'NULL';
    if (key.expression.k === 'literal' && key.type === 'string') return path.sql([target, key], call, scope);
    const json = cast(target, 'dynamic');
    const named = (name: string): string =>
      `CASE WHEN ${name} IN ('', '*') THEN ${nativeCall(member, json, name)} ELSE kql_json(json_extract(${json}, kql_path_key(${name}))) END`;
    if (key.type === 'string') return named(key.sql);
    if (key.type === 'dynamic')
      return `CASE json_type(${key.sql}) WHEN 'VARCHAR' THEN ${named(`json_extract_string(${key.sql}, '$')`)} ELSE kql_json(json_extract(${json}, '$[' || ${key.sql} || ']')) END`;
    return `kql_json(json_extract(${json}, '$[' || CAST(${cast(key, 'long')} AS VARCHAR) || ']'))`;
  },
};

const bagPack = (skipEmpty: boolean): FunctionRow => ({
  result: 'dynamic',
  sql: (args) => {
    const pairs: string[] = [];
    for (let at = 0; at + 1 < args.length; at += 2) {
      const [key, value] = [args[at], args[at + 1]];
      if (!key || !value) continue;
      const pair = `kql_json_of_text(${cast(key, 'string')}) || ':' || ${jsonElement(value)}`;
      const empty = value.type === 'string' ? `${value.sql} = ''` : `${value.sql} IS NULL`;
      pairs.push(skipEmpty ? `CASE WHEN ${empty} THEN NULL ELSE ${pair} END` : pair);
    }
    return pairs.length === 0 ? `'{}'` : `('{' || concat_ws(',', ${pairs.join(', ')}) || '}')`;
  },
});

type Bag = Readonly<Record<string, unknown>>;
export const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const dynamicFunctions: FunctionRows = {
  path,
  index,
  pack_array: { result: 'dynamic', sql: jsonArrayOf },
  bag_pack: bagPack(false),
  bag_pack_nonempty: bagPack(true),
  array_length: {
    result: 'long',
    sql: ([a]) =>
      a
        ? `CASE WHEN json_type(${cast(a, 'dynamic')}) = 'ARRAY' THEN CAST(json_array_length(${cast(a, 'dynamic')}) AS BIGINT) END`
        : 'NULL',
  },
};
