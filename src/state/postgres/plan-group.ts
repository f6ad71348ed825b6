import type { RecordCommit, RecordWrite } from '../state-store.ts';
import { StateConflictError } from '../state-store.ts';

/** One record of a group of commits: what must be there before, and what is there afterwards. */
export interface GroupRecord {
  readonly table: string;
  readonly id: string;
  /** Before the group; `null`: nothing. */
  readonly expect: number | null;
  /** Undefined: it stays as it is; `null`: it goes. */
  readonly put: RecordWrite['put'] | undefined;
}

/** A group as one change of the store. */
export interface GroupPlan {
  /** By table and id, in the order of their bytes, so that everybody locks in one order. */
  readonly records: readonly GroupRecord[];
  /** Of each commit, once the change is made; those with a conflict have no part in it. */
  readonly outcomes: readonly (StateConflictError | undefined)[];
}

/** The version of a record that the store has found there instead of the expected one. */
export type Found = ReadonlyMap<string, number | null>;

export const recordKey = (table: string, id: string): string => `${table}/${id}`;

/** Lets commits follow each other in order. What the first that names a record expects is taken for true until the store has `found`
 * otherwise; then that commit is refused, and the others are planned without it. */
export function planGroup(commits: readonly RecordCommit[], found: Found): GroupPlan {
  const records = new Map<string, GroupRecord>();
  const outcomes = commits.map((commit) => {
    const named = [...(commit.expect ?? []), ...commit.write];
    const wrong = named.find(({ table, id, expect }) => {
      const key = recordKey(table, id);
      const known = records.get(key);
      if (known !== undefined) return versionIn(known) !== expect;
      return found.has(key) && found.get(key) !== expect;
    });
    if (wrong !== undefined) return new StateConflictError(wrong.table, wrong.id);
    for (const { table, id, expect } of commit.expect ?? []) {
      const key = recordKey(table, id);
      if (!records.has(key)) records.set(key, { table, id, expect, put: undefined });
    }
    for (const { table, id, expect, put } of commit.write) {
      const key = recordKey(table, id);
      const known = records.get(key);
      records.set(key, { table, id, expect: known === undefined ? expect : known.expect, put });
    }
    return undefined;
  });
  return { records: inOrder(withoutNothing([...records.values()])), outcomes };
}

const versionIn = ({ expect, put }: GroupRecord): number | null =>
  put === undefined ? expect : (put?.version ?? null);

/** What comes and goes in one group is never there, but its absence before is still to be checked. */
const withoutNothing = (records: readonly GroupRecord[]): readonly GroupRecord[] =>
  records.map((record) => (record.expect === null && record.put === null ? { ...record, put: undefined } : record));

/** Tables are named by plain words; ids by any text, whose bytes are made once. */
function inOrder(records: readonly GroupRecord[]): readonly GroupRecord[] {
  if (records.length <= 1) return records;
  const named = records.map((record) => ({ record, table: record.table, bytes: Buffer.from(record.id) }));
  named.sort((left, right) => {
    if (left.table !== right.table) return left.table < right.table ? -1 : 1;
    return Buffer.compare(left.bytes, right.bytes);
  });
  return named.map(({ record }) => record);
}
