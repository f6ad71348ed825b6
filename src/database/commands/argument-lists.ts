import type { CommandPart } from '../../kql/plan/command.ts';
import type { Word } from './words.ts';

export const partOf = ({ text, start, end, value }: Word): CommandPart => ({
  text,
  start,
  end,
  ...(value === undefined ? {} : { value }),
});

/** `(value, …)` of names, ids or texts, each with more words behind it if need be. */
export function argumentList(
  words: readonly Word[],
  from: number,
  name: string,
): { readonly parts: CommandPart[]; readonly next: number } | undefined {
  if (words[from]?.text !== '(') return undefined;
  const parts: CommandPart[] = [];
  let own: Word[] = [];
  for (let at = from + 1; at < words.length; at += 1) {
    const word = words[at];
    if (word?.kind === 'word' || word?.kind === 'string') {
      own.push(word);
      continue;
    }
    const [first, ...others] = own;
    if (first === undefined || (word?.text !== ',' && word?.text !== ')')) return undefined;
    const text = own.map((one) => one.text).join(' ');
    parts.push(
      others.length === 0
        ? { ...partOf(first), name }
        : { name, text, start: first.start, end: others.at(-1)?.end ?? first.end },
    );
    if (word.text === ')') return { parts, next: at + 1 };
    own = [];
  }
  return undefined;
}

/** Any number of `name=value`; a value may be something in parentheses. */
export function settings(
  words: readonly Word[],
  from: number,
): { readonly parts: CommandPart[]; readonly next: number } {
  const parts: CommandPart[] = [];
  for (let at = from; ;) {
    const [name, equals, value] = words.slice(at, at + 3);
    const isOpen = value?.text === '(';
    const isFraction = words[at + 3]?.text === '.' && /^\d+$/.test(words[at + 4]?.text ?? '');
    const end = isOpen ? closingOf(words, at + 2) : isFraction ? at + 4 : at + 2;
    if (name?.kind !== 'word' || equals?.text !== '=' || value === undefined || end < 0) return { parts, next: at };
    if (!isOpen && value.kind !== 'word' && value.kind !== 'string') return { parts, next: at };
    const text = words
      .slice(at + 2, end + 1)
      .map((word) => word.text)
      .join(isOpen ? ' ' : '');
    parts.push({ ...partOf(name), name: 'PropertyName' }, { ...partOf({ ...value, text }), name: 'PropertyValue' });
    at = end + 1;
  }
}

/** @returns where the parenthesis closes that opens here; -1: nowhere */
function closingOf(words: readonly Word[], from: number): number {
  let depth = 0;
  return words.findIndex(({ text }, index) => {
    if (index < from) return false;
    depth += text === '(' ? 1 : text === ')' ? -1 : 0;
    return depth === 0;
  });
}

/** `(name = value, …)`; a value may be a call such as `datetime(2020-01-01)`. */
export function propertyList(
  words: readonly Word[],
  from: number,
): { readonly parts: CommandPart[]; readonly next: number } | undefined {
  if (words[from]?.text !== '(') return undefined;
  const parts: CommandPart[] = [];
  let at = from + 1;
  while (words[at]?.text !== ')') {
    const [name, equals, value] = words.slice(at, at + 3);
    if (name?.kind !== 'word' || equals?.text !== '=' || value === undefined || value.kind === 'mark') return undefined;
    at += 3;
    let { text } = value;
    if (words[at]?.text === '(') {
      const inside = words.slice(at, words.findIndex((word, index) => index > at && word.text === ')') + 1);
      if (inside.length === 0) return undefined;
      text += inside.map((word) => word.text).join('');
      at += inside.length;
    }
    parts.push({ ...partOf(name), name: 'PropertyName' }, { ...partOf({ ...value, text }), name: 'PropertyValue' });
    if (words[at]?.text === ',') at += 1;
    else if (words[at]?.text !== ')') return undefined;
  }
  return { parts, next: at + 1 };
}
