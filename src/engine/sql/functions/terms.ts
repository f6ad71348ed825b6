import type { Expression } from '../../kql/ir/expression.ts';
import { regex } from '../../native/regex.ts';
import { cast, convert } from '../convert.ts';
import { native, parseJson } from '../native.ts';
import { compilePlan } from '../plans.ts';
import { selectFrom } from '../relation.ts';
import type { FunctionRow, FunctionRows, RowScope, SqlArgument } from '../scope.ts';
import { constantRegex } from './constant-regex.ts';

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
function termPattern(needle: string, match: Match, caseSensitive: boolean): string {
  const characters = Array.from(needle);
  const left = match !== 'hassuffix' && termCharacter.test(characters[0] ?? '') ? before : '';
  const right = match !== 'hasprefix' && termCharacter.test(characters.at(-1) ?? '') ? after : '';
  return `${caseSensitive ? '' : '(?i)'}${left}${escapeRegex(needle)}${right}`;
}

function termTest(
  text: string,
  needle: Expression,
  needleSql: string,
  match: Match,
  caseSensitive: boolean,
  scope: RowScope,
): string {
  if (needle.k !== 'literal' || typeof needle.value !== 'string') {
    return `kql_n_term(${text}, ${needleSql}, '${match}', ${caseSensitive})`;
  }
  if (needle.value === '') return 'true';
  const { ctx } = scope;
  const regex = ctx.bind(termPattern(needle.value, match, caseSensitive), 'VARCHAR');
  const first = caseSensitive
    ? `contains(${text}, ${ctx.bind(needle.value, 'VARCHAR')})`
    : `contains(lower(${text}), lower(${ctx.bind(needle.value, 'VARCHAR')}))`;
  // Not AND, whose sides DuckDB tries in either order: the expression is only for the few texts that have the needle at all.
  return `(CASE WHEN ${first} THEN regexp_matches(${text}, ${regex}) ELSE false END)`;
}

native('term', ['string', 'string', 'string', 'bool'], 'bool', ([text, needle, match, caseSensitive]) => {
  if (needle === '') return true;
  const kind = match === 'hasprefix' || match === 'hassuffix' ? match : 'has';
  return jsTermPattern(String(needle), kind, caseSensitive === true).test(String(text));
});

/** The same as a JavaScript expression, for needles that are not constant and for native functions. */
export function jsTermPattern(needle: string, match: Match, caseSensitive: boolean): RegExp {
  const characters = Array.from(needle);
  const left = match !== 'hassuffix' && termCharacter.test(characters[0] ?? '') ? '(?<![\\p{L}\\p{N}])' : '';
  const right = match !== 'hasprefix' && termCharacter.test(characters.at(-1) ?? '') ? '(?![\\p{L}\\p{N}])' : '';
  return new RegExp(left + needle.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') + right, caseSensitive ? 'u' : 'iu');
}

/** Texts of the left side: of one value, or of every text column when it is `*`. */
function texts(left: SqlArgument | undefined, scope: RowScope): string[] {
  if (!left) return [];
  if (left.expression.k !== 'column' || left.expression.name !== '*') return [cast(left, 'string')];
  return (scope.relation?.columns ?? []).map((column) => convert(column.id, column.type, 'string'));
}

const anyOf = (tests: readonly string[]): string =>
  tests.length === 0 ? 'false' : tests.length === 1 ? (tests[0] ?? 'false') : `(${tests.join(' OR ')})`;

const term = (match: Match, caseSensitive: boolean, negated = false): FunctionRow => ({
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const test = anyOf(
      texts(left, scope).map((text) =>
        termTest(text, literalText(needle), cast(needle, 'string'), match, caseSensitive, scope),
      ),
    );
    return negated ? `(NOT ${test})` : test;
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

const simple = (test: (text: string, needle: string) => string, ignoreCase: boolean, negated = false): FunctionRow => ({
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const fold = ignoreCase ? (sql: string): string => `lower(${sql})` : (sql: string): string => sql;
    const result = anyOf(texts(left, scope).map((text) => test(fold(text), fold(cast(needle, 'string')))));
    return negated ? `(NOT ${result})` : result;
  },
});

const contains = (text: string, needle: string): string => `contains(${text}, ${needle})`;
const starts = (text: string, needle: string): string => `starts_with(${text}, ${needle})`;
const ends = (text: string, needle: string): string => `ends_with(${text}, ${needle})`;
const same = (text: string, needle: string): string => `(${text} = ${needle})`;

/** RE2 for a constant expression where it means the same, else JavaScript. */
const matchesRegex: FunctionRow = {
  sql: ([left, needle], _call, scope) => {
    if (!needle) return 'NULL';
    const fast = constantRegex(needle, scope, false);
    const slow = (text: string): string => `kql_n_matches_regex(${text}, ${cast(needle, 'string')})`;
    return anyOf(
      texts(left, scope).map((text) =>
        fast ? fast.choose(text, `regexp_matches(${text}, ${fast.sql})`, slow(text)) : slow(text),
      ),
    );
  },
};
native('matches_regex', ['string', 'string'], 'bool', ([text, pattern]) => regex(String(pattern)).test(String(text)), {
  patterns: true,
});

/** `has_any (…)`, `has_all (…)`: constants, one dynamic array, or a table's first column. */
const several = (join: ' OR ' | ' AND '): FunctionRow => ({
  sql: ([left, ...needles], _call, scope) => {
    const [text = "''"] = texts(left, scope);
    const tests = needles.flatMap((needle): string[] => {
      const { expression } = needle;
      if (expression.k === 'table') {
        const relation = compilePlan(scope.ctx, expression.plan);
        const [column] = relation.columns;
        if (!column) return [];
        const item = `to_json(list(${convert(column.id, column.type, 'string')}))`;
        const list = selectFrom(relation, [{ id: scope.ctx.newId(), sql: `CAST(${item} AS VARCHAR)` }]);
        return [`kql_n_terms(${text}, coalesce((${list}), '[]'), '${join.trim()}')`];
      }
      if (expression.k === 'literal' && needle.type === 'dynamic') {
        const list = parseJson(expression.value === null ? null : String(expression.value));
        return (Array.isArray(list) ? list.flat() : [list]).map((item) =>
          termTest(text, { k: 'literal', type: 'string', value: String(item) }, '', 'has', false, scope),
        );
      }
      if (needle.type === 'dynamic') return [`kql_n_terms(${text}, ${needle.sql}, '${join.trim()}')`];
      return [termTest(text, literalText(needle), cast(needle, 'string'), 'has', false, scope)];
    });
    return tests.length === 0 ? 'false' : `(${tests.join(join)})`;
  },
});
native('terms', ['string', 'dynamic', 'string'], 'bool', ([text, json, mode]) => {
  const list = parseJson(json);
  const tests = (Array.isArray(list) ? list.flat() : [list]).map((item) =>
    jsTermPattern(String(item), 'has', false).test(String(text)),
  );
  return mode === 'OR' ? tests.some(Boolean) : tests.every(Boolean);
});

/** A bare term of `search`: `*` at its ends widens it. */
const searchTerm = (caseSensitive: boolean): FunctionRow => ({
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
    return anyOf(
      texts(left, scope).map((text) => {
        const bound = scope.ctx.bind(inner, 'VARCHAR');
        if (inner.includes('*'))
          return `regexp_matches(${text}, ${scope.ctx.bind(wildcardPattern(value, caseSensitive), 'VARCHAR')})`;
        if (match !== 'contains') return termTest(text, expression, bound, match, caseSensitive, scope);
        return caseSensitive ? contains(text, bound) : contains(`lower(${text})`, `lower(${bound})`);
      }),
    );
  },
});

function wildcardPattern(value: string, caseSensitive: boolean): string {
  const body = value.split('*').map(escapeRegex).join('.*');
  return `${caseSensitive ? '(?s)' : '(?is)'}${value.startsWith('*') ? '' : before}${body}${value.endsWith('*') ? '' : after}`;
}

export const termFunctions: FunctionRows = {
  has: term('has', false),
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
  ':': term('has', false),
  contains: simple(contains, true),
  '!contains': simple(contains, true, true),
  contains_cs: simple(contains, false),
  '!contains_cs': simple(contains, false, true),
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
