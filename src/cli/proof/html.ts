import { landscapeStyle, pageStyle } from './page-style.ts';

/** One HTML document that stands by itself: it loads nothing and runs nothing. @param body HTML @param landscape how it is printed */
export const htmlPage = (title: string, body: string, landscape = false): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${htmlText(title)}</title>
<style>${pageStyle}${landscape ? landscapeStyle : ''}</style>
</head>
<body>
${body}
</body>
</html>
`;

/** @param rows of texts, which are escaped */
export function htmlTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (tag: 'td' | 'th', row: readonly string[]): string =>
    `<tr>${row.map((cell) => htmlCell(cell, tag)).join('')}</tr>`;
  return wide(`<thead>${cells('th', head)}</thead><tbody>${rows.map((row) => cells('td', row)).join('')}</tbody>`);
}

/** A table that scrolls by itself where it is wider than the screen, by keys too. @param table HTML */
export const wide = (table: string): string =>
  `<div class="wide" role="region" aria-label="Table" tabindex="0"><table>${table}</table></div>`;

/** @param cell a text, which is escaped. A time breaks between its date and its hour and nowhere else, a long name between its words; what is then
 * still wider than a column may be breaks anywhere, which words of a column beside it must not. */
export function htmlCell(cell: string, tag: 'td' | 'th' = 'td'): string {
  const [, date, hour] = /^(\d{4}-\d{2}-\d{2})(T[\d:.]+Z)$/.exec(cell) ?? [];
  if (date !== undefined && hour !== undefined)
    return `<${tag}><span class="whole">${date}</span><wbr><span class="whole">${hour}</span></${tag}>`;
  if (!/[^\s/-]{16}/.test(cell)) return `<${tag}>${htmlText(cell)}</${tag}>`;
  const words = cell.split(/(?<=[a-z])(?=[A-Z])/);
  const isLong = words.some((word) => /[^\s/-]{20}/.test(word));
  return `<${tag}${isLong ? ' class="long"' : ''}>${words.map(htmlText).join('<wbr>')}</${tag}>`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Names and canaries are whatever somebody called them. */
export function htmlText(value: string): string {
  return value.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
