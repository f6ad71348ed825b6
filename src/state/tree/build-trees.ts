import { recordFormats } from '../record-seal.ts';
import type { StateStore, StoredRecord } from '../state-store.ts';
import type { TableRows } from '../table-rows.ts';
import type { TreeEdit } from './tree-edit.ts';
import { keyOf, tagOf } from './tree-page.ts';
import { headId, headTable, pageTable, pointOf, treeTables } from './tree-records.ts';
import type { Heads, Lineage, TreeState } from './tree-state.ts';
import { StateRolledBackError } from './tree-state.ts';

export interface BuildParts {
  readonly store: StateStore;
  readonly trees: TreeState;
  readonly tables: TableRows;
}

const recordsPerCommit = 1_000;
const unanchored = { anchored: false, lineage: [] } as const;

/** Makes all trees from the records as they lie there: for a state that has none yet, or that the user has accepted. Order: old pages
 * and heads gone → an empty top → records, a thousand at a time. Can be repeated; until its caller has noted the end (the check record),
 * nothing is read through what it makes.
 * @param counter what the first top counts from; later than any that an anchor may know
 * @param isFirst there never were trees, so a record that was sealed since there are is one too many
 * @throws StateRolledBackError */
export async function buildTrees(parts: BuildParts, counter: number, isFirst: boolean): Promise<Heads> {
  const { store, trees } = parts;
  for (const table of treeTables) await removeAll(store, table, '');
  const { top, writes } = trees.records.sealTop(undefined, counter, { next: 1, ...unanchored });
  await store.commit({ write: writes });
  let heads: Heads = { top, owners: new Map() };
  for (const table of await store.tables()) {
    if (treeTables.includes(table) || table === checkTable) continue;
    for await (const records of pagesOf(store, table)) {
      if (isFirst && records.some(({ value }) => value[0] === recordFormats.withTree))
        throw new StateRolledBackError(`its digests were taken away (table ${table})`);
      heads = await adopt(parts, heads, records, unanchored);
    }
  }
  return heads;
}

/** The table of the record that says whether there are trees. */
export const checkTable = 'seal';

/** Makes the tree of an owner whose records may all be lost anew, from those that are left. */
export async function rebuildOwner(parts: BuildParts, from: Heads, owner: string): Promise<Heads> {
  const { store, trees, tables } = parts;
  await removeAll(store, pageTable, `${owner}/`);
  const lineage = { anchored: from.top.anchored, lineage: [...from.top.lineage, pointOf(from.top)] };
  const owners = new Map(from.owners);
  owners.delete(owner);
  const stored = await store.get(headTable, headId(owner));
  const dropped = await trees.change({ top: from.top, owners }, new Map(), lineage, owner);
  const gone = stored === undefined ? [] : trees.records.removed(headTable, stored.id, stored.version);
  await store.commit({ write: [...gone, ...dropped.writes] });
  let { heads } = dropped;
  for (const table of await store.tables()) {
    if (treeTables.includes(table) || !tables.ownersWithin(table, '')(owner)) continue;
    for await (const records of pagesOf(store, table))
      heads = await adopt(
        parts,
        heads,
        records.filter(({ id }) => tables.ownerOf(table, id) === owner),
        lineage,
      );
  }
  return heads;
}

async function adopt(
  { store, trees, tables }: BuildParts,
  from: Heads,
  records: readonly StoredRecord[],
  lineage: Lineage,
): Promise<Heads> {
  const edits = new Map<string, TreeEdit>();
  for (const { table, id, version, value } of records) {
    const owner = tables.ownerOf(table, id);
    const head = from.owners.get(owner);
    const edit = edits.get(owner) ?? trees.edit(owner, head === 'damaged' ? undefined : head);
    edits.set(owner, edit);
    await edit.set(keyOf(table, id), { version, tag: tagOf(value) });
  }
  const change = await trees.change(from, edits, lineage);
  await store.commit({ write: change.writes });
  trees.keep(change);
  return change.heads;
}

async function* pagesOf(store: StateStore, table: string, prefix = ''): AsyncGenerator<readonly StoredRecord[]> {
  let after: string | undefined;
  for (;;) {
    const range = { prefix, limit: recordsPerCommit, ...(after === undefined ? {} : { after }) };
    const page = await store.list(table, range);
    yield page;
    after = page.at(-1)?.id;
    if (page.length < recordsPerCommit) return;
  }
}

async function removeAll(store: StateStore, table: string, prefix: string): Promise<void> {
  for await (const page of pagesOf(store, table, prefix))
    await store.commit({ write: page.map(({ id, version }) => ({ table, id, expect: version, put: null })) });
}
