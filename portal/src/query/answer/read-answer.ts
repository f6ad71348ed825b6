import type { Answer, Cell, Column, Failure, KqlType, ResultTable, Row } from './answer.ts';
import { kqlTypes } from './answer.ts';
import { isRecord, parseExact } from './exact-json.ts';
import { failuresOf } from './failures.ts';

/** Reads an answer of either version: frames of `/v2/rest/query`, tables of `/v1/rest/mgmt`.
 * @throws SyntaxError when the text is no such answer */
export function readAnswer(text: string): Answer {
  const value = parseExact(text);
  if (Array.isArray(value)) return readFrames(value.filter(isRecord));
  if (isRecord(value) && Array.isArray(value['Tables'])) return readTables(value['Tables'].filter(isRecord));
  throw new SyntaxError('This is no answer of Data Explorer: neither frames nor tables.');
}

type Frame = Readonly<Record<string, unknown>>;

interface OpenTable {
  readonly frame: Frame;
  readonly rows: unknown[];
}

function readFrames(frames: readonly Frame[]): Answer {
  const tables = new Map<unknown, OpenTable>();
  const failures: Failure[] = [];
  let cancelled = false;
  for (const frame of frames) {
    const rows = Array.isArray(frame['Rows']) ? (frame['Rows'] as unknown[]) : [];
    switch (frame['FrameType']) {
      case 'DataTable':
        tables.set(frame['TableId'], { frame, rows });
        break;
      case 'TableHeader':
        tables.set(frame['TableId'], { frame, rows: [] });
        break;
      case 'TableFragment':
        addRows(tables.get(frame['TableId']), frame, rows);
        break;
      case 'DataSetCompletion':
        cancelled = frame['Cancelled'] === true;
        failures.push(...failuresOf(frame));
        break;
      case 'TableCompletion':
        failures.push(...failuresOf(frame));
    }
  }
  const all = [...tables.values()];
  const bags = visualizations(all.filter(({ frame }) => frame['TableKind'] === 'QueryProperties'));
  const primary = all.filter(({ frame }) => frame['TableKind'] === 'PrimaryResult');
  return {
    tables: primary.map((table) => resultTable(table, failures, bags.get(table.frame['TableId']))),
    failures: distinct(failures),
    cancelled,
    completion: completionOf(all.find(({ frame }) => frame['TableKind'] === 'QueryCompletionInformation')),
  };
}

function addRows(table: OpenTable | undefined, { TableFragmentType: how }: Frame, rows: readonly unknown[]): void {
  if (table === undefined) return;
  if (how === 'DataReplace') table.rows.length = 0;
  for (const row of rows) table.rows.push(row);
}

function resultTable({ frame, rows }: OpenTable, failures: Failure[], bag?: Record<string, unknown>): ResultTable {
  const kept: Row[] = [];
  for (const row of rows) {
    if (Array.isArray(row)) kept.push(row as Cell[]);
    else if (isRecord(row)) failures.push(...failuresOf(row)); // what ended the table stands among its rows
  }
  const name = text(frame['TableName']);
  return { name, columns: columnsOf(frame), rows: kept, ...(bag === undefined ? {} : { visualization: bag }) };
}

function columnsOf(frame: Frame): Column[] {
  const columns = Array.isArray(frame['Columns']) ? (frame['Columns'] as unknown[]).filter(isRecord) : [];
  return columns.map((column) => ({ name: text(column['ColumnName']), type: typeOf(column) }));
}

/** Version 1 names types of .NET too, and commands at times only those. */
function typeOf({ ColumnType: name, DataType: dotNet }: Readonly<Record<string, unknown>>): KqlType {
  const known = kqlTypes.find((type) => type === name);
  return known ?? dotNetTypes[text(dotNet).replace(/^System\.(Data\.SqlTypes\.)?/, '')] ?? 'string';
}

const dotNetTypes: Readonly<Record<string, KqlType>> = {
  ...{ SByte: 'bool', Boolean: 'bool', Int32: 'int', Int64: 'long', Double: 'real', SqlDecimal: 'decimal' },
  ...{ DateTime: 'datetime', TimeSpan: 'timespan', Guid: 'guid', Object: 'dynamic', String: 'string' },
};

/** `@ExtendedProperties`: [TableId, Key, Value], the value being JSON as text or as it is. */
function visualizations(tables: readonly OpenTable[]): Map<unknown, Record<string, unknown>> {
  const bags = new Map<unknown, Record<string, unknown>>();
  for (const row of tables.flatMap(({ rows }) => rows)) {
    if (!Array.isArray(row) || row[1] !== 'Visualization') continue;
    const bag = typeof row[2] === 'string' ? parsed(row[2]) : (row[2] as unknown);
    if (isRecord(bag) && typeof bag['Visualization'] === 'string') bags.set(row[0], bag);
  }
  return bags;
}

function completionOf(table: OpenTable | undefined): Record<string, unknown> {
  if (table === undefined) return {};
  const names = columnsOf(table.frame).map(({ name }) => name);
  const [event, payload] = [names.indexOf('EventTypeName'), names.indexOf('Payload')];
  const rows = table.rows.filter((row): row is unknown[] => Array.isArray(row));
  return Object.fromEntries(rows.map((row) => [text(row[event]), parsed(text(row[payload]))]));
}

/** Of several tables of version 1 from a query the last is the table of contents; of commands each is a result. */
function readTables(tables: readonly Frame[]): Answer {
  const failures: Failure[] = [];
  const open = tables.map((frame) => ({
    frame,
    rows: Array.isArray(frame['Rows']) ? (frame['Rows'] as unknown[]) : [],
  }));
  const results = open.map((table) => resultTable(table, failures));
  return { tables: results, failures: distinct(failures), cancelled: false, completion: {} };
}

/** The same failure is told at the end of a table and at the end of the answer. */
const distinct = (failures: readonly Failure[]): Failure[] => [
  ...new Map(failures.map((failure) => [JSON.stringify(failure), failure])).values(),
];

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');
