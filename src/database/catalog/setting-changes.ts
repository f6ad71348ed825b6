import type { Guid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { parseTimespan } from '../../kql/values/ticks.ts';
import type { MappingKind, MappingView, Policies } from './catalog-view.ts';
import type { MappingSchema } from './schema.ts';
import { dataError } from './data-error.ts';
import { requireEntityName } from './entity-name.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import { databaseOf } from './image.ts';
import { viewsOf } from './materialized-view.ts';
import type { TableRecord } from './records.ts';
import { saveTable } from './table-changes.ts';
import { isFedBy } from './update-policy.ts';
import { updatesOf } from './updates.ts';

/** Mappings and policies belong to a table, or to the database when there is none. */
export type Owner = { readonly databaseId: Guid; readonly table: TableRecord | undefined };

const mappingsMax = 1_000;

export function putMapping(
  draft: CatalogDraft,
  owner: Owner,
  mapping: MappingSchema,
  mode: 'create' | 'createOrAlter' | 'alter',
  now: Instant,
): void {
  const mappings = owned(draft, owner).mappings;
  const same = (one: MappingView): boolean => one.kind === mapping.kind && one.name === mapping.name;
  const exists = mappings.some(same);
  if (exists && mode === 'create') throw dataError('DuplicateMapping', mapping.name);
  if (!exists && mode === 'alter') throw dataError('MappingNotFound', mapping.name.slice(0, 200));
  requireEntityName(mapping.name);
  if (!exists && mappings.length >= mappingsMax)
    throw dataError('InvalidMapping', `There are at most ${mappingsMax} mappings.`);
  saveOwned(draft, owner, { mappings: [...mappings.filter((one) => !same(one)), { ...mapping, lastUpdatedOn: now }] });
}

export function dropMapping(draft: CatalogDraft, owner: Owner, kind: MappingKind, name: string): void {
  const mappings = owned(draft, owner).mappings;
  const kept = mappings.filter((one) => one.kind !== kind || one.name !== name);
  if (kept.length === mappings.length) throw dataError('MappingNotFound', name.slice(0, 200));
  saveOwned(draft, owner, { mappings: kept });
}

export interface SettingPolicy {
  /** Materialized views may show what row level security hides. */
  readonly ignoresViews?: boolean;
}

export function setPolicy<Name extends keyof Policies>(
  draft: CatalogDraft,
  owner: Owner,
  name: Name,
  policy: NonNullable<Policies[Name]> | null,
  { ignoresViews = false }: SettingPolicy = {},
): void {
  const others = Object.entries(owned(draft, owner).policies).filter(([other]) => other !== name);
  const next = Object.fromEntries(policy === null ? others : [...others, [name, policy]]) as Policies;
  for (const span of [next.retention?.SoftDeletePeriod, next.caching?.DataHotSpan, next.caching?.IndexHotSpan]) {
    if (span !== undefined && (parseTimespan(span) ?? -1n) < 0n)
      throw dataError('InvalidPolicy', `'${span.slice(0, 100)}' is not a period.`);
  }
  // In the commit itself: two commands at the same time could set one each.
  if (next.row_level_security?.IsEnabled === true && next.restricted_view_access?.IsEnabled === true)
    throw dataError(
      'InvalidPolicy',
      'A table has either row level security or a restricted view access policy: the other one is enabled.',
    );
  if (name === 'row_level_security' && next.row_level_security?.IsEnabled === true && !ignoresViews)
    requireSecuredViews(draft, owner);
  if (name === 'ingestiontime' && next.ingestiontime?.IsEnabled === false) requireNoViews(draft, owner);
  saveOwned(draft, owner, { policies: next });
  if (owner.table !== undefined) requireTransactional(draft, owner.databaseId);
}

/** A materialized view of rows of the table would show what is hidden there. @throws DataError `InvalidPolicy` */
function requireSecuredViews(draft: CatalogDraft, { databaseId, table }: Owner): void {
  const open = viewsOf(draft, databaseId).find(
    ({ view, policies }) =>
      view.source === table?.name && view.picks !== undefined && policies.row_level_security === undefined,
  );
  if (open !== undefined && table?.view === undefined)
    throw dataError(
      'InvalidPolicy',
      `The materialized view '${open.name}' takes rows of '${table?.name ?? ''}' and has no row level security policy itself: set it there first.`,
    );
}

/** A materialized view would never take in rows whose time is not known. @throws DataError `InvalidPolicy` */
function requireNoViews(draft: CatalogDraft, { databaseId, table }: Owner): void {
  const over = viewsOf(draft, databaseId).find(({ view }) => view.source === table?.name && !view.isOverView);
  if (over !== undefined)
    throw dataError(
      'InvalidPolicy',
      `The materialized view '${over.name}' is over the table '${over.view.source}', which must have an enabled IngestionTime policy for it.`,
    );
}

/** Rows of a table that keeps none would be lost with a policy that may fail. @throws DataError `InvalidPolicy` */
function requireTransactional(draft: CatalogDraft, databaseId: Guid): void {
  const loose = updatesOf(draft, databaseId).filter(({ policy }) => !policy.IsTransactional);
  if (loose.length === 0) return;
  for (const { name, policies } of draft.tablesOf(databaseId)) {
    if (parseTimespan(policies.retention?.SoftDeletePeriod ?? '1.00:00:00') !== 0n) continue;
    const found = loose.find(({ policy }) => isFedBy(policy, name));
    if (found !== undefined)
      throw dataError(
        'InvalidPolicy',
        `The table '${name}' has a soft delete period of zero, so the update policy of '${found.target.name}' that it is the source of must be transactional.`,
      );
  }
}

const owned = (
  draft: CatalogDraft,
  { databaseId, table }: Owner,
): { readonly mappings: readonly MappingView[]; readonly policies: Policies } => table ?? databaseOf(draft, databaseId);

function saveOwned(
  draft: CatalogDraft,
  { databaseId, table }: Owner,
  change: { readonly mappings?: readonly MappingView[]; readonly policies?: Policies },
): void {
  if (table !== undefined) saveTable(draft, { ...table, ...change });
  else {
    const database = databaseOf(draft, databaseId);
    draft.put({ ...database, ...change, schemaVersion: database.schemaVersion + 1 });
  }
}
