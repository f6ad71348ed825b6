import type { Guid } from '../../base/guid.ts';
import type { FunctionView, Policies } from './catalog-view.ts';
import type { CatalogRecord, DatabaseRecord, TableRecord } from './records.ts';
import { recordId } from './records.ts';

/** What becomes of each kind of record when a catalog is set back to a backup. `now`: it stays as it is, or away. `parts`: it comes from the
 * backup, and what decides in it who may read or do what stays as it is. `then`: it is that of the backup. */
const kinds = {
  database: { comes: 'parts', prefix: 'd/' }, // roles on functions, external tables and graph models; managed identities
  table: { comes: 'parts', prefix: 't/' }, // roles, row level security, restricted view access; who may read stored results
  droppedTable: { comes: 'parts', prefix: 'x/' },
  continuousExports: { comes: 'now', prefix: 'v/' }, // where rows go, as which identity
  workloadGroup: { comes: 'now', prefix: 'w/' },
  clusterSettings: { comes: 'now', prefix: 'p/' }, // callouts, blocked principals, plugins, workload groups
  storageKeys: { comes: 'now', prefix: 'k/' }, // what addresses of the cluster's storage are signed with
  extent: { comes: 'then' },
  extentPage: { comes: 'then' },
  segment: { comes: 'then' },
  requests: { comes: 'then' },
  operation: { comes: 'then' },
  failure: { comes: 'then' },
  journal: { comes: 'then' },
  dataOperation: { comes: 'then' },
  exportHistory: { comes: 'then' },
  stagedBlob: { comes: 'then' },
  stagedBlock: { comes: 'then' },
  message: { comes: 'then' },
  entity: { comes: 'then' },
  queuedOperation: { comes: 'then' },
  queuedItem: { comes: 'then' },
  watch: { comes: 'then' },
} as const satisfies Record<
  CatalogRecord['kind'],
  { readonly comes: 'now' | 'parts'; readonly prefix: string } | { readonly comes: 'then' }
>;

/** Which policies decide who may read or do what; the others come from the backup. */
const decides = {
  row_level_security: true,
  restricted_view_access: true,
  managed_identity: true,
  retention: false,
  caching: false,
  streamingingestion: false,
  merge: false,
  sharding: false,
  ingestionbatching: false,
  roworder: false,
  partitioning: false,
  extent_tags_retention: false,
  auto_delete: false,
  update: false,
  ingestiontime: false,
} as const satisfies Record<keyof Policies, boolean>;

/** How ids of records begin that are kept when a catalog is set back. */
export const keptPrefixes: readonly string[] = Object.values(kinds).flatMap((kind) =>
  'prefix' in kind ? [kind.prefix] : [],
);

/** Whether a record with this id says who may read or do what, among other things. */
export const saysWhoMay = (id: string): boolean => keptPrefixes.some((prefix) => id.startsWith(prefix));

/** What a catalog that was set back has to become before anybody reads it. */
export interface KeptAccess {
  readonly put: readonly CatalogRecord[];
  /** Records that are there no more. */
  readonly deleted: readonly string[];
  /** Stored query results that go, with their rows. */
  readonly dropped: readonly Guid[];
}

/** Brings who may read or do what, as it was right before a catalog was set back, into that catalog. To do so again changes nothing.
 * - A table that is there now, by its id or else by its name, has the roles, row level security and restricted view access of now. One that is
 *   not has no roles; what restricts it stays: its own, or the row level security of now if it is dropped and may come back.
 * - Functions, external tables and graph models have the roles of now, or none.
 * - A function that a policy of row level security names, or one that such a function names, is that of now where there is one.
 * - Stored query results are there if they are now.
 * @param then all records of the catalog that was set back @param now those of the one before, of the kinds that are kept */
export function keptAccess(then: Iterable<CatalogRecord>, now: readonly CatalogRecord[]): KeptAccess {
  const backup = [...then];
  const present = new Present(now);
  const put: CatalogRecord[] = [];
  const dropped: Guid[] = [];
  const policies: string[] = [];
  const keep = (table: TableRecord): TableRecord => {
    const kept = present.table(table);
    const { row_level_security: security } = kept.policies;
    if (security?.IsEnabled === true) policies.push(security.Query);
    return kept;
  };
  for (const record of backup)
    if (record.kind === 'droppedTable') put.push({ ...record, table: keep(record.table) });
    else if (record.kind === 'table' && record.stored !== undefined && !present.hasStored(record))
      dropped.push(record.tableId);
    else if (record.kind === 'table') put.push(keep(record));
  const databases = new Map<Guid, DatabaseRecord>();
  for (const record of [...now, ...backup]) if (record.kind === 'database') databases.set(record.databaseId, record);
  const named = namedFunctions(
    policies,
    [...databases.values()].map((record) => present.functions(record)),
  );
  for (const record of databases.values()) {
    const isThere = backup.some((one) => one.kind === 'database' && one.databaseId === record.databaseId);
    put.push(present.database(isThere ? record : emptied(record), named));
  }
  const standing = now.filter((record) => kinds[record.kind].comes === 'now');
  const ids = new Set(standing.map(recordId));
  const deleted = backup.filter((record) => kinds[record.kind].comes === 'now').map(recordId);
  return { put: [...put, ...standing], deleted: deleted.filter((id) => !ids.has(id)), dropped };
}

/** A database of which the backup says nothing. */
const emptied = ({ databaseId, schemaVersion }: DatabaseRecord): DatabaseRecord => ({
  ...{ kind: 'database', databaseId, functions: [], mappings: [], policies: {}, schemaVersion },
});

interface Named {
  readonly name: string;
}

/** What the catalog was right before it was set back. */
class Present {
  readonly #byId = new Map<Guid, TableRecord>();
  readonly #byName = new Map<string, TableRecord>();
  readonly #gone = new Map<Guid, TableRecord>();
  readonly #databases = new Map<Guid, DatabaseRecord>();

  constructor(records: readonly CatalogRecord[]) {
    for (const record of records) {
      if (record.kind === 'database') this.#databases.set(record.databaseId, record);
      if (record.kind === 'droppedTable') this.#gone.set(record.table.tableId, record.table);
      if (record.kind !== 'table') continue;
      this.#byId.set(record.tableId, record);
      if (hasName(record)) this.#byName.set(nameOf(record), record);
    }
  }

  hasStored({ tableId }: TableRecord): boolean {
    return this.#byId.get(tableId)?.stored !== undefined;
  }

  table(record: TableRecord): TableRecord {
    const named = hasName(record) ? this.#byName.get(nameOf(record)) : undefined;
    const own = this.#byId.get(record.tableId) ?? named;
    if (own !== undefined) return withAccess(record, own, named);
    const restricting = this.#gone.get(record.tableId);
    const without = withoutRoles(record);
    return withAccess(without, without, restricting, true);
  }

  functions({ databaseId, functions }: DatabaseRecord): readonly FunctionView[] {
    return merged(functions, this.#databases.get(databaseId)?.functions ?? [], () => true);
  }

  /** @param named functions that policies of row level security name */
  database(record: DatabaseRecord, named: ReadonlySet<string>): DatabaseRecord {
    const now = this.#databases.get(record.databaseId);
    const { externalTables, graphModels, ...rest } = record;
    const functions = merged(record.functions, now?.functions ?? [], (name) => named.has(name));
    return {
      ...rest,
      functions,
      ...(externalTables && { externalTables: withRoles(externalTables, now?.externalTables) }),
      ...(graphModels && { graphModels: withRoles(graphModels, now?.graphModels) }),
      policies: deciding(record.policies, now?.policies ?? {}),
    };
  }
}

const hasName = ({ stored, snapshotOf }: TableRecord): boolean => stored === undefined && snapshotOf === undefined;
const nameOf = ({ databaseId, name }: TableRecord): string => `${databaseId}/${name}`;

/** @param own whose roles and policies count @param other restricts, too @param isStronger its row level security comes first */
function withAccess(
  record: TableRecord,
  own: TableRecord,
  other: TableRecord | undefined,
  isStronger = false,
): TableRecord {
  const order = isStronger ? [other, own] : [own, other];
  const security = order.find((one) => one?.policies.row_level_security?.IsEnabled === true) ?? own;
  const restricted = order.find((one) => one?.policies.restricted_view_access?.IsEnabled === true) ?? own;
  const policies = deciding(record.policies, {
    ...own.policies,
    ...pick(security.policies, 'row_level_security'),
    ...pick(restricted.policies, 'restricted_view_access'),
  });
  return { ...withoutRoles(record), policies, ...(own.principals && { principals: own.principals }) };
}

const pick = <Name extends keyof Policies>(policies: Policies, name: Name): Pick<Policies, Name> =>
  (policies[name] === undefined ? {} : { [name]: policies[name] }) as Pick<Policies, Name>;

const isDeciding = (name: string): boolean => decides[name as keyof Policies];

/** @returns policies of the backup, but for those that decide who may what */
const deciding = (then: Policies, now: Policies): Policies => ({
  ...Object.fromEntries(Object.entries(then).filter(([name]) => !isDeciding(name))),
  ...Object.fromEntries(Object.entries(now).filter(([name]) => isDeciding(name))),
});

interface Holding {
  readonly principals?: FunctionView['principals'];
}

function withoutRoles<T extends Holding>(entity: T): T {
  const rest = { ...entity };
  Reflect.deleteProperty(rest, 'principals');
  return rest;
}

/** Entities of the backup with the roles that those of the same name have now. */
function withRoles<T extends Named & Holding>(then: readonly T[], now: readonly T[] = []): T[] {
  const present = new Map(now.map((one) => [one.name, one]));
  return then.map((one) => {
    const principals = present.get(one.name)?.principals;
    return { ...withoutRoles(one), ...(principals && { principals }) };
  });
}

/** @param isOfNow which are those of now, where there are any */
function merged(
  then: readonly FunctionView[],
  now: readonly FunctionView[],
  isOfNow: (name: string) => boolean,
): readonly FunctionView[] {
  const standing = now.filter(({ name }) => isOfNow(name));
  const names = new Set(standing.map(({ name }) => name));
  return [...withRoles(then, now).filter(({ name }) => !names.has(name)), ...standing];
}

/** Names of functions that stand in some queries, or in a function that does: rather too many than too few. */
function namedFunctions(
  queries: readonly string[],
  databases: readonly (readonly FunctionView[])[],
): ReadonlySet<string> {
  const bodies = new Map<string, FunctionView[]>();
  for (const one of databases.flat()) bodies.set(one.name, [...(bodies.get(one.name) ?? []), one]);
  const simple = new Set([...bodies.keys()].filter((name) => isSimple.test(name)));
  const others = [...bodies.keys()].filter((name) => !simple.has(name));
  const found = new Set<string>();
  const texts = [...queries];
  for (let text = texts.pop(); text !== undefined; text = texts.pop()) {
    const here = text;
    const words = (here.match(word) ?? []).filter((one) => simple.has(one));
    for (const name of [...words, ...others.filter((other) => here.includes(other))]) {
      if (found.has(name)) continue;
      found.add(name);
      texts.push(...(bodies.get(name) ?? []).flatMap(({ body, parameters }) => [body, parameters]));
    }
  }
  return found;
}

const isSimple = /^\w+$/;
const word = /\w+/g;
