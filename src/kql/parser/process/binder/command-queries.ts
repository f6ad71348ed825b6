import type { SyntaxNode } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { ColumnOf } from './symbols.ts';

interface TreeBinder {
  readonly _binder: { _rowScope: unknown };
}
interface Visit {
  readonly self: TreeBinder;
  readonly args: [node: SyntaxNode];
  readonly result: unknown;
}

/** Binds with no row before it. */
function withoutRow({ _binder: binder }: TreeBinder, bind: () => unknown): unknown {
  const { _rowScope: outer } = binder;
  binder._rowScope = null;
  try {
    return bind();
  } finally {
    binder._rowScope = outer;
  }
}

const ofExtents = { corrected: 'E, O, E, C, I, R', shown: ({ Name }: ColumnOf) => Name.slice(0, 1) };

/** What a command names of a table's columns is bound to the table before; in the package so is all that follows, the command's query too. There a
 * table with the name of such a column is the table. */
export const commandQueryCorrections: readonly Correction[] = [
  correction<Visit>(
    'TreeBinder.VisitExpressionStatement',
    (official, self, node) => withoutRow(self, () => official(node)),
    { text: '.append T <| let a = datatable(b:long) [1]; a | where b == 1', official: undefined, ...ofExtents },
  ),
  correction<Visit>('TreeBinder.VisitLetStatement', (official, self, node) => withoutRow(self, () => official(node)), {
    text: '.append T <| let a = datatable(b:long) [1]; let c = a | where b == 1; c',
    official: undefined,
    ...ofExtents,
  }),
  correction<Visit>('TreeBinder.VisitFunctionBody', (official, self, node) => withoutRow(self, () => official(node)), {
    text: '.create materialized-view V on table T { let a = datatable(b:long) [1]; a | summarize count() by b }',
    official: undefined,
    corrected: '', // the command has no columns
  }),
];
