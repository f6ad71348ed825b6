import { newGuid } from '../../base/new-guid.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { ExportLayout, ParquetCodec } from '../exports/export-layout.ts';
import { parquetCodecs, rowGroupRows, sizeLimitMin } from '../exports/export-layout.ts';
import type { CommandContext } from './command-context.ts';

export const exportFormats = ['csv', 'tsv', 'json', 'parquet'] as const;
export type ExportFormat = (typeof exportFormats)[number];

/** Of one export, and what a blob may have in it. */
const gigabyte = 1_000_000_000;
const rowGroupMax = 10_000_000;

/** How rows lie in blobs, as the properties of a command or of an external table say, names as they are documented. */
export interface LayoutProperties {
  readonly includeHeaders?: string;
  readonly fileExtension?: string;
  readonly namePrefix?: string;
  readonly encoding?: string;
  readonly compressionType?: string;
  readonly sizeLimit?: string;
  readonly parquetRowGroupSize?: string;
  readonly parquetDatetimePrecision?: string;
  readonly distribution?: string;
  readonly distributed?: string;
}

/** @throws KqlError for a value that the property does not take */
export function exportLayout(
  format: ExportFormat,
  compressed: boolean,
  properties: LayoutProperties,
  { randomBytes }: Pick<CommandContext, 'randomBytes'>,
  sizeLimitMax = 4 * gigabyte,
): ExportLayout {
  oneOf('distribution', properties.distribution, ['single', 'per_node', 'per_shard']);
  oneOf('distributed', properties.distributed, ['true', 'false']);
  const isText = format !== 'parquet';
  const codec = oneOf('compressionType', properties.compressionType, isText ? (['gzip'] as const) : parquetCodecs);
  const compression: ParquetCodec | undefined = compressed ? (codec ?? 'gzip') : undefined;
  const headers = oneOf('includeHeaders', properties.includeHeaders, ['none', 'all', 'firstFile']) ?? 'none';
  return {
    format,
    ...(compression === undefined ? {} : { compression }),
    sizeLimit: whole('sizeLimit', properties.sizeLimit, sizeLimitMin, sizeLimitMax) ?? sizeLimitMin,
    namePrefix: blobText('namePrefix', properties.namePrefix) ?? newGuid(randomBytes),
    extension: `${blobText('fileExtension', properties.fileExtension) ?? `.${format}`}${isText && compressed ? '.gz' : ''}`,
    headers: format === 'csv' || format === 'tsv' ? headers : 'none',
    byteOrderMark: isText && oneOf('encoding', properties.encoding, ['UTF8NoBOM', 'UTF8BOM']) === 'UTF8BOM',
    rowGroupSize: whole('parquetRowGroupSize', properties.parquetRowGroupSize, 1, rowGroupMax) ?? rowGroupRows,
    datetimePrecision:
      oneOf('parquetDatetimePrecision', properties.parquetDatetimePrecision, ['millisecond', 'microsecond']) ??
      'millisecond',
  };
}

export const isTrue = (text: string | undefined): boolean => text?.toLowerCase() === 'true';

function oneOf<const Name extends string>(
  property: string,
  text: string | undefined,
  names: readonly Name[],
): Name | undefined {
  if (text === undefined || text === '') return undefined;
  const found = names.find((name) => name.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new KqlError('semantic', `The property '${property}' is one of ${names.join(', ')}.`);
  return found;
}

function whole(property: string, text: string | undefined, least: number, most: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (!(value >= least && value <= most))
    throw new KqlError('semantic', `The property '${property}' is a whole number from ${least} to ${most}.`);
  return value;
}

/** A part of a blob's name. */
function blobText(property: string, text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  // Storage takes `.` and `..` for steps, and a backslash for a slash.
  if (text.length > 200 || /[\\?#]|\p{Cc}|(?:^|\/)\.{1,2}(?:\/|$)|\/\/|^\//u.test(text))
    throw new KqlError('semantic', `The property '${property}' is no part of a blob's name.`);
  return text;
}
