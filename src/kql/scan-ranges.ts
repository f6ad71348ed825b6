import type { Bounds, ConstantFacts, RowBounds } from './condition-bounds.ts';
import { anything, both, conditionBounds, either, narrower } from './condition-bounds.ts';
import type { Item, Plan, Program } from './plan/plan.ts';
import { isPlan } from './plan/walk.ts';
import { windowFunctions } from './functions/window.ts';

/** What a query will not look at, as far as it knows beforehand: a column outside of these bounds. Ticks for times; what is
 * kept as no whole number by its order (`orderingOf`). */
export interface ScanRange {
  readonly column: string;
  readonly min?: bigint;
  readonly max?: bigint;
  /** Of texts: it is one of these. */
  readonly texts?: readonly string[];
  /** Of texts: of each of these, it has all terms of one. */
  readonly needles?: readonly (readonly string[])[];
}

export const tableKey = (database: string, table: string): string => JSON.stringify([database, table]);

/** What a program does with a table. */
export interface TableUses {
  /** What all that read its rows look for; undefined where nothing reads them. */
  readonly rows: readonly ScanRange[] | undefined;
  readonly summaries: readonly SummaryUse[];
  /** Rows that count as cold are not there. */
  readonly hotOnly?: true;
}

/** A use that asks for no row: how many there are, and least and greatest values. Of the rows that have a value inside of every range. */
export interface SummaryUse {
  readonly ranges: readonly ScanRange[];
  /** Of whole numbers or times. */
  readonly columns: readonly string[];
}

/** A plan that wants no more than a summary of the rows of one table. */
export interface PlanSummary {
  readonly database: string;
  readonly table: string;
  readonly use: SummaryUse;
}

/** How every table in the program is used. Rows are looked for within bounds that come from conditions of the kind `column > constant`,
 * joined by `and`, that stand above the table with nothing between that would see the rows left out.
 * @param summaries the plans of the program that are summaries
 * @returns by `tableKey`; summaries in the order of `summaries` */
export function tableUses(
  program: Pick<Program, 'lets' | 'results'>,
  facts: ConstantFacts,
  summaries: ReadonlyMap<Plan, PlanSummary> = new Map(),
): ReadonlyMap<string, TableUses> {
  const collector = new Collector(facts, summaries);
  for (const { plan } of program.results) collector.visit(plan, anything);
  // Later ones may name earlier ones, so that by then all that is asked of a plan is known.
  for (const { id, plan } of [...program.lets].reverse()) collector.visit(plan, collector.lets.get(id) ?? anything);
  const uses = new Map<string, TableUses>();
  for (const [key, bounds] of collector.tables) uses.set(key, { rows: rangesOf(bounds), summaries: [] });
  for (const { database, table, use } of summaries.values()) {
    const key = tableKey(database, table);
    const before = uses.get(key);
    uses.set(key, { rows: before?.rows, summaries: [...(before?.summaries ?? []), use] });
  }
  return uses;
}

export const rangesOf = (bounds: RowBounds): readonly ScanRange[] =>
  [...bounds].flatMap(([column, { min, max, texts, needles = [] }]) =>
    min === undefined && max === undefined && texts === undefined && needles.length === 0
      ? []
      : [
          {
            column,
            ...(min === undefined ? {} : { min }),
            ...(max === undefined ? {} : { max }),
            ...(texts && { texts }),
            ...(needles.length > 0 && { needles }),
          },
        ],
  );

class Collector {
  readonly tables = new Map<string, RowBounds>();
  readonly lets = new Map<number, RowBounds>();
  readonly #facts: ConstantFacts;
  readonly #summaries: ReadonlyMap<Plan, PlanSummary>;

  constructor(facts: ConstantFacts, summaries: ReadonlyMap<Plan, PlanSummary>) {
    this.#facts = facts;
    this.#summaries = summaries;
  }

  /** @param bounds what whoever reads the plan's rows will throw away anyway */
  visit(plan: Plan, bounds: RowBounds): void {
    if (this.#summaries.has(plan)) return;
    switch (plan.op) {
      case 'table':
        note(this.tables, tableKey(plan.database, plan.table), bounds);
        return;
      case 'reference':
        note(this.lets, plan.id, bounds);
        return;
      case 'filter':
        this.#nested(plan.condition);
        this.visit(
          plan.input,
          seesOthers(plan.condition) ? anything : both(bounds, conditionBounds(plan.condition, this.#facts).bounds),
        );
        return;
      case 'sort':
        this.#nested(plan.keys);
        this.visit(plan.input, seesOthers(plan.keys) ? anything : bounds);
        return;
      case 'extend':
      case 'project':
        this.#nested(plan.items);
        this.visit(plan.input, seesOthers(plan.items) ? anything : renamed(bounds, plan.items, plan.op === 'extend'));
        return;
      case 'select':
        this.visit(
          plan.input,
          moved(bounds, (name) => plan.from[plan.cols.findIndex((column) => column.name === name)]),
        );
        return;
      case 'union':
        for (const { plan: leg, from } of plan.legs) {
          const own =
            bounds.size === 0 ? undefined : new Map(from.map(([place, name]) => [plan.cols[place]?.name, name]));
          this.visit(leg, own === undefined ? anything : moved(bounds, (name) => own.get(name)));
        }
        return;
      default:
        this.#nested(Object.values(plan));
    }
  }

  /** Plans inside: whoever reads their rows may want all of them. */
  #nested(value: unknown): void {
    if (isPlan(value)) this.visit(value, anything);
    else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) this.#nested(inner);
  }
}

/** One more use: what any of them wants is read. */
function note<Key>(uses: Map<Key, RowBounds>, key: Key, bounds: RowBounds): void {
  const before = uses.get(key);
  if (before === undefined) {
    uses.set(key, bounds);
    return;
  }
  const all = new Map<string, Bounds>();
  for (const [name, one] of bounds) {
    const other = before.get(name);
    if (other !== undefined) all.set(name, either(one, other));
  }
  uses.set(key, all);
}

function moved(bounds: RowBounds, source: (name: string) => string | undefined): RowBounds {
  const below = new Map<string, Bounds>();
  for (const [name, bound] of bounds) {
    const from = source(name);
    if (from !== undefined) below.set(from, narrower(below.get(from) ?? {}, bound));
  }
  return below;
}

/** @param keeps whether columns that are not named stay as they are */
function renamed(bounds: RowBounds, items: readonly Item[], keeps: boolean): RowBounds {
  return moved(bounds, (name) => {
    const item = items.findLast(({ names }) => names.includes(name));
    if (item === undefined) return keeps ? name : undefined;
    const { expression } = item;
    return expression.k === 'column' && expression.side === undefined ? expression.name : undefined;
  });
}

/** Whether what is computed for a row depends on the rows around it. */
export function seesOthers(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || isPlan(value)) return false;
  if ('k' in value && value.k === 'call' && 'name' in value && Object.hasOwn(windowFunctions, String(value.name)))
    return true;
  return Object.values(value).some((inner) => seesOthers(inner));
}
