import { armErrors } from './arm-errors.ts';

/** `name eq 'v'`, or `name ne 'v'`. Property names keep their case; compare without. */
export interface FilterComparison {
  readonly kind: 'comparison';
  readonly property: string;
  readonly operator: string;
  readonly value: string;
}

/** `substringof('v', name)`, `atScope()`: arguments are literals or property names. */
export interface FilterCall {
  readonly kind: 'call';
  readonly name: string;
  readonly args: readonly ({ readonly literal: string } | { readonly property: string })[];
}

export type FilterTerm = FilterComparison | FilterCall;

/** Alternatives, each of them terms that must all hold. */
export type Filter = readonly (readonly FilterTerm[])[];

type Token = { readonly kind: 'word' | 'text' | 'mark'; readonly text: string };

const charsMax = 4096;
const termsMax = 100;

/** The part of OData filters that lists of the resource manager take: comparisons and calls, joined with `and` and `or`. What a
 * property or function means is the caller's business, and so is refusing the unknown by name.
 * @throws ArmError 400 with the place of the mistake */
export function parseFilter(text: string): Filter {
  if (text.length > charsMax) throw armErrors.InvalidFilterInQueryString(`it has more than ${charsMax} characters.`);
  const tokens = tokenize(text);
  const alternatives: FilterTerm[][] = [[]];
  let at = 0;
  for (let terms = 0; ; terms++) {
    if (terms === termsMax) throw armErrors.InvalidFilterInQueryString(`it has more than ${termsMax} terms.`);
    const { term, next } = readTerm(tokens, at);
    alternatives.at(-1)?.push(term);
    const joint = tokens[next];
    if (joint === undefined) return alternatives;
    const word = joint.kind === 'word' ? joint.text.toLowerCase() : '';
    if (word === 'or') alternatives.push([]);
    else if (word !== 'and') throw unexpected(joint);
    at = next + 1;
  }
}

function readTerm(tokens: readonly Token[], at: number): { readonly term: FilterTerm; readonly next: number } {
  const [name, second, third] = tokens.slice(at, at + 3);
  if (name?.kind !== 'word') throw unexpected(name);
  if (second?.kind === 'mark' && second.text === '(') return readCall(tokens, at);
  if (second?.kind !== 'word') throw unexpected(second);
  if (third === undefined || third.kind === 'mark') throw unexpected(third);
  return {
    term: { kind: 'comparison', property: name.text, operator: second.text.toLowerCase(), value: third.text },
    next: at + 3,
  };
}

function readCall(tokens: readonly Token[], at: number): { readonly term: FilterTerm; readonly next: number } {
  const args: FilterCall['args'][number][] = [];
  let next = at + 2;
  while (!isMark(tokens[next], ')')) {
    const token = tokens[next];
    if (token === undefined || token.kind === 'mark') throw unexpected(token);
    args.push(token.kind === 'text' ? { literal: token.text } : { property: token.text });
    next++;
    if (isMark(tokens[next], ',') && !isMark(tokens[next + 1], ')')) next++;
    else if (!isMark(tokens[next], ')')) throw unexpected(tokens[next]);
  }
  return { term: { kind: 'call', name: tokens[at]?.text ?? '', args }, next: next + 1 };
}

const isMark = (token: Token | undefined, mark: string): boolean => token?.kind === 'mark' && token.text === mark;

function tokenize(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern = /\s*(?:'((?:[^']|'')*)'|([A-Za-z0-9_][\w./:+-]*)|([(),]))/y;
  while (text.slice(pattern.lastIndex).trim() !== '') {
    const at = pattern.lastIndex;
    const found = pattern.exec(text);
    if (found === null) throw armErrors.InvalidFilterInQueryString(`syntax error at position ${at}.`);
    const [, literal, word, mark] = found;
    if (literal !== undefined) tokens.push({ kind: 'text', text: literal.replaceAll("''", "'") });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else tokens.push({ kind: 'mark', text: mark ?? '' });
  }
  return tokens;
}

const unexpected = (token: Token | undefined): Error =>
  armErrors.InvalidFilterInQueryString(
    token === undefined ? 'it ends too early.' : `'${token.text}' is not expected there.`,
  );

/** The refusal of a term that the caller does not know. */
export function unsupportedTerm(term: FilterTerm): Error {
  const what = term.kind === 'call' ? `the function '${term.name}'` : `'${term.property} ${term.operator}'`;
  return armErrors.InvalidFilterInQueryString(`${what} is not supported here.`);
}
