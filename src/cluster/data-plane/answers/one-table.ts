import type { Column } from '../../../kql/plan/types.ts';
import type { Completion, ResultFormat, ResultHead } from './result-format.ts';
import { tablesV1 } from './v1.ts';

/** The answer of a command or an ingestion: exactly one table.
 * @param rows JSON arrays */
export function oneTable(columns: readonly Column[], rows: readonly string[]): string {
  const ending = { timestamp: '', clientRequestId: '', activityId: '', resources: '', errors: [], cancelled: false };
  return written(
    tablesV1('command', () => ''),
    [{ name: 'Table_0', columns, rows }],
    ending,
  );
}

export interface EncodedResult extends Omit<ResultHead, 'name'> {
  /** JSON arrays */
  readonly rows: readonly string[];
}

/** The answer of a query over what a command answered: as any query's.
 * @param newId gives the table of contents its ids */
export const queryTables = (results: readonly EncodedResult[], completion: Completion, newId: () => string): string =>
  written(
    tablesV1('query', newId),
    results.map((result, index) => ({ ...result, name: `Table_${index}` })),
    completion,
  );

const written = (
  format: ResultFormat,
  results: readonly (ResultHead & EncodedResult)[],
  completion: Completion,
): string =>
  [
    format.begin(results),
    ...results.flatMap((result, index) => [
      format.beginTable(index, result),
      format.rows(index, result.rows.join(','), true),
      format.endTable(index, result.rows.length, undefined),
    ]),
    format.end(completion),
  ].join('');
