import type { MappingKind } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { DelimitedRules } from './delimited-reader.ts';

export type TextReader =
  | { readonly kind: 'delimited'; readonly rules: DelimitedRules }
  /** A record is a line, or (`raw`) the whole; it goes to the first column. */
  | { readonly kind: 'text'; readonly whole: boolean }
  | { readonly kind: 'json'; readonly shape: 'lines' | 'many' | 'one' }
  | { readonly kind: 'w3c' };

/** Formats whose rows are made of records that are read one after the other. */
export type RowReader = TextReader | { readonly kind: 'avro' } | { readonly kind: 'orc' };

export type FormatReader = RowReader | { readonly kind: 'parquet' };

export interface Format {
  readonly name: string;
  readonly mapping: MappingKind;
  readonly reader: FormatReader;
  /** Of names, without its own. */
  readonly endings?: readonly string[];
}

const delimited = (name: string, delimiter: string, escaping: DelimitedRules['escaping'] = 'quotes'): Format => ({
  name,
  mapping: 'csv',
  reader: { kind: 'delimited', rules: { delimiter, escaping } },
});

/** @see https://learn.microsoft.com/kusto/ingestion-supported-formats */
const formats: readonly Format[] = [
  delimited('csv', ','),
  delimited('tsv', '\t'),
  delimited('tsve', '\t', 'backslash'),
  delimited('psv', '|'),
  delimited('scsv', ';'),
  delimited('sohsv', '\u0001'),
  { name: 'txt', mapping: 'csv', reader: { kind: 'text', whole: false } },
  { name: 'raw', mapping: 'csv', reader: { kind: 'text', whole: true } },
  { name: 'json', mapping: 'json', reader: { kind: 'json', shape: 'lines' } },
  { name: 'multijson', mapping: 'json', reader: { kind: 'json', shape: 'many' } },
  { name: 'singlejson', mapping: 'json', reader: { kind: 'json', shape: 'one' } },
  { name: 'parquet', mapping: 'parquet', reader: { kind: 'parquet' } },
  { name: 'w3clogfile', mapping: 'w3clogfile', reader: { kind: 'w3c' }, endings: ['log'] },
  { name: 'avro', mapping: 'avro', reader: { kind: 'avro' } },
  { name: 'orc', mapping: 'orc', reader: { kind: 'orc' } },
  { name: 'apacheavro', mapping: 'avro', reader: { kind: 'avro' } },
];

/** The format that the ending of a name says, packing aside; undefined where it says none. */
export function formatOfName(name: string): string | undefined {
  const ending = /\.([a-z0-9]+)$/i.exec(name.replace(/\.(?:gz|zip)$/i, ''))?.[1]?.toLowerCase();
  if (ending === undefined) return undefined;
  return formats.find(({ name: own, endings }) => own === ending || endings?.includes(ending))?.name;
}

/** @param name in any case @throws DataError `FormatNotSupported` */
export function requireFormat(name: string): Format {
  const found = formats.find((format) => format.name === name.toLowerCase());
  if (found === undefined) throw dataError('FormatNotSupported', name.slice(0, 100));
  return found;
}
