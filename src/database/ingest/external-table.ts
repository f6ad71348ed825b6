import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { stagingType } from '../../kql/duckdb/engine-database.ts';
import type { ExternalData } from '../../kql/plan/external-data.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { OpenTable } from '../../kql/query-request.ts';
import { DataError } from '../catalog/data-error.ts';
import type { ExtentFiles } from '../extents/extent-files.ts';
import { stagedSelect } from '../extents/staging.ts';
import { columnName } from '../extents/tail-table.ts';
import type { SourceOf } from './data-source.ts';
import { formatOfName, requireFormat } from './formats.ts';
import { parseMapping, requireFits } from './ingestion-mapping.ts';
import { stageSources } from './source-stage.ts';

export interface ExternalTableParts {
  readonly connect: () => Promise<EngineConnection>;
  readonly files: Pick<ExtentFiles, 'create'>;
}

export interface ExternalTableRequest {
  readonly data: ExternalData;
  readonly sourceOf: SourceOf;
  readonly signal: AbortSignal | undefined;
}

/** More rows belong into a table. */
const rowsMax = 10_000_000;

const knownProperties = ['format', 'ignorefirstrecord', 'ingestionmapping', 'ingestionmappingtype', 'zippattern'];

let tables = 0;

/** Reads sources to their end, into a table of the engine's memory that is there until the query is over. @throws DataError, KqlError */
export async function openExternalTable(
  { connect, files }: ExternalTableParts,
  { data, sourceOf, signal }: ExternalTableRequest,
): Promise<OpenTable> {
  const { properties } = data;
  const unknown = Object.keys(properties).find((name) => !knownProperties.includes(name));
  if (unknown !== undefined)
    throw new KqlError('notSupported', `The property '${unknown.slice(0, 100)}' is not supported in externaldata.`);
  const columns = data.columns.map((column, index) => ({ ...column, columnId: index + 1 }));
  const name = `external_rows_${(tables += 1)}`;
  const connection = await connect();
  const drop = async (): Promise<void> => {
    const own = await connect();
    try {
      await own.run(`DROP TABLE IF EXISTS ${name}`);
    } finally {
      own.close();
    }
  };
  try {
    const sources = data.sources.map(sourceOf);
    const format = requireFormat(
      properties['format'] ?? properties['ingestionmappingtype'] ?? formatOfName(sources[0]?.name ?? '') ?? 'csv',
    );
    const text = properties['ingestionmapping'];
    const mapping = text === undefined ? undefined : parseMapping(format.mapping, text);
    if (mapping !== undefined) requireFits(mapping, columns);
    const definitions = columns.map(({ columnId, type }) => `${columnName(columnId)} ${stagingType(type)}`);
    await connection.run(`CREATE TABLE ${name} (${definitions.join(', ')})`);
    const zipPattern = properties['zippattern'];
    const ignoreFirstRecord = /^(true|1)$/i.test(properties['ignorefirstrecord'] ?? '');
    const how = { sources, columns, format, mapping, ignoreFirstRecord, zipPattern, signal, rowsMax };
    const staged = await stageSources(connection, files, how);
    try {
      await connection.run(`INSERT INTO ${name} ${staged.sql}`);
    } catch (error) {
      throw await staged.explain(error);
    } finally {
      await staged.discard();
    }
  } catch (error) {
    await drop().catch(() => undefined); // the engine is closing
    throw inOperator(error);
  } finally {
    connection.close(); // with its temporary table
  }
  let isReleased = false;
  const opened: OpenTable = {
    sql: `(${stagedSelect(columns, name)}) AS external_rows`,
    columns: new Map(columns.map((column) => [column.name, columnName(column.columnId)])),
    tails: [
      {
        table: name,
        columns: columns.map(({ columnId, type }) => ({ name: columnName(columnId), type })),
        rows: async function* () {
          const reading = await connect();
          try {
            yield* reading.stream(`SELECT * FROM ${name}`, []);
          } finally {
            reading.close();
          }
        },
      },
    ],
    again: () => Promise.resolve(opened),
    release: () => {
      if (isReleased) return;
      isReleased = true;
      drop().catch(() => undefined); // the engine is closing
    },
  };
  return opened;
}

/** Whoever reads the refusal of a query learns which operator it is of. */
const inOperator = (error: unknown): unknown =>
  error instanceof DataError
    ? new DataError(error.code, `externaldata: ${error.message}`, error.position, error.malformed)
    : error;
