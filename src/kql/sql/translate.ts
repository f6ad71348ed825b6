import { invariant } from '../../base/invariant.ts';
import { withNeededColumns } from '../plan/needed-columns.ts';
import type { Plan, Program } from '../plan/plan.ts';
import type { Column, KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import type { BoundValue, RequestFacts, SqlContext, TableSource } from './context.ts';
import { BoundValues } from './context.ts';
import { expansionOf } from './copies.ts';
import { compilePlan } from './plans.ts';
import type { Relation } from './relation.ts';
import { keptIds, orderBy, renamed } from './relation.ts';
import type { Language } from './scope.ts';

export interface Translation {
  readonly sql: string;
  readonly bound: readonly BoundValue[];
  readonly columns: readonly Column[];
  /** Of its rows, as in a `temporary` plan. */
  readonly order: 'none' | 'sorted' | 'rows';
}

export interface TranslationInput {
  readonly facts: RequestFacts;
  readonly language: Language;
  readonly lets: Program['lets'];
  readonly wrapping: boolean;
  /** Columns in their physical types, instead of those that JavaScript can read. */
  readonly stored?: boolean;
  table(database: string, table: string, columns: readonly Column[]): TableSource;
}

/** IR of one result → one SQL statement, its bound values, and what its columns are. */
export function translate(plan: Plan, input: TranslationInput): Translation {
  const bound = new BoundValues();
  const shared = new Map<number, Relation>();
  const withs: string[] = [];
  let ids = 0;
  const base: SqlContext = {
    newId: () => `c${(ids += 1)}`,
    bind: (value, physical) => bound.add(value, physical),
    facts: input.facts,
    language: input.language,
    wrapping: input.wrapping,
    table: (database, table, columns) => input.table(database, table, columns),
    context: undefined,
    within: (context) => ({ ...base, context }),
    reference: (id) => {
      let relation = shared.get(id);
      if (!relation) {
        const definition = input.lets.find((candidate) => candidate.id === id);
        invariant(definition, 'a reference names a let of the program');
        const compiled = compilePlan(base, withNeededColumns(definition.plan));
        withs.push(`l${id} AS ${definition.materialized ? 'MATERIALIZED ' : ''}(${compiled.sql})`);
        relation = { ...compiled, sql: `SELECT ${keptIds(compiled).join(', ') || '1 AS none'} FROM l${id}` };
        shared.set(id, relation);
      }
      return renamed(relation, () => base.newId());
    },
  };
  const relation = compilePlan(base, withNeededColumns(plan));
  const outputs = relation.columns.map(
    ({ id, type }, index) =>
      `${input.stored ? `CAST(${id} AS ${physicalType[type]})` : readable(id, type)} AS r${index}`,
  );
  const order = relation.order && relation.order.length > 0 ? ` ORDER BY ${orderBy(relation.order)}` : '';
  const shares = withs.length > 0 ? `WITH ${withs.join(', ')} ` : '';
  const from = `(${relation.sql})`;
  // DuckDB loses the bound values of a shared query that it copies to each place of use, unless it plans the statement again when
  // the values are known. A value of another type than its parameter makes it do so.
  const mayLose = bound.all.length > 0 && isReadAgain(`${shares}${from}`, shared);
  const planAgain = mayLose ? ` WHERE ${base.bind('true', 'BOOLEAN')}` : '';
  const body = `SELECT ${outputs.join(', ') || '1 AS none'} FROM ${from}${planAgain}${order}`;
  return {
    sql: `${shares}${body}`,
    bound: bound.all,
    columns: plan.cols,
    order: relation.serialized ? 'rows' : order === '' ? 'none' : 'sorted',
  };
}

/** Each shared query is named where it stands, and where it is read. */
function isReadAgain(sql: string, shared: ReadonlyMap<number, Relation>): boolean {
  if (shared.size === 0) return false;
  const { copies } = expansionOf(sql, new Set([...shared.keys()].map((id) => `l${id}`)));
  return [...copies.values()].some((count) => count > 2);
}

function readable(id: string, type: KqlType): string {
  if (type === 'decimal') return `CASE WHEN ${id} IS NOT NULL THEN kql_text_of_decimal(${id}) END`;
  return type === 'guid' ? `CAST(${id} AS VARCHAR)` : id;
}
