/** Cases and lengths of texts as DuckDB has them: each character by itself, so that no text gets longer. */

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
    (character) => (character === '\u0130' ? 'i' : character),
  );
export const upperText = (text: string): string =>
  mapped(
    text,
    (part) => part.toUpperCase(),
    (character) => (character === '\u00df' ? '\u1e9e' : character),
  );

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });
/** What is read as one character keeps its order. */
export const reversedText = (text: string): string =>
  Array.from(segmenter.segment(text), ({ segment }) => segment)
    .reverse()
    .join('');
