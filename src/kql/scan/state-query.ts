import { windowFunctions } from '../functions/window.ts';
import type { ColumnReference, Expression } from '../plan/expression.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Plan } from '../plan/plan.ts';
import type { Column, KqlType } from '../plan/types.ts';
import type { NativeValue } from '../sql/native.ts';
import { literalOf } from '../sql/literal.ts';

/** Expressions of a step that are computed in SQL, all together: for some values of what they name, the value of each. */
export interface StateQuery {
  /** What the expressions name of the row and of the state. */
  readonly inputs: readonly ColumnReference[];
  readonly expressions: readonly Expression[];
  /** Types that the values are wanted in. */
  readonly types: readonly KqlType[];
}

/** @throws KqlError notSupported for what has no meaning row by row */
export function stateQuery(wanted: readonly (readonly [Expression, KqlType])[]): StateQuery {
  const inputs: ColumnReference[] = [];
  const renamed = (expression: Expression): Expression => {
    switch (expression.k) {
      case 'column': {
        const { name, side, type } = expression;
        if (name === '*') throw refused('*', -1);
        const known = inputs.findIndex((input) => input.name === name && input.side === side);
        const at = known >= 0 ? known : inputs.push(expression) - 1;
        return { k: 'column', name: inputName(at), type };
      }
      case 'call':
        if (Object.hasOwn(windowFunctions, expression.name)) throw refused(expression.name, expression.at);
        if (expression.args.some(({ k }) => k === 'table' || k === 'scalarQuery'))
          throw refused(expression.name, expression.at, ' over a table');
        return { ...expression, args: expression.args.map(renamed) };
      default:
        return expression;
    }
  };
  const expressions = wanted.map(([expression]) => renamed(expression));
  return { inputs, expressions, types: wanted.map(([, type]) => type) };
}

const inputName = (index: number): string => `v${index}`;
const position: Column = { name: 'position', type: 'long' };

/** A table with a row for each of `rows`: its position, then the values.
 * @param rows values of the inputs */
export function queryPlan({ inputs, expressions, types }: StateQuery, rows: readonly (readonly NativeValue[])[]): Plan {
  const known = inputs.map(({ type }, index): Column => ({ name: inputName(index), type }));
  const values = types.map((type, index): Column => ({ name: `r${index}`, type }));
  return {
    op: 'project',
    input: {
      op: 'datatable',
      rows: rows.map((row, at) => [
        literalOf(BigInt(at), position.type),
        ...known.map(({ type }, index) => literalOf(row[index] ?? null, type)),
      ]),
      cols: [position, ...known],
    },
    items: [
      { names: [position.name], expression: { k: 'column', ...position } },
      ...values.map(({ name }, index) => ({
        names: [name],
        expression: expressions[index] ?? literalOf(null, 'bool'),
      })),
    ],
    cols: [position, ...values],
  };
}

/** Rows of such a table as values of the query, in the order of what was asked; integers of every width as bigint. */
export function queryValues(
  { types }: StateQuery,
  rows: readonly (readonly NativeValue[])[],
): readonly (readonly NativeValue[])[] {
  const values: (readonly NativeValue[])[] = [];
  for (const [at, ...row] of rows)
    values[Number(at)] = row.map((value, index) =>
      types[index] === 'int' && typeof value === 'number' ? BigInt(value) : value,
    );
  return values;
}

const refused = (name: string, at: number | undefined, what = ''): KqlError =>
  new KqlError('notSupported', `'${name}'${what} is not supported in an operator that walks rows.`, at);
