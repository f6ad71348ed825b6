import type { Sql } from './fragment.ts';
import { copiesIn, joined, mayCallNatives, sql, textOf, weightOf } from './fragment.ts';
import { jsonRow } from './json-rows.ts';
import * as kql from './macros.ts';
import { invariant } from '../../base/invariant.ts';
import { comesInOrder } from '../plan/as-it-comes.ts';
import { withNeededColumns } from '../plan/needed-columns.ts';
import type { Plan, Program } from '../plan/plan.ts';
import type { Column, KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import type { BoundValue, RequestFacts, SqlContext, TableSource } from './context.ts';
import { BoundValues } from './context.ts';
import { compilePlan } from './plans.ts';
import type { Relation } from './relation.ts';
import { keptIds, listed, orderBy, renamed } from './relation.ts';
import type { Language } from './scope.ts';

export interface Translation {
  readonly sql: string;
  /** Functions in JavaScript may be called for it. */
  readonly callsNatives: boolean;
  /** Of what DuckDB expands it to; grows with the text of the query. */
  readonly weight: number;
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
  /** `stored`: columns in their physical types. `json`: one column, the JSON array that clients get of each row. Otherwise columns in types
   * that JavaScript can read. */
  readonly form?: 'stored' | 'json' | undefined;
  table(database: string, table: string, columns: readonly Column[]): TableSource;
}

/** IR of one result → one SQL statement, its bound values, and what its columns are. */
export function translate(plan: Plan, input: TranslationInput): Translation {
  const bound = new BoundValues();
  const shared = new Map<number, Relation>();
  const withs: Sql[] = [];
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
        withs.push(sql`l${id} AS ${definition.materialized ? 'MATERIALIZED ' : ''}(${compiled.sql})`);
        relation = { ...compiled, sql: sql`SELECT ${listed(keptIds(compiled))} FROM l${id}` };
        shared.set(id, relation);
      }
      return renamed(relation, () => base.newId());
    },
  };
  const needed = withNeededColumns(plan);
  const relation = compilePlan(base, needed);
  const outputs = outputsOf(relation, input.form).map((output, index) => sql`${output} AS r${index}`);
  const order = relation.order && relation.order.length > 0 ? sql` ORDER BY ${orderBy(relation.order)}` : '';
  // Who stores rows numbers them.
  const isSorted = input.form === 'stored' || !comesInOrder(needed, input.language.windows);
  const shares = withs.length > 0 ? sql`WITH ${joined(withs)} ` : '';
  const from = sql`(${relation.sql})`;
  // DuckDB loses the bound values of a shared query that it copies to each place of use, unless it plans the statement again when
  // the values are known. A value of another type than its parameter makes it do so.
  const reads = copiesIn(
    sql`${shares}${from}`,
    [...shared.values()].map((one) => one.sql),
  );
  const mayLose = bound.all.length > 0 && [...reads.values()].some((count) => count > 1);
  const planAgain = mayLose ? ` WHERE ${base.bind('true', 'BOOLEAN')}` : '';
  const statement = sql`${shares}SELECT ${listed(outputs)} FROM ${from}${planAgain}${isSorted ? order : ''}`;
  return {
    sql: textOf(statement),
    callsNatives: mayCallNatives(statement),
    weight: weightOf(statement),
    bound: bound.all,
    columns: plan.cols,
    order: relation.serialized ? 'rows' : order === '' ? 'none' : 'sorted',
  };
}

function outputsOf({ columns }: Relation, form: TranslationInput['form']): Sql[] {
  if (form === 'json') return [jsonRow(columns)];
  return columns.map(({ id, type }) =>
    form === 'stored' ? sql`CAST(${id} AS ${physicalType[type]})` : readable(id, type),
  );
}

function readable(id: string, type: KqlType): Sql {
  if (type === 'decimal') return sql`CASE WHEN ${id} IS NOT NULL THEN ${kql.textOfDecimal(id)} END`;
  return type === 'guid' ? sql`CAST(${id} AS VARCHAR)` : id;
}
