import type { Placed, Program } from './plan/plan.ts';
import { isPlan, runsBeforehand } from './plan/walk.ts';
import { KqlError } from './plan/kql-error.ts';
import type { ToldSchema } from './plan/told-schema.ts';
import type { Column } from './plan/types.ts';

/** Thrown when the columns of an operator turned out to depend on its rows: those are kept, and with the columns told to the binder the
 * query is compiled again. */
export class OpenSchema extends Error {
  constructor(
    readonly place: string,
    readonly columns: readonly Column[],
  ) {
    super('The columns depend on the data.');
  }
}

/** What can be compiled again when it is known better. */
export interface ProgramSource {
  /** @param told what operators have told of their columns so far @throws KqlError */
  compile(told: readonly ToldSchema[]): Promise<Program>;
}

/** A program that nothing can be told. */
export const fixedProgram = (program: Program): ProgramSource => ({
  compile: (told) =>
    told.length === 0
      ? Promise.resolve(program)
      : Promise.reject(new KqlError('notSupported', 'An operator whose columns depend on data needs a schema here.')),
});

const schemaRounds = 16;

/** Begins a program; again for as long as columns turn out to depend on data, then compiled with them.
 * @param begin goes on where the program before came to: what has told columns does not run again */
export async function beginWithSchemas(
  source: ProgramSource,
  begin: (program: Program) => Promise<void>,
): Promise<void> {
  const told: ToldSchema[] = [];
  for (let round = 0; ; round += 1) {
    try {
      await begin(withStages(await source.compile(told)));
      return;
    } catch (error) {
      if (!(error instanceof OpenSchema)) throw error;
      if (round >= schemaRounds) throw new KqlError('limits', 'Too many operators whose columns depend on data.');
      told.push({ place: error.place, columns: error.columns });
    }
  }
}

/** Says of everything whose rows may be kept what it is known by in each round: its place, the calls that it was taken from, and which of
 * several of the same it is. */
function withStages(program: Program): Program {
  if (!runsBeforehand([program.lets, program.results])) return program;
  const counts = new Map<string, number>();
  const stageOf = (kind: string, { place = '', calls = [] }: Placed): string => {
    const name = [kind, ...calls, place].join(' ');
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return `${name} ${count}`;
  };
  const named = (value: object): Pick<Placed, 'stage'> => {
    const isStage =
      isPlan(value) &&
      ((value.op === 'rowwise' && value.place !== undefined) || value.op === 'partition' || value.op === 'mvApply');
    return isStage ? { stage: stageOf(value.op, value) } : {};
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
    ...(shared.materialized && { stage: stageOf('let', shared) }),
  }));
  return { ...program, lets, results: visit(program.results) as Program['results'] };
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
