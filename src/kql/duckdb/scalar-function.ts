import { DuckDBScalarFunction, INTEGER } from '@duckdb/node-api';
import { invariant } from '../../base/invariant.ts';
import type { KqlErrorCode } from '../plan/kql-error.ts';
import { KqlError, lowMemory } from '../plan/kql-error.ts';
import type { NativeFunction, NativeValue } from '../sql/native.ts';
import { nativeTypes } from './append-columns.ts';
import { bindings } from './bindings.ts';
import { callOverBytes, connectionOf } from './byte-calls.ts';
import type { NativeBudget } from './native-budget.ts';
import { NeedsThreadError } from './native-budget.ts';
import type { NativeCaller } from './run-native.ts';
import { argumentsIn } from './vector-values.ts';

/** Of the texts that a function gives for one chunk, of 2,048 rows at most: DuckDB counts rows that are kept, and not those that it works on. */
const chunkBytesMax = 2 ** 31;

/** Before the message of a KqlError that a native function threw. */
export const refusalMark: Readonly<Partial<Record<KqlErrorCode, string>>> = {
  notSupported: 'kql refuses: ',
  runtime: 'kql fails: ',
  limits: 'kql limits: ',
  cancelled: 'kql cancelled: ',
  memory: 'kql memory: ',
};

export const needsThreadMark = 'kql needs a thread of its own';

/** A function in JavaScript as DuckDB calls it.
 * @param budgets of each connection, by its number */
export function scalarFunction(
  fn: NativeFunction,
  budgets: ReadonlyMap<number, NativeBudget>,
  callNatives: NativeCaller,
): DuckDBScalarFunction {
  const { parameters, overBytes } = fn;
  const budgetOf = (connection: number): NativeBudget => {
    const budget = budgets.get(connection);
    if (budget === undefined) throw new KqlError('cancelled', 'The query is over.');
    return budget;
  };
  const made = DuckDBScalarFunction.create({
    name: `kql_n_${fn.name}`,
    parameterTypes: [INTEGER, ...parameters.map((type) => nativeTypes[type])],
    returnType: fn.result === 'int' ? INTEGER : nativeTypes[fn.result],
    specialHandling: true,
    mainFunction: (_info, input, output) => {
      refusing(() => {
        if (input.rowCount === 0) return;
        const budget = budgetOf(Number(input.getColumnVector(0).getItem(0)));
        const vectors = parameters.map((_type, index) => input.getColumnVector(index + 1));
        let bytesMax = Math.min(budget.rowBytesMax, chunkBytesMax);
        for (const { from, to, columns } of argumentsIn(vectors, input.rowCount)) {
          const isOne = columns.every((values) => values.length === 1);
          const put = (row: number, value: NativeValue): void => {
            const [first, end] = [from + row, isOne ? to : from + row + 1];
            if (typeof value === 'string') bytesMax -= value.length * (end - first);
            if (bytesMax < 0) throw lowMemory();
            for (let at = first; at < end; at += 1) output.setItem(at, value);
          };
          // A constant while DuckDB plans, or all there is.
          const args = input.rowCount === 1 ? columns.map(([value = null]) => value) : undefined;
          const known = args && budget.known.valueOf(fn.name, args);
          if (known !== undefined) {
            put(0, known);
            continue;
          }
          const give = (row: number, value: NativeValue): void => {
            if (args) budget.known.add(fn.name, args, value);
            put(row, value);
          };
          callNatives(fn, { rowCount: isOne ? 1 : to - from, columns, bytesMax }, args ? give : put, budget);
        }
        output.flush();
      });
    },
  });
  if (overBytes !== undefined) {
    const [type = 'string', same] = parameters;
    const hasSame = same !== undefined;
    invariant(fn.result === 'long', 'the result of a function over bytes is a long');
    bindings.scalar_function_set_function(made.scalar_function, (_info, input, output) =>
      refusing(() => {
        if (bindings.data_chunk_get_size(input) > 0)
          callOverBytes(overBytes, { input, output, type, hasSame }, budgetOf(connectionOf(input)));
      }),
    );
  }
  return made;
}

/** Only a message crosses DuckDB; those of our refusals hold no values. */
function refusing(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof KqlError)) throw error;
    const mark = refusalMark[error.code] ?? '';
    const words = error.engine === undefined ? '' : `[${error.engine.code ?? ''}]`;
    const message = error instanceof NeedsThreadError ? needsThreadMark : `${mark}${words}${error.message}`;
    throw new Error(message, { cause: error });
  }
}
