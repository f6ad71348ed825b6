import { comment, stringLiteral } from './string-literals.ts';

/** Whoever forgot to end a literal did not mean to show it: it goes to the end of the line, or of the text. */
const unended = /h?(?:```[\s\S]*|~~~[\s\S]*|@["'][\s\S]*|["'][^\n]*)/i;
const literals = new RegExp(`${comment.source}|${stringLiteral.source}|${unended.source}`, 'gi');
const address = /:\/\/[^?;]*[?;]/;
const hidden = '***';

/** A text as it may be shown to others: obfuscated string literals (`h'…'`) without what is in them, and addresses in other literals without
 * what proves access: all after the first `?` or `;`. @see Kusto "The string data type", obfuscated string literals */
export function obfuscated(text: string): string {
  return mayHide(text) ? text.replace(literals, obfuscatedLiteral) : text;
}

/** A text without what its obfuscated string literals hide. All else of it is as it was. */
export const withoutHidden = (text: string): string =>
  hasHidden.test(text) ? text.replace(literals, (literal) => (/^h/i.test(literal) ? hiding(literal) : literal)) : text;

/** For `JSON.stringify`: the texts in a value, such as queries of policies, without what they hide. */
export const hidingTexts = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? withoutHidden(value) : value;

/** Texts about a text, such as what is wrong with it, without what the text itself hides. Of one that hides more than anybody writes, nothing
 * is shown. */
export function hidingWhat(text: string): (about: string) => string {
  const found = mayHide(text) ? (text.match(literals) ?? []) : [];
  const changes = new Map<string, string>();
  for (const literal of found) {
    const shown = obfuscatedLiteral(literal);
    if (shown === literal) continue;
    const content = contentOf(literal);
    changes.set(literal, shown);
    for (const quoted of ['"', "'"].map(
      (quote) => [`${quote}${content}${quote}`, `${quote}${hidden}${quote}`] as const,
    ))
      if (!changes.has(quoted[0])) changes.set(...quoted);
    // A short one would be found within other words.
    if (content.length >= contentMin) changes.set(content, hidden);
    if (changes.size > changesMax) return () => hidden;
  }
  return (about) => [...changes].reduce((rest, [secret, shown]) => rest.replaceAll(secret, () => shown), about);
}
const contentMin = 6;
const changesMax = 1_000;

const hasHidden = /h@?["'`~]/i;
const mayHide = (text: string): boolean => hasHidden.test(text) || text.includes('://');

function obfuscatedLiteral(literal: string): string {
  if (literal.startsWith('//')) return literal;
  if (/^h/i.test(literal)) return hiding(literal);
  const proof = address.exec(literal);
  return proof === null ? literal : `${literal.slice(0, proof.index + proof[0].length)}${hidden}${quoteOf(literal)}`;
}

const hiding = (literal: string): string => {
  const quote = quoteOf(literal);
  return `${literal.slice(0, literal.indexOf(quote))}${quote}${hidden}${quote}`;
};

const quoteOf = (literal: string): string => /```|~~~|["']/.exec(literal)?.[0] ?? '';

function contentOf(literal: string): string {
  const quote = quoteOf(literal);
  const begun = literal.slice(literal.indexOf(quote) + quote.length);
  return begun.endsWith(quote) ? begun.slice(0, begun.length - quote.length) : begun;
}
