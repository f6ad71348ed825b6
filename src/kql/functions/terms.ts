import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import type { Expression } from '../plan/expression.ts';
import { regex } from '../algorithms/regex/regex.ts';
import { cast, convert } from '../sql/convert.ts';
import { nativeCall, nativeFunction, parseJson } from '../sql/native.ts';
import { compilePlan } from '../sql/plans.ts';
import { selectFrom } from '../sql/relation.ts';
import type { FunctionRow, FunctionRows, RowScope, SqlArgument } from '../sql/scope.ts';
import { constantRegex } from './constant-regex.ts';
import { mayHave } from './text-characters.ts';

type Match = 'has' | 'hasprefix' | 'hassuffix';
const termCharacter = /[\p{L}\p{N}]/u;
const before = '(?:^|[^\\p{L}\\p{N}])';
const after = '(?:$|[^\\p{L}\\p{N}])';

/** Escapes for RE2. Letters and digits outside ASCII stand for themselves. */
export const escapeRegex = (text: string): string =>
  text.replace(/[^\p{L}\p{N}_]/gu, (character) =>
    character.charCodeAt(0) < 128 ? `\\x{${character.charCodeAt(0).toString(16)}}` : character,
  );

/** A term is a maximal run of letters and digits, so a needle is bounded where it begins or ends with one. */
function boundsOf(needle: string, match: Match): readonly [left: string, right: string] {
  const characters = Array.from(needle);
  const left = match !== 'hassuffix' && termCharacter.test(characters[0] ?? '') ? before : '';
  const right = match !== 'hasprefix' && termCharacter.test(characters.at(-1) ?? '') ? after : '';
  return [left, right];
}

function termPattern(needle: string, match: Match, caseSensitive: boolean): string {
  const [left, right] = boundsOf(needle, match);
  return `${caseSensitive ? '' : '(?i)'}${left}${escapeRegex(needle)}${right}`;
}

const beyondAscii = /[\u0080-\uffff]/;
const asciiNoTerm = '[\\x00-/:-@\\[-`{-\\x7f]';

/** Of a needle: an expression for where it stands between signs of ASCII, and one for where another one stands beside it. All that the whole
 * expression finds, one of them does, and neither has a class of all letters, by which DuckDB takes 10 ms of the processor to plan it: once in the
 * optimizer, which leaves `regexp_extract` alone, and in each thread. In a lambda it is made when a chunk has a text for it, not before.
 * @returns undefined for one that nothing bounds, and for one with letters beyond ASCII: texts that have it have such letters beside it, too, and the
 * lambda would be made for each chunk of a large table */
function asciiPatterns(needle: string, match: Match, caseSensitive: boolean): readonly string[] | undefined {
  const [left, right] = boundsOf(needle, match);
  if ((left === '' && right === '') || beyondAscii.test(needle)) return undefined;
  const own = escapeRegex(needle);
  const flags = caseSensitive ? '' : '(?i)';
  const [begin, end] = [left && `(?:^|${asciiNoTerm})`, right && `(?:$|${asciiNoTerm})`];
  const beside = [...(left ? [`[^\\x00-\\x7f]${own}`] : []), ...(right ? [`${own}[^\\x00-\\x7f]`] : [])];
  return [`${flags}${begin}${own}${end}`, `${flags}(?:${beside.join('|')})`];
}

const isTermOf = nativeFunction(
  'term',
  ['string', 'string', 'string', 'bool'],
  'bool',
  ([text, needle, match, caseSensitive]) => {
    if (needle === '') return true;
    const kind = match === 'hasprefix' || match === 'hassuffix' ? match : 'has';
    return jsTermPattern(String(needle), kind, caseSensitive === true).test(String(text));
  },
);

function termTest(
  text: Sql,
  needle: Expression,
  needleSql: Sql,
  match: Match,
  caseSensitive: boolean,
  scope: RowScope,
  ofColumns = false,
): Sql {
  if (needle.k !== 'literal' || typeof needle.value !== 'string') {
    return nativeCall(isTermOf, text, needleSql, `'${match}'`, String(caseSensitive));
  }
  if (needle.value === '') return 'true';
  const { ctx } = scope;
  const regex = ctx.bind(termPattern(needle.value, match, caseSensitive), 'VARCHAR');
  const first = caseSensitive
    ? sql`contains(${text}, ${ctx.bind(needle.value, 'VARCHAR')})`
    : sql`contains(lower(${text}), lower(${ctx.bind(needle.value, 'VARCHAR')}))`;
  const patterns = ofColumns ? asciiPatterns(needle.value, match, caseSensitive) : undefined;
  if (patterns !== undefined) {
    const [among, beside] = patterns.map((pattern) => ctx.bind(pattern, 'VARCHAR'));
    const found = (where: Sql, pattern: Sql): Sql => sql`regexp_extract(${where}, ${pattern}) <> ''`;
    return sql`(CASE WHEN NOT ${first} THEN false
      WHEN ${found(text, among ?? regex)} THEN true
      WHEN ${found(text, beside ?? regex)} THEN len(list_filter([${text}], lambda e: ${found('e', regex)})) > 0
      ELSE false END)`;
  }
  // Not AND, whose sides DuckDB tries in either order: the expression is only for the few texts that have the needle at all.
  return sql`(CASE WHEN ${first} THEN regexp_matches(${text}, ${regex}) ELSE false END)`;
}

/** The same as a JavaScript expression, for needles that are not constant and for native functions. */
export function jsTermPattern(needle: string, match: Match, caseSensitive: boolean): RegExp {
  const characters = Array.from(needle);
  const left = match !== 'hassuffix' && termCharacter.test(characters[0] ?? '') ? '(?<![\\p{L}\\p{N}])' : '';
  const right = match !== 'hasprefix' && termCharacter.test(characters.at(-1) ?? '') ? '(?![\\p{L}\\p{N}])' : '';
  return new RegExp(left + needle.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') + right, caseSensitive ? 'u' : 'iu');
}

/** Texts of the left side: of one value or, when it is `*`, of every column.
 * @param wanted what a text must have; columns that cannot have it are left out of all */
function texts(left: SqlArgument | undefined, scope: RowScope, wanted = ''): Sql[] {
  if (!left) return [];
  if (left.expression.k !== 'column' || left.expression.name !== '*') return [cast(left, 'string')];
  const columns = scope.relation?.columns ?? [];
  return columns.filter(({ type }) => mayHave(type, wanted)).map(({ id, type }) => convert(id, type, 'string'));
}

const textOfLiteral = (expression: Expression): string =>
  expression.k === 'literal' && typeof expression.value === 'string' ? expression.value : '';

/** Stands between texts that are looked at together: no letter and no digit, so terms end at it. */
const separator = '\u001e';

/** The texts as one, for a constant that is in it if it is in any of them: DuckDB takes 8 ms of the processor to plan a regular expression,
 * and `search` over a database looks at tens of thousands of columns. */
const together = (all: readonly Sql[], needle: Expression): readonly Sql[] =>
  all.length > 1 && needle.k === 'literal' && typeof needle.value === 'string' && !needle.value.includes(separator)
    ? [sql`concat_ws(chr(${separator.charCodeAt(0)}), ${joined(all)})`]
    : all;

const anyOf = (tests: readonly Sql[]): Sql =>
  tests.length === 0 ? 'false' : tests.length === 1 ? (tests[0] ?? 'false') : sql`(${joined(tests, ' OR ')})`;

const term = (match: Match, caseSensitive: boolean, negated = false): FunctionRow => ({
  natives: [isTermOf],
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const wanted = literalText(needle);
    const all = texts(left, scope, textOfLiteral(wanted));
    const test = anyOf(
      together(all, wanted).map((text) =>
        termTest(text, wanted, cast(needle, 'string'), match, caseSensitive, scope, all.length > 1),
      ),
    );
    return negated ? sql`(NOT ${test})` : test;
  },
});

/** A constant needle of another type is looked for by its text. */
const literalText = (needle: SqlArgument): Expression =>
  needle.expression.k === 'literal' &&
  needle.type !== 'dynamic' &&
  needle.type !== 'datetime' &&
  needle.type !== 'timespan' &&
  needle.type !== 'real'
    ? { ...needle.expression, type: 'string' }
    : needle.expression.k === 'literal' &&
        needle.type === 'dynamic' &&
        needle.expression.value?.toString().startsWith('"')
      ? { k: 'literal', type: 'string', value: String(parseJson(String(needle.expression.value))) }
      : needle.expression.k === 'literal'
        ? { ...needle.expression, value: null }
        : needle.expression;

const simple = (test: (text: Sql, needle: Sql) => Sql, ignoreCase: boolean, negated = false): FunctionRow => ({
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const fold = (value: Sql): Sql => (ignoreCase ? sql`lower(${value})` : value);
    const wanted = needle.type === 'string' ? textOfLiteral(needle.expression) : '';
    const all = texts(left, scope, wanted);
    const result = anyOf(all.map((text) => test(fold(text), fold(cast(needle, 'string')))));
    return negated ? sql`(NOT ${result})` : result;
  },
});

const contains = (text: Sql, needle: Sql): Sql => sql`contains(${text}, ${needle})`;
const starts = (text: Sql, needle: Sql): Sql => sql`starts_with(${text}, ${needle})`;
const ends = (text: Sql, needle: Sql): Sql => sql`ends_with(${text}, ${needle})`;
const same = (text: Sql, needle: Sql): Sql => sql`(${text} = ${needle})`;

const matchesPattern = nativeFunction(
  'matches_regex',
  ['string', 'string'],
  'bool',
  ([text, pattern]) => regex(String(pattern)).test(String(text)),
  {
    patterns: true,
  },
);

/** RE2 for a constant expression where it means the same, else JavaScript. */
const matchesRegex: FunctionRow = {
  natives: [matchesPattern],
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const fast = constantRegex(needle, scope, false);
    const slow = (text: Sql): Sql => nativeCall(matchesPattern, text, cast(needle, 'string'));
    return anyOf(
      texts(left, scope).map((text) =>
        fast ? fast.choose(text, sql`regexp_matches(${text}, ${fast.sql})`, slow(text)) : slow(text),
      ),
    );
  },
};

/** So many needles are looked for together, of so many UTF-16 units: what RE2 makes of them must stay small. */
const togetherMin = 8;
const togetherMax = 700;
const togetherUnitsMax = 20_000;

/** Many needles of which one is enough: the text is walked once for hundreds of them, instead of once for each. */
function anyTogether(text: Sql, needles: readonly string[], { ctx }: RowScope): Sql[] {
  if (needles.includes('')) return ['true'];
  const patterns: string[] = [];
  const byBounds = new Map<string, string[]>();
  const flush = (key: string): void => {
    const some = byBounds.get(key) ?? [];
    const [left = '', right = ''] = key.split('\n');
    if (some.length > 0) patterns.push(`(?i)${left}(?:${some.join('|')})${right}`);
    byBounds.delete(key);
  };
  for (const needle of new Set(needles)) {
    const key = boundsOf(needle, 'has').join('\n');
    const some = [...(byBounds.get(key) ?? []), escapeRegex(needle)];
    byBounds.set(key, some);
    if (some.length >= togetherMax || some.join('').length >= togetherUnitsMax) flush(key);
  }
  for (const key of [...byBounds.keys()]) flush(key);
  return patterns.map((pattern) => sql`regexp_matches(${text}, ${ctx.bind(pattern, 'VARCHAR')})`);
}

/** A null is an empty text, which every text has. */
const needlesOf = (list: unknown): string[] =>
  (Array.isArray(list) ? list.flat() : [list]).map((item) => (item === null ? '' : String(item)));

type TermsTest = (text: string) => boolean;
/** What the last list was made into: calls for the rows of a column have the same. */
let lastTerms: { readonly key: string; readonly test: TermsTest } | undefined;
const hasTerms = nativeFunction('terms', ['string', 'dynamic', 'string'], 'bool', ([text, json, mode]) => {
  const key = `${String(mode)} ${String(json)}`;
  if (lastTerms?.key !== key) {
    const list = parseJson(json);
    const needles = needlesOf(list);
    lastTerms = { key, test: mode === 'OR' ? anyTerm(needles) : allTerms(needles) };
  }
  return lastTerms.test(String(text));
});

/** `has_any (…)`, `has_all (…)`: constants, one dynamic array, or a table's first column. */
const several = (join: ' OR ' | ' AND '): FunctionRow => ({
  natives: [isTermOf, hasTerms],
  sql: ([left, ...needles], _call, scope) => {
    const [text = "''"] = texts(left, scope);
    const constants: string[] = [];
    const constant = (value: string): string[] => {
      constants.push(value);
      return [];
    };
    const tests = needles.flatMap((needle): Sql[] => {
      const { expression } = needle;
      if (expression.k === 'table') {
        const relation = compilePlan(scope.ctx, expression.plan);
        const [column] = relation.columns;
        if (!column) return [];
        const item = sql`to_json(list(${convert(column.id, column.type, 'string')}))`;
        const list = selectFrom(relation, [{ id: scope.ctx.newId(), sql: sql`CAST(${item} AS VARCHAR)` }]);
        return [nativeCall(hasTerms, text, sql`coalesce((${list}), '[]')`, `'${join.trim()}'`)];
      }
      if (expression.k === 'literal' && needle.type === 'dynamic') {
        const list = parseJson(expression.value === null ? null : String(expression.value));
        return needlesOf(list).flatMap(constant);
      }
      if (needle.type === 'dynamic') return [nativeCall(hasTerms, text, needle.sql, `'${join.trim()}'`)];
      const own = literalText(needle);
      if (own.k === 'literal' && typeof own.value === 'string') return constant(own.value);
      return [termTest(text, own, cast(needle, 'string'), 'has', false, scope)];
    });
    const one = (value: string): Sql =>
      termTest(text, { k: 'literal', type: 'string', value }, '', 'has', false, scope);
    const isTogether = join === ' OR ' && constants.length >= togetherMin;
    const all = [...(isTogether ? anyTogether(text, constants, scope) : constants.map(one)), ...tests];
    return all.length === 0 ? String(join === ' AND ') : sql`(${joined(all, join)})`;
  },
});

/** Needles that are a term of ASCII are looked up among the terms of a text. */
const isTerm = /^[A-Za-z0-9]+$/;
const termsOf = (text: string): ReadonlySet<string> =>
  new Set(
    (text.match(/[\p{L}\p{N}]+/gu) ?? []).map((term) =>
      // Two letters beyond ASCII are s and k where case does not count.
      term.replaceAll('\u017f', 's').replaceAll('\u212a', 'k').toLowerCase(),
    ),
  );

function anyTerm(needles: readonly string[]): TermsTest {
  const terms = new Set(needles.filter((needle) => isTerm.test(needle)).map((needle) => needle.toLowerCase()));
  const others = needles.filter((needle) => !isTerm.test(needle)).map((needle) => jsTermPattern(needle, 'has', false));
  return (text) =>
    (terms.size > 0 && [...termsOf(text)].some((term) => terms.has(term))) ||
    others.some((pattern) => pattern.test(text));
}

function allTerms(needles: readonly string[]): TermsTest {
  const terms = needles.filter((needle) => isTerm.test(needle)).map((needle) => needle.toLowerCase());
  const others = needles.filter((needle) => !isTerm.test(needle)).map((needle) => jsTermPattern(needle, 'has', false));
  return (text) => {
    const own = terms.length > 0 ? termsOf(text) : new Set<string>();
    return terms.every((term) => own.has(term)) && others.every((pattern) => pattern.test(text));
  };
}

/** A bare term of `search`: `*` at its ends widens it. */
const searchTerm = (caseSensitive: boolean): FunctionRow => ({
  natives: [isTermOf],
  sql: ([left, needle], _call, scope) => {
    const value = needle?.expression.k === 'literal' ? String(needle.expression.value ?? '') : '';
    const inner = value.replace(/^\*+|\*+$/g, '');
    const match = value.startsWith('*')
      ? value.endsWith('*')
        ? 'contains'
        : 'hassuffix'
      : value.endsWith('*')
        ? 'hasprefix'
        : 'has';
    if (inner === '') return 'true';
    const expression: Expression = { k: 'literal', type: 'string', value: inner };
    const all = texts(left, scope, inner.replaceAll('*', ''));
    return anyOf(
      // What a `*` inside of it stands for is within one text.
      (inner.includes('*') ? all : together(all, expression)).map((text) => {
        const bound = scope.ctx.bind(inner, 'VARCHAR');
        if (inner.includes('*'))
          return sql`regexp_matches(${text}, ${scope.ctx.bind(wildcardPattern(value, caseSensitive), 'VARCHAR')})`;
        if (match !== 'contains') return termTest(text, expression, bound, match, caseSensitive, scope, all.length > 1);
        return caseSensitive ? contains(text, bound) : contains(sql`lower(${text})`, `lower(${bound})`);
      }),
    );
  },
});

function wildcardPattern(value: string, caseSensitive: boolean): string {
  const body = value.split('*').map(escapeRegex).join('.*');
  return `${caseSensitive ? '(?s)' : '(?is)'}${value.startsWith('*') ? '' : before}${body}${value.endsWith('*') ? '' : after}`;
}

/** Operators that let through texts which have the terms of one of their values, or of all. */
export const termOperators: Readonly<Record<string, 'one' | 'all'>> = {
  ...{ has: 'one', has_cs: 'one', '=~': 'one', 'in~': 'one', has_any: 'one', has_all: 'all' },
};

export const termFunctions: FunctionRows = {
  has: { ...term('has', false), aliases: [':'] },
  '!has': term('has', false, true),
  has_cs: term('has', true),
  '!has_cs': term('has', true, true),
  hasprefix: term('hasprefix', false),
  '!hasprefix': term('hasprefix', false, true),
  hasprefix_cs: term('hasprefix', true),
  '!hasprefix_cs': term('hasprefix', true, true),
  hassuffix: term('hassuffix', false),
  '!hassuffix': term('hassuffix', false, true),
  hassuffix_cs: term('hassuffix', true),
  '!hassuffix_cs': term('hassuffix', true, true),
  has_any: several(' OR '),
  has_all: several(' AND '),
  contains: simple(contains, true),
  '!contains': { ...simple(contains, true, true), aliases: ['notcontains'] },
  contains_cs: { ...simple(contains, false), aliases: ['containscs'] },
  '!contains_cs': { ...simple(contains, false, true), aliases: ['notcontainscs'] },
  startswith: simple(starts, true),
  '!startswith': simple(starts, true, true),
  startswith_cs: simple(starts, false),
  '!startswith_cs': simple(starts, false, true),
  endswith: simple(ends, true),
  '!endswith': simple(ends, true, true),
  endswith_cs: simple(ends, false),
  '!endswith_cs': simple(ends, false, true),
  '=~': simple(same, true),
  '!~': simple(same, true, true),
  'matches regex': matchesRegex,
  search: searchTerm(false),
  search_cs: searchTerm(true),
};
