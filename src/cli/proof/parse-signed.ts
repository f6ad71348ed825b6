/** Why a text that is JSON may mean something else to another reader than to this one. */
export class Ambiguous extends Error {
  override readonly name = 'Ambiguous';
}

/** In JSON nothing else is between two of them but white space, `true`, `false` and `null`. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d[\d.eE+-]*|[{}[\],]/g;

/** What was signed is a value, what people keep is a text: it must not be read in two ways.
 * @throws SyntaxError for anything that is no JSON, bytes that are no UTF-8 among it
 * @throws Ambiguous when an object has a member twice, or a number has digits that a reader may lose
 * @see RFC 8259, sections 4 and 6; RFC 7493 */
export function parseSigned(bytes: Uint8Array): unknown {
  const text = textOf(bytes);
  const value: unknown = JSON.parse(text);
  /** Names of the object that a token is in; of a list: none. */
  const open: (Set<string> | undefined)[] = [];
  let isName = false;
  for (const [token] of text.matchAll(tokens)) {
    const names = open.at(-1);
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : undefined);
      isName = token === '{';
    } else if (token === '}' || token === ']') {
      open.pop();
      isName = false;
    } else if (token === ',') isName = names !== undefined;
    else if (token.startsWith('"')) {
      if (isName && names !== undefined) addName(names, token);
      isName = false;
    } else if (JSON.stringify(Number(token)) !== token) throw new Ambiguous(`The number ${token} is not exact.`);
  }
  return value;
}

function addName(names: Set<string>, token: string): void {
  const name = JSON.parse(token) as string;
  if (names.has(name)) throw new Ambiguous(`It has the member ${JSON.stringify(name)} twice in one place.`);
  names.add(name);
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new SyntaxError('It is no UTF-8.');
  }
}
