import { KqlError } from '../../kql/plan/kql-error.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { ExternalTableView } from '../catalog/external-table.ts';
import { virtualColumns } from '../catalog/external-table.ts';
import { partitionFolders } from '../exports/partition-folders.ts';
import type { CommandContext } from './command-context.ts';
import type { LayoutProperties } from './export-properties.ts';
import { exportFormats, exportLayout, isTrue } from './export-properties.ts';
import type { ExportWork } from './run-export.ts';
import { targetIn } from './run-export.ts';

const gigabyte = 1_000_000_000;

/** How an external table is written to. @throws KqlError for what is not written, DataError for a place that is none */
export function destinationOf(
  table: ExternalTableView,
  properties: LayoutProperties,
  context: CommandContext,
): Pick<ExportWork, 'layout' | 'targets' | 'columns' | 'written' | 'foldersOf'> {
  if (table.kind === 'delta')
    throw new KqlError('notSupported', `Exports to external tables of kind 'delta' ('${table.name}') are not built.`);
  const format = exportFormats.find((one) => one === table.format.toLowerCase());
  if (format === undefined)
    throw new KqlError('notSupported', `Data is exported as ${exportFormats.join(', ')}, not as '${table.format}'.`);
  const own = { ...table.properties, ...properties };
  const columns = exportedColumns(table);
  return {
    layout: exportLayout(format, isTrue(table.properties['compressed']), own, context, gigabyte),
    targets: table.connections.map((connection) => targetIn(context, connection, 'ExternalTable')),
    ...{ columns, written: table.columns.length },
    ...(table.partitions.length > 0 && { foldersOf: partitionFolders(table, columns) }),
  };
}

/** What the rows of an export have: the columns of the table, and then those that only paths have. */
export const exportedColumns = (table: ExternalTableView): readonly Column[] => [
  ...table.columns,
  ...virtualColumns(table),
];
