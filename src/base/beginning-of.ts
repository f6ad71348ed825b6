/** The beginning of a text as a string of its own: what `slice` gives keeps the whole text in memory.
 * @param units UTF-16 units, at most */
export const beginningOf = (text: string, units: number): string =>
  Buffer.from(text.slice(0, units), 'utf16le').toString('utf16le');
