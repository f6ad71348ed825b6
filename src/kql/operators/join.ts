import { joined, sql } from '../sql/fragment.ts';
import { invariant } from '../../base/invariant.ts';
import type { Expression } from '../plan/expression.ts';
import { lowMemory } from '../plan/kql-error.ts';
import type { JoinKind, JoinPair } from '../plan/plan.ts';
import { physicalType } from '../plan/types.ts';
import type { SqlContext } from '../sql/context.ts';
import { convert } from '../sql/convert.ts';
import { compileExpression } from '../sql/expressions.ts';
import { commonType } from '../sql/common-type.ts';
import { compilePlan } from '../sql/plans.ts';
import type { Output, Relation, RelationColumn } from '../sql/relation.ts';
import { asIs, columnNamed, keptIds, orderBy, selectFrom, withoutRows } from '../sql/relation.ts';
import { isFirst, rowScope } from '../sql/rows.ts';
import type { PlanCompilers } from '../sql/scope.ts';

interface Keyed {
  readonly relation: Relation;
  readonly keys: readonly string[];
}

/** Puts each side of the condition into a column, in the common type of the pair. */
function keyed(ctx: SqlContext, relation: Relation, pairs: readonly JoinPair[], side: 'left' | 'right'): Keyed {
  const added: Output[] = [];
  const scope = rowScope(ctx, relation);
  const keys = pairs.map((pair) => {
    const type = commonType(pair.left.type, pair.right.type);
    const own: Expression = pair[side];
    if (own.k === 'column' && own.type === type) return columnNamed(relation, own.name).id;
    const id = ctx.newId();
    added.push({ id, sql: convert(compileExpression(own, scope), own.type, type) });
    return id;
  });
  return { relation: { ...relation, sql: selectFrom(relation, [...asIs(keptIds(relation)), ...added]) }, keys };
}

const sqlKind: Readonly<Record<JoinKind, string>> = {
  innerunique: 'INNER',
  inner: 'INNER',
  leftouter: 'LEFT',
  rightouter: 'RIGHT',
  fullouter: 'FULL',
  leftanti: 'ANTI',
  rightanti: 'ANTI',
  leftsemi: 'SEMI',
  rightsemi: 'SEMI',
};

/** The unmatched side of an outer join is null, and '' in strings. */
const padded = (column: RelationColumn, alias: string, sql: string, mayMiss: boolean): Output => ({
  id: column.id,
  sql: mayMiss && column.type === 'string' ? `coalesce(${alias}.${sql}, '')` : `${alias}.${sql}`,
});

function onClause(left: readonly string[], right: readonly string[]): string {
  const tests = left.map((id, index) => `l.${id} IS NOT DISTINCT FROM r.${right[index] ?? ''}`);
  return tests.length === 0 ? 'true' : tests.join(' AND ');
}

/** Keeps the first row of each key, which is what the default kind does to its left side. */
function deduplicated({ relation, keys }: Keyed, ctx: SqlContext): Keyed {
  const order = ctx.newId();
  const numbered = selectFrom(relation, [
    ...asIs([...new Set([...keptIds(relation), ...keys])]),
    {
      id: order,
      sql: sql`row_number() OVER (PARTITION BY ${keys.join(', ') || '1'}${relation.order ? sql` ORDER BY ${orderBy(relation.order)}` : ''})`,
    },
  ]);
  return { relation: { ...relation, sql: sql`SELECT * FROM (${numbered}) WHERE ${isFirst(ctx, order)}` }, keys };
}

/** Columns of all legs of a union together, in one statement: some half a kilobyte each. */
const cellsMax = 500_000;

export const joinCompilers: PlanCompilers<'join' | 'lookup' | 'union'> = {
  join: (ctx, node) => {
    const { kind } = node;
    let left = keyed(ctx, compilePlan(ctx, node.left), node.on, 'left');
    const right = keyed(ctx, compilePlan(ctx, node.right), node.on, 'right');
    if (kind === 'innerunique') left = deduplicated(left, ctx);
    if (kind === 'leftanti' || kind === 'leftsemi' || kind === 'rightanti' || kind === 'rightsemi') {
      const [kept, other] = kind.startsWith('left') ? [left, right] : [right, left];
      const word = kind.endsWith('anti') ? 'ANTI' : 'SEMI';
      const columns = kept.relation.columns.map((column, index) => ({
        ...column,
        name: node.cols[index]?.name ?? column.name,
      }));
      const test = onClause(kept.keys, other.keys);
      return {
        sql: sql`SELECT ${joined(columns.map((column) => sql`l.${column.id} AS ${column.id}`))} FROM (${kept.relation.sql}) AS l ${word} JOIN (${other.relation.sql}) AS r ON ${test}`,
        columns,
      };
    }
    const [leftMisses, rightMisses] = [
      kind === 'rightouter' || kind === 'fullouter',
      kind === 'leftouter' || kind === 'fullouter',
    ];
    const sources = [
      ...left.relation.columns.map((column) => ({ column, alias: 'l', misses: leftMisses })),
      ...right.relation.columns.map((column) => ({ column, alias: 'r', misses: rightMisses })),
    ];
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    const outputs = columns.map((column, index): Output => {
      const source = sources[index];
      return source ? padded(column, source.alias, source.column.id, source.misses) : { id: column.id, sql: 'NULL' };
    });
    const from = sql`(${left.relation.sql}) AS l ${sqlKind[kind]} JOIN (${right.relation.sql}) AS r ON ${onClause(left.keys, right.keys)}`;
    return { sql: selectFrom(from, outputs), columns };
  },
  lookup: (ctx, node) => {
    const left = keyed(ctx, compilePlan(ctx, node.left), node.on, 'left');
    const right = keyed(ctx, compilePlan(ctx, node.right), node.on, 'right');
    const misses = node.kind === 'leftouter';
    const sources = [
      ...left.relation.columns.map((column) => ({ column, alias: 'l', misses: false })),
      ...node.rightColumns.map((name) => ({ column: columnNamed(right.relation, name), alias: 'r', misses })),
    ];
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    const outputs = columns.map((column, index): Output => {
      const source = sources[index];
      return source ? padded(column, source.alias, source.column.id, source.misses) : { id: column.id, sql: 'NULL' };
    });
    const from = sql`(${left.relation.sql}) AS l ${misses ? 'LEFT' : 'INNER'} JOIN (${right.relation.sql}) AS r ON ${onClause(left.keys, right.keys)}`;
    return { sql: selectFrom(from, outputs), columns };
  },
  union: (ctx, node) => {
    if (node.legs.length * node.cols.length > cellsMax)
      throw lowMemory(`A union of ${node.legs.length} tables with rows has ${node.cols.length} columns here`);
    const columns = node.cols.map((column): RelationColumn => ({ ...column, id: ctx.newId() }));
    const legs = node.legs.map((leg) => {
      const relation = compilePlan(ctx, leg.plan);
      const byName = new Map(relation.columns.map((column) => [column.name, column]));
      const feeds = new Map(leg.from);
      const outputs = columns.map((column, index): Output => {
        if (index === node.sourceColumn) return { id: column.id, sql: ctx.bind(leg.source, 'VARCHAR') };
        const from = feeds.get(index);
        if (from === undefined)
          return { id: column.id, sql: column.type === 'string' ? "''" : `NULL::${physicalType[column.type]}` };
        const own = byName.get(from);
        invariant(own, 'a union names columns of its legs');
        return { id: column.id, sql: convert(own.id, own.type, column.type) };
      });
      const order = relation.order && relation.order.length > 0 ? sql`ORDER BY ${orderBy(relation.order)}` : '';
      return sql`(${selectFrom(relation, outputs, order)})`;
    });
    return legs.length === 0
      ? withoutRows(columns)
      : { sql: sql`SELECT * FROM (${joined(legs, ' UNION ALL ')})`, columns };
  },
};
