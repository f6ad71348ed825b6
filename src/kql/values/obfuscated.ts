import { comment, stringLiteral } from './string-literals.ts';

const literals = new RegExp(`${comment.source}|${stringLiteral.source}`, 'gi');
const address = /:\/\/[^?;]*[?;]/;
const hidden = '***';

/** A text as it may be shown to others: obfuscated string literals (`h'…'`) without what is in them, and addresses in other literals without
 * what proves access: all after the first `?` or `;`. @see Kusto "The string data type", obfuscated string literals */
export function obfuscated(text: string): string {
  if (!/[hH]@?["'`~]|:\/\//.test(text)) return text;
  return text.replace(literals, (found) => {
    if (found.startsWith('//')) return found;
    const [quote = ''] = /```|~~~|["']/.exec(found) ?? [];
    if (/^h/i.test(found)) return `${found.slice(0, found.indexOf(quote))}${quote}${hidden}${quote}`;
    const proof = address.exec(found);
    return proof === null ? found : `${found.slice(0, proof.index + proof[0].length)}${hidden}${quote}`;
  });
}
