import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import { engineMistake } from '../plan/kql-error.ts';
import { cast } from '../sql/convert.ts';
import { jsonToText } from '../values/json-text.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { lowerText, upperText } from '../values/letters.ts';
import { regex } from '../algorithms/regex/regex.ts';
import { native, withoutRun } from '../sql/native-row.ts';
import { nativeCall, nativeFunction, parseJson } from '../sql/native.ts';
import { itemsOf } from './array.ts';
import { constantRegex } from './constant-regex.ts';
import { typedText } from './conversion.ts';
import { jsTermPattern } from './terms.ts';
import { toType } from '../sql/convert-value.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';

/** One text in, SQL out. */
const text = (sql: (s: Sql) => Sql): FunctionRow => ({
  result: 'string',
  sql: ([s]) => (s ? sql(cast(s, 'string')) : "''"),
});

/** DuckDB has other counterparts than the engine for a few letters, which stay as they are; looking for them costs little. */
const cased = (value: 'upper' | 'lower', exact: NativeFunction, kept: readonly string[]): FunctionRow => ({
  natives: [exact],
  ...text((s) => {
    const others = joined(
      kept.map((letter) => sql`contains(${s}, '${letter}')`),
      ' OR ',
    );
    return sql`CASE WHEN ${others} THEN ${nativeCall(exact, s)} ELSE ${value}(${s}) END`;
  }),
});
const upperKept = nativeFunction('toupper_kept', ['string'], 'string', ([s]) => upperText(String(s)));
const lowerKept = nativeFunction('tolower_kept', ['string'], 'string', ([s]) => lowerText(String(s)));

/** Negative starts count from the end; before the beginning there is nothing. */
const substring = native(
  'substring',
  ['string', 'long', 'long'],
  'string',
  ([source, start, length]) => {
    if (start === null) return '';
    const characters = Array.from(String(source));
    let from = Number(start);
    if (from < 0) from = characters.length + from;
    if (from < 0) return '';
    const count = length === null ? characters.length : Number(length);
    return count < 0 ? characters.slice(from).join('') : characters.slice(from, from + count).join('');
  },
  { nulls: true, defaults: [null] },
);

/** Places that a query writes out, and that no text is too long for. */
const isPlace = ({ expression }: SqlArgument): boolean =>
  expression.k === 'literal' && /^\d{1,9}$/.test(String(expression.value));

/** From a place on that is written out, it is SQL: both count characters. */
const substringRow: FunctionRow = {
  ...substring,
  sql: (args, call, scope) => {
    const [s, start, length] = args;
    if (!s || !start || !isPlace(start) || (length && !isPlace(length))) return substring.sql(args, call, scope);
    const upTo = length ? sql`, ${cast(length, 'long')}` : '';
    return sql`substring(${cast(s, 'string')}, ${cast(start, 'long')} + 1${upTo})`;
  },
};

const isBefore = (value: NativeValue | undefined, least: number): boolean =>
  typeof value === 'bigint' && Number(value) < least;

/** Places in a text count characters, those of JavaScript halves of pairs. */
const hasPairs = (text: string): boolean => /[\ud800-\udbff]/.test(text);
const unitsBefore = (text: string, characters: number): number =>
  hasPairs(text) ? Array.from(text).slice(0, characters).join('').length : characters;
const charactersBefore = (text: string, units: number): number =>
  hasPairs(text) ? Array.from(text.slice(0, units)).length : units;

const indexOf = native(
  'indexof',
  ['string', 'string', 'long', 'long', 'long'],
  'long',
  ([source, lookup, start, length, occurrence]) => {
    const [whole, needle] = [String(source), String(lookup)];
    if (needle === '' || isBefore(length, -1) || isBefore(occurrence, 0)) return null;
    let from = Number(start ?? 0n);
    if (from < 0) from = Math.max(0, charactersBefore(whole, whole.length) + from);
    // Each further occurrence is looked for in as many characters again.
    const span = length === null || Number(length) < 0 ? whole.length : Number(length);
    for (let left = Number(occurrence ?? 1n); ; left -= 1) {
      const unit = whole.indexOf(needle, unitsBefore(whole, from));
      if (unit < 0 || charactersBefore(whole, unit + needle.length) > from + span) return -1n;
      const found = charactersBefore(whole, unit);
      if (left <= 1) return BigInt(found);
      from = found + 1;
    }
  },
  { nulls: true, defaults: [0, null, 1] },
);

/** Refuses a constant that is no regular expression even where there are no rows. */
const withPattern = (index: number, row: FunctionRow): FunctionRow => ({
  ...withoutRun(row),
  sql: (args, call, scope) => {
    const pattern = args[index]?.expression;
    if (pattern?.k === 'literal' && typeof pattern.value === 'string') regex(pattern.value);
    return row.sql(args, call, scope);
  },
});

const countOf = native(
  'countof',
  ['string', 'string', 'string'],
  'long',
  ([source, search, kind]) => {
    const [whole, needle] = [String(source), String(search)];
    if (needle === '') return 0n;
    if (kind === 'regex') return BigInt([...regex(needle).matches(whole)].length);
    let count = 0n;
    for (let at = whole.indexOf(needle); at >= 0; at = whole.indexOf(needle, at + 1)) count += 1n;
    return count;
  },
  { defaults: ['normal'], patterns: true },
);

const splitNative = native(
  'split',
  ['string', 'string', 'long'],
  'dynamic',
  ([source, delimiter, wanted]) => {
    const parts = delimiter === '' ? [String(source)] : String(source).split(String(delimiter));
    if (wanted === null) return JSON.stringify(parts);
    const one = parts[Number(wanted)];
    return JSON.stringify(one === undefined ? [] : [one]);
  },
  { nulls: true, defaults: [null] },
);

/** By a constant that is not empty DuckDB splits the same. */
const split: FunctionRow = {
  ...splitNative,
  sql: (args, call, scope) => {
    const [source, delimiter, wanted] = args;
    const by = delimiter?.expression;
    if (!source || by?.k !== 'literal' || by.type !== 'string' || by.value === '' || wanted)
      return splitNative.sql(args, call, scope);
    const listOf = sql`string_split(${cast(source, 'string')}, ${delimiter?.sql ?? "''"})`;
    return { ...sql`CAST(to_json(${listOf}) AS VARCHAR)`, listOf };
  },
};

const trim = (side: 'both' | 'start' | 'end'): FunctionRow =>
  withPattern(
    0,
    native(
      `trim_${side}`,
      ['string', 'string'],
      'string',
      ([pattern, source]) => {
        let result = String(source);
        if (side !== 'end') result = result.slice(regex(`\\A(?:${String(pattern)})`).exec(result)?.[0]?.length ?? 0);
        if (side !== 'start') result = result.slice(0, regex(`(?:${String(pattern)})\\z`).exec(result)?.index);
        return result;
      },
      { patterns: true },
    ),
  );

const replaceNative = native(
  'replace_regex',
  ['string', 'string', 'string'],
  'string',
  ([source, pattern, replacement]) =>
    regex(String(pattern)).replace(String(source), (match) =>
      String(replacement).replace(/\\(\d)/g, (_whole, digit: string) => match[Number(digit)] ?? ''),
    ),
  { patterns: true },
);
const replaceRegex = withPattern(1, {
  result: 'string',
  natives: replaceNative.natives ?? [],
  sql: (args, call, scope) => {
    const [source, pattern, replacement] = args;
    const slow = replaceNative.sql(args, call, scope);
    const fast = constantRegex(pattern, scope, true);
    if (!source || !fast || replacement?.expression.k !== 'literal' || typeof replacement.expression.value !== 'string')
      return slow;
    // RE2 knows only groups that there are, and a backslash of two.
    const written = replacement.expression.value.replace(/\\(\d?)/g, (whole, digit: string) =>
      digit === '' ? '\\\\' : Number(digit) < fast.groups ? whole : '',
    );
    const text = cast(source, 'string');
    return fast.choose(
      text,
      sql`regexp_replace(${text}, ${fast.sql}, ${scope.ctx.bind(written, 'VARCHAR')}, 'g')`,
      slow,
    );
  },
});

/** `replace(regex, rewrite, text)`, the older form. */
const replace: FunctionRow = {
  result: 'string',
  natives: replaceNative.natives ?? [],
  sql: ([pattern, replacement, source], call, scope) =>
    source && pattern && replacement ? replaceRegex.sql([source, pattern, replacement], call, scope) : "''",
};

const extracted = nativeFunction(
  'extract',
  ['string', 'long', 'string'],
  'string',
  ([pattern, group, source]) => regex(String(pattern)).exec(String(source))?.[Number(group)] ?? null,
  { patterns: true },
);

/** `extract(regex, group, text[, typeof])`; no match gives null (`''` for strings). */
const extract: FunctionRow = {
  natives: [extracted],
  sql: ([pattern, group, source], _call, scope) => {
    if (!pattern || !group || !source) return "''";
    const text = cast(source, 'string');
    const slow = nativeCall(extracted, cast(pattern, 'string'), cast(group, 'long'), text);
    const fast = constantRegex(pattern, scope, true);
    const wanted = group.expression.k === 'literal' ? Number(group.expression.value ?? -1) : -1;
    return fast && Number.isInteger(wanted) && wanted >= 0 && wanted < Math.min(fast.groups, 10)
      ? fast.choose(text, sql`regexp_extract(${text}, ${fast.sql}, ${wanted})`, slow)
      : slow;
  },
};

const allExtracted = nativeFunction(
  'extract_all',
  ['string', 'dynamic', 'string'],
  'dynamic',
  ([pattern, groups, source]) => {
    const expression = regex(String(pattern));
    const { names } = expression;
    if (names.length < 2 || names.length > 17)
      throw engineMistake('runtime', {}, 'extractall(): argument 2 must be a valid regex with [1..16] matching groups');
    const wanted = parseJson(groups);
    const chosen = (Array.isArray(wanted) ? wanted : names.slice(1).map((_, index) => index + 1)).map((key) =>
      typeof key === 'number' ? key : names.indexOf(String(key)),
    );
    const matches = Array.from(expression.matches(String(source)), (match) => {
      const texts = chosen.map((index) => match[index] ?? '');
      return texts.length === 1 ? texts[0] : texts;
    });
    return matches.length === 0 ? null : JSON.stringify(matches);
  },
  { nulls: true, patterns: true },
);

const extractAll: FunctionRow = {
  result: 'dynamic',
  natives: [allExtracted],
  sql: (args) => {
    const [pattern, second, third] = args;
    if (!pattern || !second) return 'NULL';
    const groups = third ? cast(second, 'dynamic') : 'NULL';
    return nativeCall(allExtracted, cast(pattern, 'string'), groups, cast(third ?? second, 'string'));
  },
};

export const stringFunctions: FunctionRows = {
  strlen: {
    result: 'long',
    sql: ([s]) => sql`length(${s ? cast(s, 'string') : "''"})`,
    run: ([s]) => BigInt(s ? Array.from(String(toType(s.value, s.type, 'string') ?? '')).length : 0),
  },
  string_size: { result: 'long', sql: ([s]) => sql`strlen(${s ? cast(s, 'string') : "''"})` },
  toupper: cased('upper', upperKept, ['ß', 'ı']),
  tolower: cased('lower', lowerKept, ['İ']),
  reverse: text((s) => sql`reverse(${s})`),
  strcat: {
    listsStar: true,
    result: 'string',
    sql: (args) => sql`concat(${joined(args.map((argument) => cast(argument, 'string')))})`,
  },
  strcat_delim: {
    result: 'string',
    sql: ([delimiter, ...args]) =>
      sql`concat_ws(${delimiter ? cast(delimiter, 'string') : "''"}, ${joined(args.map((argument) => cast(argument, 'string')))})`,
  },
  strcat_array: native('strcat_array', ['dynamic', 'string'], 'string', ([json, delimiter]) => {
    const list = parseJson(json);
    return Array.isArray(list)
      ? list
          .map((item) => (item === null ? '' : typeof item === 'string' ? item : JSON.stringify(item)))
          .join(String(delimiter))
      : '';
  }),
  strrep: native(
    'strrep',
    ['string', 'long', 'string'],
    'string',
    ([source, count, delimiter]) => {
      return Array.from({ length: Math.min(Math.max(0, Number(count)), 1024) }, () => String(source)).join(
        String(delimiter),
      );
    },
    { defaults: [''] },
  ),
  strcmp: {
    result: 'int',
    sql: ([a, b]) => {
      if (!a || !b) return 'NULL';
      const [x, y] = [cast(a, 'string'), cast(b, 'string')];
      return sql`CASE WHEN ${x} = ${y} THEN 0 WHEN ${x} < ${y} THEN -1 ELSE 1 END`;
    },
  },
  substring: substringRow,
  indexof: indexOf,
  countof: { ...countOf, literals: [2] },
  split,
  trim: trim('both'),
  trim_start: trim('start'),
  trim_end: trim('end'),
  replace_string: {
    result: 'string',
    sql: ([s, a, b]) =>
      s && a && b ? sql`replace(${cast(s, 'string')}, ${cast(a, 'string')}, ${cast(b, 'string')})` : "''",
  },
  replace_regex: replaceRegex,
  replace: withPattern(0, replace),
  extract: withPattern(0, typedText(extract)),
  extract_all: { ...withPattern(0, extractAll), aliases: ['extractall'] },
  replace_strings: native(
    'replace_strings',
    ['string', 'dynamic', 'dynamic'],
    'string',
    ([source, lookups, replacements]) => {
      const [from, to] = [itemsOf(lookups)?.map(jsonToText), itemsOf(replacements)?.map(jsonToText)];
      if (from?.length !== to?.length || !from || !to) return null;
      // One pair after the other, each only where none before it matched. Pairs that are not both strings do nothing.
      let pieces: { text: string; done: boolean }[] = [{ text: String(source), done: false }];
      const raw = itemsOf(replacements) ?? [];
      for (const [index, lookup] of from.entries()) {
        if (lookup === '') continue;
        const replacement = raw[index]?.startsWith('"') === true ? (to[index] ?? '') : lookup;
        pieces = pieces.flatMap((piece) =>
          piece.done
            ? [piece]
            : piece.text
                .split(lookup)
                .flatMap((text, at) => [...(at > 0 ? [{ text: replacement, done: true }] : []), { text, done: false }]),
        );
      }
      return pieces.map((piece) => piece.text).join('');
    },
  ),
  has_any_index: native('has_any_index', ['string', 'dynamic'], 'long', ([source, terms]) =>
    BigInt(
      (itemsOf(terms) ?? []).findIndex(
        (term) => jsTermPattern(jsonToText(term), 'has', false).test(String(source)) && jsonToText(term) !== '',
      ),
    ),
  ),
  indexof_regex: withPattern(
    1,
    native(
      'indexof_regex',
      ['string', 'string', 'long', 'long', 'long'],
      'long',
      ([source, pattern, start, length, occurrence]) => {
        if (isBefore(start, 0) || isBefore(length, -1) || isBefore(occurrence, 0)) return null;
        const whole = String(source);
        const from = Number(start ?? 0n);
        const end = length === null || Number(length) < 0 ? whole.length : unitsBefore(whole, from + Number(length));
        const first = unitsBefore(whole, from);
        const found = [...regex(String(pattern)).matches(whole.slice(0, end))].filter((match) => match.index >= first)[
          Number(occurrence ?? 1n) - 1
        ];
        return BigInt(found ? charactersBefore(whole, found.index) : -1);
      },
      { nulls: true, patterns: true, defaults: [0, null, 1] },
    ),
  ),
  isascii: {
    result: 'bool',
    sql: ([s]) => (s ? sql`(strlen(${cast(s, 'string')}) = length(${cast(s, 'string')}))` : 'NULL'),
  },
  isutf8: { result: 'bool', sql: ([s]) => (s ? sql`(${cast(s, 'string')} IS NOT NULL)` : 'NULL') },
  regex_quote: native('regex_quote', ['string'], 'string', ([source]) =>
    String(source).replace(/[.*+?^${}()|[\]\\#&~-]/g, '\\$&'),
  ),
};
