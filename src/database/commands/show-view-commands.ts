import type { ViewRecord } from '../catalog/materialized-view.ts';
import { instant } from '../../clock/clock.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { extentColumns, extentRow } from './extent-commands.ts';
import { ticksOf, ticksOrNull } from './instants.ts';
import { databasePolicies, policyText } from './policy-json.ts';
import { principalsJson } from './principal-commands.ts';
import { clrTypes, cslSchema } from './schema-text.ts';
import { viewColumns, viewRow } from './view-commands.ts';

const detailColumns =
  'MaterializedViewName: string, DatabaseName: string, Folder: string, DocString: string, TotalExtents: long, TotalExtentSize: real, TotalOriginalSize: real, TotalRowCount: long, HotExtents: long, HotExtentSize: real, HotOriginalSize: real, HotRowCount: long, AuthorizedPrincipals: string, RetentionPolicy: string, CachingPolicy: string, ShardingPolicy: string, MergePolicy: string, MinExtentsCreationTime: datetime, MaxExtentsCreationTime: datetime';
const schemaColumns = 'TableName: string, Schema: string, DatabaseName: string, Folder: string, DocString: string';
const failureColumns =
  'Timestamp: datetime, OperationId: string, Name: string, LastSuccessRun: datetime, FailureKind: string, Details: string';

/** The views that a command names, each of which must exist, or all. */
function namedViews(command: Command, { data, database }: CommandContext): readonly ViewRecord[] {
  const names = command.all('MaterializedViewName');
  return names.length === 0
    ? data.materializedViews(database)
    : names.map((name) => data.materializedView(database, name));
}

function detailRow(record: ViewRecord, context: CommandContext): Row {
  const database = context.data.database(context.database);
  const extents = context.data.materializedViewExtents(context.database, record.name);
  const hot = extents.filter((extent) => extent.hot);
  const policies = { ...databasePolicies(database, context), ...record.policies };
  const sum = (of: typeof extents, value: (extent: (typeof extents)[number]) => number): number =>
    of.reduce((total, extent) => total + value(extent), 0);
  const totals = (of: typeof extents): Row => [
    ...[BigInt(of.length), sum(of, ({ extentBytes }) => extentBytes), sum(of, ({ originalBytes }) => originalBytes)],
    BigInt(sum(of, ({ rowCount }) => rowCount)),
  ];
  const times = extents.flatMap(({ minCreatedOn, maxCreatedOn }) => [minCreatedOn, maxCreatedOn]);
  return [
    ...[record.name, database.name, record.folder, record.docstring, ...totals(extents), ...totals(hot)],
    principalsJson(database.databaseId, context),
    ...[policies.retention, policies.caching, policies.sharding, policies.merge].map(policyText),
    ticksOrNull(times.length === 0 ? undefined : instant(Math.min(...times))),
    ticksOrNull(times.length === 0 ? undefined : instant(Math.max(...times))),
  ];
}

const schemaRow = ({ name, folder, docstring }: ViewRecord, schema: string, database: string): Row => [
  ...[name, schema, database, folder, docstring],
];

const jsonOf = ({ name, view }: ViewRecord): string =>
  JSON.stringify({
    Name: name,
    OrderedColumns: view.columns.map((column) => ({
      ...{ Name: column.name, Type: clrTypes[column.type], CslType: column.type },
    })),
  });

function failureRows({ name, view }: ViewRecord): readonly Row[] {
  const succeeded = view.failures?.[0]?.failedOn === view.lastRunOn ? undefined : view.lastRunOn;
  return (view.failures ?? []).map(({ failedOn, operationId, isPermanent, details }) => [
    ...[
      ticksOf(instant(failedOn)),
      operationId,
      name,
      ticksOrNull(succeeded === undefined ? undefined : instant(succeeded)),
    ],
    ...[isPermanent ? 'Permanent' : 'Transient', details],
  ]);
}

/** What is told of materialized views. @see Kusto ".show materialized-views" and the pages beside it */
export const showViewCommands: readonly CommandRow[] = [
  {
    kinds: { ShowMaterializedViews: '.show materialized-views', ShowMaterializedView: '.show materialized-view V' },
    permission: 'metadata',
    columns: viewColumns,
    run: (command, context) => namedViews(command, context).map((record) => viewRow(record, context)),
  },
  {
    kinds: {
      ShowMaterializedViewsDetails: '.show materialized-views details',
      ShowMaterializedViewDetails: '.show materialized-view V details',
    },
    permission: 'metadata',
    columns: detailColumns,
    run: (command, context) => namedViews(command, context).map((record) => detailRow(record, context)),
  },
  {
    kinds: { ShowMaterializedViewExtents: '.show materialized-view V extents' },
    permission: 'metadata',
    columns: extentColumns,
    run: (command, { data, database }) =>
      data
        .materializedViewExtents(database, command.required('MaterializedViewName'))
        .filter(({ hot }) => hot || !command.has('hot'))
        .map(extentRow),
  },
  {
    // Of a view that is not there the parser says that it is no table.
    kinds: {
      ShowMaterializedViewFailures: [
        '.show materialized-view V failures',
        'show materialized-view {MaterializedViewName} failures',
      ],
    },
    parsed: true,
    permission: 'metadata',
    columns: failureColumns,
    run: (command, context) => namedViews(command, context).flatMap(failureRows),
  },
  {
    kinds: { ShowMaterializedViewSchemaAsJson: '.show materialized-view V schema as json' },
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, context) =>
      namedViews(command, context).map((record) => schemaRow(record, jsonOf(record), context.database)),
  },
  {
    // The parser does not know the second.
    kinds: {
      ShowMaterializedViewCslSchema: '.show materialized-view V cslschema',
      ShowMaterializedViewSchemaAsCsl: [
        '.show materialized-view V schema as csl',
        'show materialized-view {MaterializedViewName} schema as csl',
      ],
    },
    permission: 'metadata',
    columns: schemaColumns,
    run: (command, context) =>
      namedViews(command, context).map((record) => schemaRow(record, cslSchema(record.view.columns), context.database)),
  },
];
