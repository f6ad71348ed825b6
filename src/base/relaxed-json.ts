import type { Json } from './json.ts';

/** The text is no JSON, not even relaxed. Positions are not told: whoever answers a client tells nothing of what it sent. */
export class RelaxedJsonError extends Error {
  override readonly name = 'RelaxedJsonError';
}

/** Deeper than any resource or template needs, and shallow enough for recursive code. */
const depthMax = 100;

/** JSON as the resource manager takes it: also names without quotes, texts in single quotes or over several lines, comments, and a comma
 * after the last member. The Azure CLI puts a template into its request as it lies in the file, comments and all.
 * @throws RelaxedJsonError for anything else, for more than 100 levels, and for a member `__proto__` */
export function parseRelaxedJson(text: string): Json {
  return new RelaxedReader(text).readAll();
}

/** Where a value begins, as clients are told: both count from 1.
 * @param path member names and indexes, from the top
 * @returns undefined when there is nothing at that path */
export function positionInJson(
  text: string,
  path: readonly (string | number)[],
): { readonly line: number; readonly column: number } | undefined {
  const wanted = path.join('\0').toLowerCase();
  let found: number | undefined;
  new RelaxedReader(text, (at, offset) => {
    if (at.length === path.length && at.join('\0').toLowerCase() === wanted) found = offset;
  }).readAll();
  if (found === undefined) return undefined;
  const before = text.slice(0, found);
  return { line: before.split('\n').length, column: found - before.lastIndexOf('\n') };
}

/** The texts that values were read from: for saying where something stands, long after it was read. */
const sources = new WeakMap<object, string>();

export const sourceOf = (value: object): string | undefined => sources.get(value);

/** Plain JSON first, which is most of what comes. @throws RelaxedJsonError */
export function parseAnyJson(text: string): Json {
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch {
    value = parseRelaxedJson(text); // V8's message quotes the text
  }
  if (typeof value === 'object' && value !== null) sources.set(value, text);
  return value;
}

const bareName = /[\p{L}_$][\p{L}\p{N}_$.-]*/uy;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** Of nearly all places that nothing has to be left out there. NaN at the end. */
const mayBeBlank = (code: number): boolean => code <= 0x20 || code === 0x2f || code >= 0x80;
const word = /true|false|null/y;
const blank = /[\s\uFEFF]+|\/\/[^\n]*|\/\*[\s\S]*?\*\//y;
const backslash = 0x5c;
const escapes: Readonly<Record<string, string>> = {
  ...{ '"': '"', "'": "'", '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
};

class RelaxedReader {
  #at = 0;
  readonly #path: (string | number)[] = [];

  readonly text: string;
  readonly visit: ((path: readonly (string | number)[], offset: number) => void) | undefined;

  constructor(text: string, visit?: (path: readonly (string | number)[], offset: number) => void) {
    this.text = text;
    this.visit = visit;
  }

  readAll(): Json {
    const value = this.#value(0);
    this.#skip();
    if (this.#at < this.text.length) throw new RelaxedJsonError();
    return value;
  }

  #value(depth: number): Json {
    this.#skip();
    this.visit?.(this.#path, this.#at);
    const first = this.text[this.#at];
    if (depth === depthMax && (first === '{' || first === '[')) throw new RelaxedJsonError();
    if (first === '{') return this.#object(depth);
    if (first === '[') return this.#array(depth);
    if (first === '"' || first === "'") return this.#quoted(first);
    const digits = this.#take(number);
    if (digits !== undefined) return Number(digits);
    const literal = this.#take(word);
    if (literal === undefined) throw new RelaxedJsonError();
    return literal === 'null' ? null : literal === 'true';
  }

  #object(depth: number): Json {
    const members: Record<string, Json> = {};
    this.#at++;
    while (!this.#ends('}')) {
      const name = this.#name();
      if (name === '__proto__') throw new RelaxedJsonError(); // Object.assign with it would set a prototype
      this.#expect(':');
      members[name] = this.#within(name, depth);
      if (!this.#ends('}', true)) this.#expect(',');
    }
    this.#at++;
    return members;
  }

  #array(depth: number): Json {
    const items: Json[] = [];
    this.#at++;
    while (!this.#ends(']')) {
      items.push(this.#within(items.length, depth));
      if (!this.#ends(']', true)) this.#expect(',');
    }
    this.#at++;
    return items;
  }

  #within(step: string | number, depth: number): Json {
    if (this.visit === undefined) return this.#value(depth + 1);
    this.#path.push(step);
    const value = this.#value(depth + 1);
    this.#path.pop();
    return value;
  }

  #name(): string {
    const quote = this.text[this.#at];
    if (quote === '"' || quote === "'") return this.#quoted(quote);
    const name = this.#take(bareName);
    if (name === undefined) throw new RelaxedJsonError();
    return name;
  }

  #quoted(quote: string): string {
    let value = '';
    let from = ++this.#at;
    const end = quote.charCodeAt(0);
    for (;;) {
      const code = this.text.charCodeAt(this.#at);
      if (Number.isNaN(code)) throw new RelaxedJsonError();
      if (code !== end && code !== backslash) {
        this.#at++;
        continue;
      }
      value += this.text.slice(from, this.#at++);
      if (code === end) return value;
      value += this.#escaped();
      from = this.#at;
    }
  }

  #escaped(): string {
    const escape = this.text[this.#at++] ?? '';
    if (escape !== 'u') {
      const meant = Object.hasOwn(escapes, escape) ? escapes[escape] : undefined;
      if (meant === undefined) throw new RelaxedJsonError();
      return meant;
    }
    const digits = this.text.slice(this.#at, this.#at + 4);
    if (!/^[0-9a-f]{4}$/i.test(digits)) throw new RelaxedJsonError();
    this.#at += 4;
    return String.fromCharCode(Number.parseInt(digits, 16));
  }

  /** Whether the closing bracket comes next. After a comma, too; `after` says that a value has just been read. */
  #ends(bracket: string, after = false): boolean {
    this.#skip();
    if (this.#at >= this.text.length && !after) throw new RelaxedJsonError();
    return this.text[this.#at] === bracket;
  }

  #expect(character: string): void {
    this.#skip();
    if (this.text[this.#at] !== character) throw new RelaxedJsonError();
    this.#at++;
  }

  #skip(): void {
    while (mayBeBlank(this.text.charCodeAt(this.#at)) && this.#passes(blank));
  }

  /** Whether the pattern is what comes next, which is left behind then. */
  #passes(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.text)) return false;
    this.#at = pattern.lastIndex;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    const from = this.#at;
    return this.#passes(pattern) ? this.text.slice(from, this.#at) : undefined;
  }
}
