import type { Preview } from './column.ts';
import { columnsMax, sampleRows, typeOf, UnreadableFile } from './column.ts';

/** Records of a CSV, RFC 4180. `end`: where the last whole one ends. @param whole the text is all of the file, so its last record has ended */
export function csvRecords(
  text: string,
  whole: boolean,
  recordsMax: number,
): { readonly records: readonly (readonly string[])[]; readonly ends: readonly number[] } {
  const records: string[][] = [];
  const ends: number[] = [];
  let fields: string[] = [];
  let field = '';
  let at = 0;
  let quoted = false;
  const close = (end: number): void => {
    records.push([...fields, field]);
    ends.push(end);
    fields = [];
    field = '';
  };
  for (; at < text.length && records.length < recordsMax; at += 1) {
    const character = text[at] ?? '';
    if (quoted) {
      if (character !== '"') field += character;
      else if (text[at + 1] === '"') {
        field += '"';
        at += 1;
      } else quoted = false;
    } else if (character === '"' && field === '') quoted = true;
    else if (character === ',') {
      fields.push(field);
      field = '';
    } else if (character === '\n') close(at + 1);
    else if (character !== '\r') field += character;
  }
  if (whole && at >= text.length && records.length < recordsMax && (field !== '' || fields.length > 0)) close(at);
  return { records, ends };
}

/** @param named the first record has the names of the columns */
export function previewCsv(text: string, whole: boolean, named: boolean): Preview {
  const { records } = csvRecords(text, whole, sampleRows + 1);
  const [first] = records;
  if (first === undefined) throw new UnreadableFile('The file has no whole record at its beginning.');
  const rows = (named ? records.slice(1) : records).slice(0, sampleRows);
  return columnsOf(
    first.map((name, index) => [
      named && name !== '' ? name : `Column${String(index + 1)}`,
      rows.map((row) => row[index] ?? ''),
    ]),
  );
}

/** One object a line; members of the first lines, in the order of their coming. */
export function previewJson(text: string, whole: boolean): Preview {
  const lines = text.split('\n');
  if (!whole) lines.pop();
  const objects = lines
    .filter((line) => line.trim() !== '')
    .slice(0, sampleRows)
    .map(objectOf);
  const names = [...new Set(objects.flatMap((one) => Object.keys(one)))];
  if (names.length === 0) throw new UnreadableFile('The file has no whole line with an object at its beginning.');
  return columnsOf(names.map((name) => [name, objects.map((one) => cellOf(one[name]))]));
}

function objectOf(line: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new UnreadableFile('A line is no JSON: one object a line is read.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UnreadableFile('A line is no object: one object a line is read.');
  return value as Readonly<Record<string, unknown>>;
}

const cellOf = (value: unknown): string =>
  value === undefined || value === null ? '' : typeof value === 'string' ? value : JSON.stringify(value);

function columnsOf(columns: readonly (readonly [string, readonly string[]])[]): Preview {
  if (columns.length > columnsMax) throw new UnreadableFile(`The file has more than ${String(columnsMax)} columns.`);
  return { columns: columns.map(([name, samples]) => ({ name, samples, type: typeOf(samples) })) };
}
