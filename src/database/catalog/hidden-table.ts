import type { Guid } from '../../base/guid.ts';
import type { Column } from '../../kql/plan/types.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { TableRecord } from './records.ts';

/** The record of rows that are kept beside the tables. Whoever makes it says what it is for (`stored`, `snapshotOf`). */
export const hiddenRecord = (
  ids: { readonly databaseId: Guid; readonly tableId: Guid },
  name: string,
  columns: readonly Column[],
): TableRecord => ({
  kind: 'table',
  ...ids,
  name,
  columns: columns.map((column, index) => ({
    columnId: index + 1,
    name: column.name,
    type: column.type,
    docstring: '',
  })),
  nextColumnId: columns.length + 1,
  folder: '',
  docstring: '',
  mappings: [],
  policies: {},
});

/** With its rows, which are swept later. */
export function dropHidden(draft: CatalogDraft, tableId: Guid): void {
  draft.clearTable(tableId);
  draft.delete(`t/${tableId}`);
}
