/** What a condition is written with. */
export type Token =
  | { readonly kind: '(' | ')' | '{' | '}' | ',' | 'AND' | 'OR' | 'NOT' }
  /** Of an operator, a function, a GUID or a number. */
  | { readonly kind: 'word'; readonly text: string }
  | { readonly kind: 'string'; readonly text: string }
  /** `@Request[Microsoft.Authorization/roleAssignments:PrincipalId]` */
  | { readonly kind: 'attribute'; readonly source: string; readonly name: string };

const pattern =
  /\s+|(?<mark>[(){},]|&&|\|\||!)|'(?<string>[^'\\]*(?:\\.[^'\\]*)*)'|@(?<source>\w+)\[(?<name>[^\][]+)\]|(?<word>[A-Za-z0-9][\w:-]*)/uy;

type Mark = Exclude<Token['kind'], 'word' | 'string' | 'attribute'>;

const marks = new Map<string, Mark>([
  ...(['(', ')', '{', '}', ','] as const).map((mark): [string, Mark] => [mark, mark]),
  ['&&', 'AND'],
  ['||', 'OR'],
  ['!', 'NOT'],
  ...(['AND', 'OR', 'NOT'] as const).map((mark): [string, Mark] => [mark, mark]),
]);

/** @returns undefined when something in the text is none of these */
export function tokensOf(text: string): readonly Token[] | undefined {
  const tokens: Token[] = [];
  const scanner = new RegExp(pattern);
  while (scanner.lastIndex < text.length) {
    const groups = scanner.exec(text)?.groups;
    if (groups === undefined) return undefined;
    const { mark, string, source, name, word } = groups;
    const known = marks.get(mark ?? word ?? '');
    if (known !== undefined) tokens.push({ kind: known });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string });
    else if (source !== undefined && name !== undefined) tokens.push({ kind: 'attribute', source, name });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
  }
  return tokens;
}
