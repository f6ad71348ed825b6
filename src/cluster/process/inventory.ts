import { DataError } from '../../database/catalog/data-error.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { ExtentView } from '../../database/catalog/catalog-view.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';
import type {
  DatabaseInventory,
  ExtentCall,
  ExtentReply,
  InventoryCall,
  InventoryReply,
  TableInventory,
} from '../messages/inventory.ts';

/** The data of the cluster whose process this is. @throws KustoError `unavailable` while its key is not here */
export type OpenData = (known: Pick<AllowedRequest, 'databases' | 'now'>) => Promise<ClusterData>;

/** Which extents there are, and which DEK seals each. */
export async function takeInventory(open: OpenData, call: InventoryCall): Promise<InventoryReply> {
  const data = await openOrNothing(open, call);
  if (data === undefined) return { outcome: 'unavailable' };
  const usable = usableOf(data, call);
  return { outcome: 'listed', databases: usable.map((database) => databaseInventory(data, database)) };
}

export async function findExtent(open: OpenData, call: ExtentCall): Promise<ExtentReply> {
  const data = await openOrNothing(open, call);
  if (data === undefined) return { outcome: 'unavailable' };
  for (const { name } of usableOf(data, call)) {
    const kept = data.keptExtents(name).flatMap(({ extents }) => extents);
    const found = [...data.extents(name, undefined, [call.extentId]), ...kept].find(
      ({ extentId }) => extentId === call.extentId,
    );
    if (found === undefined) continue;
    const exported = await data.exportExtent(name, found.extentId).catch(unlessLocked);
    if (exported === undefined) return { outcome: 'unavailable' };
    const { blob, length, encryptionData } = exported;
    return { outcome: 'found', blob, sealedBytes: length, encryptionData };
  }
  return { outcome: 'missing' };
}

/** But those whose own key is away. */
const usableOf = (data: ClusterData, { databases }: InventoryCall): ReturnType<ClusterData['databases']> => {
  const away = new Set(databases.filter(({ suspended }) => suspended !== undefined).map(({ name }) => name));
  return data.databases().filter(({ name }) => !away.has(name));
};

/** The key of the cluster alone opens no extent of a database that has one of its own. */
function unlessLocked(error: unknown): undefined {
  if (!(error instanceof DataError && error.code === 'DatabaseLocked')) throw error;
}

function databaseInventory(
  data: ClusterData,
  { name, tables }: ReturnType<ClusterData['databases']>[number],
): DatabaseInventory {
  const inTables = [...tables.keys()].map((table): TableInventory => {
    const extents = data.extents(name, table);
    const inExtents = extents.reduce((sum, { rowCount }) => sum + rowCount, 0);
    const { rowCount } = data.tableStatistics(name, table);
    return { name: table, loggedRows: rowCount - inExtents, extents: extents.map(extentInventory) };
  });
  const kept = data
    .keptExtents(name)
    .map(({ title, extents }) => ({ name: title, loggedRows: 0, extents: extents.map(extentInventory) }));
  return { name, tables: [...inTables, ...kept] };
}

const extentInventory = (extent: ExtentView): TableInventory['extents'][number] => ({
  extentId: extent.extentId,
  dekId: extent.dekId,
  rowCount: extent.rowCount,
  sealedBytes: extent.extentBytes,
  minCreatedOn: extent.minCreatedOn,
  maxCreatedOn: extent.maxCreatedOn,
});

/** Opens the data of a cluster that nobody has asked for rows yet. */
export async function openKnown(open: OpenData, { databases, now }: InventoryCall): Promise<ClusterData> {
  return open({ databases: databases.map((database) => ({ ...database, roles: [] })), now });
}

async function openOrNothing(open: OpenData, call: InventoryCall): Promise<ClusterData | undefined> {
  try {
    return await openKnown(open, call);
  } catch (error) {
    if (error instanceof Error && error.name === 'KustoError') return undefined;
    throw error;
  }
}
