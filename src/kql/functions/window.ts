import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import { convert } from '../sql/convert.ts';
import { big, nativeCall, nativeFunction } from '../sql/native.ts';
import type { WindowFunction, WindowRows } from '../sql/scope.ts';
import type { SqlContext } from '../sql/context.ts';
import type { Output } from '../sql/relation.ts';

const constantOf = (expression: Expression | undefined): string | undefined =>
  expression?.k === 'literal' && expression.value !== null ? String(expression.value) : undefined;

/** A running count of restarts: the rows between two restarts have the same one. */
function restartGroup(
  restart: Expression | undefined,
  compile: (expression: Expression) => Sql,
  order: Sql,
  layer: (outputs: readonly Output[]) => void,
  ctx: SqlContext,
): Sql {
  if (!restart || constantOf(restart) === 'false') return '';
  const id = ctx.newId();
  layer([
    {
      id,
      sql: sql`sum(CASE WHEN ${compile(restart)} THEN 1 ELSE 0 END) OVER (ORDER BY ${order} ROWS UNBOUNDED PRECEDING)`,
    },
  ]);
  return `PARTITION BY ${id} `;
}

const neighbour =
  (name: 'lag' | 'lead'): WindowFunction =>
  (call, compile, order) => {
    const [value, offset, fallback] = call.args;
    if (!value) return 'NULL';
    const distance = offset ? compile(offset) : '1';
    const missing = fallback
      ? convert(compile(fallback), fallback.type, call.type)
      : call.type === 'string'
        ? "''"
        : 'NULL';
    return sql`${name}(${convert(compile(value), value.type, call.type)}, ${distance}, ${missing}) OVER (ORDER BY ${order})`;
  };

const rank =
  (name: 'dense_rank' | 'rank'): WindowFunction =>
  (call, compile, order, layer, ctx) => {
    const [term, restart] = call.args;
    if (!term) return 'NULL';
    const value = ctx.newId();
    layer([{ id: value, sql: compile(term) }]);
    const changed = ctx.newId();
    layer([
      {
        id: changed,
        sql: sql`CASE WHEN ${value} IS NOT DISTINCT FROM lag(${value}) OVER (ORDER BY ${order}) AND row_number() OVER (ORDER BY ${order}) > 1 THEN 0 ELSE 1 END`,
      },
    ]);
    const partition = restartGroup(restart, compile, order, layer, ctx);
    const first = ctx.newId();
    layer([
      {
        id: first,
        sql: sql`CASE WHEN row_number() OVER (${partition}ORDER BY ${order}) = 1 THEN 1 ELSE ${changed} END`,
      },
    ]);
    if (name === 'dense_rank')
      return sql`CAST(sum(${first}) OVER (${partition}ORDER BY ${order} ROWS UNBOUNDED PRECEDING) AS BIGINT)`;
    const position = ctx.newId();
    layer([{ id: position, sql: sql`row_number() OVER (${partition}ORDER BY ${order})` }]);
    return sql`max(CASE WHEN ${first} = 1 THEN ${position} END) OVER (${partition}ORDER BY ${order} ROWS UNBOUNDED PRECEDING)`;
  };

const sessionRowsMax = 20_000;
let sessions: { readonly key: string; readonly starts: readonly (bigint | null)[] } = { key: '', starts: [] };
const sessionStart = nativeFunction(
  'session_start',
  ['string', 'long', 'long', 'long'],
  'long',
  ([rows, fromFirst, fromPrevious, position]) => {
    const key = `${String(fromFirst)} ${String(fromPrevious)} ${String(rows)}`;
    if (sessions.key !== key)
      sessions = { key, starts: sessionStarts(String(rows), big(fromFirst), big(fromPrevious)) };
    return sessions.starts[Number(position) - 1] ?? null;
  },
);

function sessionStarts(text: string, fromFirst: bigint, fromPrevious: bigint): (bigint | null)[] {
  const rows = text.split(',');
  if (rows.length > sessionRowsMax)
    throw new KqlError('limits', `row_window_session() takes at most ${sessionRowsMax} rows.`);
  let start: bigint | null = null;
  let previous: bigint | null = null;
  return rows.map((row) => {
    const digits = row.replace('r', '');
    const value: bigint | null = digits === '' ? null : BigInt(digits);
    const begins =
      value === null ||
      start === null ||
      previous === null ||
      row.endsWith('r') ||
      value >= start + fromFirst ||
      value >= previous + fromPrevious;
    if (begins) start = value;
    previous = value;
    return start;
  });
}

/** Where the session of each row began. Sessions depend on each other from the first row on, so all rows go into one value. */
const session: WindowFunction = (call, compile, order, layer, ctx) => {
  const [term, fromFirst, fromPrevious, restart] = call.args;
  if (!term || !fromFirst || !fromPrevious) return 'NULL';
  const [all, position] = [ctx.newId(), ctx.newId()];
  const mark = restart ? sql`CASE WHEN ${compile(restart)} THEN 'r' ELSE '' END` : `''`;
  const row = ctx.newId();
  layer([{ id: row, sql: sql`coalesce(CAST(${compile(term)} AS VARCHAR), '') || ${mark}` }]);
  layer([
    {
      id: all,
      sql: sql`array_to_string(list(${row}) OVER (ORDER BY ${order} ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), ',')`,
    },
    { id: position, sql: sql`row_number() OVER (ORDER BY ${order})` },
  ]);
  return nativeCall(sessionStart, all, compile(fromFirst), compile(fromPrevious), position);
};
export const windowFunctions: WindowRows = {
  row_number: {
    sql: (call, compile, order, layer, ctx) => {
      const [start, restart] = call.args;
      const partition = restartGroup(restart, compile, order, layer, ctx);
      return sql`(row_number() OVER (${partition}ORDER BY ${order}) - 1 + ${start ? compile(start) : '1'})`;
    },
  },
  prev: { sql: neighbour('lag') },
  next: { sql: neighbour('lead') },
  row_cumsum: {
    sql: (call, compile, order, layer, ctx) => {
      const [term, restart] = call.args;
      if (!term) return 'NULL';
      const partition = restartGroup(restart, compile, order, layer, ctx);
      const sum = sql`coalesce(sum(${compile(term)}) OVER (${partition}ORDER BY ${order} ROWS UNBOUNDED PRECEDING), 0)`;
      return call.type === 'real' ? sum : call.type === 'decimal' ? sql`CAST(${sum} AS DECIMAL(38,18))` : kql.wrap(sum);
    },
  },
  // The former name of row_rank_dense(), documented with a term only.
  row_rank: {
    sql: (call, ...rest) => {
      if (call.args.length > 1)
        throw new KqlError('notSupported', "The second argument of 'row_rank' is not supported.", call.at);
      return rank('dense_rank')(call, ...rest);
    },
  },
  row_rank_dense: { sql: rank('dense_rank') },
  row_rank_min: { sql: rank('rank') },
  row_window_session: { sql: session, natives: [sessionStart] },
};
