import type { TextFormat } from './encode-rows.ts';

export const parquetCodecs = ['gzip', 'snappy', 'lz4_raw', 'brotli', 'zstd'] as const;
export type ParquetCodec = (typeof parquetCodecs)[number];

/** How rows lie in blobs. */
export interface ExportLayout {
  readonly format: TextFormat | 'parquet';
  /** `gzip`, or one of the codecs of Parquet; absent: not packed. */
  readonly compression?: ParquetCodec;
  /** Of one blob, before it is packed. */
  readonly sizeLimit: number;
  /** Names of blobs begin with it. */
  readonly namePrefix: string;
  /** Names of blobs end with it, packed or not: `.csv`, `.csv.gz`. */
  readonly extension: string;
  readonly headers: 'none' | 'all' | 'firstFile';
  readonly byteOrderMark: boolean;
  /** Of Parquet, in rows. */
  readonly rowGroupSize: number;
  readonly datetimePrecision: 'millisecond' | 'microsecond';
}

export const sizeLimitMin = 100_000_000;
export const rowGroupRows = 100_000;
