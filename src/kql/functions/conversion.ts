import type { KqlType } from '../plan/types.ts';
import { cast, convert, isPlain } from '../sql/convert.ts';
import { native, parseJson } from '../sql/native.ts';
import type { FunctionRow, FunctionRows } from '../sql/scope.ts';
import { jsonArray, jsonBag, jsonItems, jsonPairs } from '../values/json-text.ts';
import { formatReal, realToDynamic } from '../values/real-text.ts';
import { parseDatetime, parseTimespan } from '../values/ticks.ts';

const to = (type: KqlType): FunctionRow => ({ result: type, sql: ([a]) => (a ? cast(a, type) : 'NULL') });

/** Text becomes what it describes; text that is not JSON becomes a JSON string. */
const parseJsonRow: FunctionRow = {
  result: 'dynamic',
  sql: ([a]) => {
    if (!a) return 'NULL';
    if (a.type === 'dynamic')
      return `CASE json_type(${a.sql}) WHEN 'VARCHAR' THEN kql_n_parse_json(json_extract_string(${a.sql}, '$')) ELSE ${a.sql} END`;
    if (a.type !== 'string') return cast(a, 'dynamic');
    // The macro says its argument several times.
    return isPlain(a.sql) ? `kql_parse_json(${a.sql})` : `kql_n_parse_json(${a.sql})`;
  },
};

/** Keeps the spelling of numbers: only what is not JSON changes. */
native('parse_json', ['string'], 'dynamic', ([text]) => {
  const source = String(text).trim();
  if (source === '') return null;
  const value = parseJson(source);
  if (value === undefined) return JSON.stringify(String(text));
  if (value === null) return null;
  return typeof value === 'object' ? compactJson(source) : source;
});
/** A text found somewhere, as the type that a call asks for with `typeof(…)`: a dynamic is what the text describes. */
export const typedText = (found: FunctionRow): FunctionRow => ({
  sql: (args, call, scope) => {
    const text = found.sql(args, call, scope);
    return call.type === 'dynamic' ? `kql_n_parse_json(${text})` : convert(text, 'string', call.type);
  },
});
native('real_text', ['real'], 'string', ([x]) => formatReal(Number(x)));
native('real_json', ['real'], 'string', ([x]) => realToDynamic(Number(x)));
native('datetime_of_text', ['string'], 'datetime', ([text]) => parseDatetime(String(text)) ?? null);
native('timespan_of_text', ['string'], 'timespan', ([text]) => parseTimespan(String(text)) ?? null);

/** Removes blanks outside strings. */
export const compactJson = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, (_whole, text: string | undefined) => text ?? '');

export const conversionFunctions: FunctionRows = {
  tostring: to('string'),
  toint: to('int'),
  tolong: to('long'),
  todouble: to('real'),
  toreal: to('real'),
  todecimal: to('decimal'),
  tobool: to('bool'),
  toboolean: to('bool'),
  // Text says no moment beyond the calendar; numbers are ticks and may.
  todatetime: {
    result: 'datetime',
    sql: ([a]) => {
      if (!a) return 'NULL';
      const ticks = cast(a, 'datetime');
      return a.type === 'string' || a.type === 'datetime' ? ticks : `kql_in_calendar(${ticks})`;
    },
  },
  totimespan: to('timespan'),
  toguid: to('guid'),
  int: to('int'),
  parse_json: parseJsonRow,
  parsejson: parseJsonRow,
  todynamic: parseJsonRow,
  toobject: parseJsonRow,
  dynamic_to_json: {
    result: 'string',
    sql: ([a]) => (a ? (a.type === 'dynamic' ? `coalesce(kql_n_sorted_json(${a.sql}), '')` : cast(a, 'string')) : "''"),
  },
  gettype: {
    result: 'string',
    sql: ([a]) => {
      if (!a) return "''";
      if (a.type !== 'dynamic') return a.type === 'string' ? "'string'" : `'${a.type}'`;
      return `CASE json_type(${a.sql}) WHEN 'ARRAY' THEN 'array' WHEN 'OBJECT' THEN 'dictionary' WHEN 'VARCHAR' THEN 'string' WHEN 'BOOLEAN' THEN 'bool'
        WHEN 'DOUBLE' THEN 'double' WHEN 'UBIGINT' THEN 'long' WHEN 'BIGINT' THEN 'long' ELSE 'null' END`;
    },
  },
};
native('sorted_json', ['dynamic'], 'string', ([json]) => sortedJson(String(json)));
function sortedJson(json: string): string {
  const items = jsonItems(json);
  if (items) return jsonArray(items.map(sortedJson));
  const pairs = jsonPairs(json);
  if (!pairs) return json;
  return jsonBag(pairs.map(([name, value]) => [name, sortedJson(value)] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
}
