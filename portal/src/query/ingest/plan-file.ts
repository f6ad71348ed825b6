import { bracketed } from '../../api/kql-names.ts';
import type { ColumnType, Preview } from './column.ts';
import { UnreadableFile } from './column.ts';
import { previewParquet } from './parquet-schema.ts';
import { previewCsv, previewJson } from './text-files.ts';

export type FileFormat = 'csv' | 'json' | 'parquet';
export const fileFormats: readonly { readonly format: FileFormat; readonly title: string }[] = [
  { format: 'csv', title: 'CSV' },
  { format: 'json', title: 'JSON lines' },
  { format: 'parquet', title: 'Parquet' },
];

/** As much as one streaming ingestion carries. */
export const fileBytesMax = 4 * 1024 * 1024;
/** Of a text no more is read for the preview. */
const previewBytes = 256 * 1024;

export function formatOf(fileName: string): FileFormat {
  const ending = fileName.toLowerCase().split('.').at(-1);
  if (ending === 'parquet') return 'parquet';
  return ending === 'json' || ending === 'jsonl' || ending === 'ndjson' ? 'json' : 'csv';
}

/** A name for a table that needs no brackets. */
export const tableNameOf = (fileName: string): string => {
  const name = fileName
    .replace(/\.[^.]*$/, '')
    .replaceAll(/\W+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .slice(0, 60);
  return /^[A-Za-z]/.test(name) ? name : `File_${name}`.replace(/_$/, '');
};

/** @param named the first record of a CSV has the names @throws UnreadableFile */
export async function previewFile(file: Blob, format: FileFormat, named: boolean): Promise<Preview> {
  if (file.size > fileBytesMax)
    throw new UnreadableFile(
      `The file has ${String(file.size)} bytes; one streaming ingestion carries ${String(fileBytesMax)}.`,
    );
  if (format === 'parquet') return previewParquet(new Uint8Array(await file.arrayBuffer()));
  const whole = file.size <= previewBytes;
  const text = await file.slice(0, previewBytes).text();
  return format === 'csv' ? previewCsv(text, whole, named) : previewJson(text, whole);
}

/** A column of the table, and where in the file its values are. */
export interface MappedColumn {
  readonly source: string;
  /** Of the column in the file, from 0. */
  readonly ordinal: number;
  readonly column: string;
  readonly type: ColumnType;
}

export interface Ingestion {
  readonly where: { readonly host: string; readonly database: string };
  readonly table: string;
  /** It is made, with streaming ingestion enabled; else it is there. */
  readonly isNew: boolean;
  readonly format: FileFormat;
  readonly named: boolean;
  readonly columns: readonly MappedColumn[];
}

/** It is there while the file is read, and dropped again. */
export const mappingName = 'kustody_portal_file';

/** Commands before the file goes, and the one after it. */
export function commandsOf({ table, isNew, format, columns }: Ingestion): {
  readonly before: readonly string[];
  readonly after: string;
} {
  const name = bracketed(table);
  const mapping = columns.map(({ source, ordinal, column }) => ({
    Column: column,
    Properties:
      format === 'csv' ? { Ordinal: String(ordinal) } : { Path: `$['${source.replaceAll(/['\\]/g, '\\$&')}']` },
  }));
  const definition = columns.map(({ column, type }) => `${bracketed(column)}: ${type}`).join(', ');
  return {
    before: [
      ...(isNew
        ? [`.create table ${name} (${definition})`, `.alter table ${name} policy streamingingestion enable`]
        : []),
      `.create-or-alter table ${name} ingestion ${format} mapping '${mappingName}' ${kqlLiteral(JSON.stringify(mapping))}`,
    ],
    after: `.drop table ${name} ingestion ${format} mapping '${mappingName}'`,
  };
}

/** A text in single quotes. */
const kqlLiteral = (text: string): string =>
  `'${text.replaceAll(/['\\]/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
