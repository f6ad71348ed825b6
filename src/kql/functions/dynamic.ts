import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import { cast, jsonArrayOf, jsonElement } from '../sql/convert.ts';
import { KqlError } from '../plan/kql-error.ts';
import { allAsJson, toType } from '../sql/convert-value.ts';
import { jsonItems, jsonKind, jsonPairs } from '../values/json-text.ts';
import { jsonOfText, plainJson } from '../values/plain-json.ts';
import type { NativeValue } from '../sql/native.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows, ValueArgument } from '../sql/scope.ts';

/** What is found in a dynamic, as written there; a JSON null is none. */
const found = (raw: string | undefined): string | null => (raw === undefined || raw === 'null' ? null : raw);
const memberOf = (json: string, key: string): string | null =>
  found(jsonPairs(json)?.find(([name]) => name === key)?.[1]);
const member = nativeFunction('member', ['dynamic', 'string'], 'dynamic', ([bag, key]) =>
  memberOf(String(bag), String(key)),
);

const plain = (raw: string | null): NativeValue => (raw === null ? null : plainJson(raw));
const dynamicOf = ({ value, type }: ValueArgument): NativeValue => toType(value, type, 'dynamic');
const textOf = ({ value, type }: ValueArgument): string => String(toType(value, type, 'string') ?? '');

/** `d.key`: only bags have keys; a missing key and a JSON null are both null. */
const path: FunctionRow = {
  result: 'dynamic',
  natives: [member],
  run: ([target, key]) => {
    const json = target ? dynamicOf(target) : null;
    return json === null || !key ? null : plain(memberOf(String(json), textOf(key)));
  },
  sql: ([target, key], _call, { ctx }) => {
    if (!target || key?.expression.k !== 'literal') return 'NULL';
    const name = String(key.expression.value);
    const known = typeof target.sql === 'string' ? undefined : target.sql;
    const own = known?.textIn?.(name);
    if (own !== undefined) return kql.jsonOfText(own);
    if (unreachable.has(name)) return nativeCall(member, cast(target, 'dynamic'), ctx.bind(name, 'VARCHAR'));
    const step = `."${name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
    // `d.a.b` is one path of d.
    const outer = known?.at?.text === undefined ? undefined : known.at;
    const json = outer?.json ?? cast(target, 'dynamic');
    const text = `${outer?.text ?? '$'}${step}`;
    const path = ctx.bind(text, 'VARCHAR');
    return { ...kql.jsonAt(json, path), at: { json, path, text } };
  },
};

/** Keys that DuckDB's paths cannot name: there is no empty one, and this one stands for all. */
const unreachable: ReadonlySet<string> = new Set(['', '*']);

/** `d[0]`, `d[-1]`, `d["key"]`. */
const index: FunctionRow = {
  result: 'dynamic',
  natives: [member],
  run: ([target, key]) => {
    const json = target ? dynamicOf(target) : null;
    if (json === null || !key || (key.type !== 'string' && key.value === null)) return null;
    const isName = key.type === 'string' || (key.type === 'dynamic' && jsonKind(String(key.value)) === 'string');
    if (isName) return plain(memberOf(String(json), textOf(key)));
    const at = key.type === 'dynamic' ? String(key.value) : String(toType(key.value, key.type, 'long'));
    if (!/^-?\d+$/.test(at)) throw new KqlError('runtime', 'An array has whole numbers for indexes.');
    return plain(found(jsonItems(String(json))?.at(Number(at))));
  },
  sql: ([target, key], call, scope) => {
    if (!target || !key) return 'NULL';
    if (key.expression.k === 'literal' && key.type === 'string') return path.sql([target, key], call, scope);
    const list = typeof target.sql === 'string' ? undefined : target.sql.listOf;
    const place = key.expression.k === 'literal' && key.type === 'long' ? String(key.expression.value) : '';
    // DuckDB counts from one, and from the end with -1, too.
    if (list !== undefined && /^-?\d{1,9}$/.test(place))
      return kql.jsonOfText(sql`list_extract(${list}, ${Number(place) < 0 ? Number(place) : Number(place) + 1})`);
    const json = cast(target, 'dynamic');
    const named = (name: Sql): Sql =>
      sql`CASE WHEN ${name} IN ('', '*') THEN ${nativeCall(member, json, name)} ELSE ${kql.json(sql`json_extract(${json}, ${kql.pathKey(name)})`)} END`;
    if (key.type === 'string') return named(key.sql);
    if (key.type === 'dynamic')
      return sql`CASE json_type(${key.sql}) WHEN 'VARCHAR' THEN ${named(sql`json_extract_string(${key.sql}, '$')`)} ELSE ${kql.json(sql`json_extract(${json}, '$[' || ${key.sql} || ']')`)} END`;
    const at = sql`'$[' || CAST(${cast(key, 'long')} AS VARCHAR) || ']'`;
    return { ...kql.jsonAt(json, at), at: { json, path: at } };
  },
};

const bagPack = (skipEmpty: boolean): FunctionRow => ({
  result: 'dynamic',
  sql: (args) => {
    const pairs: Sql[] = [];
    for (let at = 0; at + 1 < args.length; at += 2) {
      const [key, value] = [args[at], args[at + 1]];
      if (!key || !value) continue;
      const pair = sql`${kql.jsonOfText(cast(key, 'string'))} || ':' || ${jsonElement(value)}`;
      const empty = value.type === 'string' ? sql`${value.sql} = ''` : sql`${value.sql} IS NULL`;
      pairs.push(skipEmpty ? sql`CASE WHEN ${empty} THEN NULL ELSE ${pair} END` : pair);
    }
    return pairs.length === 0 ? `'{}'` : sql`('{' || concat_ws(',', ${joined(pairs)}) || '}')`;
  },
  run: (args) => {
    const pairs: string[] = [];
    for (let at = 0; at + 1 < args.length; at += 2) {
      const [key, value] = [args[at], args[at + 1]];
      if (!key || !value || (skipEmpty && (value.value === null || (value.type === 'string' && value.value === ''))))
        continue;
      pairs.push(`${jsonOfText(textOf(key))}:${String(dynamicOf(value) ?? 'null')}`);
    }
    return `{${pairs.join(',')}}`;
  },
});

type Bag = Readonly<Record<string, unknown>>;
export const isBag = (value: unknown): value is Bag =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const dynamicFunctions: FunctionRows = {
  path,
  index,
  pack_array: { listsStar: true, result: 'dynamic', sql: jsonArrayOf, run: allAsJson },
  bag_pack: { ...bagPack(false), aliases: ['pack', 'pack_dictionary'] },
  bag_pack_nonempty: bagPack(true),
  array_length: {
    aliases: ['arraylength'],
    result: 'long',
    sql: ([a]) =>
      a
        ? sql`CASE WHEN json_type(${cast(a, 'dynamic')}) = 'ARRAY' THEN CAST(json_array_length(${cast(a, 'dynamic')}) AS BIGINT) END`
        : 'NULL',
    run: ([a]) => {
      const items = a && jsonItems(String(dynamicOf(a) ?? ''));
      return items ? BigInt(items.length) : null;
    },
  },
};
