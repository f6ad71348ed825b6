import { xxhash64 } from '../../kql/algorithms/text/xxhash64.ts';
import type { ColumnValues } from '../../kql/duckdb/engine-database.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { startOf } from '../catalog/datetime-units.ts';
import type { ExternalPartition, ExternalTableView } from '../catalog/external-table.ts';
import type { PartitionValue } from '../catalog/path-format.ts';
import { binSize, parsePathFormat, renderPath } from '../catalog/path-format.ts';
import type { ExportRequest } from './export-rows.ts';

/** The folder of each row in a partitioned external table.
 * @param columns of the rows: those of the table, then those that only paths have
 * @throws KqlError for a partition of what no column is, or cannot be */
export function partitionFolders(
  { partitions, pathFormat }: Pick<ExternalTableView, 'partitions' | 'pathFormat'>,
  columns: readonly Column[],
): NonNullable<ExportRequest['foldersOf']> {
  const format = parsePathFormat(pathFormat, partitions);
  const readers = partitions.map((partition) => {
    const index = columns.findIndex(({ name }) => name === (partition.of?.column ?? partition.name));
    const column = columns[index];
    if (column === undefined || !isOfType(partition, column))
      throw new KqlError(
        'semantic',
        `The partition '${partition.name}' is of no column of the external table that it can be of.`,
      );
    return { name: partition.name, index, valueOf: valueOf(partition) };
  });
  return (chunk: readonly ColumnValues[]) =>
    Array.from({ length: chunk[0]?.length ?? 0 }, (_each, at) =>
      renderPath(
        format,
        new Map(readers.map(({ name, index, valueOf }) => [name, valueOf(chunk[index]?.[at] ?? null)])),
      ),
    );
}

const isOfType = ({ type, of }: ExternalPartition, column: Column): boolean =>
  column.type === (of?.call?.toLowerCase() === 'hash' ? 'string' : type.toLowerCase());

/** What a partition has for a value of its column. */
function valueOf({ of }: ExternalPartition): (value: NativeValue) => PartitionValue {
  const call = of?.call?.toLowerCase();
  const own = (value: NativeValue): PartitionValue =>
    typeof value === 'bigint' || typeof value === 'string' ? value : null;
  if (call === undefined) return own;
  if (call === 'hash') {
    const modulus = BigInt(of?.argument ?? '1');
    return (value) => {
      const hash = xxhash64(Buffer.from(typeof value === 'string' ? value : '', 'utf8'));
      return ((hash % modulus) + modulus) % modulus;
    };
  }
  const size = binSize(of?.argument) ?? 1n;
  const truncated =
    call === 'bin' ? (ticks: bigint): bigint => ticks - (ticks % size) : startOf[call as keyof typeof startOf];
  return (value) => (typeof value === 'bigint' ? truncated(value) : null);
}
