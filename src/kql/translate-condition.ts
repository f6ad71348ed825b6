import { KqlError } from './plan/kql-error.ts';
import type { Expression } from './plan/expression.ts';
import type { BoundValue, RequestFacts, SqlContext } from './sql/context.ts';
import { BoundValues } from './sql/context.ts';
import { language } from './language.ts';
import { compileCondition } from './sql/expressions.ts';
import { textOf } from './sql/fragment.ts';

/** A condition on its own → SQL over the columns of a table.
 * @param columns SQL of each column by its KQL name */
export function translateCondition(
  condition: Expression,
  columns: ReadonlyMap<string, string>,
  facts: RequestFacts,
): { readonly sql: string; readonly bound: readonly BoundValue[] } {
  const bound = new BoundValues();
  const alone = (): never => {
    throw new KqlError('semantic', 'This condition must not read other tables.');
  };
  let ids = 0;
  const ctx: SqlContext = {
    newId: () => `p${(ids += 1)}`,
    bind: (value, physical) => bound.add(value, physical),
    facts,
    language,
    // The form that cannot fail on large integers.
    wrapping: true,
    table: alone,
    reference: alone,
    context: undefined,
    within: alone,
  };
  const compiled = compileCondition(condition, {
    ctx,
    column: ({ name }) => {
      const found = columns.get(name);
      if (found === undefined) throw new KqlError('semantic', `There is no column '${name}'.`);
      return found;
    },
  });
  return { sql: textOf(compiled), bound: bound.all };
}
