import pg from 'pg';
import { invariant } from '../../base/invariant.ts';
import type { RegisteredNode, StateFormat } from '../formats/state-formats.ts';
import { firstAgreedFormat, liveMsMax, newestOf, oldestOf } from '../formats/state-formats.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { StateFormatTooNewError } from './postgres-errors.ts';
import { commitErrors } from '../formats/postgres-schema.ts';
import type { ServingNode } from './take-over.ts';

type Query = PostgresConnection['query'];

/** Tells often enough to be taken for one that lives. */
const tellEveryMs = 5_000;

/** Tells the state's database that a node lives, and which formats it knows. The row of `state` is held meanwhile: so whoever raises the
 * format has seen the node, or the node sees the format. */
export class NodeRegistration {
  readonly #node: ServingNode;
  readonly #formats: readonly StateFormat[];
  readonly #monotonicMs: () => number;
  #toldAt: number | undefined;

  constructor(node: ServingNode, formats: readonly StateFormat[], monotonicMs: () => number) {
    this.#node = node;
    this.#formats = formats;
    this.#monotonicMs = monotonicMs;
  }

  /** At the format that is written now, unless there is no state, or one of before nodes told. @throws StateFormatTooNewError */
  async look(query: Query, stateName: string): Promise<void> {
    const [row] = await query(`SELECT to_regclass('node') IS NOT NULL`);
    if (row?.[0] !== true) return;
    const [found] = this.isDue ? await this.tell(query) : await query('SELECT format FROM state');
    const [format, newest] = [Number(found?.[0]), newestOf(this.#formats)];
    if (format > newest) throw new StateFormatTooNewError(stateName, format, newest);
  }

  get isDue(): boolean {
    return this.#toldAt === undefined || this.#monotonicMs() - this.#toldAt >= tellEveryMs;
  }

  /** It serves nothing, and waits for nothing. One that has not told is left as it is. */
  async leave(query: Query): Promise<void> {
    if (this.#toldAt !== undefined) await query('DELETE FROM node WHERE id = $1', [this.#node.id]);
  }

  async tell(query: Query): Promise<readonly (readonly unknown[])[]> {
    this.#toldAt = this.#monotonicMs();
    const { id, host, version } = this.#node;
    return query(
      `WITH held AS MATERIALIZED (SELECT format FROM state FOR SHARE), told AS (
         INSERT INTO node (id, host, version, oldest, newest, seen)
           SELECT $1::uuid, $2, $3, $4, $5, clock_timestamp() FROM held
         ON CONFLICT (id) DO UPDATE SET (host, version, oldest, newest, seen)
           = (excluded.host, excluded.version, excluded.oldest, excluded.newest, excluded.seen)
       ) SELECT format FROM held`,
      [id, host, version, oldestOf(this.#formats), newestOf(this.#formats)],
    );
  }
}

/** Who has not been heard of for a day is forgotten. */
export const forgetNodes = (query: Query): Promise<unknown> =>
  query(`DELETE FROM node WHERE seen < clock_timestamp() - interval '1 day'`);

/** @param serving id of the one that asks */
export async function registeredNodes(query: Query, serving: string | undefined): Promise<readonly RegisteredNode[]> {
  const rows = await query(
    `SELECT id::text, host, version, oldest, newest, (extract(epoch FROM clock_timestamp() - seen) * 1000)::float8
     FROM node ORDER BY host, id LIMIT 1000`,
  );
  return rows.map(([id, host, version, oldest, newest, silentMs]) => ({
    ...{ id: String(id), host: String(host), version: String(version), oldest: Number(oldest), newest: Number(newest) },
    serves: id === serving,
    silentMs: id === serving ? 0 : Math.max(0, Math.round(Number(silentMs))),
  }));
}

/** One message, one transaction: the writer holds the state (else KU410) → the format is the one before → every node that lives knows the
 * next (else KU426) → it is made → it is written. Whoever takes the state over waits for its end, as for that of a commit.
 * @param handle of the writer @throws pg.DatabaseError */
export async function raiseFormat(query: Query, handle: string, step: StateFormat): Promise<void> {
  const { format, postgres } = step;
  invariant(
    format > firstAgreedFormat && Number.isSafeInteger(format),
    'formats before are made when a state is opened',
  );
  await query(`
DO $$ BEGIN
  PERFORM 1 FROM writer WHERE handle = ${pg.escapeLiteral(handle)}::uuid AND NOT closed FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'this writer is closed' USING ERRCODE = '${commitErrors.closed}'; END IF;
  PERFORM 1 FROM state WHERE format = ${format - 1} FOR UPDATE;
  IF NOT FOUND THEN RAISE EXCEPTION 'the state has another format'; END IF;
  IF EXISTS (SELECT FROM node WHERE newest < ${format} AND seen >= clock_timestamp() - interval '${liveMsMax} milliseconds') THEN
    RAISE EXCEPTION 'nodes know less' USING ERRCODE = '${commitErrors.nodesKnowLess}';
  END IF;
END $$;
${postgres}
UPDATE state SET format = ${format};
`);
}
