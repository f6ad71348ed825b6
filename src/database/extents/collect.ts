import type { StatementConnection } from '../../kql/duckdb/engine-database.ts';
import type { BoundValue } from '../../kql/sql/context.ts';

/** A handful of rows. */
export async function collect(
  connection: StatementConnection,
  sql: string,
  bound: readonly BoundValue[] = [],
): Promise<(string | number | bigint | boolean | null)[][]> {
  const rows: (string | number | bigint | boolean | null)[][] = [];
  for await (const chunk of connection.stream(sql, bound)) {
    const count = chunk[0]?.length ?? 0;
    for (let row = 0; row < count; row += 1) rows.push(chunk.map((column) => column[row] ?? null));
  }
  return rows;
}
