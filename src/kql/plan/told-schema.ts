import type { Column } from './types.ts';

/** The columns of an operator that a run has told, by the place of the operator: the stored function that it stands in, if any, and the
 * offset in its text. */
export interface ToldSchema {
  readonly place: string;
  readonly columns: readonly Column[];
}
