import type { PluginSettings } from '../plan/row-settings.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { NativeValue } from '../sql/native.ts';
import { textOf } from '../sql/convert-value.ts';
import { argumentsOf } from './plugin-arguments.ts';
import type { RowOperator } from './row-operator.ts';

interface Terms {
  readonly words: readonly string[];
  /** What stands before each word, and after the last. */
  readonly gaps: readonly string[];
}
interface Group {
  pattern: string;
  readonly representative: string;
  count: number;
}

const escaped = (text: string): string => text.replace(/[\\\]^-]/g, '\\$&');

/** Splits a value. Separators that were asked for go with a wildcard next to them; the others stay in the pattern. */
function termsOf(value: string, separator: RegExp): Terms {
  const words: string[] = [];
  const gaps: string[] = [];
  let end = 0;
  for (const match of value.matchAll(separator)) {
    words.push(match[0]);
    gaps.push(value.slice(end, match.index));
    end = match.index + match[0].length;
  }
  return { words, gaps: [...gaps, value.slice(end)] };
}

const isNumber = (word: string): boolean => /^\d+$/.test(word);
const attribute = (position: number, word: string): string => `${position}:${word}`;

/** The pattern of a value whose words at `fixed` stay: every run of other words becomes one `*`. */
function patternOf({ words, gaps }: Terms, fixed: ReadonlySet<number>, keepsGaps: boolean): string {
  let pattern = '';
  words.forEach((word, position) => {
    const isFixed = fixed.has(position);
    const follows = position > 0 && fixed.has(position - 1);
    const gap = gaps[position] ?? '';
    if (isFixed) pattern += (position === 0 || follows || keepsGaps ? gap : '') + word;
    else if (position === 0 || follows) pattern += `${keepsGaps ? gap : ''}*`;
  });
  return fixed.has(words.length - 1) || keepsGaps ? pattern + (gaps.at(-1) ?? '') : pattern;
}

/** reduce: Vaarandi's clustering of log lines. A word at its position is frequent when at least `threshold` of the values, and
 * more than one, have it there; values with the same frequent words form a group when the group is as large; the rest are
 * `others`. Numbers count as words only where a value has no other frequent one.
 * @see Kusto documentation, reduce operator; R. Vaarandi, A Data Clustering Algorithm for Mining Patterns From Event Logs */
const reduce: RowOperator = (call) => {
  const args = argumentsOf(call, 'reduce');
  // The plan builder makes the settings in this shape, with the options that it knows.
  const { options = {} } = call.settings as PluginSettings;
  const appends = options['kind'] === 'source';
  const width = appends ? (call.cols?.length ?? 0) - 3 : 0;
  const threshold = options['threshold'] === undefined ? 0.1 : Number(options['threshold']);
  if (!(threshold >= 0 && threshold <= 1))
    throw new KqlError('semantic', 'reduce: the threshold must be between 0 and 1.');
  const characters = options['characters'];
  const word = characters === undefined ? /[A-Za-z0-9]+/g : new RegExp(`[^${escaped(characters)}]+`, 'gu');
  const type = args.typeOf(0);
  const column = args.column(0);
  const values = args.rows.rows.map((row) => textOf(row[column] ?? null, type));
  const groups = grouped(values, word, characters === undefined, Math.max(2, threshold * values.length));
  const others: Group = { pattern: 'others', representative: '', count: groups.filter((group) => !group).length };
  const cells = ({ pattern, count, representative }: Group): NativeValue[] => [pattern, BigInt(count), representative];
  if (appends)
    return {
      cols: call.cols ?? [],
      rows: args.rows.rows.map((row, at) => [...row.slice(0, width), ...cells(groups[at] ?? others)]),
    };
  const distinct = [...new Set(groups)].filter((group) => group !== undefined);
  distinct.sort((a, b) => b.count - a.count);
  return { cols: call.cols ?? [], rows: [...distinct, ...(others.count > 0 ? [others] : [])].map(cells) };
};

/** The group of each value; undefined for those that are in none. */
function grouped(
  values: readonly string[],
  word: RegExp,
  keepsGaps: boolean,
  support: number,
): readonly (Group | undefined)[] {
  const counts = new Map<string, number>();
  for (const value of values)
    termsOf(value, word).words.forEach((text, position) => {
      const key = attribute(position, text);
      counts.set(key, (counts.get(key) ?? 0) + 1);
    });
  const candidates = new Map<string, Group & { ends: boolean }>();
  const byValue = values.map((value) => {
    const terms = termsOf(value, word);
    const frequent = [...terms.words.keys()].filter(
      (position) => (counts.get(attribute(position, terms.words[position] ?? '')) ?? 0) >= support,
    );
    const named = frequent.filter((position) => !isNumber(terms.words[position] ?? ''));
    const fixed = named.length > 0 ? named : frequent;
    if (fixed.length === 0) return undefined;
    const key = JSON.stringify(fixed.map((position) => [position, terms.words[position]]));
    const ends = fixed.at(-1) === terms.words.length - 1;
    const pattern = patternOf(terms, new Set(fixed), keepsGaps);
    const group = candidates.get(key) ?? { pattern, representative: value, count: 0, ends };
    // Values of a group may end with its last word or go on: the pattern then says that they go on.
    if (group.ends && !ends) Object.assign(group, { pattern, ends });
    group.count += 1;
    candidates.set(key, group);
    return group;
  });
  return byValue.map((group) => (group && group.count >= support ? group : undefined));
}

export const reduceOperators: Readonly<Record<string, RowOperator>> = { reduce };
