import { KqlError } from '../../kql/plan/kql-error.ts';
import type { CommandRow, Row } from './command.ts';
import type { CommandContext, StreamedBucket } from './command-context.ts';
import { ticksOf } from './instants.ts';
import { node } from './node.ts';
import { maySee } from './operation-commands.ts';

const statisticsColumns =
  'Database: string, Table: string, StartTime: datetime, EndTime: datetime, Count: long, MinDuration: timespan, MaxDuration: timespan, AvgDuration: timespan, TotalDataSize: long, MinDataSize: long, MaxDataSize: long, TotalRowCount: long, MinRowCount: long, MaxRowCount: long, IngestionStatus: string, NumOfRowStoresReferences: int, Principal: string, NodeId: string, IngestionProperties: dynamic';
const failureColumns =
  'Database: string, Table: string, Principal: string, RootActivityId: guid, IngestionProperties: dynamic, Count: long, FirstFailureOn: datetime, LastFailureOn: datetime, FailureKind: string, ErrorCode: string, Details: string';

/** Of this process, whoever may see them. */
function bucketsOf(context: CommandContext): readonly StreamedBucket[] {
  if (context.streamed === undefined)
    throw new KqlError('notSupported', 'What was streamed is not counted on this cluster.');
  return context.streamed().filter((one) => maySee(context, one));
}

const ticksIn = (milliseconds: number): bigint => BigInt(Math.max(0, Math.round(milliseconds * 1000))) * 10n;

/** There are no row stores. */
const statisticsRow = ({ durations, sizes, rows, ...one }: StreamedBucket): Row => [
  ...[one.database, one.table, ticksOf(one.firstOn), ticksOf(one.lastOn), BigInt(one.count)],
  ...[durations.least, durations.most, durations.sum / one.count].map(ticksIn),
  ...[sizes.sum, sizes.least, sizes.most, rows.sum, rows.least, rows.most].map(BigInt),
  ...[one.failure === undefined ? 'Succeeded' : 'Failed', null, one.principal, node, one.properties],
];

const failureRow = ({ failure, ...one }: StreamedBucket): readonly Row[] =>
  failure === undefined
    ? []
    : [
        [
          ...[one.database, one.table, one.principal, failure.rootActivityId, one.properties, BigInt(one.count)],
          ...[ticksOf(one.firstOn), ticksOf(one.lastOn), failure.kind, failure.code, failure.details],
        ],
      ];

/** @see Kusto ".show streamingingestion statistics", ".show streamingingestion failures" */
export const streamingCommands: readonly CommandRow[] = [
  {
    kinds: { ShowStreamingIngestionStatistics: '.show streamingingestion statistics' },
    permission: 'anyone',
    columns: statisticsColumns,
    run: (_command, context) => bucketsOf(context).map(statisticsRow),
  },
  {
    kinds: { ShowStreamingIngestionFailures: '.show streamingingestion failures' },
    permission: 'anyone',
    columns: failureColumns,
    run: (_command, context) => bucketsOf(context).flatMap(failureRow),
  },
];
