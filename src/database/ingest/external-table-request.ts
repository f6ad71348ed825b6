import type { ExternalTableName } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { TableUses } from '../../kql/scan-ranges.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import type { PartitionValues } from '../catalog/path-format.ts';
import type { DataSource, SourceOf } from './data-source.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { parseMapping, requireFits } from './ingestion-mapping.ts';
import { requireFormat } from './formats.ts';
import type { ReadColumn } from './value-reader.ts';

export interface ExternalTableRequest {
  readonly table: ExternalTableView;
  readonly database: string;
  readonly named: ExternalTableName;
  /** Files that no use asks for are not read. */
  readonly uses: TableUses;
  readonly sourceOf: SourceOf;
  readonly signal: AbortSignal | undefined;
}

/** A file of an external table. */
export interface ExternalFile {
  readonly source: DataSource;
  readonly bytes: number;
  /** Of its partitions. */
  readonly values: PartitionValues;
  /** It is the first one of its folder. */
  readonly isFirst: boolean;
}

/** Where the connection strings of external tables of a database lead. */
export const externalSourceOf =
  (sourceOf: SourceOf, database: string) =>
  (address: string): DataSource =>
    sourceOf(address, { usage: 'ExternalTable', database });

export const filesMax = 10_000;

/** @throws KqlError when a query reads more files than it may */
export function requireFewFiles(files: number): void {
  if (files > filesMax)
    throw new KqlError('limits', `The query reads more than ${filesMax} files of the external table.`);
}

/** The mapping that a query names. @throws DataError `MappingNotFound` | `InvalidMapping` | `InconsistentMapping` */
export function namedMapping(
  { mappings, format }: ExternalTableView,
  name: string | undefined,
  columns: readonly ReadColumn[],
): readonly MappedColumn[] | undefined {
  if (name === undefined) return undefined;
  const found = mappings?.find((one) => one.name === name);
  if (found === undefined) throw dataError('MappingNotFound', name.slice(0, 200));
  const mapping = parseMapping(requireFormat(format).mapping, found.mapping);
  requireFits(mapping, columns);
  return mapping;
}

/** @param path below the folder of an external table */
export function isCalledAs(
  { namePrefix = '', fileExtension = '' }: ExternalTableView['properties'],
  path: string,
): boolean {
  return path.startsWith(namePrefix, path.lastIndexOf('/') + 1) && path.endsWith(fileExtension);
}
