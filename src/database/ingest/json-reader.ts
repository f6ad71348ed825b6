import { formatDatetime, formatTimespan } from '../../kql/values/ticks.ts';
import { malformedData } from '../catalog/data-error.ts';

/** A number as it was written: JavaScript's own would lose digits. */
export class JsonNumber {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A number of a binary format that stands for a time: a number where a number is wanted, a time where a time is. */
export class JsonTime extends JsonNumber {
  readonly type: 'datetime' | 'timespan';
  readonly ticks: bigint;

  /** @param text the number as it is stored */
  constructor(text: string, type: 'datetime' | 'timespan', ticks: bigint) {
    super(text);
    this.type = type;
    this.ticks = ticks;
  }

  /** As KQL writes it. */
  get shown(): string {
    return this.type === 'datetime' ? formatDatetime(this.ticks) : formatTimespan(this.ticks);
  }
}

/** Bytes of a binary format. */
export class JsonBytes {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get base64(): string {
    return Buffer.from(this.bytes).toString('base64');
  }

  /** Text where they are UTF-8, else base64. */
  get text(): string {
    try {
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(this.bytes);
    } catch {
      return this.base64;
    }
  }
}

export type JsonNode = null | boolean | string | JsonNumber | JsonBytes | readonly JsonNode[] | JsonBag;
/** In the order of the text; of a name given twice the last value counts. */
export type JsonBag = ReadonlyMap<string, JsonNode>;

export const isBag = (node: JsonNode | undefined): node is JsonBag => node instanceof Map;

const depthMax = 200;
/** Within one: an empty object is two characters, and a hundred bytes of memory. */
const valuesMax = 1_000_000;
/** Of one value, before it stops. */
export const unitsPerStep = 4_096;

const opens = (character: string | undefined): boolean => character === '{' || character === '[';

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// eslint-disable-next-line no-control-regex -- JSON allows no control characters in strings (RFC 8259, 7)
const plainPattern = /[^"\\\u0000-\u001f]*/y;
const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

/** Reads JSON values one after the other (RFC 8259), with the place of what is wrong. */
export class JsonReader {
  readonly #text: string;
  readonly #firstLine: number;
  #at: number;
  #stoppedAt: number;
  #values = 0;

  /** @param firstLine of the text, where it is a part of a longer one */
  constructor(text: string, at = 0, firstLine = 1) {
    this.#text = text;
    this.#firstLine = firstLine;
    this.#at = at;
    this.#stoppedAt = at;
  }

  get offset(): number {
    return this.#at;
  }

  /** @returns whether anything but white space is left */
  more(): boolean {
    this.#space();
    return this.#at < this.#text.length;
  }

  /** Steps over one character if it comes next. */
  take(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** What comes next, white space aside; undefined: the end. */
  get next(): string | undefined {
    this.#space();
    return this.#text[this.#at];
  }

  /** @throws DataError `MalformedData` */
  value(): JsonNode {
    const steps = this.steps();
    for (;;) {
      const step = steps.next();
      if (step.done === true) return step.value;
    }
  }

  /** As `value`, but one that is long stops after every so many characters, so that it is read in several turns.
   * @throws DataError `MalformedData` */
  *steps(depth = 0): Generator<undefined, JsonNode> {
    if (depth === 0) this.#values = 0;
    const first = this.next;
    if (!opens(first)) return this.#scalar(first, depth);
    if (depth > depthMax) throw this.#tooDeep();
    this.#count();
    return first === '{' ? yield* this.#bag(depth) : yield* this.#array(depth);
  }

  /** The items of an array that comes next, each as soon as it is read; undefined: it stops in one. @throws DataError `MalformedData` */
  *items(depth = 0): Generator<{ readonly item: JsonNode } | undefined, void> {
    this.#space();
    this.#at += 1;
    if (this.take(']')) return;
    do {
      if (this.#isLong()) yield undefined;
      const first = this.next;
      yield { item: opens(first) ? yield* this.steps(depth + 1) : this.#scalar(first, depth + 1) };
    } while (this.take(','));
    if (!this.take(']')) throw this.fail("',' or ']' is expected");
  }

  #isLong(): boolean {
    if (this.#at - this.#stoppedAt < unitsPerStep) return false;
    this.#stoppedAt = this.#at;
    return true;
  }

  #tooDeep(): Error {
    return this.fail(`JSON is nested more than ${depthMax} levels deep`);
  }

  #count(): void {
    if ((this.#values += 1) > valuesMax)
      throw malformedData('Stream_InputStreamTooLarge', `A JSON value has more than ${valuesMax} values in it`);
  }

  #scalar(first: string | undefined, depth: number): JsonNode {
    this.#count();
    if (depth > depthMax) throw this.#tooDeep();
    switch (first) {
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      case undefined:
        throw this.fail('JSON ends too early');
      default:
        return this.#number();
    }
  }

  /** @param at where, when it is not the place that reading has come to */
  fail(problem: string, at = this.#at): Error {
    const before = this.#text.slice(0, at).split('\n');
    const position = { line: before.length + this.#firstLine - 1, column: (before.at(-1)?.length ?? 0) + 1 };
    return malformedData('BadRequest_UnexpectedCharacterInInputStream', problem, position);
  }

  *#bag(depth: number): Generator<undefined, JsonBag> {
    const bag = new Map<string, JsonNode>();
    this.#at += 1;
    if (this.take('}')) return bag;
    do {
      if (this.#isLong()) yield undefined;
      if (this.next !== '"') throw this.fail('A property name in quotes is expected');
      const name = this.#string();
      if (!this.take(':')) throw this.fail("':' is expected");
      const first = this.next;
      bag.set(name, opens(first) ? yield* this.steps(depth + 1) : this.#scalar(first, depth + 1));
    } while (this.take(','));
    if (!this.take('}')) throw this.fail("',' or '}' is expected");
    return bag;
  }

  *#array(depth: number): Generator<undefined, JsonNode[]> {
    const items: JsonNode[] = [];
    for (const step of this.items(depth)) {
      if (step === undefined) yield undefined;
      else items.push(step.item);
    }
    return items;
  }

  #string(): string {
    let result = '';
    this.#at += 1;
    for (;;) {
      plainPattern.lastIndex = this.#at;
      const plain = plainPattern.exec(this.#text)?.[0] ?? '';
      result += plain;
      this.#at += plain.length;
      const next = this.#text[this.#at];
      if (next === '"') {
        this.#at += 1;
        return result;
      }
      if (next !== '\\')
        throw this.fail(
          next === undefined ? 'A string has no closing quote' : 'A control character stands in a string',
        );
      result += this.#escape();
    }
  }

  #escape(): string {
    const letter = this.#text[this.#at + 1] ?? '';
    if (letter === 'u') {
      const digits = this.#text.slice(this.#at + 2, this.#at + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) throw this.fail('An escape in a string is not valid');
      this.#at += 6;
      return String.fromCharCode(parseInt(digits, 16));
    }
    const character = Object.hasOwn(escapes, letter) ? escapes[letter] : undefined;
    if (character === undefined) throw this.fail('An escape in a string is not valid');
    this.#at += 2;
    return character;
  }

  #number(): JsonNumber {
    numberPattern.lastIndex = this.#at;
    const text = numberPattern.exec(this.#text)?.[0];
    if (text === undefined) throw this.fail('A JSON value is expected');
    this.#at += text.length;
    return new JsonNumber(text);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw this.fail('A JSON value is expected');
    this.#at += word.length;
    return value;
  }

  #space(): void {
    while (this.#at < this.#text.length && ' \t\r\n'.includes(this.#text[this.#at] ?? '')) this.#at += 1;
  }
}

/** JSON without white space; numbers as they were written. */
export function writeJson(node: JsonNode): string {
  if (node instanceof JsonTime) return JSON.stringify(node.shown);
  if (node instanceof JsonBytes) return JSON.stringify(node.text);
  if (node instanceof JsonNumber) return node.text;
  if (isBag(node))
    return `{${[...node].map(([name, value]) => `${JSON.stringify(name)}:${writeJson(value)}`).join(',')}}`;
  if (Array.isArray(node)) return `[${node.map((item) => writeJson(item as JsonNode)).join(',')}]`;
  return JSON.stringify(node);
}
