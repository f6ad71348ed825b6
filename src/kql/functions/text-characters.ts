import type { KqlType } from '../plan/types.ts';

const digits = '0123456789';
/** What the texts of a type are made of, in lower case. Those of strings and dynamics may have anything. */
const characters: Readonly<Partial<Record<KqlType, ReadonlySet<string>>>> = {
  bool: new Set('truefalse'),
  int: new Set(`${digits}-`),
  long: new Set(`${digits}-`),
  real: new Set(`${digits}+-.einfa`),
  decimal: new Set(`${digits}-.`),
  datetime: new Set(`${digits}-:.tz`),
  timespan: new Set(`${digits}-:.`),
  guid: new Set(`${digits}-abcdef`),
};

/** Whether texts of a type may have all characters of another text, in either case. `search` over a database need not make texts of the
 * times and numbers of thousands of columns to look for a word in them. */
export function mayHave(type: KqlType, wanted: string): boolean {
  const known = characters[type];
  // Beyond ASCII are letters that are others in lower case.
  return known === undefined || Array.from(wanted).every((one) => one > '\u007f' || known.has(one.toLowerCase()));
}
