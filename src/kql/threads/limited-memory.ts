import type { EngineConnection, EngineDatabase } from '../duckdb/engine-database.ts';
import { KqlError, runawayQuery } from '../plan/kql-error.ts';
import type { Plan, Program } from '../plan/plan.ts';
import { eachPlan } from '../plan/walk.ts';

/** Operators that hold rows until they have all of them, as KQL names them. */
const holding: Readonly<Partial<Record<Plan['op'], string>>> = {
  summarize: 'summarize',
  distinct: 'distinct',
  sort: 'sort',
  top: 'top',
  join: 'join',
  lookup: 'lookup',
  makeSeries: 'make-series',
  topNested: 'top-nested',
  topHitters: 'top-hitters',
  partition: 'partition',
  mvApply: 'mv-apply',
  sampleDistinct: 'sample-distinct',
};

/** Any statement takes something, be it one that holds no rows. */
const statementBytes = 1 << 20;

/** Holds the one query of an engine to so much memory. The engine has nobody else's, so its own limit is the query's: that counts what
 * operators and temporary tables hold; rows in JavaScript are counted while they come. An engine has one limit and none for an operator, of
 * which mostly one holds rows at a time. */
export class LimitedMemory {
  readonly #connection: EngineConnection;
  readonly #bytes: number;
  readonly #usual: string;
  #program: Program | undefined;
  /** Set to less than what the engine has usually: then it is the query that has too little. */
  #acts = false;

  /** @param bytes that the query may hold, besides what the engine holds when it begins
   * @param usual the limit of the engine for queries that have none; it is never raised */
  constructor(connection: EngineConnection, bytes: number, usual: string) {
    this.#connection = connection;
    this.#bytes = bytes;
    this.#usual = usual;
  }

  /** @throws KqlError */
  async begin(program: Program): Promise<void> {
    const isFirst = this.#program === undefined;
    this.#program = program;
    if (!isFirst) return;
    const held = await this.#ask('SELECT coalesce(sum(memory_usage_bytes), 0)::BIGINT FROM duckdb_memory()');
    const usual = await this.#ask(`SELECT parse_formatted_bytes('${this.#usual}')::BIGINT`);
    const limit = held + statementBytes + this.#bytes;
    if (limit >= usual) return;
    this.#acts = true;
    this.#connection.budget.rowBytesMax = this.#bytes;
    await this.#connection.run(settingOf(`${limit}B`));
  }

  /** The same error, in the words for a query that goes beyond its own limit. */
  explained(error: unknown): unknown {
    return this.#acts && error instanceof KqlError && error.code === 'memory'
      ? runawayQuery(this.#operator(), this.#bytes)
      : error;
  }

  /** For the next query. */
  async end(database: EngineDatabase): Promise<void> {
    if (!this.#acts) return;
    this.#acts = false;
    const connection = await database.connect();
    await connection.run(settingOf(this.#usual));
    connection.close();
  }

  /** The last of the query that holds rows. */
  #operator(): string | undefined {
    const found: string[] = [];
    eachPlan([this.#program?.results, this.#program?.lets], ({ op }) => {
      const name = holding[op];
      if (name !== undefined) found.push(name);
    });
    return found[0];
  }

  async #ask(sql: string): Promise<number> {
    let answer = 0;
    for await (const [values] of this.#connection.stream(sql, [])) answer = Number(values?.[0] ?? 0);
    return answer;
  }
}

const settingOf = (limit: string): string => `SET GLOBAL memory_limit='${limit}'`;
