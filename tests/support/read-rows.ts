import type { OpenedClusterData } from '../../src/database/open-cluster-data.ts';
import type { ColumnValues, EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import { storedResultTable } from '../../src/kql/plan/hidden-tables.ts';
import type { Column } from '../../src/kql/plan/types.ts';
import type { OpenTable } from '../../src/kql/query-request.ts';

/** All rows of a table as the engine reads them; decimal and guid as text. */
export const readRows = async (
  data: OpenedClusterData,
  engine: EngineDatabase,
  table: string,
  order?: string,
): Promise<ColumnValues[]> =>
  readSource(await data.sources().open('db', table), engine, data.table('db', table).columns, order);

/** The same of a stored query result. */
export async function readStoredRows(
  data: OpenedClusterData,
  engine: EngineDatabase,
  name: string,
  principal: string,
): Promise<ColumnValues[]> {
  const source = await data.sources(principal).open('db', storedResultTable(name));
  const stored = data.storedResults('db').find((result) => result.name === name && result.principal === principal);
  return readSource(source, engine, stored?.columns ?? []);
}

async function readSource(
  source: OpenTable,
  engine: EngineDatabase,
  columns: readonly Column[],
  order?: string,
): Promise<ColumnValues[]> {
  const connection = await engine.connect();
  try {
    const outputs = columns.map(({ name, type }) => {
      const sql = source.columns.get(name) ?? 'NULL';
      return type === 'decimal' || type === 'guid' ? `CAST(${sql} AS VARCHAR)` : sql;
    });
    const by = order === undefined ? '' : ` ORDER BY ${source.columns.get(order) ?? order}`;
    const rows: ColumnValues[] = [];
    for await (const chunk of connection.stream(`SELECT ${outputs.join(', ')} FROM ${source.sql}${by}`, [])) {
      const count = chunk[0]?.length ?? 0;
      for (let row = 0; row < count; row += 1) rows.push(chunk.map((column) => column[row] ?? null));
    }
    return rows;
  } finally {
    connection.close();
    source.release();
  }
}
