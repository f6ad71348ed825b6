import { mayCallNatives, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { KqlType } from '../plan/types.ts';
import { cast, convert } from '../sql/convert.ts';
import { jsonOfText } from '../sql/convert-natives.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { toType } from '../sql/convert-value.ts';
import { jsonArray, jsonBag, jsonItems, jsonPairs } from '../values/json-text.ts';

const to = (type: KqlType): FunctionRow => ({
  result: type,
  sql: ([a]) => (a ? cast(a, type) : 'NULL'),
  run: ([a]) => (a ? toType(a.value, a.type, type) : null),
});

/** Text becomes what it describes; text that is not JSON becomes a JSON string. */
const parseJsonRow: FunctionRow = {
  result: 'dynamic',
  // The binder takes only strings for the last two.
  aliases: ['parsejson', 'todynamic', 'toobject'],
  type: 'dynamic',
  natives: [jsonOfText],
  sql: ([a]) => {
    if (!a) return 'NULL';
    if (a.type === 'dynamic')
      return sql`CASE json_type(${a.sql}) WHEN 'VARCHAR' THEN ${nativeCall(jsonOfText, sql`json_extract_string(${a.sql}, '$')`)} ELSE ${a.sql} END`;
    if (a.type !== 'string') return cast(a, 'dynamic');
    // The macro says its argument several times.
    return typeof a.sql === 'string' ? kql.parseJson(a.sql) : nativeCall(jsonOfText, a.sql);
  },
};

/** A text found somewhere, as the type that a call asks for with `typeof(…)`: a dynamic is what the text describes. DuckDB gives a function
 * each value of a dictionary once, where it computes CASE and casts for each row. So those stand in a lambda, a function's argument. */
export const typedText = (found: FunctionRow): FunctionRow => ({
  natives: [...(found.natives ?? []), jsonOfText],
  sql: (args, call, scope) => {
    const text = found.sql(args, call, scope);
    if (call.type === 'dynamic') return nativeCall(jsonOfText, text);
    if (call.type === 'string' || mayCallNatives(text)) return convert(text, 'string', call.type);
    const value = scope.ctx.newId();
    return sql`list_transform([${text}], lambda ${value}: ${convert(value, 'string', call.type)})[1]`;
  },
});

const sortedText = nativeFunction('sorted_json', ['dynamic'], 'string', ([json]) => sortedJson(String(json)));
function sortedJson(json: string): string {
  const items = jsonItems(json);
  if (items) return jsonArray(items.map(sortedJson));
  const pairs = jsonPairs(json);
  if (!pairs) return json;
  return jsonBag(pairs.map(([name, value]) => [name, sortedJson(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export const conversionFunctions: FunctionRows = {
  tostring: to('string'),
  toint: to('int'),
  tolong: to('long'),
  toreal: { ...to('real'), aliases: ['todouble'] },
  todecimal: to('decimal'),
  tobool: { ...to('bool'), aliases: ['toboolean'] },
  // Text says no moment beyond the calendar; numbers are ticks and may.
  todatetime: {
    result: 'datetime',
    sql: ([a]) => {
      if (!a) return 'NULL';
      const ticks = cast(a, 'datetime');
      return a.type === 'string' || a.type === 'datetime' ? ticks : kql.inCalendar(ticks);
    },
  },
  totimespan: { ...to('timespan'), aliases: ['totime'] },
  toguid: to('guid'),
  parse_json: parseJsonRow,
  dynamic_to_json: {
    result: 'string',
    natives: [sortedText],
    sql: ([a]) =>
      a ? (a.type === 'dynamic' ? sql`coalesce(${nativeCall(sortedText, a.sql)}, '')` : cast(a, 'string')) : "''",
  },
  gettype: {
    result: 'string',
    sql: ([a]) => {
      if (!a) return "''";
      if (a.type !== 'dynamic') return a.type === 'string' ? "'string'" : `'${a.type}'`;
      return sql`CASE json_type(${a.sql}) WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'bool'
        WHEN 'DOUBLE' THEN 'double' WHEN 'UBIGINT' THEN 'long' WHEN 'BIGINT' THEN 'long' ELSE 'null' END`;
    },
  },
};
