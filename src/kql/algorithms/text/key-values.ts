import { regex } from '../regex/regex.ts';

export interface KeyValueSettings {
  /** The keys that somebody asks for. */
  readonly keys: readonly string[];
  readonly pair?: string;
  readonly kv?: string;
  /** One or two characters each: what opens and what closes. */
  readonly quotes: readonly string[];
  /** One character each. */
  readonly escapes: readonly string[];
  readonly greedy: boolean;
  /** Two groups: key and value. */
  readonly pattern?: string;
}

interface Piece {
  readonly value: string;
  readonly isQuoted: boolean;
  /** Where the delimiter stands that ended it; the length of the text where none did. */
  readonly end: number;
  readonly delimiter: string | undefined;
}

/** The first value of every key in a text of keys and values.
 * @see Kusto documentation, parse-kv operator */
export function keyValues(text: string, settings: KeyValueSettings): Record<string, string> {
  return new KeyValueReader(text, settings).read();
}

class KeyValueReader {
  private readonly found = new Map<string, string>();
  /** Quotes that nothing closes, so that one look at the rest of the text is enough. */
  private readonly unclosed = new Set<string>();

  constructor(
    private readonly text: string,
    private readonly settings: KeyValueSettings,
  ) {}

  read(): Record<string, string> {
    const { pattern, pair, kv } = this.settings;
    if (pattern !== undefined) {
      for (const match of regex(pattern).matches(this.text))
        this.give((match[1] ?? '').trim(), (match[2] ?? '').trim());
    } else if (pair === undefined && kv === undefined) this.readWords();
    else this.readPairs(pair ?? ' ', kv ?? '=');
    return Object.fromEntries(this.found);
  }

  private give(key: string, value: string): void {
    if (!this.found.has(key)) this.found.set(key, value);
  }

  private readPairs(pair: string, kv: string): void {
    const { text, settings } = this;
    let last: { readonly key: string; readonly start: number; readonly value: Piece; end: number } | undefined;
    const close = (): void => {
      if (last) this.give(last.key, last.value.isQuoted ? last.value.value : text.slice(last.start, last.end).trim());
    };
    for (let at = 0; at < text.length;) {
      const piece = this.readPiece(at, [kv, pair]);
      if (piece.delimiter === kv) {
        close();
        const start = piece.end + kv.length;
        const value = this.readPiece(start, [pair]);
        last = { key: piece.value, start, value, end: value.end };
        at = value.end + pair.length;
      } else {
        // What is no key belongs to the value before it, if that is greedy.
        if (settings.greedy && last) last.end = piece.end;
        at = piece.end + pair.length;
      }
    }
    close();
  }

  /** What stands before the next delimiter, without blanks around it, or within quotes. */
  private readPiece(start: number, delimiters: readonly string[]): Piece {
    const { text } = this;
    const delimiterAt = (at: number): string | undefined => delimiters.find((one) => text.startsWith(one, at));
    let at = start;
    while (at < text.length && delimiterAt(at) === undefined && /\s/.test(text.charAt(at))) at += 1;
    const quoted = this.readQuoted(at);
    if (quoted) at = quoted.end;
    while (at < text.length && delimiterAt(at) === undefined) at += 1;
    return {
      value: quoted?.value ?? text.slice(start, at).trim(),
      isQuoted: quoted !== undefined,
      end: at,
      delimiter: at < text.length ? delimiterAt(at) : undefined,
    };
  }

  /** Without delimiters every character that is no letter and no digit is one: the value of a key is the word after it. */
  private readWords(): void {
    const { text } = this;
    const keys = new Set(this.settings.keys);
    const word = /[\p{L}\p{N}_]+/uy;
    let key: string | undefined;
    for (let at = 0; at < text.length;) {
      const quoted = this.readQuoted(at);
      word.lastIndex = at;
      const value = quoted?.value ?? word.exec(text)?.[0];
      if (value === undefined) {
        at += 1;
        continue;
      }
      at = quoted?.end ?? at + value.length;
      if (key !== undefined) {
        this.give(key, value);
        key = undefined;
      } else if (keys.has(value)) key = value;
    }
  }

  /** A text in quotes that begins here; one that is never closed is none. */
  private readQuoted(start: number): { readonly value: string; readonly end: number } | undefined {
    const { text, settings } = this;
    const quote = settings.quotes.find((one) => text.startsWith(one.charAt(0), start));
    if (start >= text.length || quote === undefined || this.unclosed.has(quote)) return undefined;
    let value = '';
    for (let at = start + 1; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (settings.escapes.includes(character) && at + 1 < text.length) {
        at += 1;
        value += text.charAt(at);
      } else if (character === quote.at(-1)) return { value, end: at + 1 };
      else value += character;
    }
    this.unclosed.add(quote);
    return undefined;
  }
}
