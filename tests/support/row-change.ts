import type { ChangeStatements, RowChangeRequest } from '../../src/database/ingest/row-changes.ts';
import type { EngineDatabase } from '../../src/kql/duckdb/engine-database.ts';
import type { Column } from '../../src/kql/plan/types.ts';
import type { RowStatement } from '../../src/kql/query-engine.ts';

/** A change of the records for which `where` is true, without a parser: SQL over the columns as an extent has them.
 * @param added a SELECT of what comes, by the places of the columns */
export function sqlChange(
  engine: EngineDatabase,
  table: string,
  where: string,
  added?: { readonly sql: string; readonly columns: readonly Column[] },
): Pick<RowChangeRequest, 'database' | 'table' | 'prepare' | 'whatIf'> {
  const statement = (sql: string, columns: readonly Column[]): RowStatement => ({
    columns,
    close: () => undefined,
    run: async (use) => {
      const connection = await engine.connect();
      try {
        return await use(connection, { sql, bound: [] });
      } finally {
        connection.close();
      }
    },
  });
  return {
    ...{ database: 'db', table, whatIf: false },
    prepare: async (tables): Promise<ChangeStatements> => {
      const opened = await tables('db', table);
      if (opened?.extentSql === undefined) throw new Error(`${table} is not part of the change`);
      return {
        gone: statement(`SELECT extent_id, extent_row FROM ${opened.extentSql()} WHERE ${where}`, []),
        ...(added === undefined ? {} : { added: statement(added.sql, added.columns) }),
        close: () => opened.release(),
      };
    },
  };
}
