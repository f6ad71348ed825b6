import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { EngineConnection } from '../../kql/duckdb/engine-database.ts';
import { KqlError } from '../../kql/plan/kql-error.ts';
import type { PlainFile } from '../extents/extent-files.ts';
import type { DataSource } from './data-source.ts';
import { notDelta } from './delta-wrong.ts';
import type { ExternalTableParts } from './external-rows.ts';
import { quoted } from './parquet-convert.ts';
import { parquetColumns } from './parquet-select.ts';
import { parseParquetType } from './parquet-type.ts';
import { writeParquetFile } from './source-stage.ts';

/** What is read of each kind of action; removals of a checkpoint are of files that it has not. */
const read = {
  protocol: ['minReaderVersion', 'readerFeatures'],
  metaData: ['format', 'schemaString', 'partitionColumns', 'configuration'],
  add: ['path', 'partitionValues', 'size', 'deletionVector'],
} as const;

/** The actions of a checkpoint, or of one of its parts. @throws DataError `MalformedData` when it is none */
export async function* checkpointActions(
  { connect, files }: ExternalTableParts,
  source: DataSource,
  signal: AbortSignal | undefined,
): AsyncGenerator<JsonObject> {
  const file: PlainFile = await files.create();
  try {
    const { stream } = await source.open(signal);
    await writeParquetFile(file.path, stream, source.name);
    const connection = await connect();
    const interrupt = (): void => connection.interrupt();
    signal?.addEventListener('abort', interrupt);
    try {
      signal?.throwIfAborted();
      yield* actionsIn(connection, file.path);
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener('abort', interrupt);
      connection.close();
    }
  } finally {
    await file.discard();
  }
}

async function* actionsIn(connection: EngineConnection, path: string): AsyncGenerator<JsonObject> {
  const columns = await parquetColumns(connection, path);
  for (const [kind, wanted] of Object.entries(read)) {
    const type = columns.get(kind);
    if (type === undefined) continue;
    const parquet = parseParquetType(type);
    if (parquet.kind !== 'struct') throw notDelta('a checkpoint has columns of other types');
    const members = wanted.filter((name) => parquet.fields.has(name));
    const [first] = members;
    if (first === undefined) throw notDelta('a checkpoint has no actions');
    const json = members.map((name) => `${quoted(name)}, struct_extract("${kind}", ${quoted(name)})`);
    const sql = `SELECT CAST(json_object(${json.join(', ')}) AS VARCHAR) FROM read_parquet('${path}', binary_as_string = true) WHERE struct_extract("${kind}", ${quoted(first)}) IS NOT NULL`;
    for await (const text of texts(connection, sql)) yield { [kind]: action(text) };
  }
}

async function* texts(connection: EngineConnection, sql: string): AsyncGenerator<string> {
  try {
    for await (const [column = []] of connection.stream(sql, [])) yield* Array.from(column, String);
  } catch (error) {
    if (error instanceof KqlError && (error.code === 'internal' || error.code === 'runtime'))
      throw notDelta('a checkpoint is not readable');
    throw error;
  }
}

function action(text: string): JsonObject {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) throw notDelta('a checkpoint has no actions');
  return value;
}
