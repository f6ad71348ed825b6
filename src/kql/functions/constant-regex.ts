import type { Sql } from '../sql/fragment.ts';
import { sql } from '../sql/fragment.ts';
import { re2Pattern } from '../algorithms/regex/re2.ts';
import { regex } from '../algorithms/regex/regex.ts';
import type { RowScope, SqlArgument } from '../sql/scope.ts';

/** What RE2 has an equal for: a constant regular expression. */
export interface ConstantRegex {
  /** A bound parameter. */
  readonly sql: string;
  /** Groups with the whole match. */
  readonly groups: number;
  /** Chooses between DuckDB's function, which runs in its threads, and the native one for the texts where RE2 finds something else. */
  choose(text: Sql, quick: Sql, slow: Sql): Sql;
}

/** @param captures whether the groups are wanted
 * @throws KqlError runtime, where the constant is no regular expression */
export function constantRegex(
  argument: SqlArgument | undefined,
  { ctx }: RowScope,
  captures: boolean,
): ConstantRegex | undefined {
  const expression = argument?.expression;
  if (expression?.k !== 'literal' || typeof expression.value !== 'string') return undefined;
  const fast = re2Pattern(expression.value, () => captures);
  if (!fast) return undefined;
  return {
    sql: ctx.bind(fast.pattern, 'VARCHAR'),
    groups: regex(expression.value).names.length,
    choose: (text, quick, slow) =>
      fast.asciiOnly ? sql`(CASE WHEN strlen(${text}) = length(${text}) THEN ${quick} ELSE ${slow} END)` : quick,
  };
}
