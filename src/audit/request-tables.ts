import type { EventTable } from './event-tables.ts';
import { column, textColumn as text } from './event-tables.ts';

const common = [
  column('TimeGenerated', 'datetime', 'time'),
  ...[text('OperationName', 'operationName'), text('Category', 'category'), text('CorrelationId', 'correlationId')],
  ...[text('RootActivityId', 'rootActivityId'), text('ApplicationName', 'application'), text('Principal', 'principal')],
  ...[text('User', 'user'), text('DatabaseName', 'database'), text('Text', 'text'), text('State', 'state')],
  ...[text('FailureReason', 'failure'), column('StartedOn', 'datetime', 'startedOn')],
  ...[
    column('LastUpdatedOn', 'datetime', 'time'),
    text('Duration', 'duration'),
    text('WorkloadGroup', 'workloadGroup'),
  ],
];
const source = text('_ResourceId', 'resourceId');

/** @see Azure Monitor reference, table ADXQuery */
const queryTable: EventTable = {
  name: 'ADXQuery',
  category: 'Query',
  columns: [
    ...common,
    ...[
      column('ScannedExtentsCount', 'long', 'usage.extentsScanned'),
      column('TotalExtentsCount', 'long', 'usage.extents'),
    ],
    ...[column('ScannedRowsCount', 'long', 'usage.rowsScanned'), column('TotalRowsCount', 'long', 'usage.rows')],
    ...[column('TableCount', 'int', 'usage.tableCount'), column('TablesStatistics', 'dynamic', 'usage.tables')],
    source,
  ],
};

/** @see Azure Monitor reference, table ADXCommand */
const commandTable: EventTable = {
  name: 'ADXCommand',
  category: 'Command',
  columns: [...common, text('CommandType', 'commandType'), source],
};

/** What a cluster is asked, as far as anything of it is known here: processors, memory and caches are not measured. */
export const requestTables: readonly EventTable[] = [queryTable, commandTable];
