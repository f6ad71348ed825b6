import type { DatabaseAccess } from '../../authz/kusto-roles.ts';
import type { ClusterData } from '../../database/cluster-data.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { QueryEngine } from '../../kql/query-engine.ts';
import { followerView } from './follower-view.ts';
import type { CatalogChangesCall, CatalogChangesReply } from '../messages/catalog-changes.ts';
import type { AllowedRequest } from '../messages/data-plane-calls.ts';

/** What was committed to the catalog of a cluster that another process writes, asked with who sends a request. */
export interface AskedCatalog {
  readonly call: CatalogChangesCall;
  /** Resolves when all is in use that was committed before the question. @throws where it cannot be read here */
  take(reply: CatalogChangesReply): Promise<void>;
  /** Whether what is in use may answer whoever takes what is a little old. */
  isRecent(reply: CatalogChangesReply): boolean;
}

/** The engine of a cluster and what the cluster holds, while its key may be used. */
export interface ClusterHost {
  readonly clusterName: string;
  readonly engine: QueryEngine;
  /** Opened with the key when it is first needed. @throws KustoError `unavailable` when the key is not here */
  readonly data: () => Promise<ClusterData>;
  /** Of a process that only reads: what was committed elsewhere is asked with each request. */
  readonly asking?: () => AskedCatalog | undefined;
  /** What the Kustody clock says: creation times and retention follow it. */
  readonly tell: (now: Instant) => void;
}

/** What each `ClusterData` was last told of its databases. */
const told = new WeakMap<ClusterData, string>();

/** The data, knowing the databases that the resource manager told with this request; for one that comes through a follower, what that has. */
export async function syncedData(
  host: ClusterHost,
  { databases, now, following }: Pick<AllowedRequest, 'databases' | 'following' | 'now'>,
): Promise<ClusterData> {
  host.tell(instant(now));
  const data = await host.data();
  const known = (following?.known ?? databases).map(withoutRoles);
  const key = JSON.stringify(known);
  if (told.get(data) !== key) {
    await data.setDatabases(known);
    told.set(data, key);
  }
  return following === undefined ? data : followerView(data, following);
}

const withoutRoles = ({
  databaseId,
  name,
  softDeletePeriodMs,
  hotCachePeriodMs,
  suspended,
}: Omit<DatabaseAccess, 'roles'>): Omit<DatabaseAccess, 'roles'> => ({
  databaseId,
  name,
  ...(suspended === undefined ? {} : { suspended }),
  ...(softDeletePeriodMs === undefined ? {} : { softDeletePeriodMs }),
  ...(hotCachePeriodMs === undefined ? {} : { hotCachePeriodMs }),
});
