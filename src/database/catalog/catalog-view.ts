import type { EntityPrincipal } from '../../authz/kusto-roles.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Instant } from '../../clock/clock.ts';
import type { ManagedIdentityPolicy } from './managed-identity.ts';
import type { UpdatePolicy } from './update-policy.ts';
import type { ExternalTableView } from './external-table.ts';
import type { GraphModelView } from './graph-model.ts';
import type { Column, KqlType } from '../../kql/plan/types.ts';
import type { ViewLookback } from '../../kql/plan/view-lookback.ts';

/** What a cluster's catalog says, as immutable values. */
export interface DatabaseView {
  readonly databaseId: Guid;
  readonly name: string;
  /** Absent: it is the cluster's own, `ReadWrite`. */
  readonly accessMode?: 'ReadOnlyFollowing';
  readonly tables: ReadonlyMap<string, TableView>;
  readonly functions: ReadonlyMap<string, FunctionView>;
  readonly mappings: readonly MappingView[];
  readonly policies: Policies;
  /** Counts changes of the schema; `v1.N` on the wire. */
  readonly schemaVersion: number;
  readonly graphModels: readonly GraphModelView[];
  /** Materialized views by name. */
  readonly views: ReadonlyMap<string, ViewView>;
  /** What people call it; empty: nothing else. */
  readonly prettyName: string;
  readonly entityGroups: readonly EntityGroup[];
  readonly externalTables: readonly ExternalTableView[];
}

/** Databases under one name, for queries over all of them. */
export interface EntityGroup {
  readonly name: string;
  /** `cluster('c').database('d')` */
  readonly entities: readonly string[];
}

export interface TableView {
  readonly tableId: Guid;
  readonly database: string;
  readonly name: string;
  readonly columns: readonly ColumnView[];
  readonly folder: string;
  readonly docstring: string;
  readonly mappings: readonly MappingView[];
  readonly policies: Policies;
  readonly principals: readonly EntityPrincipal[];
}

/** A materialized view, as names mean it. */
export interface ViewView extends Pick<
  TableView,
  'tableId' | 'database' | 'name' | 'folder' | 'docstring' | 'policies' | 'principals'
> {
  readonly columns: readonly Column[];
  readonly query: string;
  readonly source: string;
  readonly isOverView: boolean;
  readonly dimensionTables: readonly string[];
  readonly keys: readonly string[];
  readonly picks?: 'arg_max' | 'arg_min' | 'take_any';
  /** The columns of its stored part. */
  readonly stored: readonly Column[];
  readonly lookback?: ViewLookback;
}

export interface ColumnView {
  readonly columnId: number;
  readonly name: string;
  readonly type: KqlType;
  readonly docstring: string;
  /** The profile of its encoding policy. Absent: the service's choice. */
  readonly encoding?: string;
}

export interface FunctionView {
  readonly name: string;
  readonly parameters: string;
  readonly body: string;
  /** Absent: it is no view. */
  readonly view?: true;
  readonly folder: string;
  readonly docstring: string;
  /** Absent: nobody has a role on it alone. */
  readonly principals?: readonly EntityPrincipal[];
}

export const mappingKinds = ['csv', 'json', 'parquet', 'avro', 'orc', 'w3clogfile'] as const;
export type MappingKind = (typeof mappingKinds)[number];

export interface MappingView {
  readonly name: string;
  readonly kind: MappingKind;
  /** JSON text of the array, as sent. */
  readonly mapping: string;
  readonly lastUpdatedOn: Instant;
}

/** Policies of a database or table, in the form Kusto shows; absent: not set here (a table then has its database's). */
export interface Policies {
  /** Timespan text such as `365000.00:00:00`. */
  readonly retention?: { readonly SoftDeletePeriod: string; readonly Recoverability: 'Enabled' | 'Disabled' };
  readonly caching?: {
    readonly DataHotSpan: string;
    readonly IndexHotSpan: string;
    readonly HotWindows?: readonly { readonly MinValue: string; readonly MaxValue: string }[];
  };
  readonly streamingingestion?: { readonly IsEnabled: boolean; readonly HintAllocatedRate: number | null };
  readonly merge?: JsonObject;
  readonly sharding?: JsonObject;
  readonly ingestionbatching?: JsonObject;
  /** Kept and shown: rows lie in the order in which they came. */
  readonly roworder?: JsonObject;
  readonly partitioning?: JsonObject;
  readonly row_level_security?: { readonly IsEnabled: boolean; readonly Query: string };
  readonly restricted_view_access?: { readonly IsEnabled: boolean };
  /** Tags go when the newest row of their extent is so old. */
  readonly extent_tags_retention?: readonly { readonly TagPrefix: string; readonly RetentionPeriod: string }[];
  /** Of tables alone. */
  readonly auto_delete?: { readonly ExpiryDate: string; readonly DeleteIfNotEmpty: boolean };
  readonly update?: readonly UpdatePolicy[];
  /** Of tables alone. Absent: rows get their times, as of every new table. */
  readonly ingestiontime?: { readonly IsEnabled: boolean; readonly isDeleted?: true };
  /** Of databases alone. */
  readonly managed_identity?: readonly ManagedIdentityPolicy[];
}

export interface ExtentView {
  readonly extentId: Guid;
  readonly database: string;
  readonly table: string;
  readonly rowCount: number;
  /** Bytes of the rows before they became Parquet, as far as known. */
  readonly originalBytes: number;
  /** Bytes at rest. */
  readonly extentBytes: number;
  readonly minCreatedOn: Instant;
  readonly maxCreatedOn: Instant;
  readonly tags: readonly string[];
  readonly hot: boolean;
  readonly dekId: Guid;
}

/** A database as the resource manager knows it. Periods in milliseconds; undefined: unlimited. */
export interface ClusterDatabase {
  readonly databaseId: Guid;
  readonly name: string;
  readonly softDeletePeriodMs?: number;
  readonly hotCachePeriodMs?: number;
  /** Its own key is away, and why: nothing in it can be used. */
  readonly suspended?: string;
}
