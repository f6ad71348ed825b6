import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Json } from './json.ts';
import { isJsonObject } from './json.ts';

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

/** As clients are told: both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Where a value begins. Others have their turn while a long text is read.
 * @param path member names and indexes, from the top
 * @returns undefined when there is nothing at that path */
export async function positionInJson(text: string, path: readonly (string | number)[]): Promise<Position | undefined> {
  const wanted = path.map((step) => String(step).toLowerCase());
  let found: number | undefined;
  const reader = new RelaxedReader(text, (at, offset) => {
    if (at.length === wanted.length && at.every((step, depth) => String(step).toLowerCase() === wanted[depth]))
      found = offset;
  });
  await reader.readInTurns();
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
  return withSource(value, text);
}

/** The same of a long text, without holding up everybody else: 4 MB of `[],` or of names take V8 some hundred milliseconds. What has few parts
 * is left to it, which reads such several times as fast; the rest is read in turns.
 * @throws RelaxedJsonError also for a member `__proto__` in plain JSON */
export async function parseLongJson(text: string): Promise<Json> {
  const isForV8 = hasFewParts(text);
  await othersTurn();
  let value = isForV8 ? plainJson(text) : undefined;
  if (value === undefined) value = await new RelaxedReader(text).readInTurns();
  else if (/__proto__|\\u00/.test(text) && hasMemberNamed(value, '__proto__')) throw new RelaxedJsonError();
  return withSource(value, text);
}

function plainJson(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function withSource(value: Json, text: string): Json {
  if (typeof value === 'object' && value !== null) sources.set(value, text);
  return value;
}

export function hasMemberNamed(value: Json, name: string): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => hasMemberNamed(item, name));
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([key, item]) => key === name || hasMemberNamed(item ?? null, name));
}

const [doubleQuote = 0, singleQuote = 0, backslash = 0, slash = 0, asterisk = 0] = Buffer.from('"\'\\/*');
const [openingBrace = 0, closingBrace = 0, openingBracket = 0, closingBracket = 0] = Buffer.from('{}[]');
const [comma = 0, colon = 0, letterU = 0] = Buffer.from(',:u');
/** Those between the last two are blank, too. */
const [space = 0, tab = 0, carriageReturn = 0] = Buffer.from(' \t\r');

/** Some tens of milliseconds for V8, whatever the parts are. */
const fewParts = 100_000;

/** Whether there are few objects, arrays and members, and none too deep, where the text is plain JSON. In one pass, without recursion. */
function hasFewParts(text: string): boolean {
  let [parts, depth] = [0, 0];
  for (let at = 0; at < text.length && parts <= fewParts && depth <= depthMax; at++) {
    const code = text.charCodeAt(at);
    if (code === doubleQuote) {
      for (at++; at < text.length; at++) {
        const within = text.charCodeAt(at);
        if (within === doubleQuote) break;
        if (within === backslash) at++;
      }
    } else if (code === openingBrace || code === openingBracket) {
      depth++;
      parts++;
    } else if (code === colon) parts++;
    else if (code === closingBrace || code === closingBracket) depth--;
  }
  return parts <= fewParts && depth <= depthMax;
}

const bareName = /[\p{L}_$][\p{L}\p{N}_$.-]*/uy;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const word = /true|false|null/y;
const whiteSpace = /\s/; // a byte order mark is some
/** What a character behind a backslash means, by its code; 0: nothing. */
const escapes = new Uint16Array(128);
for (const [letter, meant] of ['""', "''", '\\\\', '//', 'b\b', 'f\f', 'n\n', 'r\r', 't\t'])
  escapes[letter?.charCodeAt(0) ?? 0] = meant?.charCodeAt(0) ?? 0;

/** Between two turns of others: a few milliseconds. */
const charactersInTurn = 32 * 1024;

/** So many code units become a piece of a text at a time; the stack takes no more than some ten thousand. */
const unitsAtOnce = 4096;

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const letter = code | 0x20; // a small one
  if (letter < 0x61 || letter > 0x66) throw new RelaxedJsonError();
  return letter - 0x57;
}

type Visit = (path: readonly (string | number)[], offset: number) => void;

/** Reads without recursion, so that it can pause after any part. */
class RelaxedReader {
  #at = 0;
  /** What comes: a member or item, or the end of what it is in; a value; what is behind a value. */
  #next: 'part' | 'value' | 'after' = 'value';
  /** The objects and arrays that are open, the innermost last, and the name or index of what is being read in each. */
  readonly #open: (Json[] | Record<string, Json>)[] = [];
  readonly #steps: (string | number)[] = [];
  #whole: Json | undefined;

  readonly text: string;
  readonly visit: Visit | undefined;

  constructor(text: string, visit?: Visit) {
    this.text = text;
    this.visit = visit;
  }

  readAll(): Json {
    while (this.#whole === undefined) this.#readOn();
    return this.#ended(this.#whole);
  }

  async readInTurns(): Promise<Json> {
    let pause = charactersInTurn;
    while (this.#whole === undefined) {
      this.#readOn();
      if (this.#at < pause) continue;
      await othersTurn();
      pause = this.#at + charactersInTurn;
    }
    return this.#ended(this.#whole);
  }

  #ended(value: Json): Json {
    this.#skip();
    if (this.#at < this.text.length) throw new RelaxedJsonError();
    return value;
  }

  #readOn(): void {
    this.#skip();
    if (this.#next === 'value') this.#value();
    else if (this.#next === 'part') this.#part();
    else if (!this.#closes()) {
      this.#expect(comma);
      this.#next = 'part';
    }
  }

  #value(): void {
    this.visit?.(this.#steps, this.#at);
    const code = this.text.charCodeAt(this.#at);
    if (code === openingBrace) this.#enter({});
    else if (code === openingBracket) this.#enter([]);
    else {
      const value = code === doubleQuote || code === singleQuote ? this.#quoted(code) : this.#unquoted();
      this.#put(value);
      if (this.#open.length === 0) this.#whole = value;
    }
  }

  #enter(value: Json[] | Record<string, Json>): void {
    if (this.#open.length === depthMax) throw new RelaxedJsonError();
    this.#at++;
    this.#put(value);
    this.#open.push(value);
    this.#steps.push(0);
    this.#next = 'part';
  }

  #put(value: Json): void {
    const around = this.#open.at(-1);
    if (Array.isArray(around)) around.push(value);
    else if (around !== undefined) around[String(this.#steps.at(-1))] = value;
    this.#next = 'after';
  }

  /** Also after a comma, the end of what it is in may come. */
  #part(): void {
    if (this.#closes()) return;
    const around = this.#open.at(-1);
    if (Array.isArray(around)) this.#steps[this.#steps.length - 1] = around.length;
    else {
      const name = this.#name();
      if (name === '__proto__') throw new RelaxedJsonError(); // Object.assign with it would set a prototype
      this.#skip();
      this.#expect(colon);
      this.#steps[this.#steps.length - 1] = name;
    }
    this.#next = 'value';
  }

  #closes(): boolean {
    const around = this.#open.at(-1);
    const end = Array.isArray(around) ? closingBracket : closingBrace;
    if (this.text.charCodeAt(this.#at) !== end) return false;
    this.#at++;
    this.#open.pop();
    this.#steps.pop();
    this.#next = 'after';
    if (this.#open.length === 0) this.#whole = around;
    return true;
  }

  #name(): string {
    const code = this.text.charCodeAt(this.#at);
    if (code === doubleQuote || code === singleQuote) return this.#quoted(code);
    const name = this.#take(bareName);
    if (name === undefined) throw new RelaxedJsonError();
    return name;
  }

  #unquoted(): Json {
    const digits = this.#take(number);
    if (digits !== undefined) return Number(digits);
    const literal = this.#take(word);
    if (literal === undefined) throw new RelaxedJsonError();
    return literal === 'null' ? null : literal === 'true';
  }

  #quoted(quote: number): string {
    const from = ++this.#at;
    let hasEscapes = false;
    for (let at = from; ; at++) {
      const code = this.text.charCodeAt(at);
      if (Number.isNaN(code)) throw new RelaxedJsonError();
      if (code === backslash) {
        hasEscapes = true;
        at++;
      } else if (code === quote) {
        this.#at = at + 1;
        return hasEscapes ? this.#unescaped(from, at) : this.text.slice(from, at);
      }
    }
  }

  #unescaped(from: number, end: number): string {
    const units = new Uint16Array(end - from);
    let count = 0;
    for (let at = from; at < end; at++) {
      const code = this.text.charCodeAt(at);
      if (code !== backslash) units[count++] = code;
      else if (this.text.charCodeAt(++at) === letterU) {
        let unit = 0;
        for (let digit = 0; digit < 4; digit++) unit = unit * 16 + hexDigit(this.text.charCodeAt(++at));
        units[count++] = unit;
      } else {
        const meant = escapes[this.text.charCodeAt(at)] ?? 0;
        if (meant === 0) throw new RelaxedJsonError();
        units[count++] = meant;
      }
    }
    let value = '';
    for (let at = 0; at < count; at += unitsAtOnce)
      value += String.fromCharCode(...units.subarray(at, Math.min(count, at + unitsAtOnce)));
    return value;
  }

  #expect(code: number): void {
    if (this.text.charCodeAt(this.#at) !== code) throw new RelaxedJsonError();
    this.#at++;
  }

  #skip(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.#at);
      if (code === space || (code >= tab && code <= carriageReturn)) this.#at++;
      else if (code === slash && this.#comment()) continue;
      else if (code >= 0x80 && whiteSpace.test(String.fromCharCode(code))) this.#at++;
      else return;
    }
  }

  /** Whether one is there, and ends; then it is left behind. */
  #comment(): boolean {
    const next = this.text.charCodeAt(this.#at + 1);
    if (next !== slash && next !== asterisk) return false;
    const end = next === slash ? this.text.indexOf('\n', this.#at) : this.text.indexOf('*/', this.#at + 2) + 2;
    if (next === asterisk && end === 1) return false;
    this.#at = end === -1 ? this.text.length : end;
    return true;
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at;
    if (!pattern.test(this.text)) return undefined;
    const from = this.#at;
    this.#at = pattern.lastIndex;
    return this.text.slice(from, this.#at);
  }
}
