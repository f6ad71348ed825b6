import type { PrincipalsModification } from './database-sharing.ts';
import type { DatabaseRole } from './kusto-roles.ts';
import type { NamedPrincipal } from './role-changes.ts';

/** Whose caching policies count, in the same three ways as principals. */
export type CachingModification = PrincipalsModification;

/** How long rows and their index are hot, as Kusto writes periods: `7.00:00:00`. */
export interface HotSpans {
  readonly rows: string;
  readonly index: string;
}

/** Somebody with a role in a followed database, given by the follower. */
export interface OverridePrincipal extends NamedPrincipal {
  readonly role: DatabaseRole;
  readonly notes: string;
}

/** What a follower has set for one database that it follows, beside its configuration. */
export interface FollowerOverrides {
  readonly principals: readonly OverridePrincipal[];
  /** Absent: as the configuration says by default. */
  readonly principalsKind?: PrincipalsModification;
  readonly cachingKind: CachingModification;
  readonly caching?: HotSpans;
  /** By table. */
  readonly tables: Readonly<Record<string, HotSpans>>;
  readonly prefetch: boolean;
}

export const noOverrides: FollowerOverrides = { principals: [], cachingKind: 'Union', tables: {}, prefetch: false };

/** A change that a command asks for. Principals are texts as the command has them: `aaduser=jane@example.com`. */
export type FollowerChange =
  | {
      readonly what: 'principals';
      readonly action: 'add' | 'drop';
      readonly role: DatabaseRole;
      readonly principals: readonly string[];
      readonly notes: string;
    }
  | { readonly what: 'principalsKind' | 'cachingKind'; readonly kind: PrincipalsModification }
  /** No tables: the database's own. `hot` null: it goes. */
  | { readonly what: 'caching'; readonly tables: readonly string[]; readonly hot: HotSpans | null }
  | { readonly what: 'prefetch'; readonly on: boolean };

/** What `.show follower database` tells. */
export interface FollowerConfiguration {
  readonly name: string;
  /** What counts now, by an override or by the configuration's default. */
  readonly principalsKind: PrincipalsModification;
  readonly overrides: FollowerOverrides;
}

type OtherChange = Exclude<FollowerChange, { readonly what: 'principals' }>;

/** @param change about anything but principals, who have to be found first */
export function withOverride(overrides: FollowerOverrides, change: OtherChange): FollowerOverrides {
  switch (change.what) {
    case 'principalsKind':
      return { ...overrides, principalsKind: change.kind };
    case 'cachingKind':
      return { ...overrides, cachingKind: change.kind };
    case 'prefetch':
      return { ...overrides, prefetch: change.on };
    case 'caching':
      return withHotSpans(overrides, change.tables, change.hot);
  }
}

function withHotSpans(
  { caching, ...overrides }: FollowerOverrides,
  tables: readonly string[],
  hot: HotSpans | null,
): FollowerOverrides {
  if (tables.length === 0) return hot === null ? overrides : { ...overrides, caching: hot };
  const others = Object.entries(overrides.tables).filter(([table]) => !tables.includes(table));
  const changed = hot === null ? [] : tables.map((table) => [table, hot] as const);
  return {
    ...overrides,
    ...(caching === undefined ? {} : { caching }),
    tables: Object.fromEntries([...others, ...changed]),
  };
}
