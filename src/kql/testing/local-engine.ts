import { dirname, join } from 'node:path';
import type { KqlCatalog } from '../plan/catalog.ts';
import { createKqlParser } from '../parser/parser-client.ts';
import type { Column, KqlType } from '../plan/types.ts';
import { openEngineDatabase } from '../duckdb/engine-database.ts';
import type { EngineSources, QueryRequest } from '../query-request.ts';
import { createQueryEngine } from '../query-engine.ts';
import type { NativeCaller } from '../duckdb/run-native.ts';
import type { NativeValue } from '../sql/native.ts';
import { functionFacts, languageWith, nativesOf } from '../language.ts';
import { encodeRows, jsonRows } from '../row-json.ts';
import { formatDatetime, formatTimespan, parseDatetime } from '../values/ticks.ts';

export interface LocalTable {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly unknown[])[];
}

export interface LocalEngine {
  /** @throws KqlError */
  run(text: string, parameters?: Readonly<Record<string, unknown>>): Promise<LocalTable[]>;
  /** The rows of all results as JSON, made by SQL or in JavaScript. @throws KqlError */
  rowTexts(text: string, by: 'sql' | 'javascript'): Promise<string[]>;
  close(): void;
}

/** An engine without server, storage and tables, for tests and for scoring: every query brings its own data. */
export async function openLocalEngine(
  parserEntry: string,
  options: {
    readonly catalog?: KqlCatalog;
    readonly sources?: EngineSources;
    readonly geoipDatabase?: string;
    readonly callNatives?: NativeCaller;
  } = {},
): Promise<LocalEngine> {
  const catalog: KqlCatalog = options.catalog ?? {
    version: '1',
    cluster: 'local',
    databases: [{ name: 'db', tables: [], functions: [] }],
  };
  const after = (ms: number, act: () => void): (() => void) => {
    const timer = setTimeout(act, ms);
    return () => clearTimeout(timer);
  };
  const language = languageWith(options.geoipDatabase);
  const snapshots = join(dirname(parserEntry), 'snapshots');
  const limits = { textMax: 2_000_000, parseMsMax: 20_000 };
  const parser = createKqlParser({ entry: parserEntry, snapshots, limits, functions: functionFacts, after });
  const { callNatives } = options;
  const database = await openEngineDatabase(
    { threads: 2, memoryLimit: '2GB', ...(callNatives && { callNatives }) },
    nativesOf(language),
  );
  const engine = createQueryEngine({ parser, database, language });
  const sources: EngineSources = options.sources ?? { open: () => Promise.reject(new Error('there are no tables')) };
  const now = parseDatetime('2026-01-15T10:20:30.1234567Z') ?? 0n;
  const request = (text: string): QueryRequest => ({
    text,
    database: catalog.databases[0]?.name ?? 'db',
    catalog,
    now,
    sources,
  });
  return {
    async rowTexts(text, by) {
      const execution = await engine.execute({ ...request(text), ...(by === 'sql' && { rowsAs: 'json' }) });
      const rows: string[] = [];
      try {
        for (const { columns, chunks, rowsAs } of execution.results)
          for await (const chunk of chunks)
            rows.push(...(rowsAs === 'json' ? jsonRows(chunk) : encodeRows(columns, chunk)));
        return rows;
      } finally {
        execution.close();
      }
    },
    async run(text, parameters = {}) {
      const execution = await engine.execute({ ...request(text), parameters });
      try {
        const tables: LocalTable[] = [];
        for (const result of execution.results) {
          const rows: unknown[][] = [];
          for await (const chunk of result.chunks) {
            const count = chunk[0]?.length ?? 0;
            for (let row = 0; row < count; row += 1)
              rows.push(result.columns.map((column, index) => wireValue(chunk[index]?.[row] ?? null, column.type)));
          }
          tables.push({ name: result.name, columns: result.columns, rows });
        }
        return tables;
      } finally {
        execution.close();
      }
    },
    close() {
      parser.stop();
      database.close();
    },
  };
}

/** The JSON form that clients get, but longs as text so that all 64 bits survive. */
function wireValue(value: NativeValue, type: KqlType): unknown {
  if (value === null) return null;
  if (type === 'datetime' && typeof value === 'bigint') return formatDatetime(value);
  if (type === 'timespan' && typeof value === 'bigint') return formatTimespan(value);
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}
