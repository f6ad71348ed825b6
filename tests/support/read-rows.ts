import type { OpenedClusterData } from '../../src/engine/catalog/open-cluster-data.ts';
import type { ColumnValues, EngineDatabase } from '../../src/engine/duckdb/engine-database.ts';

/** All rows of a table as the engine reads them; decimal and guid as text. */
export async function readRows(
  data: OpenedClusterData,
  engine: EngineDatabase,
  table: string,
  order?: string,
): Promise<ColumnValues[]> {
  const source = await data.sources().open('db', table);
  const connection = await engine.connect();
  try {
    const outputs = data.table('db', table).columns.map(({ name, type }) => {
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
