import type { StateExpectation, StateWrite } from '../state/state.ts';

/** What one commit of the state holds. */
interface Wanted {
  readonly expect?: readonly StateExpectation[];
  readonly write?: readonly StateWrite[];
}

/** The first of those who wait and all who can be in one commit with it: none writes what another one writes or relies on, and all that
 * rely on a record rely on the same version of it.
 * @returns at most `max` of them, and the others in their order */
export function agreeing<T>(
  waiting: readonly T[],
  max: number,
  wantedOf: (one: T) => Wanted,
): readonly [together: T[], others: T[]] {
  const relied = new Map<string, number | null>();
  /** Who reads the same record as it was kept relies on the same object. */
  const agreed = new Set<Wanted['expect']>();
  const written = new Set<string>();
  const together: T[] = [];
  const others: T[] = [];
  for (const one of waiting) {
    const { expect = [], write = [] } = wantedOf(one);
    const agrees =
      together.length < max &&
      (agreed.has(expect) || expect.every((each) => agreesOn(relied, written, each))) &&
      write.every((each) => !relied.has(nameOf(each)) && !written.has(nameOf(each)));
    if (!agrees) {
      others.push(one);
      continue;
    }
    together.push(one);
    if (!agreed.has(expect)) for (const each of expect) relied.set(nameOf(each), each.expect);
    agreed.add(expect);
    for (const each of write) written.add(nameOf(each));
  }
  return [together, others];
}

function agreesOn(
  relied: ReadonlyMap<string, number | null>,
  written: ReadonlySet<string>,
  expectation: StateExpectation,
): boolean {
  const name = nameOf(expectation);
  return !written.has(name) && (!relied.has(name) || relied.get(name) === expectation.expect);
}

/** Each record once. */
export function expectationsOf(commits: readonly Wanted[]): readonly StateExpectation[] {
  const all = [...new Set(commits.map(({ expect = [] }) => expect))].flat();
  return [...new Map(all.map((one) => [nameOf(one), one])).values()];
}

export const writesOf = (commits: readonly Wanted[]): readonly StateWrite[] =>
  commits.flatMap(({ write = [] }) => write);

const nameOf = ({ table, id }: Pick<StateExpectation, 'table' | 'id'>): string => `${table.name}/${id}`;
