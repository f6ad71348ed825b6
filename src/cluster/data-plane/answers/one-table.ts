import type { Column } from '../../../kql/plan/types.ts';
import { tablesV1 } from './v1.ts';

/** The answer of an ingestion: exactly one table.
 * @param rows JSON arrays */
export function oneTable(columns: readonly Column[], rows: readonly string[]): string {
  const format = tablesV1('command', () => '');
  const result = { name: 'Table_0', columns };
  const ending = { timestamp: '', clientRequestId: '', activityId: '', resources: '', errors: [], cancelled: false };
  return [
    format.begin([result]),
    format.beginTable(0, result),
    format.rows(0, rows.join(','), true),
    format.endTable(0, rows.length, undefined),
    format.end(ending),
  ].join('');
}
