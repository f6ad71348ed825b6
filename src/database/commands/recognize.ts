import type { CommandPart } from '../../kql/plan/command.ts';
import type { CommandInput } from './command.ts';
import { argumentList, partOf, propertyList, settings } from './argument-lists.ts';
import type { Word } from './words.ts';
import { splitCommand } from './words.ts';
import { commandRows } from './command-rows.ts';
import { refusedCommands } from './refused-commands.ts';

interface Pattern {
  readonly kind: string;
  readonly parsed: boolean;
  readonly items: readonly string[];
}

/** By their first two words. Commands are read without the parser that are frequent (it takes some 50 ms for any command), whose text
 * after `<|` is not for it, or that it does not know. */
const patterns = new Map<string, Pattern[]>();
for (const { kinds, parsed = false } of commandRows)
  for (const [kind, texts] of Object.entries(kinds))
    if (typeof texts !== 'string') for (const pattern of texts.slice(1)) add(pattern, kind, parsed);
for (const { kinds, patterns: own = [] } of refusedCommands)
  for (const pattern of own) add(pattern, kinds.join(), false);

function add(pattern: string, kind: string, parsed: boolean): void {
  const items = pattern.split(' ');
  const start = startOf(items[0], items[1]);
  patterns.set(start, [...(patterns.get(start) ?? []), { kind, parsed, items }]);
}

function startOf(first = '', second = ''): string {
  return `${first} ${second}`.toLowerCase();
}

interface Recognized {
  readonly input: CommandInput;
  /** What follows the command, from the first `|` or behind the first `;`. */
  readonly pipe?: string;
}

/** @returns undefined for what the parser has to read
 * @throws KqlError `syntax` */
export function recognizeCommand(text: string): Recognized | undefined {
  const words = splitCommand(text);
  if (words === undefined) return undefined;
  const last = words.at(-1);
  const pipe = last?.kind === 'pipe' ? `|${last.text}` : last?.kind === 'then' ? last.text : undefined;
  const own = pipe === undefined ? words : words.slice(0, -1);
  for (const row of patterns.get(startOf(words[0]?.text, words[1]?.text)) ?? []) {
    if (row.parsed && pipe !== undefined) continue;
    const parts = match(row.items, own);
    if (parts === undefined) continue;
    const raw = own.at(-1)?.kind === 'raw' ? own.at(-1)?.text : undefined;
    const input = { kind: row.kind, text, parts, ...(raw === undefined ? {} : { raw }) };
    return { input, ...(pipe === undefined ? {} : { pipe }) };
  }
  return undefined;
}

function match(items: readonly string[], words: readonly Word[]): CommandPart[] | undefined {
  const parts: CommandPart[] = [];
  let at = 0;
  for (const item of items) {
    const word = words[at];
    if (item === 'settings') {
      const found = settings(words, at);
      parts.push(...found.parts);
      at = found.next;
      continue;
    }
    if (item === 'with' && word?.text.toLowerCase() !== 'with') continue;
    if (word === undefined) return undefined;
    if (item === 'with') {
      const properties = propertyList(words, at + 1);
      if (properties === undefined) return undefined;
      parts.push(...properties.parts);
      at = properties.next;
      continue;
    }
    if (item.endsWith(',}')) {
      const list = argumentList(words, at, item.slice(1, -2));
      if (list === undefined) return undefined;
      parts.push(...list.parts);
      at = list.next;
      continue;
    }
    if (item.startsWith('{...')) {
      const rest = words.slice(at);
      const text = rest.map((one) => one.text).join('');
      parts.push({ name: item.slice(4, -1), text, start: word.start, end: rest.at(-1)?.end ?? word.end });
      return parts;
    }
    if (item === '<|' ? word.kind !== 'raw' : !matches(item, word)) return undefined;
    if (item.startsWith('{')) parts.push({ ...partOf(word), name: item.slice(1, -1) });
    else if (item !== '<|') parts.push(partOf(word));
    at += 1;
  }
  return at === words.length ? parts : undefined;
}

const marks = ['.', '=', '(', ')'];

const matches = (item: string, word: Word): boolean =>
  item.startsWith('{')
    ? word.kind === 'word' || word.kind === 'string'
    : (word.kind === 'word' || marks.includes(item)) && word.text.toLowerCase() === item;
