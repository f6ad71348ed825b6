import type { EngineConnection } from './duckdb/engine-database.ts';
import { stagingType } from './duckdb/engine-database.ts';
import { KqlError } from './plan/kql-error.ts';
import type { Plan } from './plan/plan.ts';
import type { Column } from './plan/types.ts';
import { physicalType } from './plan/types.ts';
import type { TailRows } from './query-request.ts';
import type { TableSource } from './sql/context.ts';
import type { Translation } from './sql/translate.ts';

export type TemporaryPlan = Extract<Plan, { readonly op: 'temporary' }>;

/** What has run for one query, on one connection: temporary tables there. They live in memory, under the limit of the engine's, and end
 * with the connection. */
export class KeptStages {
  readonly #tables: Map<string, TemporaryPlan>;
  #made: number;
  /** The rows of the command that the query goes on from. */
  command: TableSource | undefined;

  /** @param before what has run on another connection, whose tables are on this one too */
  constructor(before?: KeptBefore) {
    this.#tables = new Map(before?.tables);
    this.#made = before?.made ?? 0;
  }

  /** Of a temporary table, not used yet. */
  newName(): string {
    this.#made += 1;
    return `stage${this.#made}`;
  }

  find(stage: string): TemporaryPlan | undefined {
    return this.#tables.get(stage);
  }

  keep(stage: string, rows: TemporaryPlan): void {
    this.#tables.set(stage, rows);
  }

  /** For a connection that goes on from here. */
  get all(): KeptBefore {
    return { tables: [...this.#tables], made: this.#made };
  }

  /** The rows, for another engine. @param connection the one that they are on */
  tails(connection: EngineConnection): TailRows[] {
    return [...this.#tables.values()].map(({ name: table, cols }) => {
      const columns = [
        ...cols.map(({ type }, index) => ({ name: `v${index}`, type })),
        { name: 'position', type: 'long' as const },
      ];
      const names = columns.map(({ name }) => name).join(', ');
      return { table, columns, rows: () => connection.stream(`SELECT ${names} FROM ${table}`, []) };
    });
  }
}

/** Can be sent to another thread. */
export interface KeptBefore {
  readonly tables: readonly (readonly [stage: string, rows: TemporaryPlan])[];
  readonly made: number;
}

/** Keeps the rows of a statement. Values of types that cannot be read as they are lie there as text.
 * @param select columns r0, r1 … in physical types, and in the order of `cols` */
export async function storeRows(
  connection: EngineConnection,
  name: string,
  cols: readonly Column[],
  { sql, bound, order }: Translation,
): Promise<TemporaryPlan> {
  const columns = cols.map(({ type }, index) => `CAST(r${index} AS ${stagingType(type)}) AS v${index}`);
  await connection.run(
    `CREATE TEMP TABLE ${name} AS SELECT ${[...columns, 'row_number() OVER () - 1 AS position'].join(', ')} FROM (${sql})`,
    bound,
  );
  const ids = cols.map(({ type }, index) =>
    stagingType(type) === physicalType[type] ? `v${index}` : `CAST(v${index} AS ${physicalType[type]})`,
  );
  return { op: 'temporary', name, ids, cols, order };
}

/** Rows that lack some columns of the operator that gave them, as of one run of several. */
export function completed(rows: TemporaryPlan, cols: readonly Column[], name: string): TemporaryPlan {
  const ids = cols.map((column) => {
    const at = rows.cols.findIndex((own) => own.name === column.name);
    if (at >= 0 && rows.cols[at]?.type !== column.type) throw severalTypes(name);
    return rows.ids[at] ?? (column.type === 'string' ? "''" : `NULL::${physicalType[column.type]}`);
  });
  if (rows.cols.some((own) => !cols.some((column) => column.name === own.name))) throw severalTypes(name);
  return { ...rows, ids, cols };
}

const severalTypes = (name: string): KqlError =>
  new KqlError('notSupported', `The columns of '${name}' differ between its runs: it needs a schema.`);
