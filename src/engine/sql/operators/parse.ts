import type { ParsePart } from '../../kql/ir/plan.ts';
import type { Column } from '../../kql/types.ts';
import { convert } from '../convert.ts';
import { compileExpression } from '../expressions.ts';
import { native } from '../native.ts';
import { regex } from '../../native/regex.ts';
import type { PlanCompilers } from '../plans.ts';
import { compilePlan } from '../plans.ts';
import type { Output, RelationColumn } from '../relation.ts';
import { asIs, columnNamed, hiddenIds, keptIds, selectFrom } from '../relation.ts';
import { rowScope } from '../rows.ts';
import { narrowed } from './row.ts';

/** A typed capture matches what its type may look like. */
const captureShapes: Readonly<Partial<Record<Column['type'], string>>> = {
  long: '[-+]?[0-9]+|0[xX][0-9a-fA-F]+',
  int: '[-+]?[0-9]+|0[xX][0-9a-fA-F]+',
  real: String.raw`[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.?`,
  decimal: String.raw`[-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+\.?`,
};

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
    if (part.k === 'star') return isRegex ? '.*?' : last ? '[\\s\\S]*' : '[\\s\\S]*?';
    const shape = captureShapes[part.type];
    const number = (captures += 1) - 1;
    // A regular expression captures as much as it can, unless told otherwise.
    const free = isRegex ? (flags.includes('U') ? '.*?' : '.*') : last ? '[\\s\\S]*' : '[\\s\\S]*?';
    if (shape === undefined) return group(number, free);
    return group(number, mode === 'relaxed' ? `${shape}|${free}` : shape);
  });
  const end = parts.at(-1)?.k === 'text' && !isRegex ? '$' : '';
  return `^${body.join('')}${end}`;
}

/** @returns a JSON array of captured texts; null when the text does not match */
native(
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

export const parseCompilers: PlanCompilers<'parse' | 'parseKv'> = {
  parse: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const found = ctx.newId();
    const captures = node.parts.filter((part) => part.k === 'capture');
    const flags = ['i', 'm', 's'].filter((flag) => node.flags.includes(flag)).join('');
    const pattern = `${flags === '' ? '' : `(?${flags})`}${parsePattern(node.parts, node.mode, node.flags)}`;
    const source = compileExpression(node.source, rowScope(ctx, input));
    const text = convert(source, node.source.type, 'string');
    const matched = {
      ...input,
      sql: selectFrom(input, [
        ...asIs(keptIds(input)),
        {
          id: found,
          sql: `kql_n_parse(${text}, ${ctx.bind(pattern, 'VARCHAR')})`,
        },
      ]),
    };
    const made = new Map<string, Output>();
    captures.forEach((capture, index) => {
      const piece = `json_extract_string(${found}, '$[${index}]')`;
      const value =
        capture.type === 'string' ? `coalesce(${piece}, '')` : convert(`nullif(${piece}, '')`, 'string', capture.type);
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
    const ok = [`${found} IS NOT NULL`, ...typedNull.map(({ output }) => `${output?.id ?? 'true'} IS NOT NULL`)].join(
      ' AND ',
    );
    if (node.onlyMatches) return { ...complete, sql: selectFrom(complete, asIs(keptIds(complete)), `WHERE ${ok}`) };
    if (node.mode !== 'simple' || typedNull.length === 0)
      return { ...complete, sql: selectFrom(complete, asIs(keptIds(complete))) };
    // In simple mode one capture that does not convert fails them all.
    const failed = columns.map(({ id, name, type }) => ({
      id,
      sql: made.has(name) ? `CASE WHEN ${ok} THEN ${id} ELSE ${type === 'string' ? "''" : 'NULL'} END` : id,
    }));
    return { ...complete, sql: selectFrom(complete, [...failed, ...asIs(hiddenIds(complete))]) };
  },
  parseKv: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const found = ctx.newId();
    const { options } = node;
    const settings = ctx.bind(JSON.stringify(options), 'VARCHAR');
    const text = convert(compileExpression(node.source, rowScope(ctx, input)), node.source.type, 'string');
    const matched = {
      ...input,
      sql: selectFrom(input, [...asIs(keptIds(input)), { id: found, sql: `kql_n_parse_kv(${text}, ${settings})` }]),
    };
    const made = new Map(
      node.keys.map((key): [string, Output] => {
        const piece = `json_extract_string(${found}, ${ctx.bind(`$."${key.name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`, 'VARCHAR')})`;
        return [
          key.name,
          {
            id: ctx.newId(),
            sql: key.type === 'string' ? `coalesce(${piece}, '')` : convert(piece, 'string', key.type),
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

/** `a=1, b="x y"`: pairs split at the delimiters outside quotes; greedy mode lets values hold the pair delimiter. */
native('parse_kv', ['string', 'string'], 'dynamic', ([text, settings]) => {
  const options = JSON.parse(String(settings)) as Record<string, string | undefined>;
  return JSON.stringify(parseKeyValues(String(text), options));
});

export function parseKeyValues(
  text: string,
  options: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  if (options['pair_delimiter'] === undefined && options['kv_delimiter'] === undefined) return looseKeyValues(text);
  const pair = options['pair_delimiter'] ?? ' ';
  const kv = options['kv_delimiter'] ?? '=';
  const quotes = options['quote'] === undefined ? '' : options['quote'];
  const [open, close] = [quotes.charAt(0), quotes.charAt(1) || quotes.charAt(0)];
  const escape = options['escape'] ?? '';
  const greedy = options['greedy'] === 'true';
  const pieces: string[] = [];
  let current = '';
  for (let at = 0; at < text.length;) {
    if (open !== '' && text.charAt(at) === open && (current === '' || current.endsWith(kv))) {
      const end = quotedEnd(text, at + 1, close, escape);
      current += text.slice(at, end);
      at = end;
    } else if (text.startsWith(pair, at)) {
      pieces.push(current);
      current = '';
      at += pair.length;
    } else {
      current += text.charAt(at);
      at += 1;
    }
  }
  pieces.push(current);
  const found: Record<string, string> = {};
  let last: string | undefined;
  for (const piece of pieces) {
    const split = piece.indexOf(kv);
    if (split < 0) {
      if (greedy && last !== undefined) found[last] = `${found[last] ?? ''}${pair}${piece}`;
      continue;
    }
    last = unquoted(piece.slice(0, split).trim(), open, close, escape);
    found[last] ??= unquoted(piece.slice(split + kv.length), open, close, escape);
  }
  return found;
}

/** Without delimiters: words before `:` or `=` are keys, and a value runs to the next blank or punctuation. */
function looseKeyValues(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const match of text.matchAll(/([\p{L}_][\p{L}\p{N}_]*)\s*[:=]\s*(?:"([^"]*)"|'([^']*)'|([^\s,;]+))/gu)) {
    found[match[1] ?? ''] ??= match[2] ?? match[3] ?? match[4] ?? '';
  }
  return found;
}

function quotedEnd(text: string, start: number, close: string, escape: string): number {
  for (let at = start; at < text.length; at += 1) {
    if (escape !== '' && text.charAt(at) === escape) at += 1;
    else if (text.charAt(at) === close) return at + 1;
  }
  return text.length;
}

function unquoted(text: string, open: string, close: string, escape: string): string {
  if (open === '' || !text.startsWith(open) || !text.endsWith(close) || text.length < 2) return text;
  const inner = text.slice(1, -1);
  return escape === '' ? inner : inner.replaceAll(escape + close, close).replaceAll(escape + escape, escape);
}
