import { knownText } from './known-text.ts';
import type { CatalogFunction, KqlCatalog } from './kql/catalog.ts';
import type { Program } from './kql/ir/plan.ts';
import { KqlError } from './kql/kql-error.ts';
import type { Column } from './kql/types.ts';

/** Thrown when the columns of an operator turned out to depend on its rows: with them written into the text, it is bound again. */
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

export interface SchemaSurroundings {
  readonly database: string;
  readonly catalog: () => KqlCatalog;
  /** Where in the text the query begins; undefined where nothing can stand before it. */
  readonly queryStart: number | undefined;
}

const schemaRounds = 16;

/** Does some work with the program of a text; again for as long as columns turn out to depend on data, then with them written into the text. */
export async function withSchemas<T>(
  text: string,
  surroundings: SchemaSurroundings,
  compile: (text: string) => Promise<Program>,
  work: (program: Program) => Promise<T>,
): Promise<T> {
  const known = knownText(text, surroundings.queryStart ?? 0);
  for (let round = 0; ; round += 1) {
    try {
      const program = await compile(known.text());
      const schemasWritten = known.schemas();
      return await work(schemasWritten.length === 0 ? program : { ...program, schemasWritten });
    } catch (error) {
      const found = error instanceof DataDependentSchema || error instanceof DataDependentFunction;
      if (!found) throw known.placed(error);
      if (round >= schemaRounds) throw new KqlError('limits', 'Too many operators whose columns depend on data.');
      if (error instanceof DataDependentSchema) known.write(error.position, error.columns);
      else known.spellOut(definitions(text, error, surroundings));
    }
  }
}

/** @throws KqlError notSupported where they cannot be spelled out */
function definitions(
  text: string,
  { operator, functions }: DataDependentFunction,
  { database, catalog, queryStart }: SchemaSurroundings,
): CatalogFunction[] {
  const stored = catalog().databases.find(({ name }) => name === database)?.functions ?? [];
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
