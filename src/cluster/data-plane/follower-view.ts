import type { ClusterData, PruningSources } from '../../database/cluster-data.ts';
import type { DatabaseView, Policies, TableView, ViewView } from '../../database/catalog/catalog-view.ts';
import { unsetClusterSettings } from '../../database/catalog/cluster-settings.ts';
import { dataError } from '../../database/catalog/data-error.ts';
import type { ViewRecord } from '../../database/catalog/materialized-view.ts';
import type { CatalogDatabase, KqlCatalog } from '../../kql/plan/catalog.ts';
import { hiddenTable } from '../../kql/plan/hidden-tables.ts';
import type { HotSpans } from '../../authz/follower-overrides.ts';
import type { NameSelection, Sharing } from '../../authz/database-sharing.ts';
import type { CachingOverride, FollowerScope, SharedDatabase } from '../messages/data-plane-calls.ts';
import { kustoError } from './errors/kusto-error.ts';

/** What a cluster holds as a follower of it has it: the databases that it follows, by their names there, with the tables, materialized
 * views and functions that are shared, to read. Nothing else of the cluster is there, and whatever is not named here is refused. Graphs and stored results are no part
 * of what is followed.
 * @returns data whose methods throw KustoError `notBuilt` but for those that tell what is in a database and read rows */
export function followerView(data: ClusterData, scope: FollowerScope): ClusterData {
  const byName = new Map(scope.databases.map((shared) => [shared.name.toLowerCase(), shared]));
  const leaderView = (shared: SharedDatabase): DatabaseView => {
    const found = data.databases().find(({ databaseId }) => databaseId === shared.databaseId);
    if (found === undefined) throw dataError('DatabaseNotFound', shared.name);
    return found;
  };
  const sharedNamed = (name: string): SharedDatabase => {
    const shared = byName.get(name.toLowerCase());
    if (shared === undefined) throw dataError('DatabaseNotFound', name);
    return shared;
  };
  /** Where a shared table is in the leader. @throws DataError `DatabaseNotFound` | `TableNotFound` */
  const tableOf = (database: string, table: string): TableView => {
    const shared = sharedNamed(database);
    const found = isShared(shared.sharing.tables, table) ? leaderView(shared).tables.get(table) : undefined;
    if (found === undefined) throw dataError('TableNotFound', table);
    return found;
  };
  const database = (name: string): DatabaseView => {
    const shared = sharedNamed(name);
    return sharedView(leaderView(shared), shared);
  };
  /** Where a shared view is in the leader. @throws DataError `DatabaseNotFound` | `ViewNotFound` */
  const viewOf = (database: string, view: string): ViewView => {
    const shared = sharedNamed(database);
    const leader = leaderView(shared);
    const found = leader.views.get(view);
    if (found === undefined || !isSharedView(leader, shared.sharing, found)) throw dataError('ViewNotFound', view);
    return found;
  };
  const open: PruningSources['open'] = async (name, table, uses, signal, turn) => {
    const hidden = hiddenTable(table);
    // What a view is read from is read as the view is: its stored part, and the rows of its source that came since.
    if (hidden?.kind === 'view')
      return data.sources().open(viewOf(name, hidden.view).database, table, uses, signal, turn);
    const found = tableOf(name, table);
    return data.sources().open(found.database, found.name, uses, signal, turn);
  };
  const materializedView = (name: string, view: string): ViewRecord => {
    const { database: leader, name: found } = viewOf(name, view);
    const record = data.materializedView(leader, found);
    const { caching } = sharedNamed(name);
    return { ...record, policies: withCaching(record.policies, caching, ownSpans(caching, found)) };
  };
  const readable: Partial<ClusterData> = {
    cursor: () => data.cursor(),
    databases: () => scope.databases.map(({ name }) => database(name)),
    database,
    table: (name, table) => sharedTable(tableOf(name, table), sharedNamed(name)),
    tableStatistics: (name, table) => {
      const found = tableOf(name, table);
      return data.tableStatistics(found.database, found.name);
    },
    materializedView,
    materializedViews: (name) => [...database(name).views.keys()].sort().map((view) => materializedView(name, view)),
    hasRowsToCome: (record) => data.hasRowsToCome(record),
    // What the follower says of all its databases, and of groups of requests, is not known where the leader's rows are.
    clusterSettings: () => unsetClusterSettings,
    workloadGroup: () => undefined,
    kqlCatalog: () => sharedCatalog(data, scope, leaderView),
    sources: () => ({ open }),
  };
  return new Proxy(readable as ClusterData, {
    get: (_, name) => {
      if (Object.hasOwn(readable, name)) return readable[name as keyof ClusterData];
      if (name === 'then') return undefined; // it is no promise
      return () => {
        throw notInFollowed();
      };
    },
  });
}

const notInFollowed = (): Error =>
  kustoError('notBuilt', 'This command is not built in Kustody for a database that follows another cluster.');

/** The policies that hold in the follower: its own override, else the leader's, if those count. */
function withCaching(policies: Policies, { kind }: CachingOverride, own: HotSpans | undefined): Policies {
  const { caching, ...others } = policies;
  if (kind === 'None') return policies;
  if (own !== undefined) return { ...others, caching: { DataHotSpan: own.rows, IndexHotSpan: own.index } };
  return kind === 'Replace' || caching === undefined ? others : { ...others, caching };
}

const ownSpans = ({ tables }: CachingOverride, table: string): HotSpans | undefined =>
  Object.hasOwn(tables, table) ? tables[table] : undefined;

function sharedView(view: DatabaseView, { name, sharing, caching }: SharedDatabase): DatabaseView {
  const tables = [...view.tables].filter(([table]) => isShared(sharing.tables, table));
  return {
    ...view,
    name,
    accessMode: 'ReadOnlyFollowing',
    policies: withCaching(view.policies, caching, caching.database),
    tables: new Map(tables.map(([table, of]) => [table, sharedTable(of, { name, caching })])),
    functions: new Map([...view.functions].filter(([fn]) => isShared(sharing.functions, fn))),
    graphModels: [],
    views: new Map(
      [...view.views]
        .filter(([, one]) => isSharedView(view, sharing, one))
        .map(([own, one]) => {
          const policies = withCaching(one.policies, caching, ownSpans(caching, own));
          return [own, { ...one, database: name, policies }];
        }),
    ),
  };
}

/** A view is read by its query, so with what that reads: its source, tables of dimensions, and the source of the view that it is over. Whoever may not
 * see one of these does not have the view. */
function isSharedView(
  { views }: Pick<DatabaseView, 'views'>,
  { tables, views: selection }: Pick<Sharing, 'tables' | 'views'>,
  view: ViewView,
): boolean {
  if (!isShared(selection, view.name) || !view.dimensionTables.every((table) => isShared(tables, table))) return false;
  if (!view.isOverView) return isShared(tables, view.source);
  const below = views.get(view.source);
  return below !== undefined && isSharedView({ views }, { tables, views: selection }, below);
}

const sharedTable = (table: TableView, { name, caching }: Pick<SharedDatabase, 'name' | 'caching'>): TableView => ({
  ...table,
  database: name,
  policies: withCaching(table.policies, caching, ownSpans(caching, table.name)),
});

function sharedCatalog(
  data: ClusterData,
  scope: FollowerScope,
  leaderView: (shared: SharedDatabase) => DatabaseView,
): KqlCatalog {
  const catalog = data.kqlCatalog();
  const databases = scope.databases.map((shared): CatalogDatabase => {
    const leader = leaderView(shared);
    const found = catalog.databases.find(({ name }) => name === leader.name);
    if (found === undefined) throw dataError('DatabaseNotFound', shared.name);
    return {
      name: shared.name,
      tables: found.tables.filter(({ name }) => isShared(shared.sharing.tables, name)),
      functions: found.functions.filter(({ name }) => isShared(shared.sharing.functions, name)),
      materializedViews: (found.materializedViews ?? []).filter(({ name }) => {
        const view = leader.views.get(name);
        return view !== undefined && isSharedView(leader, shared.sharing, view);
      }),
    };
  });
  const version = `${catalog.version} followed ${JSON.stringify([scope.cluster, scope.databases])}`;
  return { version, cluster: scope.cluster, databases };
}

/** What is excluded is never shared, even if it is included, too. */
function isShared({ include, exclude }: NameSelection, name: string): boolean {
  return (include.length === 0 || include.some(matches(name))) && !exclude.some(matches(name));
}

const matches =
  (name: string) =>
  (pattern: string): boolean => {
    const middle = pattern.replace(/^\*/, '').replace(/\*$/, '');
    const [opensFree, endsFree] = [pattern.startsWith('*'), pattern.endsWith('*')];
    if (opensFree && endsFree) return name.includes(middle);
    if (opensFree) return name.endsWith(middle);
    return endsFree ? name.startsWith(middle) : name === pattern;
  };
