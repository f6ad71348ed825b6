import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import type { RandomBytes } from '../base/random.ts';
import { dataError, entityExists } from './catalog/data-error.ts';
import { requireEntityName } from './catalog/entity-name.ts';
import type { GraphModels } from './catalog/graph-models.ts';
import type { GraphModelView, GraphPart, GraphSnapshotView } from './catalog/graph-model.ts';
import { putGraphModel, requireGraphModel, saveGraphModel } from './catalog/graph-models.ts';
import type { AppendRows } from './catalog/append-rows.ts';
import type { CatalogDraft } from './catalog/catalog-draft.ts';
import type { CatalogReader } from './catalog/image.ts';
import { databaseOf } from './catalog/image.ts';
import type { TableRecord } from './catalog/records.ts';
import { bytesAtRest } from './catalog/sealed-extent.ts';
import type { IngestService } from './ingest/ingest-service.ts';
import { dropHidden, hiddenRecord } from './catalog/hidden-table.ts';
import type { TableStore } from './extents/table-store.ts';

/** Graph models, and snapshots of them: two tables each, sealed like all others. */
export function createGraphModels(
  store: TableStore,
  ingestion: Pick<IngestService, 'addTables'>,
  randomBytes: RandomBytes,
): GraphModels {
  const { catalog, sweeper, now } = store.parts;

  /** The commit comes first, then records and blobs of the rows go. */
  const dropSnapshots = async (
    pick: (reader: CatalogReader) => readonly GraphSnapshotView[],
    change: (draft: CatalogDraft) => void,
  ): Promise<void> => {
    const tableIds = (reader: CatalogReader): Guid[] =>
      pick(reader).flatMap(({ nodes, edges }) => [nodes.tableId, edges.tableId]);
    await catalog.change((draft) => {
      for (const tableId of tableIds(draft)) dropHidden(draft, tableId);
      change(draft);
    });
    await sweeper.sweepSome();
  };

  return {
    graphModels: (database) => databaseOf(catalog.image, store.database(database).databaseId).graphModels ?? [],

    putGraphModel(database, name, model) {
      const { databaseId } = store.database(database);
      const version = { versionId: newGuid(randomBytes), createdOn: now(), model };
      return catalog.change((draft) => putGraphModel(draft, databaseId, name, version));
    },

    async dropGraphModel(database, name) {
      const { databaseId } = store.database(database);
      await dropSnapshots(
        (reader) => requireGraphModel(reader, databaseId, name).snapshots,
        (draft) => saveGraphModel(draft, databaseId, name, undefined),
      );
    },

    async makeGraphSnapshot({ database, model: modelName, name, versionId, startedOn, nodes, edges, ...guard }) {
      const { databaseId } = store.database(database);
      requireEntityName(name);
      const free = (reader: Parameters<typeof requireGraphModel>[0]): GraphModelView => {
        const model = requireGraphModel(reader, databaseId, modelName);
        if (model.snapshots.some((snapshot) => snapshot.name === name)) throw entityExists('GraphSnapshot', name);
        return model;
      };
      const version = free(catalog.image).versions.find((one) => one.versionId === versionId);
      if (version === undefined) throw dataError('GraphModelNotFound', modelName);
      const part = (rows: AppendRows): { readonly rows: AppendRows; readonly table: TableRecord } => {
        const { columns } = rows.kind === 'sql' ? rows : rows.statement;
        const ids = { databaseId, tableId: newGuid(randomBytes) };
        return { rows, table: { ...hiddenRecord(ids, name, columns), snapshotOf: modelName } };
      };
      const parts = [part(nodes), part(edges)] as const;
      return ingestion.addTables(parts, (draft, counts) => {
        const model = free(draft);
        for (const { table } of parts) draft.put(table);
        const view = (at: 0 | 1): GraphPart => {
          const { tableId, columns } = parts[at].table;
          return {
            tableId,
            columns: columns.map((column) => ({ name: column.name, type: column.type })),
            rowCount: counts[at] ?? 0,
          };
        };
        const snapshot = {
          name,
          createdOn: now(),
          startedOn,
          versionId,
          versionCreatedOn: version.createdOn,
          nodes: view(0),
          edges: view(1),
          reads: guard.reads,
          ...(guard.isRestricted && { isRestricted: guard.isRestricted }),
        };
        saveGraphModel(draft, databaseId, modelName, { ...model, snapshots: [...model.snapshots, snapshot] });
        return snapshot;
      });
    },

    graphPartBytes({ tableId }) {
      const extents = catalog.image.extentsOf(tableId);
      return {
        original: extents.reduce((sum, { originalBytes }) => sum + originalBytes, 0),
        atRest: extents.reduce((sum, { sealed }) => sum + bytesAtRest(sealed), 0),
      };
    },

    async dropGraphSnapshots(database, modelName, names) {
      const { databaseId } = store.database(database);
      const { snapshots } = requireGraphModel(catalog.image, databaseId, modelName);
      const missing = names.find((name) => !snapshots.some((snapshot) => snapshot.name === name));
      if (missing !== undefined) throw dataError('GraphSnapshotNotFound', missing.slice(0, 200));
      await dropSnapshots(
        (reader) =>
          requireGraphModel(reader, databaseId, modelName).snapshots.filter(({ name }) => names.includes(name)),
        (draft) => {
          const model = requireGraphModel(draft, databaseId, modelName);
          const left = model.snapshots.filter(({ name }) => !names.includes(name));
          saveGraphModel(draft, databaseId, modelName, { ...model, snapshots: left });
        },
      );
    },
  };
}
