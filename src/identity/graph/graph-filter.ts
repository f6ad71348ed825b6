import type { Json, JsonObject } from '../../base/json.ts';
import { graphErrors } from './graph-error.ts';

export type Predicate = (entity: JsonObject) => boolean;

type Token = { readonly kind: 'word' | 'text' | 'mark'; readonly text: string };

const charsMax = 4_096;
const tokensMax = 1_000;

/** The part of OData that directory objects can be filtered with: `eq`, `in`, `startswith`, `any`, `and`, `or` and brackets. Texts are
 * compared without case. What Graph takes in "advanced queries" only (`ne`, `not`, `endswith`, `contains`) is refused by name.
 * @param filterable names that Graph filters by
 * @throws GraphError 400 */
export function parseGraphFilter(text: string, filterable: ReadonlySet<string>, resource: string): Predicate {
  if (text.length > charsMax) throw graphErrors.invalidFilter('it is too long.');
  const parser = new Parser(tokenize(text), filterable, resource);
  return parser.whole();
}

class Parser {
  #at = 0;
  readonly #tokens: readonly Token[];
  readonly #filterable: ReadonlySet<string>;
  readonly #resource: string;

  constructor(tokens: readonly Token[], filterable: ReadonlySet<string>, resource: string) {
    this.#tokens = tokens;
    this.#filterable = filterable;
    this.#resource = resource;
  }

  whole(): Predicate {
    const predicate = this.#alternatives(0);
    if (this.#at < this.#tokens.length) throw this.#unexpected();
    return predicate;
  }

  #alternatives(depth: number): Predicate {
    const all = [this.#conjunction(depth)];
    while (this.#takesWord('or')) all.push(this.#conjunction(depth));
    return (entity) => all.some((one) => one(entity));
  }

  #conjunction(depth: number): Predicate {
    const all = [this.#primary(depth)];
    while (this.#takesWord('and')) all.push(this.#primary(depth));
    return (entity) => all.every((one) => one(entity));
  }

  #primary(depth: number): Predicate {
    if (depth > 50) throw graphErrors.invalidFilter('it nests too deep.');
    if (this.#takesMark('(')) {
      const inner = this.#alternatives(depth + 1);
      this.#expectMark(')');
      return inner;
    }
    const name = this.#word();
    if (name.endsWith('/any') && this.#takesMark('(')) return this.#any(name.slice(0, -'/any'.length));
    if (this.#takesMark('(')) return this.#call(name);
    const operator = this.#word().toLowerCase();
    if (operator === 'eq') return this.#equals(name, this.#literal());
    if (operator === 'in') return this.#in(name);
    throw graphErrors.unsupportedFilter(name, this.#resource);
  }

  #equals(name: string, wanted: Json): Predicate {
    this.#check(name);
    return (entity) => isSame(entity[name] ?? null, wanted);
  }

  #in(name: string): Predicate {
    this.#check(name);
    const wanted: Json[] = [];
    this.#expectMark('(');
    do wanted.push(this.#literal());
    while (this.#takesMark(','));
    this.#expectMark(')');
    return (entity) => wanted.some((one) => isSame(entity[name] ?? null, one));
  }

  #call(name: string): Predicate {
    const property = this.#word();
    this.#expectMark(',');
    const prefix = this.#literal();
    this.#expectMark(')');
    if (name.toLowerCase() !== 'startswith' || typeof prefix !== 'string')
      throw graphErrors.unsupportedFilter(property, this.#resource);
    this.#check(property);
    return (entity) => {
      const value = entity[property];
      return typeof value === 'string' && value.toLowerCase().startsWith(prefix.toLowerCase());
    };
  }

  /** `names/any(n:n eq 'x')`; the bracket is taken. */
  #any(property: string): Predicate {
    this.#check(property);
    const variable = this.#word();
    this.#expectMark(':');
    const [name, operator] = [this.#word(), this.#word().toLowerCase()];
    const wanted = this.#literal();
    this.#expectMark(')');
    if (name !== variable || operator !== 'eq') throw graphErrors.unsupportedFilter(property, this.#resource);
    return (entity) => {
      const values = entity[property];
      return Array.isArray(values) && values.some((value: Json) => isSame(value, wanted));
    };
  }

  #check(name: string): void {
    if (!this.#filterable.has(name)) throw graphErrors.unsupportedFilter(name, this.#resource);
  }

  #literal(): Json {
    const token = this.#tokens[this.#at];
    const words: Readonly<Record<string, Json>> = { true: true, false: false, null: null };
    this.#at += 1;
    if (token?.kind === 'text') return token.text;
    const value = token?.kind === 'word' && Object.hasOwn(words, token.text) ? words[token.text] : undefined;
    if (value !== undefined) return value;
    // Graph takes GUIDs with and without quotes.
    if (token?.kind === 'word' && /^[0-9a-f-]{36}$/i.test(token.text)) return token.text;
    this.#at -= 1;
    throw this.#unexpected();
  }

  #word(): string {
    const token = this.#tokens[this.#at];
    if (token?.kind !== 'word') throw this.#unexpected();
    this.#at += 1;
    return token.text;
  }

  #takesWord(word: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === 'word' && token.text.toLowerCase() === word;
    if (isIt) this.#at += 1;
    return isIt;
  }

  #takesMark(mark: string): boolean {
    const token = this.#tokens[this.#at];
    const isIt = token?.kind === 'mark' && token.text === mark;
    if (isIt) this.#at += 1;
    return isIt;
  }

  #expectMark(mark: string): void {
    if (!this.#takesMark(mark)) throw this.#unexpected();
  }

  #unexpected(): Error {
    const token = this.#tokens[this.#at];
    return graphErrors.invalidFilter(
      token === undefined ? 'it ends too early.' : `'${token.text}' is not expected there.`,
    );
  }
}

const isSame = (value: Json, wanted: Json): boolean =>
  typeof value === 'string' && typeof wanted === 'string'
    ? value.toLowerCase() === wanted.toLowerCase()
    : value === wanted;

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|([A-Za-z0-9_][\w./-]*)|([(),:]))/y;
  while (text.slice(pattern.lastIndex).trim() !== '') {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null || tokens.length >= tokensMax)
      throw graphErrors.invalidFilter(`syntax error at position ${at}.`);
    const [, literal, word, mark] = found;
    if (literal !== undefined) tokens.push({ kind: 'text', text: literal.replaceAll("''", "'") });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens;
}
