import type { Guid } from '../../base/guid.ts';
import { isQueued, queuedGroup } from './queued-records.ts';
import type { CatalogRecord, ExtentPageRecord, ExtentRecord, SegmentRecord, TableRecord } from './records.ts';

export const isHidden = ({ stored, snapshotOf, view }: TableRecord): boolean =>
  stored !== undefined || snapshotOf !== undefined || view !== undefined;

const listedKinds: ReadonlySet<string> = new Set(['operation', 'failure', 'journal', 'dataOperation']);

/** The groups that a record is listed in. */
export function groupsOf(record: CatalogRecord): readonly string[] {
  if (record.kind === 'table') {
    const { databaseId, name } = record;
    return isHidden(record) ? [`h/${databaseId}`] : [`t/${databaseId}`, nameGroup(databaseId, name)];
  }
  if (record.kind === 'droppedTable') return [`x/${record.table.databaseId}`];
  if (record.kind === 'segment') return [`s/${record.tableId}`];
  if (listedKinds.has(record.kind)) return [record.kind];
  const queued = isQueued(record) ? queuedGroup(record) : undefined;
  return queued === undefined ? [] : [queued];
}

export const nameGroup = (databaseId: Guid, name: string): string => `n/${databaseId}/${name}`;

/** What rows lie in, or are named by. */
export type RowRecord = ExtentRecord | ExtentPageRecord | SegmentRecord;
const rowKinds: ReadonlySet<string> = new Set(['extent', 'extentPage', 'segment']);
export const isRows = (record: CatalogRecord): record is RowRecord => rowKinds.has(record.kind);
