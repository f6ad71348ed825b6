import Table from 'cli-table3';

/** Room for a cell's border and blanks. */
const around = 3;
const columnCharactersMin = 8;

/** Undefined: what is written goes to no terminal. */
export const terminalWidth = (): number | undefined => (process.stdout.isTTY ? process.stdout.columns : undefined);

/** A table that fits the terminal: wide columns are folded, nothing is cut off. Where there are too many columns for that, each row becomes a
 * block of lines. What is not written to a terminal is as wide as it needs.
 * @param width characters; undefined: no limit */
export function textTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  width: number | undefined = terminalWidth(),
): string {
  const longest = head.map((title, index) =>
    rows.reduce((most, row) => Math.max(most, longestLine(row[index] ?? '')), longestLine(title)),
  );
  const room = width === undefined ? Infinity : width - 1 - around * head.length;
  const cap = capOf(longest, room);
  if (cap < columnCharactersMin && head.length > 1) return blocks(head, rows);
  const widths = longest.map((one) => Math.min(one, Math.max(cap, 1)));
  const table = new Table({ style: { head: [], border: [] } });
  for (const row of [head, ...rows]) table.push(row.map((cell, index) => folded(cell, widths[index] ?? 1)));
  return table.toString();
}

/** @returns the width that no column need exceed for all to fit into `room` */
function capOf(longest: readonly number[], room: number): number {
  const ascending = [...longest].sort((left, right) => left - right);
  let rest = room;
  for (const [index, one] of ascending.entries()) {
    const share = Math.floor(rest / (ascending.length - index));
    if (one > share) return share;
    rest -= one;
  }
  return Infinity;
}

const longestLine = (text: string): number => text.split('\n').reduce((most, line) => Math.max(most, line.length), 1);

const blocks = (head: readonly string[], rows: readonly (readonly string[])[]): string => {
  const nameWidth = head.reduce((most, { length }) => Math.max(most, length), 0);
  return rows
    .map((row) => head.map((name, index) => `${name.padEnd(nameWidth)}  ${row[index] ?? ''}`).join('\n'))
    .join('\n\n');
};

/** At blanks, and within words that are longer than a line. */
const folded = (text: string, width: number): string =>
  text
    .split('\n')
    .flatMap((line) => foldedLine(line, width))
    .join('\n');

function foldedLine(text: string, width: number): readonly string[] {
  if (text.length <= width) return [text];
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => pieces(one, width))) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

const pieces = (word: string, width: number): readonly string[] =>
  word.length <= width ? [word] : (word.match(new RegExp(`.{1,${width}}`, 'gsu')) ?? [word]);
