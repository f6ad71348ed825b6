import { invariant } from '../../base/invariant.ts';
import { withNeededColumns } from '../plan/needed-columns.ts';
import type { Plan, Program } from '../plan/plan.ts';
import type { Column, KqlType } from '../plan/types.ts';
import { physicalType } from '../plan/types.ts';
import type { BoundValue, RequestFacts, SqlContext, TableSource } from './context.ts';
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
  const bound: BoundValue[] = [];
  const shared = new Map<number, Relation>();
  const withs: string[] = [];
  let ids = 0;
  const base: SqlContext = {
    newId: () => `c${(ids += 1)}`,
    bind: (value, physical) => {
      bound.push({ value });
      return `$${bound.length}::${physical}`;
    },
    bound,
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
  const isReadAgain = countOf(`${shares}${from}`, /\bFROM l\d/g) > withs.length;
  const planAgain = isReadAgain && bound.length > 0 ? ` WHERE ${base.bind('true', 'BOOLEAN')}` : '';
  const body = `SELECT ${outputs.join(', ') || '1 AS none'} FROM ${from}${planAgain}${order}`;
  return {
    ...onlyUsed(`${shares}${body}`, bound),
    columns: plan.cols,
    order: relation.serialized ? 'rows' : order === '' ? 'none' : 'sorted',
  };
}

const countOf = (text: string, pattern: RegExp): number => text.match(pattern)?.length ?? 0;

function readable(id: string, type: KqlType): string {
  if (type === 'decimal') return `CASE WHEN ${id} IS NOT NULL THEN kql_text_of_decimal(${id}) END`;
  return type === 'guid' ? `CAST(${id} AS VARCHAR)` : id;
}

/** Some rows bind a value that they end up not needing; a statement takes exactly the values it names. The text is all ours,
 * so a dollar sign and digits before a cast is always a bound value. */
export function onlyUsed(sql: string, bound: readonly BoundValue[]): { sql: string; bound: BoundValue[] } {
  const used: BoundValue[] = [];
  const numbers = new Map<string, number>();
  const text = sql.replace(/\$(\d+)(?=::)/g, (_whole, digits: string) => {
    let number = numbers.get(digits);
    if (number === undefined) {
      used.push(bound[Number(digits) - 1] ?? { value: null });
      number = used.length;
      numbers.set(digits, number);
    }
    return `$${number}`;
  });
  return { sql: text, bound: used };
}
