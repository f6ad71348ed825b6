import { toArray } from '../language/language.ts';
import type { Correction } from './correction.ts';
import { correction } from './correction.ts';
import type { ColumnOf } from './symbols.ts';

const originsOf = ({ OriginalColumns: origins }: ColumnOf): ColumnOf[] => toArray(origins);

const twice = (name: string, table: string): string => `let ${name} = union ${table}, ${table};`;

export const originCorrections: readonly Correction[] = [
  // A union keeps, for each column, those of its legs that it stands for. The binder names one as often as tables name one another: each
  // tabular `let` that names another one twice doubles the work and the memory of binding.
  correction<{ self: unknown; args: [columns: unknown]; result: readonly ColumnOf[] }>(
    'ColumnSymbol().GetTrulyOriginalColumns',
    (official, _symbol, columns) => [...new Set(toArray<ColumnOf>(official(columns)))],
    {
      text: `let a = union T, (print a = 1); ${twice('b', 'a')} ${twice('c', 'b')} union c, c`,
      shown: (column) => `${column.Name} of ${originsOf(column).length}`,
      official: 'a of 16',
      corrected: 'a of 2',
    },
  ),
];
