import type { RowFunction, RowFunctionTable } from './row-function.ts';
import { arithmeticRows } from './functions/arithmetic.ts';
import { calendarRows } from './functions/calendar.ts';
import { compareRows } from './functions/compare.ts';
import { dynamicRows } from './functions/dynamic.ts';
import { mathRows } from './functions/math.ts';
import { textRows } from './functions/text.ts';

/** Scalar functions and operators by KQL name, for operators that walk rows: those whose row in `sql/functions/` is SQL, or takes
 * its arguments in another form than its native function. What is one native function is called as it is; anything else is
 * refused by name. `rows/functions.test.ts` holds them against the SQL. */
export const rowFunction = (name: string): RowFunction | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

const table: RowFunctionTable = {
  ...compareRows,
  ...textRows,
  ...arithmeticRows,
  ...mathRows,
  ...calendarRows,
  ...dynamicRows,
};
