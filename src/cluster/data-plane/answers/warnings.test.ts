import { expect, it } from 'vitest';
import type { Completion } from './result-format.ts';
import { tablesV1 } from './v1.ts';
import { framesV2 } from './v2.ts';

const warning = "'union' operator: Failed to resolve table expression named 'Gone'";
const completion: Completion = {
  ...{ timestamp: '2026-01-01T00:00:00Z', clientRequestId: 'c', activityId: 'a', resources: '{}' },
  ...{ errors: [], cancelled: false, warnings: [warning] },
};
const named = (
  { Columns: columns, Rows: rows }: { Columns: { ColumnName: string }[]; Rows: unknown[][] },
  name: string,
): unknown[] => rows.map((row) => row[columns.findIndex(({ ColumnName }) => ColumnName === name)]);

it('what a query did without stands in the status of answers of version 1, before the outcome', () => {
  const format = tablesV1('query', () => 'id');
  const body = [format.begin([]), format.end(completion)].join('').replace('{"Tables":[,', '{"Tables":[');
  const { Tables: tables } = JSON.parse(body) as { Tables: Parameters<typeof named>[0][] };
  const status = tables[1];
  if (status === undefined) throw new Error('there is no status');
  expect(named(status, 'Severity')).toEqual([3, 4, 6]);
  expect(named(status, 'SeverityName')).toEqual(['Warning', 'Info', 'Stats']);
  expect(named(status, 'StatusCode')).toEqual([-2133196790, 0, 0]);
  expect(named(status, 'StatusDescription')[0]).toBe(warning);
});

it('and in the completion information of version 2, which is no failure', () => {
  const format = framesV2({ newlines: false, fragmented: false, placement: 'InData' });
  const frames = JSON.parse([format.begin([]), format.end(completion)].join('')) as (Parameters<typeof named>[0] & {
    TableKind?: string;
    HasErrors?: boolean;
  })[];
  const information = frames.find(({ TableKind }) => TableKind === 'QueryCompletionInformation');
  if (information === undefined) throw new Error('there is no completion information');
  expect(named(information, 'Level')).toEqual([3, 4, 4, 6]);
  expect(named(information, 'LevelName')[0]).toBe('Warning');
  expect(named(information, 'StatusCode')[0]).toBe(-2133196790);
  expect(JSON.parse(String(named(information, 'Payload')[0]))).toEqual({ Count: 1, Text: warning });
  expect(frames.at(-1)).toMatchObject({ FrameType: 'DataSetCompletion', HasErrors: false });
});
