/** Prose in lines of fewer than 100 columns. A word that is longer stands alone. */
export function wrapped(text: string, indent = ''): string {
  const lines: string[] = [];
  for (const word of text.split(/\s+/).filter((part) => part !== '')) {
    const last = lines.at(-1);
    if (last === undefined) lines.push(word);
    else if (`${last} ${word}`.length > 99) lines.push(`${indent}${word}`);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines.join('\n');
}

/** A table; what would end a cell or a line is written as Markdown wants it. */
export const table = (heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] => [
  line(heads),
  `|${heads.map(() => '---|').join('')}`,
  ...rows.map((row) => line(row.map(cell))),
];

export const code = (text: string): string => `\`${text}\``;

/** `code` of each, with commas between. */
export const codes = (texts: readonly string[]): string => texts.map(code).join(', ');

/** Says where a page comes from and what keeps it true. */
export const madeFrom = (what: string): string =>
  wrapped(`Made by ${code('KUSTODY_WRITE_DOCS=1 npx vitest run tests/docs')} from ${what}; a test keeps it true.`);

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cell = (text: string): string => text.replaceAll(/\s*\r?\n\s*/g, ' ').replaceAll('|', '\\|');
