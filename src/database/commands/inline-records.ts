import { KqlError } from '../../kql/plan/kql-error.ts';

/** The start of `.ingest inline into table T with (…) [`. */
const start = new RegExp(
  [
    '^\\s*(?://[^\\n]*\\n\\s*)*\\.\\s*ingest\\s+inline\\s+into\\s+table\\s+',
    '(?:\\[\\s*(?:\'[^\']*\'|"[^"]*"|[\\w -]+)\\s*\\]|[\\w-]+)\\s*',
    '(?:with\\s*\\((?:[^()"\'`]|```[\\s\\S]*?```|"(?:[^"\\\\]|\\\\.)*"|\'(?:[^\'\\\\]|\\\\.)*\'|\\([^()]*\\))*\\)\\s*)?',
    '(?=\\[)',
  ].join(''),
  'i',
);

/** What stands before the data is at most so long, ingestion mappings included. */
const headMax = 256 * 1024;

/** Records of inline data may each stand in brackets, the older form of what else stands after `<|` in lines.
 * @returns the command in the newer form; undefined when it is not of the older one
 * @throws KqlError `syntax` when a bracket is not closed */
export function withoutBrackets(text: string): string | undefined {
  const head = start.exec(text.slice(0, headMax))?.[0];
  if (head === undefined) return undefined;
  const records: string[] = [];
  let at = head.length;
  while (text[at] === '[') {
    const end = closing(text, at + 1);
    if (end === undefined) throw new KqlError('syntax', "A ']' is missing after inline data.", at);
    records.push(text.slice(at + 1, end));
    at = end + 1;
    while (/\s/.test(text[at] ?? '')) at += 1;
  }
  if (at < text.length) throw new KqlError('syntax', 'Inline data in brackets is followed by other text.', at);
  return `${head}<|\n${records.join('\n')}`;
}

/** The bracket that closes the record, quotes and JSON's own brackets left aside. */
function closing(text: string, from: number): number | undefined {
  let quoted = false;
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const character = text[at];
    if (character === '"') quoted = !quoted;
    else if (quoted) continue;
    else if (character === '[') depth += 1;
    else if (character === ']') {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return undefined;
}
