import type { ConstantFacts } from './condition-bounds.ts';
import type { Plan, Program } from './plan/plan.ts';
import { tablesOf } from './plan/walk.ts';
import { withoutEmptyLegs } from './empty-legs.ts';
import { KqlError } from './plan/kql-error.ts';
import type { EngineSources, OpenTable, QueryRequest } from './query-request.ts';
import type { ScanRange, TableUses } from './scan-ranges.ts';
import { tableKey, tableUses } from './scan-ranges.ts';
import type { KnownRows } from './summaries.ts';
import { findSummaries, withKnown } from './summaries.ts';

interface Opened {
  readonly uses: TableUses;
  readonly table: OpenTable;
}

/** A table that a program names and that is not open, or not for all that is asked of it. */
interface Missing {
  readonly database: string;
  readonly table: string;
  readonly key: string;
  readonly wanted: TableUses;
  /** Opened for less. */
  readonly before: OpenTable | undefined;
}

/** What a table held when the query first named it can be opened no more: the query begins anew. */
export class SnapshotGoneError extends KqlError {
  constructor() {
    super('internal', 'The rows of a table were moved while the query ran.');
  }
}

/** The tables of one query: all that a program names as they were when it was opened. What only a later program names, one that is made of
 * what earlier rows have told, is as it was then. */
export class OpenTables {
  readonly #sources: EngineSources;
  readonly #signal: AbortSignal | undefined;
  readonly #isHotOnly: NonNullable<QueryRequest['hotOnly']>;
  readonly #opened = new Map<string, Opened>();
  /** Opened for fewer rows than it turned out later. */
  readonly #narrower: OpenTable[] = [];

  /** @param signal ends what is being opened */
  constructor(sources: EngineSources, signal?: AbortSignal, isHotOnly: QueryRequest['hotOnly'] = () => false) {
    this.#sources = sources;
    this.#isHotOnly = isHotOnly;
    this.#signal = signal;
  }

  /** Opens what a program names and is not open yet for its uses.
   * @param made `tableKey` of what is no table of a database
   * @returns the program with what is known beforehand of the rows */
  async open(asked: Program, facts: ConstantFacts, made: string | undefined): Promise<Program> {
    const { program, summaries } = findSummaries(asked, facts);
    const uses = tableUses(program, facts, summaries);
    const scope = this.#isHotOnly(asked.options) ? ({ hotOnly: true } as const) : {};
    const named = new Map(tablesOf(program).map((one) => [tableKey(one.database, one.table), one] as const));
    await this.#openAll(
      [...named].flatMap(([key, { database, table }]) => {
        const wanted = { ...(uses.get(key) ?? { rows: [], summaries: [] }), ...scope };
        const before = this.#opened.get(key);
        if (key === made || (before && covers(before.uses, wanted))) return [];
        return [{ database, table, key, wanted, before: before?.table }];
      }),
    );
    this.#requireOneMoment();
    const known = new Map<Plan, KnownRows>();
    for (const [plan, { database, table, use }] of summaries) {
      const opened = this.#opened.get(tableKey(database, table));
      const rows = opened?.table.known?.[opened.uses.summaries.findIndex((other) => same(other, use))];
      if (rows !== undefined) known.set(plan, rows);
    }
    const told = known.size === 0 ? program : withKnown(program, summaries, (plan) => known.get(plan));
    return withoutEmptyLegs(told, (database, table) => this.#isEmpty(tableKey(database, table)));
  }

  /** All are asked for in one go, so that nothing comes between them; and read one after the other, as memory is shared. */
  async #openAll(missing: readonly Missing[]): Promise<void> {
    let turn: Promise<unknown> = Promise.resolve();
    const opening = missing.map((one) => {
      const opened = this.#openOne(one, turn);
      turn = opened;
      return opened;
    });
    const results = await Promise.allSettled(opening);
    for (const [index, { key, wanted, before }] of missing.entries()) {
      const result = results[index];
      if (result?.status !== 'fulfilled') continue;
      if (before) this.#narrower.push(before);
      this.#opened.set(key, { uses: wanted, table: result.value });
    }
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #openOne({ database, table, wanted, before }: Missing, turn: Promise<unknown>): Promise<OpenTable> {
    if (before?.again === undefined) return this.#sources.open(database, table, wanted, this.#signal, turn);
    await turn;
    return before.again(wanted);
  }

  #isEmpty(key: string): boolean {
    return this.#opened.get(key)?.table.counts?.rows === 0;
  }

  /** @throws SnapshotGoneError where tables that go together were opened before and after a change */
  #requireOneMoment(): void {
    const all = [...this.#opened.values()];
    if (all.length > 1 && all.some(({ table }) => table.isLater)) throw new SnapshotGoneError();
    const moments = new Map<string, number>();
    for (const { table } of all)
      for (const { of, at } of table.moments ?? []) {
        if ((moments.get(of) ?? at) !== at) throw new SnapshotGoneError();
        moments.set(of, at);
      }
  }

  /** By `tableKey`. */
  get tables(): ReadonlyMap<string, OpenTable> {
    return new Map([...this.#opened].map(([key, { table }]) => [key, table]));
  }

  release(): void {
    for (const table of [...this.tables.values(), ...this.#narrower]) table.release();
  }
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, item: unknown) => (typeof item === 'bigint' ? `${item}n` : item));
const same = (one: unknown, other: unknown): boolean => textOf(one) === textOf(other);

/** Whether what was opened for some uses has all that others ask for. */
function covers(opened: TableUses, asked: TableUses): boolean {
  const hasRows = asked.rows === undefined || (opened.rows !== undefined && isWithin(asked.rows, opened.rows));
  return hasRows && asked.summaries.every((use) => opened.summaries.some((other) => same(other, use)));
}

const isWithin = (asked: readonly ScanRange[], opened: readonly ScanRange[]): boolean =>
  opened.every(({ column, min, max, texts, needles = [] }) =>
    asked.some(
      (range) =>
        range.column === column &&
        (min === undefined || (range.min !== undefined && range.min >= min)) &&
        (max === undefined || (range.max !== undefined && range.max <= max)) &&
        (texts === undefined || range.texts?.every((text) => texts.includes(text)) === true) &&
        needles.every((some) => range.needles?.some((own) => same(own, some)) === true),
    ),
  );
