import type { KnownText } from './known-text.ts';
import { knownText } from './known-text.ts';
import type { CatalogFunction, KqlCatalog } from './plan/catalog.ts';
import type { Placed, Program } from './plan/plan.ts';
import { isPlan, runsBeforehand } from './plan/walk.ts';
import { KqlError } from './plan/kql-error.ts';
import type { Column } from './plan/types.ts';

/** Thrown when the columns of an operator turned out to depend on its rows: those are kept, and with the columns written into the text it
 * is bound again. */
export class DataDependentSchema extends Error {
  constructor(
    readonly position: number,
    readonly columns: readonly Column[],
  ) {
    super('The columns depend on the data.');
  }
}

/** Thrown when such an operator stands in a stored function: the functions on the way to it, from the outermost. */
export class DataDependentFunction extends Error {
  constructor(
    readonly operator: string,
    readonly functions: readonly string[],
  ) {
    super('The columns depend on the data, in a stored function.');
  }
}

/** A text that can be compiled again when it tells more. */
export interface ProgramSource {
  readonly text: string;
  /** Where in the text the query begins; undefined where nothing can stand before it. */
  readonly queryStart: number | undefined;
  compile(text: string): Promise<Program>;
}

/** A program that nothing can be written into. */
export const fixedProgram = (program: Program): ProgramSource => ({
  text: '',
  queryStart: undefined,
  compile: () => Promise.resolve(program),
});

const schemaRounds = 16;

/** Begins a program; again for as long as columns turn out to depend on data, then compiled with them written into the text.
 * @param begin goes on where the program before came to: what has told columns does not run again
 * @returns what errors that come later are to go through: it gives them the position that they have in the text as sent */
export async function beginWithSchemas(
  source: ProgramSource,
  { database, catalog }: { readonly database: string; readonly catalog: KqlCatalog },
  begin: (program: Program) => Promise<void>,
): Promise<(error: unknown) => unknown> {
  const { text, queryStart } = source;
  const known = knownText(text, queryStart ?? 0);
  for (let round = 0; ; round += 1) {
    try {
      await begin(withStages(await source.compile(known.text()), known));
      return (error) => known.placed(error);
    } catch (error) {
      const found = error instanceof DataDependentSchema || error instanceof DataDependentFunction;
      if (!found) throw known.placed(error);
      if (round >= schemaRounds) throw new KqlError('limits', 'Too many operators whose columns depend on data.');
      if (error instanceof DataDependentSchema) known.write(error.position, error.columns);
      else known.spellOut(definitions(source, error, database, catalog));
    }
  }
}

/** Says of everything whose rows may be kept what it is known by in each round: its place, the calls that it was taken from, and which of
 * several of the same it is. */
function withStages(program: Program, known: KnownText): Program {
  if (!runsBeforehand([program.lets, program.results])) return program;
  const told = new Set(known.schemas());
  const counts = new Map<string, number>();
  const place = (position: number): string => (position < 0 ? '' : known.place(position));
  const stageOf = (kind: string, position: number, calls: readonly number[] = []): string => {
    const name = [kind, ...calls.map(place), place(position)].join(' ');
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return `${name} ${count}`;
  };
  const named = (value: object): Pick<Placed, 'stage'> & { readonly told?: boolean } => {
    if (!isPlan(value)) return {};
    if (value.op === 'rowwise' && value.schemaAt !== undefined && value.schemaAt >= 0)
      return { stage: stageOf(value.op, value.schemaAt, value.calls), ...(told.has(value.schemaAt) && { told: true }) };
    if (value.op === 'partition' || value.op === 'mvApply')
      return { stage: stageOf(value.op, value.at ?? -1, value.calls) };
    return {};
  };
  const visit = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(visit);
    if (typeof value !== 'object' || value === null) return value;
    const own = named(value);
    return { ...Object.fromEntries(Object.entries(value).map(([key, item]) => [key, visit(item)])), ...own };
  };
  const lets = program.lets.map((shared) => ({
    ...shared,
    plan: visit(shared.plan) as typeof shared.plan,
    ...(shared.materialized && { stage: stageOf('let', shared.at ?? -1, shared.calls) }),
  }));
  return { ...program, lets, results: visit(program.results) as Program['results'] };
}

/** @throws KqlError notSupported where they cannot be spelled out */
function definitions(
  { text, queryStart }: ProgramSource,
  { operator, functions }: DataDependentFunction,
  database: string,
  catalog: KqlCatalog,
): CatalogFunction[] {
  const stored = catalog.databases.find(({ name }) => name === database)?.functions ?? [];
  return functions.map((name) => {
    const found = stored.find((candidate) => candidate.name === name);
    // A query has no two definitions of one name.
    const isTaken = [...text.matchAll(/\blet\s+(\w+)/g)].some(([, declared]) => declared === name);
    if (!found || queryStart === undefined || isTaken)
      throw new KqlError(
        'notSupported',
        `'${operator}' without a schema inside a stored function is not supported here.`,
      );
    return found;
  });
}

/** The columns of several runs of one operator, each of which may have some of its own.
 * @throws KqlError notSupported where one has different types */
export function unitedColumns(runs: readonly (readonly Column[])[]): Column[] {
  const columns = new Map<string, Column>();
  for (const column of runs.flat()) {
    const known = columns.get(column.name);
    if (known && known.type !== column.type)
      throw new KqlError(
        'notSupported',
        `Of one column, '${column.name.slice(0, 100)}', the types depend on the data.`,
      );
    columns.set(column.name, column);
  }
  return [...columns.values()];
}
