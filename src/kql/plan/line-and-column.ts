/** Where in a text a place is. @returns the line from 1, and the position in it from 0, in UTF-16 units */
export function lineAndColumn(text: string, offset: number): { readonly line: number; readonly position: number } {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  return { line, position: offset - before.lastIndexOf('\n') - 1 };
}
