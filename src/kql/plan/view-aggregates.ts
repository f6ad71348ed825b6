import type { Expression } from './expression.ts';
import type { Item } from './plan.ts';
import type { Column, KqlType } from './types.ts';

/** What is kept of an aggregate of a group until more rows of the group come. */
export interface ViewAggregate {
  readonly states: readonly Column[];
  /** The states of rows of the source. */
  readonly partial: readonly Item[];
  /** Those of several rows of states. */
  readonly merged: readonly Item[];
  /** The columns of the view, of one row of states. */
  readonly outputs: readonly { readonly name: string; readonly expression: Expression }[];
}

type Call = Extract<Expression, { readonly k: 'call' }>;
type Plan = (names: readonly string[], call: Call) => ViewAggregate;

const call = (name: string, type: KqlType, ...args: readonly Expression[]): Call => ({ k: 'call', name, args, type });
const column = ({ name, type }: Column): Expression => ({ k: 'column', name, type });
const literal = (type: KqlType, value: string): Expression => ({ k: 'literal', type, value });

/** A state has the name of the column of the view: so an altered view keeps those that it has still. */
function stateOf(
  name: string,
  partial: Call,
  merge: string,
  ...more: readonly Expression[]
): Omit<ViewAggregate, 'outputs'> {
  const own = { name, type: partial.type };
  return {
    states: [own],
    partial: [{ names: [name], expression: partial }],
    merged: [{ names: [name], expression: call(merge, partial.type, column(own), ...more) }],
  };
}

/** One state, from which the column of the view comes. */
const single =
  (
    partial: (given: Call) => Call,
    merge: string,
    {
      output = (state) => state,
      more = () => [],
    }: {
      readonly output?: (state: Expression) => Expression;
      readonly more?: (given: Call) => readonly Expression[];
    } = {},
  ): Plan =>
  ([name = ''], given) => {
    const first = partial(given);
    return {
      ...stateOf(name, first, merge, ...more(given)),
      outputs: [{ name, expression: output(column({ name, type: first.type })) }],
    };
  };

/** The state is what the function gives: `merge` puts several together. */
const itself = (merge: string): Plan => single((given) => given, merge);

/** Lists of lists come out flat, and keep to the size that was asked for. */
const collected = (name: string): Plan => single((given) => given, name, { more: ({ args }) => args.slice(1) });

/** All columns come from one row, which is a row of states as well. */
const picked =
  (merge: string): Plan =>
  (names, given) => {
    const types = given.types ?? [given.type];
    const states = names.map((name, at): Column => ({ name, type: types[at] ?? given.type }));
    const again: Call = { ...call(merge, given.type, ...states.map(column)), ...(given.types && { types }) };
    return {
      states,
      partial: [{ names, expression: given }],
      merged: [{ names, expression: again }],
      outputs: states.map((own) => ({ name: own.name, expression: column(own) })),
    };
  };

/** The sum and the number of what has a value. */
const mean =
  (conditional: boolean): Plan =>
  ([name = ''], given) => {
    const [value, predicate] = given.args as readonly [Expression, Expression | undefined];
    const present = call('isnotnull', 'bool', value);
    const counted = conditional && predicate ? call('and', 'bool', predicate, present) : present;
    const summed: KqlType = given.type === 'decimal' || given.type === 'timespan' ? given.type : 'real';
    const converted = summed === 'real' && value.type !== 'real' ? call('toreal', 'real', value) : value;
    const sum = conditional && predicate ? [converted, predicate] : [converted];
    const [total, rows] = [`${name} sum`, `${name} count`];
    const parts = [
      stateOf(total, call(conditional ? 'sumif' : 'sum', summed, ...sum), 'sum'),
      stateOf(rows, call('countif', 'long', counted), 'sum'),
    ];
    const [totalColumn, rowsColumn] = [column({ name: total, type: summed }), column({ name: rows, type: 'long' })];
    const isEmpty = call('==', 'bool', rowsColumn, literal('long', '0'));
    const nothing: Expression =
      given.type === 'real' ? literal('real', 'NaN') : { k: 'literal', type: given.type, value: null };
    const quotient =
      summed === 'timespan'
        ? call('totimespan', 'timespan', call('/', 'long', call('tolong', 'long', totalColumn), rowsColumn))
        : call('/', summed, totalColumn, call(summed === 'decimal' ? 'todecimal' : 'toreal', summed, rowsColumn));
    const expression = call('iff', given.type, isEmpty, nothing, quotient);
    return {
      states: parts.flatMap(({ states }) => states),
      partial: parts.flatMap(({ partial }) => partial),
      merged: parts.flatMap(({ merged }) => merged),
      outputs: [{ name, expression }],
    };
  };

/** A digest of the values; each percentile comes from it. */
const percentiles: Plan = (names, given) => {
  const [value, ...percents] = given.args;
  const types = given.types ?? [given.type];
  const digest = `${names.join(' ')} digest`;
  const outputs = names.map((name, at) => {
    const type = types[at] ?? given.type;
    const state = column({ name: digest, type: 'dynamic' });
    const found = call('percentile_tdigest', 'dynamic', state, percents[at] as Expression);
    const first = call('index', 'dynamic', found, literal('long', '0'));
    return { name, expression: call(converters[type] ?? 'todynamic', type, first) };
  });
  return { ...stateOf(digest, call('tdigest', 'dynamic', value as Expression), 'tdigest_merge'), outputs };
};

const converters: Readonly<Partial<Record<KqlType, string>>> = {
  ...{ int: 'toint', long: 'tolong', real: 'toreal', decimal: 'todecimal' },
  ...{ datetime: 'todatetime', timespan: 'totimespan' },
};

const distinct = (name: string): Plan =>
  single(
    ({ args }) => call(name, 'dynamic', ...args),
    'hll_merge',
    // The sketch of no value is null.
    { output: (sketch) => call('coalesce', 'long', call('dcount_hll', 'long', sketch), literal('long', '0')) },
  );

/** The aggregates that a view can have, by KQL name: all that the documentation lists. */
export const viewAggregates: ReadonlyMap<string, Plan> = new Map([
  ['count', itself('sum')],
  ['countif', itself('sum')],
  ['sum', itself('sum')],
  ['sumif', itself('sum')],
  ['min', itself('min')],
  ['max', itself('max')],
  ['avg', mean(false)],
  ['avgif', mean(true)],
  ['dcount', distinct('hll')],
  ['dcountif', distinct('hll_if')],
  ['hll', itself('hll_merge')],
  ['tdigest', itself('tdigest_merge')],
  ['percentile', percentiles],
  ['percentiles', percentiles],
  ['make_set', collected('make_set')],
  ['make_list', collected('make_list')],
  ['make_bag', collected('make_bag')],
  ['arg_max', picked('arg_max')],
  ['arg_min', picked('arg_min')],
  ['take_any', picked('take_any')],
  ['take_anyif', picked('take_any')],
]);
