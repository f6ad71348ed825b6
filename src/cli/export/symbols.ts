/** Names for the resources and parameters of an export. */
export interface Symbols {
  /** The same parts, given in the same order, get the same symbol. */
  readonly symbolOf: (...parts: readonly string[]) => string;
}

export function createSymbols(): Symbols {
  const taken = new Set<string>();
  return {
    symbolOf: (...parts) => {
      const wanted = parts.map(inCamelCase).join('_');
      let symbol = wanted;
      // Languages differ in whether they tell case apart.
      for (let number = 2; taken.has(symbol.toLowerCase()); number += 1) symbol = `${wanted}_${number}`;
      taken.add(symbol.toLowerCase());
      return symbol;
    },
  };
}

/** `contoso-keys` → `contosoKeys`; what has no letter or digit of ASCII is `x`. */
function inCamelCase(text: string): string {
  const words = text.match(/[A-Za-z0-9]+/g) ?? ['x'];
  return words.map((word, at) => (at === 0 ? word : word.charAt(0).toUpperCase() + word.slice(1))).join('');
}
