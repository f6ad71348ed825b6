import { Turns } from '../../base/turns.ts';
import { dataError, malformedData } from '../catalog/data-error.ts';
import type { BatchColumn, RowBatch } from '../catalog/row-batch.ts';
import type { NativeValue } from '../../kql/sql/native.ts';
import { bytesSource } from './data-source.ts';
import { avroWindows } from './avro-records.ts';
import type { Format, RowReader } from './formats.ts';
import { unitsPerStep } from './json-reader.ts';
import { orcWindows } from './orc-records.ts';
import { textRecords } from './text-records.ts';
import { textWindows } from './text-windows.ts';
import type { ReadOptions, SourceRecord } from './value-reader.ts';
import { placed, valueReader } from './value-reader.ts';

/** How rows are made of records that are read one after the other. */
export interface RowOptions extends ReadOptions {
  readonly format: Format & { readonly reader: RowReader };
  readonly rowsMax?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Of one request. */
export const rowsMax = 4_000_000;

/** UTF-16 units of text that is read, and values that are made, in one turn of the event loop: 10 to 30 ms. */
const unitsPerTurn = 32_768;

/** So many values are kept before they go on, made of so many units at most and one record more. */
const valuesPerBatch = 262_144;
const unitsPerBatch = 64 * 1024 * 1024;

/** Of one file: formats that pack their values make much of little. */
const unitsMax = 6 * 1024 ** 3;

/** Turns records into typed rows, a part in each turn of the event loop, so that whoever sends much does not keep others
 * waiting. @throws DataError `MalformedData` with line and column; then there are no rows at all */
export async function readBatch(body: Uint8Array, options: RowOptions): Promise<RowBatch> {
  const { stream } = await bytesSource('', body).open(undefined);
  const batches: RowBatch[] = [];
  for await (const { columns, rowCount } of readRows(stream, options)) batches.push({ columns, rowCount });
  const [first] = batches;
  if (first !== undefined && batches.length === 1) return first;
  return {
    columns: options.columns.map(({ columnId, type }, index): BatchColumn => ({
      columnId,
      type,
      values: batches.flatMap(({ columns }) => columns[index]?.values ?? []),
    })),
    rowCount: batches.reduce((sum, { rowCount }) => sum + rowCount, 0),
  };
}

/** The rows of data that comes in pieces, so many at a time, with the units of text that they were made of.
 * @throws DataError `MalformedData` with line and column, and what the signal says */
export async function* readRows(
  pieces: AsyncIterable<Uint8Array>,
  options: RowOptions,
): AsyncGenerator<RowBatch & { readonly units: number }> {
  const { columns, format, rowsMax: most = rowsMax } = options;
  const turns = new Turns(unitsPerTurn, options.signal);
  const readers = columns.map((column) => valueReader(column, options));
  const batchRows = Math.max(1, Math.floor(valuesPerBatch / Math.max(1, columns.length)));
  let values: NativeValue[][] = columns.map(() => []);
  let total = 0;
  let count = 0;
  let [units, allUnits] = [0, 0];
  // Of files with a schema it is a record like any other.
  let first = options.ignoreFirstRecord && !['avro', 'orc', 'w3c'].includes(format.reader.kind);
  let fieldCount: number | undefined;
  const take = (): RowBatch & { readonly units: number } => {
    const batch = {
      units,
      columns: columns.map(({ columnId, type }, index): BatchColumn => ({
        columnId,
        type,
        values: values[index] ?? [],
      })),
      rowCount: count,
    };
    values = columns.map(() => []);
    count = 0;
    units = 0;
    return batch;
  };
  for await (const window of windowsOf(pieces, format.reader, options.signal)) {
    let readTo = 0;
    for (const record of window) {
      const turn = turns.after(record === undefined ? unitsPerStep : record.end - readTo + readers.length);
      if (turn !== undefined) await turn;
      if (record === undefined) continue;
      units += record.end - readTo;
      allUnits += record.end - readTo;
      if (allUnits > unitsMax)
        throw dataError('PayloadTooLarge', `There are more than ${unitsMax / 1024 ** 3} GiB of data.`);
      readTo = record.end;
      if (first) {
        first = false;
        continue;
      }
      if (options.constantFields === true && record.fields !== undefined)
        requireAsMany(record.fields.length, (fieldCount ??= record.fields.length), record.line);
      if ((total += 1) > most) throw tooManyRecords(most);
      readers.forEach((read, index) => values[index]?.push(placed(read, record, index)));
      if ((count += 1) >= batchRows || units >= unitsPerBatch) yield take();
    }
  }
  if (count > 0) yield take();
}

export const tooManyRecords = (most: number): Error =>
  dataError('PayloadTooLarge', `There are more than ${most} records.`);

function requireAsMany(count: number, expected: number, line: number): void {
  if (count === expected) return;
  const text = `The record has ${count} fields where the first one has ${expected}, failing per ValidationOptions policy`;
  throw malformedData('Stream_WrongNumberOfFields', text, { line, column: 1 });
}

const windowsOf = (
  pieces: AsyncIterable<Uint8Array>,
  reader: RowReader,
  signal: AbortSignal | undefined,
): AsyncGenerator<Iterable<SourceRecord | undefined>> =>
  reader.kind === 'avro'
    ? avroWindows(pieces, signal)
    : reader.kind === 'orc'
      ? orcWindows(pieces, signal)
      : textWindows(pieces, textRecords(reader));
