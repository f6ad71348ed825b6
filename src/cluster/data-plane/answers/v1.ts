import type { Column } from '../../../kql/plan/types.ts';
import type { Completion, ResultFormat } from './result-format.ts';
import { dataTypes, visualizationText, warningStatusCode } from './result-format.ts';

const statusColumns: readonly Column[] = [
  { name: 'Timestamp', type: 'datetime' },
  { name: 'Severity', type: 'int' },
  { name: 'SeverityName', type: 'string' },
  { name: 'StatusCode', type: 'int' },
  { name: 'StatusDescription', type: 'string' },
  { name: 'Count', type: 'int' },
  { name: 'RequestId', type: 'guid' },
  { name: 'ActivityId', type: 'guid' },
  { name: 'SubActivityId', type: 'guid' },
  { name: 'ClientActivityId', type: 'string' },
];

const contentsColumns: readonly Column[] = [
  { name: 'Ordinal', type: 'long' },
  { name: 'Kind', type: 'string' },
  { name: 'Name', type: 'string' },
  { name: 'Id', type: 'string' },
  { name: 'PrettyName', type: 'string' },
];

/** Tables of version 1. A query has its results, their properties, the status and a table of contents, so never fewer than four; a command
 * without a query over it has exactly one table and nothing else. Readers look at the number of tables, so nothing may be left out or added.
 * @param newId gives the table of contents its ids */
export function tablesV1(kind: 'query' | 'command', newId: () => string): ResultFormat {
  let visualizations: string[] = [];
  let names: string[] = [];
  let failures: string[] = [];
  return {
    begin(results) {
      visualizations = results.map(({ visualization }) => visualizationText(visualization));
      names = results.map(() => 'PrimaryResult');
      failures = [];
      return '{"Tables":[';
    },
    beginTable: (index, { columns }) => `${index === 0 ? '' : ','}${tableHead(index, columns)}`,
    rows: (_index, rows, first) => (first ? rows : `,${rows}`),
    endTable(_index, rowCount, error) {
      if (error === undefined) return ']}';
      failures.push(error.text);
      return `${rowCount > 0 ? ',' : ''}${JSON.stringify({ Exceptions: [error.text] })}]}`;
    },
    end(completion) {
      // A result that was cut ends the answer: what would follow it is not there.
      if (failures.length > 0) return `],"Exceptions":${JSON.stringify(failures)}}`;
      if (kind === 'command') return ']}';
      const count = names.length;
      const contents = [
        ...names.map((name, index) => [index, 'QueryResult', name, newId(), '']),
        [count, 'QueryProperties', '@ExtendedProperties', newId(), ''],
        [count + 1, 'QueryStatus', 'QueryStatus', '00000000-0000-0000-0000-000000000000', ''],
      ];
      return [
        table(
          count,
          [{ name: 'Value', type: 'string' }],
          visualizations.map((text) => [text]),
        ),
        table(count + 1, statusColumns, statusRows(completion)),
        table(count + 2, contentsColumns, contents),
        ']}',
      ].join('');
    },
  };
}

function statusRows(completion: Completion): unknown[][] {
  const { timestamp, activityId, clientRequestId, resources, deferred, warnings = [] } = completion;
  const ids = [1, activityId, activityId, activityId, clientRequestId];
  const outcome =
    deferred === undefined
      ? [timestamp, 4, 'Info', 0, 'Query completed successfully', ...ids]
      : [timestamp, 2, 'Error', deferred.statusCode, deferred.text, ...ids];
  const warned = warnings.map((text) => [timestamp, 3, 'Warning', warningStatusCode, text, ...ids]);
  return [...warned, outcome, [timestamp, 6, 'Stats', 0, resources, ...ids]];
}

const table = (ordinal: number, columns: readonly Column[], rows: readonly unknown[][]): string =>
  `,${tableHead(ordinal, columns)}${rows.map((row) => JSON.stringify(row)).join(',')}]}`;

function tableHead(ordinal: number, columns: readonly Column[]): string {
  const described = columns.map(({ name, type }) => ({
    ColumnName: name,
    DataType: dataTypes[type],
    ColumnType: type,
  }));
  return `{"TableName":"Table_${ordinal}","Columns":${JSON.stringify(described)},"Rows":[`;
}
