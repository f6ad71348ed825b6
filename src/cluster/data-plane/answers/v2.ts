import type { Column } from '../../../kql/plan/types.ts';
import type { ErrorPlacement } from '../requests/request-options.ts';
import type { Completion, FromCache, ResultFormat, ResultHead, TableError } from './result-format.ts';
import { visualizationText, warningStatusCode } from './result-format.ts';

export interface FrameOptions {
  readonly newlines: boolean;
  /** Primary tables come as header, fragments and completion. */
  readonly fragmented: boolean;
  readonly placement: ErrorPlacement;
}

const propertyColumns: readonly Column[] = [
  { name: 'TableId', type: 'int' },
  { name: 'Key', type: 'string' },
  { name: 'Value', type: 'dynamic' },
];

const completionColumns: readonly Column[] = [
  { name: 'Timestamp', type: 'datetime' },
  { name: 'ClientRequestId', type: 'string' },
  { name: 'ActivityId', type: 'guid' },
  { name: 'SubActivityId', type: 'guid' },
  { name: 'ParentActivityId', type: 'guid' },
  { name: 'Level', type: 'int' },
  { name: 'LevelName', type: 'string' },
  { name: 'StatusCode', type: 'int' },
  { name: 'StatusCodeName', type: 'string' },
  { name: 'EventType', type: 'int' },
  { name: 'EventTypeName', type: 'string' },
  { name: 'Payload', type: 'string' },
];

/** Frames of version 2. Some clients read them token by token, so the order of members is fixed: FrameType first, Rows last. */
export function framesV2({ newlines, fragmented, placement }: FrameOptions): ResultFormat {
  const between = newlines ? '\n,' : ',';
  const frame = (text: string): string => `${between}{"FrameType":${text}}`;
  let tables = 0;
  return {
    begin(results, fromCache) {
      tables = results.length;
      const header = `[{"FrameType":"DataSetHeader","IsProgressive":false,"Version":"v2.0","IsFragmented":${fragmented},"ErrorReportingPlacement":"${placement}"}`;
      const rows = results.map((result, index) =>
        JSON.stringify([index + 1, 'Visualization', visualizationText(result.visualization)]),
      );
      const told = fromCache === undefined ? rows : [...rows, serverCache(fromCache)];
      return header + frame(dataTable(0, 'QueryProperties', '@ExtendedProperties', propertyColumns, told));
    },
    beginTable(index, { columns }) {
      // Every result is called so; clients tell them apart by TableId.
      const table = tableHead(index + 1, 'PrimaryResult', 'PrimaryResult', columns);
      return fragmented ? frame(`"TableHeader",${table}`) : `${between}{"FrameType":"DataTable",${table},"Rows":[`;
    },
    rows(index, rows, first) {
      if (fragmented) return frame(fragment(index, rows));
      return first ? rows : `,${rows}`;
    },
    endTable(index, rowCount, error) {
      const inData = error !== undefined && placement === 'InData' ? oneApiErrors(error) : undefined;
      if (!fragmented) return `${inData === undefined ? '' : `${rowCount > 0 ? ',' : ''}${inData}`}]}`;
      const errors = error !== undefined && placement === 'EndOfTable' ? `,"OneApiErrors":[${error.json}]` : '';
      const last = inData === undefined ? '' : frame(fragment(index, inData));
      return `${last}${frame(`"TableCompletion","TableId":${index + 1},"RowCount":${rowCount}${errors}`)}`;
    },
    end(completion) {
      const rows = completionRows(completion);
      const name = 'QueryCompletionInformation';
      const information = frame(dataTable(tables + 1, name, name, completionColumns, rows));
      const { errors, cancelled } = completion;
      const failed = errors.length > 0 ? `,"OneApiErrors":[${errors.join(',')}]` : '';
      const last = frame(`"DataSetCompletion","HasErrors":${errors.length > 0},"Cancelled":${cancelled}${failed}`);
      return `${information}${last}${newlines ? '\n' : ''}]`;
    },
  };
}

/** Of the whole answer, which is told with its first table. */
const serverCache = ({ clientRequestId, startedOn }: FromCache): string =>
  JSON.stringify([
    ...[1, 'ServerCache'],
    JSON.stringify({ OriginalClientRequestId: clientRequestId, OriginalStartedOn: startedOn }),
  ]);

const oneApiErrors = (error: TableError): string => `{"OneApiErrors":[${error.json}]}`;

const fragment = (index: number, rows: string): string =>
  `"TableFragment","TableFragmentType":"DataAppend","TableId":${index + 1},"Rows":[${rows}]`;

const dataTable = (
  id: number,
  kind: string,
  name: string,
  columns: readonly Column[],
  rows: readonly string[],
): string => `"DataTable",${tableHead(id, kind, name, columns)},"Rows":[${rows.join(',')}]`;

function tableHead(id: number, kind: string, name: string, columns: ResultHead['columns']): string {
  const described = columns.map((column) => ({ ColumnName: column.name, ColumnType: column.type }));
  return `"TableId":${id},"TableKind":"${kind}","TableName":"${name}","Columns":${JSON.stringify(described)}`;
}

function completionRows(completion: Completion): string[] {
  const { timestamp, clientRequestId, activityId, deferred, resources, workloadGroup = 'default' } = completion;
  const { warnings = [] } = completion;
  const ids = [timestamp, clientRequestId, activityId, activityId, activityId];
  const success = deferred === undefined && completion.errors.length === 0;
  const first = success
    ? [[...ids, 4, 'Info', 0, 'S_OK (0)', 4, 'QueryInfo', '{"Count":1,"Text":"Query completed successfully"}']]
    : [];
  const failure =
    deferred === undefined
      ? []
      : [
          [
            ...ids,
            ...[2, 'Error', deferred.statusCode, `${deferred.text} (${deferred.statusCode})`, 1, deferred.kind],
            JSON.stringify({ Count: 1, Text: deferred.text }),
          ],
        ];
  const warned = warnings.map((text) => [
    ...[...ids, 3, 'Warning', warningStatusCode, `E_ENTITY_NOT_FOUND (${warningStatusCode})`, 4, 'QueryInfo'],
    JSON.stringify({ Count: 1, Text: text }),
  ]);
  return [
    ...failure,
    ...warned,
    ...first,
    [...ids, 4, 'Info', 0, 'S_OK (0)', 5, 'WorkloadGroup', JSON.stringify({ Count: 1, Text: workloadGroup })],
    [...ids, 6, 'Stats', 0, 'S_OK (0)', 0, 'QueryResourceConsumption', resources],
  ].map((row) => JSON.stringify(row));
}
