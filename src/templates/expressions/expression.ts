import { TemplateError } from './template-error.ts';

/** A parsed expression. */
export type Node =
  | { readonly kind: 'text'; readonly value: string }
  | { readonly kind: 'number'; readonly value: number }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Node[] }
  | { readonly kind: 'member'; readonly of: Node; readonly name: Node };

/** The service's own limit for one expression. */
const expressionCharsMax = 24_576;
const depthMax = 200;

/** What a text in a template stands for: an expression in brackets, or itself (`[[` at its start means one bracket).
 * @throws TemplateError for an expression that cannot be read */
export function parseTemplateText(text: string): { readonly literal: string } | { readonly expression: Node } {
  if (!text.startsWith('[') || !text.endsWith(']')) return { literal: text };
  if (text.startsWith('[[')) return { literal: text.slice(1) };
  if (text.length > expressionCharsMax) {
    throw new TemplateError(
      `The language expression length limit exceeded. Limit: '${expressionCharsMax}' and actual: '${text.length}'. Please see https://aka.ms/arm-syntax-expressions for usage details.`,
    );
  }
  return { expression: new ExpressionReader(text, 1, text.length - 1).readAll() };
}

const identifier = /[A-Za-z_$][\w$]*/y;
const integer = /[+-]?\d+/y;
const quoted = /'((?:[^']|'')*)'/y;
const space = /\s*/y;

class ExpressionReader {
  readonly #text: string;
  readonly #end: number;
  #at: number;
  #depth = 0;

  constructor(text: string, start: number, end: number) {
    this.#text = text;
    this.#at = start;
    this.#end = end;
  }

  readAll(): Node {
    const node = this.#expression();
    if (this.#peek() !== undefined) throw this.#unreadable();
    return node;
  }

  #expression(): Node {
    if (++this.#depth > depthMax) throw this.#unreadable();
    let node = this.#primary();
    for (let steps = 0; ; steps++) {
      if (steps > depthMax) throw this.#unreadable();
      const next = this.#peek();
      if (next === '.') {
        this.#at++;
        node = { kind: 'member', of: node, name: { kind: 'text', value: this.#required(identifier) } };
      } else if (next === '[') {
        this.#at++;
        node = { kind: 'member', of: node, name: this.#expression() };
        this.#expect(']');
      } else break;
    }
    this.#depth--;
    return node;
  }

  #primary(): Node {
    const text = this.#take(quoted);
    if (text !== undefined) return { kind: 'text', value: text.slice(1, -1).replaceAll("''", "'") };
    const digits = this.#take(integer);
    if (digits !== undefined) return { kind: 'number', value: Number(digits) };
    let name = this.#required(identifier);
    if (this.#peek() === '.') {
      // A function of the template's own: its namespace comes first.
      this.#at++;
      name += `.${this.#required(identifier)}`;
    }
    this.#expect('(');
    const args: Node[] = [];
    if (this.#peek() !== ')') {
      args.push(this.#expression());
      while (this.#peek() === ',') {
        this.#at++;
        args.push(this.#expression());
      }
    }
    this.#expect(')');
    return { kind: 'call', name, args };
  }

  #peek(): string | undefined {
    space.lastIndex = this.#at;
    this.#at += space.exec(this.#text)?.[0].length ?? 0;
    return this.#at < this.#end ? this.#text[this.#at] : undefined;
  }

  #take(pattern: RegExp): string | undefined {
    this.#peek();
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined || this.#at + found.length > this.#end) return undefined;
    this.#at += found.length;
    return found;
  }

  #required(pattern: RegExp): string {
    const found = this.#take(pattern);
    if (found === undefined) throw this.#unreadable();
    return found;
  }

  #expect(character: string): void {
    if (this.#peek() !== character) throw this.#unreadable();
    this.#at++;
  }

  #unreadable(): TemplateError {
    const shown = this.#text.slice(1, -1).slice(0, 200);
    return new TemplateError(
      `Unable to parse language expression '${shown}': an unexpected token was found at position '${this.#at}'. Please see https://aka.ms/arm-syntax-expressions for usage details.`,
    );
  }
}

/** Every call in an expression, the outer before the inner. */
export function callsIn(node: Node): readonly Extract<Node, { kind: 'call' }>[] {
  if (node.kind === 'member') return [...callsIn(node.of), ...callsIn(node.name)];
  return node.kind === 'call' ? [node, ...node.args.flatMap(callsIn)] : [];
}
