import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import { engineMistake, KqlError } from '../plan/kql-error.ts';
import type { KqlType } from '../plan/types.ts';
import { native } from '../sql/native-row.ts';
import type { FunctionRow, FunctionRows, SqlArgument } from '../sql/scope.ts';
import { itemsOf } from './array.ts';

/** Each character of `search` becomes the one at its place in `replacement`, the last of which stands for all beyond; an empty
 * `replacement` takes them away. */
function translated(search: string, replacement: string, source: string): string {
  const [from, to] = [Array.from(search), Array.from(replacement)];
  return Array.from(source)
    .map((character) => {
      const at = from.indexOf(character);
      return at < 0 ? character : (to[Math.min(at, to.length - 1)] ?? '');
    })
    .join('');
}

/** Bytes of a value by its type; texts have their own length, and a dynamic that of its text and some for what it says of itself: the
 * documentation says that it is more than the text alone, not how much more. What the service counts for the others is not known. */
const typeBytes: Readonly<Partial<Record<KqlType, number>>> = {
  bool: 1,
  int: 4,
  long: 8,
  real: 8,
  datetime: 8,
  timespan: 8,
};
const dynamicBytes = 8;

function sizeOf({ sql: value, type }: Pick<SqlArgument, 'sql' | 'type'>, at: number | undefined): Sql {
  if (type === 'string') return sql`strlen(${value})`;
  if (type === 'dynamic') return sql`coalesce(strlen(${value}) + ${dynamicBytes}, 0)`;
  const bytes = typeBytes[type];
  if (bytes === undefined) throw new KqlError('notSupported', `'estimate_data_size' of ${type} is not supported.`, at);
  return String(bytes);
}

const estimateDataSize: FunctionRow = {
  result: 'long',
  sql: (args, call, { relation }) => {
    const columns = args.flatMap(({ sql, type, expression }) =>
      expression.k === 'column' && expression.name === '*'
        ? (relation?.columns ?? []).map((column) => ({ sql: column.id, type: column.type }))
        : [{ sql, type }],
    );
    const sizes = columns.map((column) => sizeOf(column, call.at));
    return sizes.length === 0 ? '0' : sql`CAST(${joined(sizes, ' + ')} AS BIGINT)`;
  },
};

/** Functions of no family. */
export const legacyFunctions: FunctionRows = {
  estimate_data_size: estimateDataSize,
  translate: native('translate', ['string', 'string', 'string'], 'string', ([search, replacement, source]) =>
    translated(String(search), String(replacement), String(source)),
  ),
  set_equals: native('set_equals', ['dynamic', 'dynamic'], 'bool', ([a, b]) => {
    const [first, second] = [itemsOf(a), itemsOf(b)];
    return first && second
      ? first.every((item) => second.includes(item)) && second.every((item) => first.includes(item))
      : null;
  }),
  assert: native('assert', ['bool', 'string'], 'bool', ([condition, message]) => {
    if (condition !== true)
      throw engineMistake('runtime', { code: 'SEM0080' }, `assert() has failed with message: '${String(message)}'`);
    return true;
  }),
};
