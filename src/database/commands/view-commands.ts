import { instant } from '../../clock/clock.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { ticksOfIngestion } from '../catalog/ingestion-order.ts';
import type { ViewCreation, ViewDefinition, ViewText } from '../views/materialized-views.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { innerText } from '../../kql/values/literal-text.ts';
import {
  formatTimespan,
  parseDatetime,
  parseTimespan,
  ticksPerMillisecond,
  unixEpochTicks,
} from '../../kql/values/ticks.ts';
import type { Command, CommandRow, CommandTable, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf, ticksOrNull } from './instants.ts';
import { operationIdColumns, operationOf, startRecorded, stoppable } from './operation-record.ts';
import { requirePermission } from './permissions.ts';

/** @see Kusto ".show materialized-views", output schema */
export const viewColumns =
  'Name: string, SourceTable: string, Query: string, MaterializedTo: datetime, LastRun: datetime, LastRunResult: string, IsHealthy: bool, IsEnabled: bool, Folder: string, DocString: string, AutoUpdateSchema: bool, EffectiveDateTime: datetime, Lookback: timespan, LookbackColumn: string';

const creationProperties = [
  ...['backfill', 'effectiveDateTime', 'updateExtentsCreationTime', 'lookback', 'lookback_column'],
  ...['autoUpdateSchema', 'dimensionTables', 'folder', 'docString', 'allowMaterializedViewsWithoutRowLevelSecurity'],
] as const;
const alterationProperties = [
  ...['lookback', 'lookback_column', 'autoUpdateSchema', 'dimensionTables', 'folder', 'docString'],
  'allowMaterializedViewsWithoutRowLevelSecurity',
] as const;

const nameOf = (command: Command): string => command.required('MaterializedViewName');

/** Healthy is a view that has nothing to take in, or was up to date within the last hour. */
const healthyMs = 3_600_000;

export function viewRow(record: ViewRecord, { data, clock }: CommandContext): Row {
  const { name, folder, docstring, view } = record;
  const hasFailed = view.failures?.[0] !== undefined && view.failures[0].failedOn === view.lastRunOn;
  const isLate = data.hasRowsToCome(record) && clock.now() - view.materializedTo / 1000 > healthyMs;
  const lookback = view.lookback === undefined ? undefined : parseTimespan(view.lookback);
  return [
    ...[name, view.source, view.query, view.materializedTo === 0 ? null : ticksOfIngestion(view.materializedTo)],
    view.lastRunOn === undefined ? null : ticksOf(instant(view.lastRunOn)),
    hasFailed ? 'Failed' : view.lastRunOn === undefined ? '' : 'Completed',
    ...[!hasFailed && !isLate, view.isEnabled, folder, docstring, view.autoUpdateSchema],
    ...[ticksOrNull(instant(view.effectiveOn)), lookback ?? null, view.lookbackColumn ?? ''],
  ];
}

const oneRow = (record: ViewRecord, context: CommandContext): readonly Row[] => [viewRow(record, context)];
const allRows = (context: CommandContext): readonly Row[] =>
  context.data.materializedViews(context.database).map((record) => viewRow(record, context));

function boolOf(name: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const inner = innerText(text).toLowerCase();
  if (inner !== 'true' && inner !== 'false') throw new KqlError('semantic', `The property '${name}' is true or false.`);
  return inner === 'true';
}

/** @returns null for `timespan(null)` */
function lookbackOf(text: string | undefined): string | null | undefined {
  if (text === undefined) return undefined;
  if (/^(time|timespan)\s*\(\s*null\s*\)$/i.test(text.trim())) return null;
  const inside = /^(?:time|timespan)\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? text;
  const ticks = parseTimespan(innerText(inside));
  if (ticks === undefined) throw new KqlError('semantic', 'The lookback is not a timespan.');
  return formatTimespan(ticks);
}

function dimensionsOf(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const inside = /^dynamic\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? innerText(text);
  try {
    const names: unknown = JSON.parse(inside);
    if (Array.isArray(names) && names.every((name) => typeof name === 'string') && names.length <= 100) return names;
  } catch {
    // Said below.
  }
  throw new KqlError('semantic', "The property 'dimensionTables' is an array of at most 100 names of tables.");
}

function effectiveOf(text: string): ReturnType<typeof instant> {
  const inside = /^datetime\s*\((.*)\)$/is.exec(text.trim())?.[1] ?? innerText(text);
  const ticks = parseDatetime(innerText(inside.trim()));
  if (ticks === undefined) throw new KqlError('semantic', "The property 'effectiveDateTime' is not a datetime.");
  return instant(Number((ticks - unixEpochTicks) / ticksPerMillisecond));
}

type Properties = Partial<Record<(typeof creationProperties)[number], string>>;

function definitionOf(command: Command, context: CommandContext, properties: Properties): ViewDefinition {
  const over = command.optional('SourceMaterializedViewName') ?? command.optional('MaterializedViewSourceName');
  const query = command.required('SourceBody').trim().replace(/^\{/, '').replace(/\}$/, '').trim();
  const lookback = lookbackOf(properties.lookback);
  const isAuto = boolOf('autoUpdateSchema', properties.autoUpdateSchema);
  const dimensions = dimensionsOf(properties.dimensionTables);
  const isOpen = boolOf(
    'allowMaterializedViewsWithoutRowLevelSecurity',
    properties.allowMaterializedViewsWithoutRowLevelSecurity,
  );
  return {
    ...{ database: context.database, name: nameOf(command), query, isOverView: over !== undefined },
    source: over ?? command.required('SourceTableName'),
    ...(dimensions && { dimensionTables: dimensions }),
    ...(properties.folder !== undefined && { folder: innerText(properties.folder) }),
    ...(properties.docString !== undefined && { docstring: innerText(properties.docString) }),
    ...(isAuto !== undefined && { autoUpdateSchema: isAuto }),
    ...(lookback !== undefined && { lookback }),
    ...(properties.lookback_column !== undefined &&
      innerText(properties.lookback_column) !== '' && { lookbackColumn: innerText(properties.lookback_column) }),
    ...(isOpen !== undefined && { ignoresSecurity: isOpen }),
  };
}

async function create(command: Command, context: CommandContext): Promise<readonly Row[] | CommandTable> {
  const { data, database } = context;
  const properties = command.properties(creationProperties);
  const isBackfilled = boolOf('backfill', properties.backfill) === true;
  const isAsync = command.has('async');
  if (!isBackfilled && (properties.effectiveDateTime ?? properties.updateExtentsCreationTime) !== undefined)
    throw new KqlError(
      'semantic',
      "The properties 'effectiveDateTime' and 'updateExtentsCreationTime' need 'backfill'.",
    );
  if (isBackfilled && !isAsync)
    throw new KqlError('semantic', 'A materialized view with backfill is created by an async command only.');
  const after = properties.effectiveDateTime === undefined ? undefined : effectiveOf(properties.effectiveDateTime);
  const asked: ViewCreation = {
    ...definitionOf(command, context, properties),
    ...(isBackfilled && { backfill: after === undefined ? {} : { after } }),
    ...(boolOf('updateExtentsCreationTime', properties.updateExtentsCreationTime) === true && {
      updatesCreationTime: true,
    }),
  };
  const existing = data.materializedViews(database).find(({ name }) => name === asked.name);
  if (existing !== undefined && command.has('ifnotexists')) return oneRow(existing, context);
  if (!isAsync) {
    const { signal } = context;
    return oneRow(await data.createMaterializedView({ ...asked, signal }), context);
  }
  // Work that goes on after the answer does not end with the request.
  const detached = { ...context, signal: undefined };
  const operation = operationOf(context, 'MaterializedViewCreateOrAlter');
  return startRecorded(context, operation, () =>
    stoppable(detached, operation, ({ signal }) => data.createMaterializedView({ ...asked, signal })),
  );
}

/** What row level security hides is shown by those only who administer the database. @throws ForbiddenError */
const requireOverSecurity = (command: Command, context: CommandContext): void => {
  requirePermission(context, 'admin', context.database, command.kind);
};

async function createOrAlter(command: Command, context: CommandContext): Promise<readonly Row[] | CommandTable> {
  const exists = context.data.materializedViews(context.database).some(({ name }) => name === nameOf(command));
  return exists ? alter(command, context) : create(command, context);
}

async function alter(command: Command, context: CommandContext): Promise<readonly Row[]> {
  const definition = definitionOf(command, context, command.properties(alterationProperties));
  if (definition.ignoresSecurity === true) requireOverSecurity(command, context);
  return oneRow(await context.data.alterMaterializedView(definition), context);
}

function textOf(command: Command): ViewText {
  const last = command.leaves.at(-1);
  const text = last === undefined ? '' : typeof last.value === 'string' ? last.value : last.text;
  switch (command.kind) {
    case 'AlterMaterializedViewFolder':
      return { folder: text };
    case 'AlterMaterializedViewDocString':
      return { docstring: text };
    case 'AlterMaterializedViewLookback':
      return { lookback: lookbackOf(last?.text) ?? null };
    default:
      return { autoUpdateSchema: boolOf('autoUpdateSchema', last?.text) === true };
  }
}

const asyncColumns = (command: Command): string => (command.has('async') ? operationIdColumns : viewColumns);

/** Commands that make and change materialized views. @see Kusto "Materialized views" */
export const viewCommands: readonly CommandRow[] = [
  {
    kinds: {
      CreateMaterializedView: '.create materialized-view V on table T { T | summarize count() by A }',
      CreateMaterializedViewOverMaterializedView:
        '.create materialized-view W on materialized-view V { V | summarize count() by A }',
    },
    permission: 'admin',
    columns: asyncColumns,
    run: create,
  },
  {
    kinds: {
      CreateOrAlterMaterializedView: '.create-or-alter materialized-view V on table T { T | summarize count() by A }',
      CreateOrAlterMaterializedViewOverMaterializedView:
        '.create-or-alter materialized-view W on materialized-view V { V | summarize count() by A }',
    },
    permission: 'viewAdmin',
    columns: asyncColumns,
    run: createOrAlter,
  },
  {
    kinds: {
      AlterMaterializedView: '.alter materialized-view V on table T { T | summarize count() by A }',
      AlterMaterializedViewOverMaterializedView:
        '.alter materialized-view W on materialized-view V { V | summarize count() by A }',
    },
    permission: 'viewAdmin',
    columns: viewColumns,
    run: alter,
  },
  {
    kinds: {
      AlterMaterializedViewFolder: '.alter materialized-view V folder "F"',
      AlterMaterializedViewDocString: '.alter materialized-view V docstring "Text"',
      AlterMaterializedViewLookback: '.alter materialized-view V lookback 6h',
      AlterMaterializedViewAutoUpdateSchema: '.alter materialized-view V autoUpdateSchema true',
    },
    permission: 'viewAdmin',
    columns: viewColumns,
    run: async (command, context) => {
      const { data, database } = context;
      return oneRow(await data.setMaterializedViewText(database, nameOf(command), textOf(command)), context);
    },
  },
  {
    kinds: { EnableDisableMaterializedView: '.disable materialized-view V' },
    permission: 'viewAdmin',
    columns: viewColumns,
    run: async (command, context) => {
      const { allowMaterializedViewsWithoutRowLevelSecurity: allowed } = command.properties([
        'allowMaterializedViewsWithoutRowLevelSecurity',
      ]);
      const ignoresSecurity = boolOf('allow', allowed) === true;
      if (ignoresSecurity) requireOverSecurity(command, context);
      const record = await context.data.enableMaterializedView(...([context.database, nameOf(command)] as const), {
        isEnabled: command.has('enable'),
        ignoresSecurity,
      });
      return oneRow(record, context);
    },
  },
  {
    kinds: { RenameMaterializedView: '.rename materialized-view V to W' },
    permission: 'viewAdmin',
    columns: viewColumns,
    run: async (command, context) => {
      const to = command.required('NewMaterializedViewName');
      await context.data.renameMaterializedView(context.database, nameOf(command), to);
      return allRows(context);
    },
  },
  {
    // The parser does not know `ifexists`.
    kinds: {
      DropMaterializedView: ['.drop materialized-view V', 'drop materialized-view {MaterializedViewName} ifexists'],
    },
    permission: 'viewAdmin',
    columns: viewColumns,
    run: async (command, context) => {
      const name = nameOf(command);
      const exists = context.data.materializedViews(context.database).some((view) => view.name === name);
      if (exists || !command.has('ifexists')) await context.data.dropMaterializedView(context.database, name);
      return allRows(context);
    },
  },
  {
    kinds: { ClearMaterializedViewData: '.clear materialized-view V data' },
    permission: 'viewAdmin',
    columns: 'ExtentId: guid, TableName: string, CreatedOn: datetime',
    run: async (command, context) => {
      const name = nameOf(command);
      const extents = await context.data.clearMaterializedView(context.database, name);
      return extents.map(({ extentId, minCreatedOn }) => [extentId, `_MV_${name}`, ticksOf(minCreatedOn)]);
    },
  },
];
