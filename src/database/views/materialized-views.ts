import type { Instant } from '../../clock/clock.ts';
import type { ExtentView, Policies } from '../catalog/catalog-view.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';

/** What a command says of a view. */
export interface ViewDefinition {
  readonly database: string;
  readonly name: string;
  readonly source: string;
  readonly isOverView: boolean;
  readonly query: string;
  readonly dimensionTables?: readonly string[];
  readonly folder?: string;
  readonly docstring?: string;
  readonly autoUpdateSchema?: boolean;
  /** Timespan text; null: none any more. */
  readonly lookback?: string | null;
  readonly lookbackColumn?: string;
  /** It may show rows that the row level security of its source hides. */
  readonly ignoresSecurity?: boolean;
}

export interface ViewCreation extends ViewDefinition {
  /** From all rows that there are, or from those that were ingested after a time. Absent: from none. */
  readonly backfill?: { readonly after?: Instant };
  /** From a table that has what its query would give: its extents move. */
  readonly moved?: {
    readonly table: string;
    /** Extents whose newest row came later alone. */
    readonly after?: Instant;
    /** Rows of the source that were ingested later are to be taken in. Absent: those that come from now on. */
    readonly sourceAfter?: Instant;
  };
  /** Extents are as old as the times that they are grouped by. */
  readonly updatesCreationTime?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export type ViewText = Pick<ViewDefinition, 'folder' | 'docstring' | 'autoUpdateSchema' | 'lookback'>;

/** Aggregates that are kept up to date. All methods throw DataError `ViewNotFound` where there is no such view.
 * @see Kusto "Materialized views" */
export interface MaterializedViews {
  /** As of now, by name. */
  materializedViews(database: string): readonly ViewRecord[];
  materializedView(database: string, name: string): ViewRecord;
  /** With a backfill the view and its rows are there in one commit. @throws DataError `EntityExists` | `InvalidView` */
  createMaterializedView(view: ViewCreation): Promise<ViewRecord>;
  /** What is in it stays; columns that are new are empty in it. */
  alterMaterializedView(view: ViewDefinition): Promise<ViewRecord>;
  setMaterializedViewText(database: string, name: string, text: ViewText): Promise<ViewRecord>;
  setMaterializedViewPolicy<Name extends keyof Policies>(
    database: string,
    name: string,
    policy: Name,
    value: NonNullable<Policies[Name]> | null,
  ): Promise<void>;
  /** @throws DataError `InvalidView` also where it would show what the row level security of its source hides, which was set meanwhile */
  enableMaterializedView(
    database: string,
    name: string,
    how: { readonly isEnabled: boolean; readonly ignoresSecurity: boolean },
  ): Promise<ViewRecord>;
  renameMaterializedView(database: string, name: string, to: string): Promise<void>;
  dropMaterializedView(database: string, name: string): Promise<void>;
  /** What was made so far goes. @returns its extents */
  clearMaterializedView(database: string, name: string): Promise<readonly ExtentView[]>;
  materializedViewExtents(database: string, name: string): readonly ExtentView[];
  /** Whether its source may have rows that are not in its stored part. */
  hasRowsToCome(view: ViewRecord): boolean;
  /** Takes in the new rows of the source now. @returns whether there were any */
  materialize(database: string, name: string): Promise<boolean>;
}
