import { textMember } from '../../base/json.ts';
import { UserError } from '../user-error.ts';
import type { Batch } from './batches.ts';
import type { Row } from './kusto-database.ts';

/** What was planned to be sent into a database, kept there as a function, before the first row goes: whoever goes on, from wherever, sends
 * the same batches. */
export interface PlannedBatch extends Batch {
  /** Which instance and cluster: a digest. */
  readonly source: string;
  readonly table: string;
}

export const recordName = 'KustodyPromotion';
/** Of a function. */
const textMax = 1_000_000;

const columns =
  'Source: string, Table: string, Batch: long, After: datetime, To: datetime, CreatedOn: datetime, Rows: long';
const timeOf = (time: string): string => (time === '' ? 'datetime(null)' : `datetime(${time})`);

/** The command that keeps them. A batch 0 has the rows that were in the table before. @throws UserError when there are too many */
export function recordCommand(batches: readonly PlannedBatch[]): string {
  const lines = batches.map(({ source, table, number, after, to, createdOn, rows }) =>
    [JSON.stringify(source), JSON.stringify(table), number, timeOf(after), timeOf(to), timeOf(createdOn), rows].join(
      ', ',
    ),
  );
  const command = `.create-or-alter function with (folder="kustody", docstring="What kustody promote sent here, and with which tags.", skipvalidation="true") ${recordName}() { datatable(${columns})[${lines.map((line) => `\n  ${line}`).join(',')}\n] }`;
  if (command.length > textMax)
    throw new UserError('There are too many batches to be kept.', 'Let each have more rows, with --batch-rows.');
  return command;
}

export const recordQuery = `${recordName}() | project Source, Table, Batch, After = tostring(After), To = tostring(To), CreatedOn = tostring(CreatedOn), Rows`;

export const readRecord = (rows: readonly Row[]): readonly PlannedBatch[] =>
  rows.map((row) => ({
    ...{ source: textMember(row, 'Source'), table: textMember(row, 'Table'), number: Number(row['Batch']) },
    ...{ after: textMember(row, 'After'), to: textMember(row, 'To'), createdOn: textMember(row, 'CreatedOn') },
    rows: Number(row['Rows']),
  }));

/** Unique in its table: what `ingestIfNotExists` looks for, and what tells which batches are there. */
export const tagOf = (source: string, number: number): string => `kustody:${source}:${number}`;

/** Numbers of the batches of a source that are there. @param tags as `.show table T extents` tells them */
export function numbersIn(tags: readonly string[], source: string): ReadonlySet<number> {
  const pattern = new RegExp(`ingest-by:kustody:${source}:(\\d+)(?!\\d)`, 'g');
  return new Set(tags.flatMap((text) => [...text.matchAll(pattern)].map(([, number]) => Number(number))));
}
