/** Cases of texts: each character by itself, so that no text gets longer. A letter whose counterpart is longer, or is no
 * counterpart the other way round (ı, İ), stays. */

const mapped = (text: string, change: (text: string) => string, other: (character: string) => string): string => {
  if (/^[\0-\x7f]*$/.test(text)) return change(text);
  let result = '';
  for (const character of text) {
    const changed = change(character);
    result += changed.length === character.length ? changed : other(character);
  }
  return result;
};

export const lowerText = (text: string): string =>
  mapped(
    text,
    (part) => part.toLowerCase(),
    (character) => character,
  );
/** What texts are compared by where case does not matter: as DuckDB has it. */
export const foldedText = (text: string): string => lowerText(text).replaceAll('\u0130', 'i');
export const upperText = (text: string): string =>
  mapped(text, (part) => (part === '\u0131' ? part : part.toUpperCase()), greekUpper);

/** Greek small letters with an iota below have one capital letter for both. */
function greekUpper(character: string): string {
  if (/[\u1f80-\u1f87\u1f90-\u1f97\u1fa0-\u1fa7]/.test(character)) return shifted(character, 8);
  return /[\u1fb3\u1fc3\u1ff3]/.test(character) ? shifted(character, 9) : character;
}
const shifted = (character: string, by: number): string => String.fromCharCode(character.charCodeAt(0) + by);
