import type { Sql } from '../sql/fragment.ts';
import { joined, sql } from '../sql/fragment.ts';
import * as kql from '../sql/macros.ts';
import type { MvColumn } from '../plan/plan.ts';
import { legacyPartitions } from '../plan/plan.ts';
import { KqlError } from '../plan/kql-error.ts';
import type { Column, KqlType } from '../plan/types.ts';
import type { SqlContext } from '../sql/context.ts';
import { convert } from '../sql/convert.ts';
import { compileExpression } from '../sql/expressions.ts';
import { nativeCall, nativeFunction, parseJson } from '../sql/native.ts';
import { isBag } from '../functions/dynamic.ts';
import { compilePlan } from '../sql/plans.ts';
import type { OrderKey, Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, columnNamed, hiddenIds, keptIds, renamed, selectFrom } from '../sql/relation.ts';
import { anchored, rowScope } from '../sql/rows.ts';
import { compileConstant, constantAs } from './source.ts';
import type { PlanCompilers } from '../sql/scope.ts';

/** What a bag expands to, as a JSON array: one-key bags, or keys and values. */
const members = nativeFunction('members', ['dynamic', 'bool'], 'dynamic', ([value, bagAsArray]) => {
  const parsed = parseJson(value);
  if (!isBag(parsed)) return `[${String(value)}]`;
  return JSON.stringify(
    Object.entries(parsed).map(([key, item]) => (bagAsArray === true ? [key, item] : { [key]: item })),
  );
});

/** What a value expands to, as a list of JSON texts: arrays to their elements, bags to their members, a scalar to itself; an empty array
 * gives nothing, a null one null row.
 * @param value a column, since it is named several times */
const expansion = (value: string, bagAsArray: boolean): Sql =>
  sql`CASE WHEN ${value} IS NULL THEN ['null'] WHEN starts_with(${value}, '[') THEN ${elementsOf(value)} WHEN starts_with(${value}, '{') THEN ${elementsOf(nativeCall(members, value, String(bagAsArray)))} ELSE [${value}] END`;

/** The same as texts, in one walk through the array; null where JSON has null. */
const textExpansion = (value: string, bagAsArray: boolean): Sql =>
  sql`CASE WHEN ${value} IS NULL THEN [NULL::VARCHAR] WHEN starts_with(${value}, '[') THEN ${plainTextsOf(value)} WHEN starts_with(${value}, '{') THEN ${textsOf(nativeCall(members, value, String(bagAsArray)))} ELSE [${kql.textOfJson(value)}] END`;

const textsOf = (array: Sql): Sql => sql`json_extract_string(${array}, '$[*]')`;
/** `from_json` takes two thirds of the time, and writes real numbers in another way. */
const plainTextsOf = (array: string): Sql =>
  sql`CASE WHEN ${joined(
    ['.', 'e', 'E'].map((sign) => `contains(${array}, '${sign}')`),
    ' OR ',
  )} THEN ${textsOf(array)} ELSE from_json(${array}, '["VARCHAR"]') END`;
const elementsOf = (array: Sql): Sql => sql`CAST(json_extract(${array}, '$[*]') AS VARCHAR[])`;

const tooManyPartitions = nativeFunction('partitions', ['long'], 'bool', () => {
  throw new KqlError('limits', `partition: more than ${legacyPartitions} values; use hint.strategy=native or shuffle.`);
});

export const expandNatives = [members, tooManyPartitions];

interface Expansion {
  readonly relation: Relation;
  readonly columns: readonly RelationColumn[];
}

const numbers = "('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE')";
/** The JSON types of the elements that have each type; numbers pass for each other. */
const elementOf: Readonly<Partial<Record<KqlType, string>>> = {
  bool: "= 'BOOLEAN'",
  int: `IN ${numbers}`,
  long: `IN ${numbers}`,
  real: `IN ${numbers}`,
  datetime: "= 'VARCHAR'",
  timespan: "= 'VARCHAR'",
  guid: "= 'VARCHAR'",
};

/** `to typeof()` casts: it reads no texts, and an element of another type is null. Texts are how JSON writes some types.
 * @param item a column of JSON texts; of texts for type string */
function elementAs(item: string, type: KqlType): Sql {
  if (type === 'string') return sql`coalesce(${item}, '')`;
  const value = kql.json(item);
  const condition = elementOf[type];
  if (condition === undefined) return convert(value, 'dynamic', type);
  const special = type === 'real' ? sql` OR (${value}) IN ('"NaN"', '"Infinity"', '"-Infinity"')` : '';
  return sql`CASE WHEN json_type(${value}) ${condition}${special} THEN ${convert(value, 'dynamic', type)} END`;
}

interface ExpandOptions {
  readonly columns: readonly MvColumn[];
  readonly cols: readonly Column[];
  readonly bagAsArray: boolean;
  readonly indexColumn: string | undefined;
  readonly limit: Sql | undefined;
  /** It runs for one row of another relation: then the rows that it makes have no order but that of their indexes. */
  readonly isInner: boolean;
  /** Of rows that have no order. */
  readonly unordered: boolean;
}

/** Unnests zipped columns. The rows keep their order: row number, then index. DuckDB numbers rows in one thread, even where nothing reads the
 * number, so it is left out where the order is not asked for. */
function expand(
  ctx: SqlContext,
  source: Relation,
  { columns, cols, bagAsArray, indexColumn, limit, isInner, unordered }: ExpandOptions,
): Expansion {
  const input = unordered ? source : anchored(ctx, source);
  const scope = rowScope(ctx, input);
  const lists = columns.map((column) => ({
    column,
    ...{ value: ctx.newId(), list: ctx.newId(), item: ctx.newId(), element: ctx.newId() },
  }));
  const position = ctx.newId();
  // An index costs as much as the elements.
  const isCounted = indexColumn !== undefined || isInner;
  const valued = selectFrom(input, [
    ...asIs(keptIds(input)),
    ...lists.map(({ column: { expression }, value }) => ({
      id: value,
      sql: convert(compileExpression(expression, scope), expression.type, 'dynamic'),
    })),
  ]);
  const listed = selectFrom(sql`(${valued})`, [
    ...asIs(keptIds(input)),
    ...lists.map(({ column: { type }, value, list }) => ({
      id: list,
      sql: (type === 'string' ? textExpansion : expansion)(value, bagAsArray),
    })),
  ]);
  const bounded = (length: Sql): Sql => (limit === undefined ? length : sql`greatest(least(${length}, ${limit}), 0)`);
  const longest = `greatest(${lists.map(({ list }) => `len(${list})`).join(', ')})`;
  // Side by side; shorter ones end in nulls.
  const unnested = selectFrom(sql`(${listed})`, [
    ...asIs(keptIds(input)),
    ...lists.map(({ list, item }) => ({
      id: item,
      sql: sql`unnest(${limit === undefined ? list : sql`list_slice(${list}, 1, ${bounded(`len(${list})`)})`})`,
    })),
    ...(isCounted ? [{ id: position, sql: sql`unnest(range(0, ${bounded(longest)}))` }] : []),
  ]);
  const byName = new Map(
    lists.map(({ column, item, element }) => [column.name, { sql: elementAs(item, column.type), id: element }]),
  );
  const result = cols.map((column): RelationColumn => {
    const made = byName.get(column.name);
    if (made) return { ...column, id: made.id };
    return column.name === indexColumn ? { ...column, id: position } : columnNamed(input, column.name);
  });
  const outputs: Output[] = result.map(({ id, name, type }) => ({
    id,
    sql: byName.get(name)?.sql ?? (name === indexColumn ? convert(position, 'long', type) : id),
  }));
  const carried = [...hiddenIds(input), ...(isCounted ? [position] : [])].filter(
    (id) => !outputs.some((output) => output.id === id),
  );
  const order = [...(input.order ?? []), { id: position, descending: false, nullsFirst: false }];
  if (unordered)
    return { relation: { sql: selectFrom(sql`(${unnested})`, outputs), columns: result }, columns: result };
  return {
    relation: {
      sql: selectFrom(sql`(${unnested})`, [
        ...outputs,
        ...asIs(carried),
        ...(isCounted ? [] : [{ id: position, sql: 'row_number() OVER ()' }]),
      ]),
      columns: result,
      order,
      ...(source.serialized && { serialized: true }),
    },
    columns: result,
  };
}

/** The order of rows that a subquery gives, one after the other for rows that have an order themselves. */
function within(
  ctx: SqlContext,
  outer: readonly OrderKey[],
  alias: string,
  inner: readonly OrderKey[],
): { order: OrderKey[]; carried: Output[] } {
  const keys = [...outer.map((key) => ({ key, alias })), ...inner.map((key) => ({ key, alias: 'b' }))];
  const made = keys.map(({ key, alias: from }) => ({
    key: { id: ctx.newId(), descending: key.descending, nullsFirst: key.nullsFirst },
    sql: sql`${from}.${key.id}`,
  }));
  return { order: made.map(({ key }) => key), carried: made.map(({ key, sql }) => ({ id: key.id, sql })) };
}

export const expandOperators: PlanCompilers<'mvExpand' | 'mvApply' | 'partition'> = {
  mvExpand: (ctx, node) => {
    const { columns, cols, bagAsArray, indexColumn } = node;
    const limit = node.limit && constantAs(ctx, node.limit, 'long');
    const source = compilePlan(ctx, node.input);
    const unordered = node.unordered === true && !source.serialized;
    return expand(ctx, source, { columns, cols, bagAsArray, indexColumn, limit, isInner: false, unordered }).relation;
  },
  mvApply: (ctx, node) => {
    const compiled = compilePlan(ctx, node.input);
    const input = compiled.serialized ? anchored(ctx, compiled) : compiled;
    const outer = renamed(input, () => ctx.newId());
    const row = renamed({ sql: '', columns: outer.columns }, () => ctx.newId());
    const limit = node.limit && compileConstant(ctx, node.limit);
    // One row of the outer relation, seen from inside the subquery that runs for it.
    const single: Relation = {
      sql: sql`SELECT ${joined(row.columns.map((column, index) => sql`o.${outer.columns[index]?.id ?? ''} AS ${column.id}`))}`,
      columns: row.columns,
      serialized: true,
    };
    const { columns: expanded, contextCols: cols, indexColumn } = node;
    const options = { columns: expanded, cols, bagAsArray: false, indexColumn, limit, isInner: true, unordered: false };
    const context = expand(ctx, single, options).relation;
    const body = compilePlan(ctx.within(context), node.body);
    const inBody = new Map(body.columns.map((column) => [column.name, column]));
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    const outputs = columns.map((column): Output => {
      const own = inBody.get(column.name);
      if (own) return { id: column.id, sql: sql`b.${own.id}` };
      return { id: column.id, sql: sql`o.${columnNamed(outer, column.name).id}` };
    });
    const from = sql`(${outer.sql}) AS o, LATERAL (${body.sql}) AS b`;
    if (!outer.serialized || !body.serialized) return { sql: selectFrom(from, outputs), columns };
    const { order, carried } = within(ctx, outer.order ?? [], 'o', body.order ?? []);
    return { sql: selectFrom(from, [...outputs, ...carried]), columns, order, serialized: true };
  },
  partition: (ctx, node) => {
    const input = compilePlan(ctx, node.input);
    const key = ctx.newId();
    const keySql = compileExpression(node.by, rowScope(ctx, input));
    const distinct = sql`SELECT DISTINCT ${keySql} AS ${key} FROM (${input.sql})`;
    const keys = node.limited
      ? sql`SELECT ${key} FROM (SELECT ${key}, count(*) OVER () AS n FROM (${distinct})) WHERE CASE WHEN n > ${legacyPartitions} THEN ${nativeCall(tooManyPartitions, 'n')} ELSE true END`
      : distinct;
    const compiled = compilePlan(ctx, node.input);
    const rows = compiled.serialized && !compiled.order ? anchored(ctx, compiled) : compiled;
    const own = compileExpression(node.by, rowScope(ctx, rows));
    const context: Relation = {
      ...rows,
      sql: selectFrom(rows, asIs(keptIds(rows)), sql`WHERE ${own} IS NOT DISTINCT FROM k.${key}`),
    };
    const body = compilePlan(ctx.within(context), node.body);
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    const outputs = columns.map((column, index): Output => ({
      id: column.id,
      sql: sql`b.${body.columns[index]?.id ?? ''}`,
    }));
    const from = sql`(${keys}) AS k, LATERAL (${body.sql}) AS b`;
    if (!body.serialized) return { sql: selectFrom(from, outputs), columns };
    // Rows in order come one partition after the other.
    const { order, carried } = within(ctx, [{ id: key, descending: false, nullsFirst: true }], 'k', body.order ?? []);
    return { sql: selectFrom(from, [...outputs, ...carried]), columns, order, serialized: true };
  },
};
