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
  insertInto(text: string): string {
    const schema = this.columns
      .map(({ name, type }) => `['${name.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}']:${type}`)
      .join(', ');
    return `${text.slice(0, this.position)} : (${schema}) ${text.slice(this.position)}`;
  }
}

const schemaRounds = 8;

/** Does some work with the program of a text; again for as long as columns turn out to depend on data, then with them written into the text. */
export async function withSchemas<T>(
  text: string,
  compile: (text: string) => Promise<Program>,
  work: (program: Program) => Promise<T>,
): Promise<T> {
  let known = text;
  let written: readonly number[] = [];
  for (let round = 0; ; round += 1) {
    const program = await compile(known);
    try {
      return await work(written.length === 0 ? program : { ...program, schemasWritten: written });
    } catch (error) {
      if (!(error instanceof DataDependentSchema)) throw error;
      if (round >= schemaRounds) throw new KqlError('limits', 'Too many operators whose columns depend on data.');
      const { position } = error;
      const longer = error.insertInto(known);
      const added = longer.length - known.length;
      written = [...written.map((other) => (other > position ? other + added : other)), position];
      known = longer;
    }
  }
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
