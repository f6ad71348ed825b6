import { instant } from '../../clock/clock.ts';
import type { ViewRecord } from '../catalog/materialized-view.ts';
import { ticksOfIngestion } from '../catalog/ingestion-order.ts';
import type { ViewCreation, ViewText } from '../views/materialized-views.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import { withoutHidden } from '../../kql/values/obfuscated.ts';
import { parseTimespan } from '../../kql/values/ticks.ts';
import type { Command, CommandRow, CommandTable, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { ticksOf, ticksOrNull } from './instants.ts';
import { operationIdColumns, operationOf, startRecorded, stoppable } from './operation-record.ts';
import { requirePermission } from './permissions.ts';
import { columnsOfText } from './schema-text.ts';
import {
  alterationProperties,
  boolOf,
  creationProperties,
  definitionOf,
  fillingOf,
  lookbackOf,
  nameOf,
} from './view-properties.ts';

/** @see Kusto ".show materialized-views", output schema */
export const viewColumns =
  'Name: string, SourceTable: string, Query: string, MaterializedTo: datetime, LastRun: datetime, LastRunResult: string, IsHealthy: bool, IsEnabled: bool, Folder: string, DocString: string, AutoUpdateSchema: bool, EffectiveDateTime: datetime, Lookback: timespan, LookbackColumn: string';

/** Healthy is a view that has nothing to take in, or was up to date within the last hour. */
const healthyMs = 3_600_000;

export function viewRow(record: ViewRecord, { data, clock }: CommandContext): Row {
  const { name, folder, docstring, view } = record;
  const hasFailed = view.failures?.[0] !== undefined && view.failures[0].failedOn === view.lastRunOn;
  const isLate = data.hasRowsToCome(record) && clock.now() - view.materializedTo / 1000 > healthyMs;
  const lookback = view.lookback === undefined ? undefined : parseTimespan(view.lookback);
  return [
    ...[
      name,
      view.source,
      withoutHidden(view.query),
      view.materializedTo === 0 ? null : ticksOfIngestion(view.materializedTo),
    ],
    view.lastRunOn === undefined ? null : ticksOf(instant(view.lastRunOn)),
    hasFailed ? 'Failed' : view.lastRunOn === undefined ? '' : 'Completed',
    ...[!hasFailed && !isLate, view.isEnabled, folder, docstring, view.autoUpdateSchema],
    ...[ticksOrNull(instant(view.effectiveOn)), lookback ?? null, view.lookbackColumn ?? ''],
  ];
}

const oneRow = (record: ViewRecord, context: CommandContext): readonly Row[] => [viewRow(record, context)];
const allRows = (context: CommandContext): readonly Row[] =>
  context.data.materializedViews(context.database).map((record) => viewRow(record, context));

async function create(command: Command, context: CommandContext): Promise<readonly Row[] | CommandTable> {
  const { data, database } = context;
  const properties = command.properties(creationProperties);
  const isAsync = command.has('async');
  const filling = fillingOf(properties);
  if ((filling.backfill !== undefined || filling.moved !== undefined) && !isAsync)
    throw new KqlError('semantic', 'A materialized view with backfill is created by an async command only.');
  const asked: ViewCreation = { ...definitionOf(command, context, properties), ...filling };
  const existing = data.materializedViews(database).find(({ name }) => name === asked.name);
  if (existing !== undefined && command.has('ifnotexists'))
    return { columns: columnsOfText(viewColumns), rows: oneRow(existing, context) };
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
    // With properties the parser does not know it.
    kinds: {
      EnableDisableMaterializedView: [
        '.disable materialized-view V',
        'enable materialized-view {MaterializedViewName} with',
      ],
    },
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
