import type { Guid } from '../../base/guid.ts';
import type { ViewParts } from '../../kql/plan/view-parts.ts';
import type { Column } from '../../kql/plan/types.ts';
import { ingestedState } from '../../kql/plan/view-lookback.ts';
import { parseTimespan } from '../../kql/values/ticks.ts';
import { dataError, entityExists } from '../catalog/data-error.ts';
import { requireEntityName } from '../catalog/entity-name.ts';
import { hiddenRecord } from '../catalog/hidden-table.ts';
import type { CatalogDraft } from '../catalog/catalog-draft.ts';
import { databaseOf } from '../catalog/image.ts';
import type { IngestedAt } from '../catalog/ingestion-order.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { findView, viewsOf } from '../catalog/materialized-view.ts';
import type { ColumnView } from '../catalog/catalog-view.ts';
import type { ViewFacts } from '../catalog/view-facts.ts';
import { lookbackOf } from '../catalog/view-facts.ts';
import { findTable, requireText } from '../catalog/table-changes.ts';
import type { ViewCreation, ViewDefinition } from './materialized-views.ts';

/** What the query of a view was found to be. */
export interface ViewShape {
  readonly parts: ViewParts;
  readonly columns: readonly Column[];
}

const viewsMax = 1_000;

/** The name is that of no table, function or view. @throws DataError */
export function requireFreeName(draft: CatalogDraft, databaseId: Guid, name: string): void {
  requireEntityName(name);
  if (databaseOf(draft, databaseId).functions.some((fn) => fn.name === name))
    throw entityExists('ExpressionFunction', name);
  if (findTable(draft, databaseId, name) !== undefined) throw entityExists('Table', name);
  if (findView(draft, databaseId, name) !== undefined) throw entityExists('MaterializedView', name);
  if (viewsOf(draft, databaseId).length >= viewsMax)
    throw dataError('InvalidView', `A database has at most ${viewsMax} materialized views.`);
}

export function newView(
  ids: { readonly databaseId: Guid; readonly tableId: Guid },
  asked: ViewCreation,
  shape: ViewShape,
  times: { readonly materializedTo: IngestedAt; readonly effectiveOn: number },
): ViewRecord {
  return {
    ...hiddenRecord(ids, asked.name, shape.parts.states),
    folder: requireText(asked.folder ?? ''),
    docstring: requireText(asked.docstring ?? ''),
    view: { ...factsOf(asked, shape), ...times, isEnabled: true },
  };
}

/** Columns that are in both keep what they have. */
export function alteredView(record: ViewRecord, asked: ViewDefinition, shape: ViewShape): ViewRecord {
  const { view } = record;
  const keys = shape.parts.keys.map(({ name }) => name);
  if (keys.join('\0') !== view.keys.join('\0'))
    throw dataError('InvalidView', "The 'by' clause of a materialized view cannot be altered.");
  for (const { name, type } of shape.columns) {
    const before = view.columns.find((column) => column.name === name);
    if (before !== undefined && before.type !== type)
      throw dataError('InvalidView', `The type of the column '${name}' of a materialized view cannot be altered.`);
  }
  if (asked.source !== view.source || asked.isOverView !== view.isOverView)
    throw dataError('InvalidView', 'The source of a materialized view cannot be altered.');
  if (view.lookbackColumn !== undefined && (asked.lookbackColumn ?? view.lookbackColumn) !== view.lookbackColumn)
    throw dataError('InvalidView', 'The lookback column of a materialized view cannot be altered.');
  const { isEnabled, materializedTo, lastRunOn, failures, effectiveOn } = view;
  const { lookback, lookbackColumn } = view;
  const kept = { ...(lookback !== undefined && { lookback }), ...(lookbackColumn !== undefined && { lookbackColumn }) };
  const facts = factsOf(
    { ...kept, autoUpdateSchema: view.autoUpdateSchema, dimensionTables: view.dimensionTables, ...asked },
    shape,
  );
  return {
    ...withStates(record, shape.parts.states),
    folder: requireText(asked.folder ?? record.folder),
    docstring: requireText(asked.docstring ?? record.docstring),
    view: {
      ...{ ...facts, isEnabled, materializedTo, effectiveOn },
      ...(lastRunOn !== undefined && { lastRunOn }),
      ...(failures !== undefined && { failures }),
    },
  };
}

/** A view keeps when the rows were ingested that it picks while its lookback goes by that. What it has already has no such time. */
export function withLookback(record: ViewRecord, lookback: ViewDefinition['lookback']): ViewRecord {
  const { lookback: before, ...facts } = record.view;
  const next = lookback === undefined ? before : (lookback ?? undefined);
  const view = { ...facts, ...(next !== undefined && { lookback: next }) };
  const others = record.columns.filter(({ name }) => name !== ingestedState.name);
  return withStates(
    { ...record, view },
    lookbackOf(view)?.column === ingestedState.name ? [...others, ingestedState] : others,
  );
}

/** A state of the same name and type is the same column. */
function withStates(record: ViewRecord, states: readonly Column[]): ViewRecord {
  let { nextColumnId } = record;
  const columns = states.map(({ name, type }): ColumnView => {
    const before = record.columns.find((column) => column.name === name && column.type === type);
    return before ?? { columnId: nextColumnId++, name, type, docstring: '' };
  });
  return { ...record, columns, nextColumnId };
}

function factsOf(
  asked: ViewDefinition,
  { parts, columns }: ViewShape,
): Omit<ViewFacts, 'isEnabled' | 'materializedTo' | 'effectiveOn'> {
  const { query, source, isOverView, dimensionTables = [], lookback, lookbackColumn, autoUpdateSchema = false } = asked;
  if (autoUpdateSchema && !parts.picksAll)
    throw dataError(
      'InvalidView',
      'autoUpdateSchema is for materialized views of one arg_max(…, *), arg_min(…, *) or take_any(*) only.',
    );
  requireLookback(asked, { parts, columns });
  return {
    ...{ query: requireText(query), source, isOverView, dimensionTables, columns, autoUpdateSchema },
    keys: parts.keys.map(({ name }) => name),
    ...(parts.picks !== undefined && { picks: parts.picks }),
    picksAll: parts.picksAll,
    ...(lookback !== undefined && lookback !== null && { lookback }),
    ...(lookbackColumn !== undefined && { lookbackColumn }),
  };
}

/** @throws DataError */
export function requireLookback(
  { lookback, lookbackColumn }: Pick<ViewDefinition, 'lookback' | 'lookbackColumn'>,
  { parts, columns }: { readonly parts: Pick<ViewParts, 'picks' | 'states'>; readonly columns: readonly Column[] },
): void {
  if (lookback !== undefined && lookback !== null && (parseTimespan(lookback) ?? 0n) <= 0n)
    throw dataError('InvalidView', 'The lookback of a materialized view is a timespan of more than zero.');
  if (lookbackColumn !== undefined) {
    if (columns.find(({ name }) => name === lookbackColumn)?.type !== 'datetime')
      throw dataError(
        'InvalidView',
        `The lookback column '${lookbackColumn.slice(0, 200)}' is no datetime column of the materialized view.`,
      );
    if (!parts.states.some(({ name, type }) => name === lookbackColumn && type === 'datetime'))
      throw dataError(
        'InvalidView',
        `The lookback column '${lookbackColumn.slice(0, 200)}' cannot be one that is an average or a percentile: that is not built.`,
      );
  } else if (lookback !== undefined && lookback !== null && parts.picks === undefined)
    throw dataError(
      'InvalidView',
      'A lookback without a lookback_column is for materialized views of one arg_max, arg_min or take_any only.',
    );
}
