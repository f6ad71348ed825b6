import { invariant } from '../../base/invariant.ts';
import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import type { ParseKvNode, ParsePart } from '../plan/plan.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import { convert } from '../sql/convert.ts';
import { compileExpression } from '../sql/expressions.ts';
import { jsonOfText } from '../sql/convert-natives.ts';
import { nativeCall, nativeFunction } from '../sql/native.ts';
import type { KeyValueSettings } from '../algorithms/text/key-values.ts';
import { keyValues } from '../algorithms/text/key-values.ts';
import { re2Pattern } from '../algorithms/regex/re2.ts';
import { regex } from '../algorithms/regex/regex.ts';
import { compilePlan } from '../sql/plans.ts';
import type { SqlContext } from '../sql/context.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, columnNamed, hiddenIds, keptIds, selectFrom } from '../sql/relation.ts';
import { rowScope } from '../sql/rows.ts';
import { narrowed } from './row.ts';
import type { PlanCompilers } from '../sql/scope.ts';

/** A typed capture matches what its type may look like. */
const captureShapes: Readonly<Partial<Record<Column['type'], string>>> = {
  long: '[-+]?[0-9]+|0[xX][0-9a-fA-F]+',
  int: '[-+]?[0-9]+|0[xX][0-9a-fA-F]+',
  real: String.raw`[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.?`,
  decimal: String.raw`[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.?`,
};

/** A piece of text as a type. Dynamic is what the text says in JSON. */
const textAs = (sql: string, type: Column['type']): Sql =>
  type === 'dynamic' ? nativeCall(jsonOfText, sql) : convert(sql, 'string', type);

/** A capture of the shape of its type as that. What fits needs no second look, but for hexadecimal longs, which may be negative.
 * @param piece null where nothing was found */
function shapedAs(piece: string, type: Column['type']): Sql {
  switch (type) {
    case 'int':
    case 'real':
    case 'decimal':
      return sql`TRY_CAST(${piece} AS ${physicalType[type]})`;
    case 'long':
      return sql`CASE WHEN contains(${piece}, 'x') OR contains(${piece}, 'X') THEN ${convert(piece, 'string', 'long')} ELSE TRY_CAST(${piece} AS BIGINT) END`;
    default:
      return textAs(piece, type);
  }
}

/** Captures are named, so that groups inside the user's own expressions do not shift them. */
const group = (index: number, body: string): string => `(?<kql${index}>${body})`;
const escapeText = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&');

/** One expression for the whole pattern, with a group for every capture. */
export function parsePattern(parts: readonly ParsePart[], mode: 'simple' | 'relaxed' | 'regex', flags: string): string {
  const isRegex = mode === 'regex';
  let captures = 0;
  const body = parts.map((part, index) => {
    const last = index === parts.length - 1;
    if (part.k === 'text') return isRegex ? `(?${flags.includes('U') ? 'U' : ''}:${part.text})` : escapeText(part.text);
    if (part.k === 'star') return isRegex ? '.*?' : last ? '(?s:.)*' : '(?s:.)*?';
    const shape = captureShapes[part.type];
    const number = (captures += 1) - 1;
    // A regular expression captures as much as it can, unless told otherwise.
    const free = isRegex ? (flags.includes('U') ? '.*?' : '.*') : last ? '(?s:.)*' : '(?s:.)*?';
    if (shape === undefined) return group(number, free);
    return group(number, mode === 'relaxed' ? `${shape}|${free}` : shape);
  });
  // Strict: what follows the last text or capture fails the match; a star takes it.
  const end = parts.at(-1)?.k !== 'star' && !isRegex ? '$' : '';
  return `^${body.join('')}${end}`;
}

/** What typed captures mostly are: what else has their shape is not looked for. */
const quickShapes: typeof captureShapes = {
  long: '[-+]?[0-9]+',
  int: '[-+]?[0-9]+',
  real: String.raw`[-+]?[0-9]+(?:\.[0-9]+)?`,
  decimal: String.raw`[-+]?[0-9]+(?:\.[0-9]+)?`,
};

/** An expression that RE2 reads without going back: no capture has the character in it that the text after it begins with. What it finds is
 * what the whole pattern finds, since a shorter capture would need that character earlier, and a number ends where the text after it begins.
 * @returns undefined for patterns that have none */
export function quickPattern(parts: readonly ParsePart[]): string | undefined {
  let captures = 0;
  const body = parts.map((part, index) => {
    const [last, next] = [index === parts.length - 1, parts[index + 1]];
    if (part.k === 'text') return part.text === '' ? undefined : escapeText(part.text);
    if (part.k === 'star') return last ? '(?s:.)*' : undefined;
    const shape = quickShapes[part.type];
    const number = (captures += 1) - 1;
    if (last) return group(number, shape ?? '(?s:.)*');
    const [end] = next?.k === 'text' ? next.text : [];
    if (end === undefined) return undefined;
    if (shape !== undefined) return /[-+.\da-fx]/i.test(end) ? undefined : group(number, shape);
    return group(number, `[^${/[\\\]^-]/.test(end) ? '\\' : ''}${end}]*`);
  });
  if (captures === 0 || body.includes(undefined)) return undefined;
  return `^${body.join('')}${parts.at(-1)?.k === 'star' ? '' : '$'}`;
}

/** @returns a JSON array of captured texts; null when the text does not match */
const capturesOf = nativeFunction(
  'parse',
  ['string', 'string'],
  'dynamic',
  ([text, pattern]) => {
    const expression = regex(String(pattern));
    const match = expression.exec(String(text));
    return match
      ? JSON.stringify(
          expression.names.flatMap((name, index) => (name?.startsWith('kql') === true ? [match[index] ?? ''] : [])),
        )
      : null;
  },
  { patterns: true },
);

interface Search {
  /** Null where the text does not match; that is told for those only who ask for it. */
  readonly found: Sql;
  /** The text of a capture of what was found; empty or null where nothing was. */
  piece(found: string, capture: number): string;
  /** What finds the same where it finds anything, and takes less. */
  readonly quick?: Sql;
}

/** By RE2, which runs in DuckDB's threads, where it has an equal for the expression. */
function searchOf(
  pattern: string,
  text: Sql,
  { tellsMatches, quick }: { readonly tellsMatches: boolean; readonly quick: string | undefined },
  bind: (value: string) => string,
): Search {
  const fast = re2Pattern(pattern, () => true);
  if (!fast || fast.asciiOnly)
    return {
      found: nativeCall(capturesOf, text, bind(pattern)),
      piece: (found, capture) => `json_extract_string(${found}, '$[${capture}]')`,
    };
  const { names } = regex(pattern);
  const captures = names.flatMap((name, index) => (name?.startsWith('kql') === true ? [index] : []));
  const expression = quotedPattern(fast.pattern);
  const groups = joined(names.slice(1).map((_name, index) => `'g${index + 1}'`));
  const quickly = quick === undefined ? undefined : re2Pattern(quick, () => true);
  const found =
    captures.length === 0
      ? sql`CASE WHEN regexp_matches(${text}, ${expression}) THEN true END`
      : sql`regexp_extract(${text}, ${expression}, [${groups}])`;
  return {
    found:
      tellsMatches && captures.length > 0
        ? sql`CASE WHEN regexp_matches(${text}, ${expression}) THEN ${found} END`
        : found,
    piece: (id, capture) => `${id}.g${captures[capture] ?? 0}`,
    ...(quickly && {
      quick: sql`regexp_extract(${text}, ${quotedPattern(quickly.pattern)}, [${groups}])`,
    }),
  };
}

/** DuckDB wants it before there are parameters. There are letters, digits and escapes by numbers in it, and no quotes. */
function quotedPattern(pattern: string): string {
  invariant(!pattern.includes("'"), 'a pattern for RE2 has no quotes');
  return `'${pattern}'`;
}

/** The rows with what was found in each: by the quick expression, or by the other one where that finds nothing. */
function searched(ctx: SqlContext, input: Relation, id: string, search: Search, captures: number): Sql {
  const kept = asIs(keptIds(input));
  const { found, quick } = search;
  if (quick === undefined) return selectFrom(input, [...kept, { id, sql: found }]);
  const first = ctx.newId();
  const pieces = Array.from({ length: captures }, (_capture, index) => `${search.piece(first, index)} <> ''`);
  return selectFrom(sql`(${selectFrom(input, [...kept, { id: first, sql: quick }])})`, [
    ...kept,
    { id, sql: sql`CASE WHEN ${joined(pieces, ' OR ')} THEN ${first} ELSE ${found} END` },
  ]);
}

const valuesOfKeys = nativeFunction(
  'parse_kv',
  ['string', 'string'],
  'dynamic',
  ([text, settings]) => JSON.stringify(keyValues(String(text), JSON.parse(String(settings)) as KeyValueSettings)),
  { patterns: true },
);

export const parseNatives = [capturesOf, valuesOfKeys];

export const parseCompilers: PlanCompilers<'parse' | 'parseKv'> = {
  parse: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const found = ctx.newId();
    const captures = node.parts.filter((part) => part.k === 'capture');
    const flags = ['i', 'm', 's'].filter((flag) => node.flags.includes(flag)).join('');
    const pattern = `${flags === '' ? '' : `(?${flags})`}${parsePattern(node.parts, node.mode, node.flags)}`;
    const source = compileExpression(node.source, rowScope(ctx, input));
    const text = convert(source, node.source.type, 'string');
    const isPlain = node.mode === 'simple' && flags === '' && !node.onlyMatches;
    const quick = isPlain ? quickPattern(node.parts) : undefined;
    const search = searchOf(pattern, text, { tellsMatches: node.onlyMatches, quick }, (value) =>
      ctx.bind(value, 'VARCHAR'),
    );
    const matched = { ...input, sql: searched(ctx, input, found, search, captures.length) };
    const made = new Map<string, Output>();
    captures.forEach((capture, index) => {
      const piece = search.piece(found, index);
      const as = node.mode === 'relaxed' ? textAs : shapedAs;
      const value = capture.type === 'string' ? `coalesce(${piece}, '')` : as(`nullif(${piece}, '')`, capture.type);
      made.set(capture.name, { id: ctx.newId(), sql: value });
    });
    const typedNull = captures
      .map((capture) => ({ capture, output: made.get(capture.name) }))
      .filter(({ capture }) => capture.type !== 'string');
    const columns = node.cols.map((column): RelationColumn => ({
      ...column,
      id: made.get(column.name)?.id ?? columnNamed(input, column.name).id,
    }));
    const outputs = columns.map(({ id, name }) => made.get(name) ?? { id, sql: id });
    const complete = narrowed(matched, [...outputs, { id: found, sql: found }], columns);
    const ok = joined(
      [`${found} IS NOT NULL`, ...typedNull.map(({ output }) => sql`${output?.id ?? 'true'} IS NOT NULL`)],
      ' AND ',
    );
    if (node.onlyMatches) return { ...complete, sql: selectFrom(complete, asIs(keptIds(complete)), sql`WHERE ${ok}`) };
    if (node.mode !== 'simple' || typedNull.length === 0)
      return { ...complete, sql: selectFrom(complete, asIs(keptIds(complete))) };
    // In simple mode one capture that does not convert fails them all.
    const failed = columns.map(({ id, name, type }) => ({
      id,
      sql: made.has(name) ? sql`CASE WHEN ${ok} THEN ${id} ELSE ${type === 'string' ? "''" : 'NULL'} END` : id,
    }));
    return { ...complete, sql: selectFrom(complete, [...failed, ...asIs(hiddenIds(complete))]) };
  },
  parseKv: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const found = ctx.newId();
    const settings = ctx.bind(JSON.stringify(settingsOf(node)), 'VARCHAR');
    const text = convert(compileExpression(node.source, rowScope(ctx, input)), node.source.type, 'string');
    const matched = {
      ...input,
      sql: selectFrom(input, [...asIs(keptIds(input)), { id: found, sql: nativeCall(valuesOfKeys, text, settings) }]),
    };
    const made = new Map(
      node.keys.map((key): [string, Output] => {
        const piece = `json_extract_string(${found}, ${ctx.bind(`$."${key.name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`, 'VARCHAR')})`;
        return [
          key.name,
          {
            id: ctx.newId(),
            sql: key.type === 'string' ? `coalesce(${piece}, '')` : textAs(piece, key.type),
          },
        ];
      }),
    );
    const columns = node.cols.map((column): RelationColumn => ({
      ...column,
      id: made.get(column.name)?.id ?? columnNamed(input, column.name).id,
    }));
    return narrowed(
      matched,
      columns.map(({ id, name }) => made.get(name) ?? { id, sql: id }),
      columns,
    );
  },
};

/** The documentation counts the groups: one for the key, one for the value. */
const patternGroups = 3;

function settingsOf(node: ParseKvNode): KeyValueSettings {
  const { options } = node;
  const one = (name: string): string | undefined => options[name]?.[0];
  const [pair, kv, pattern] = [one('pair_delimiter'), one('kv_delimiter'), one('regex')];
  const [quotes, escapes] = [options['quote'] ?? [], options['escape'] ?? []];
  const wrong = (what: string): KqlError => new KqlError('semantic', `parse-kv: ${what}`);
  if (pair === '' || kv === '') throw wrong('a delimiter must not be empty.');
  if (quotes.some((quote) => quote.length < 1 || quote.length > 2)) throw wrong('quote has one or two characters.');
  if (escapes.some((escape) => escape.length !== 1)) throw wrong('escape has one character.');
  if (pattern !== undefined && regex(pattern).names.length !== patternGroups)
    throw wrong('regex needs two capturing groups, for the key and for the value.');
  return {
    keys: node.keys.map(({ name }) => name),
    quotes,
    escapes,
    greedy: one('greedy') === 'true',
    ...(pair !== undefined && { pair }),
    ...(kv !== undefined && { kv }),
    ...(pattern !== undefined && { pattern }),
  };
}
