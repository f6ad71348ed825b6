import type { Sql } from './fragment.ts';
import { copiesIn, joined, sql, weightOf } from './fragment.ts';
import type { RowScope, SqlArgument } from './scope.ts';

/** What an argument may weigh that is written as often as it is needed. */
const lightMax = 100;

/** Compiles a call so that the whole text, once DuckDB has expanded it, grows no faster than the expression: an argument that weighs much
 * and is needed several times is computed once, as the parameter of a lambda over a list of one.
 * @param write makes SQL of the arguments that it is given */
export function boundOnce(
  args: readonly SqlArgument[],
  { ctx }: RowScope,
  write: (args: readonly SqlArgument[]) => Sql,
): Sql {
  const body = write(args);
  if (!args.some((argument) => weightOf(argument.sql) > lightMax)) return body;
  const copies = copiesIn(
    body,
    args.map((argument) => argument.sql),
  );
  if (![...copies].some(([part, count]) => count > 1 && weightOf(part) > lightMax)) return body;
  // Inside of a lambda DuckDB takes neither queries nor aggregates: what is more than one piece stands outside.
  const row = ctx.newId();
  const names = args.map(({ sql: own }) => (typeof own === 'string' ? undefined : ctx.newId()));
  const inside = write(
    args.map((argument, index) => ({ ...argument, sql: names[index] ? `${row}.${names[index]}` : argument.sql })),
  );
  const fields = args.flatMap((argument, index) => (names[index] ? [sql`${names[index]} := ${argument.sql}`] : []));
  const once = sql`list_transform([struct_pack(${joined(fields)})], lambda ${row}: ${inside})[1]`;
  // Whoever wants no more of it than a text names it once.
  return typeof body === 'string' || !body.at ? once : { ...once, at: body.at };
}
