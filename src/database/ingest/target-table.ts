import type { Instant } from '../../clock/clock.ts';
import type { MappingView } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import { databaseOf } from '../catalog/image.ts';
import type { TableRecord } from '../catalog/records.ts';
import type { TableStore } from '../extents/table-store.ts';
import type { Format } from './formats.ts';
import type { IngestRequest } from './ingest-request.ts';
import type { MappedColumn } from './ingestion-mapping.ts';
import { parseMapping, requireFits } from './ingestion-mapping.ts';

/** Rows that would be gone at once are not taken. @throws DataError `CreationTimeTooOld` */
export function requireKept(store: TableStore, table: TableRecord, creationTime: Instant | undefined): void {
  if (creationTime !== undefined && creationTime + store.periods(table).softDeleteMs <= store.parts.now())
    throw dataError('CreationTimeTooOld', table.name);
}

/** The mapping that a request brings along or names. @throws DataError */
export function mappingFor(
  store: TableStore,
  request: Pick<IngestRequest, 'mapping' | 'mappingName'>,
  table: TableRecord,
  format: Format,
): readonly MappedColumn[] | undefined {
  const text = request.mapping ?? named(store, request, table, format);
  if (text === undefined) return undefined;
  const mapping = parseMapping(format.mapping, text);
  requireFits(mapping, table.columns);
  return mapping;
}

function named(
  store: TableStore,
  { mappingName }: Pick<IngestRequest, 'mappingName'>,
  table: TableRecord,
  format: Format,
): string | undefined {
  if (mappingName === undefined || mappingName === '') return undefined;
  const database = databaseOf(store.parts.catalog.image, table.databaseId);
  return requireMapping([...table.mappings, ...database.mappings], mappingName, format.mapping).mapping;
}

/** The first one of a name, which mappings of a table and of its database may share.
 * @param kind absent: any
 * @throws DataError `MappingNotFound` */
export function requireMapping(
  mappings: readonly MappingView[],
  mappingName: string,
  kind?: MappingView['kind'],
): MappingView {
  const found = mappings.find((one) => one.name === mappingName && (kind === undefined || one.kind === kind));
  if (found === undefined) throw dataError('MappingNotFound', mappingName.slice(0, 200));
  return found;
}
