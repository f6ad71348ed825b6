import { blobsIn, extentsIn } from '../../src/database/catalog/extent-page.ts';
import { sqlChange } from '../support/row-change.ts';
import type { KilledCluster } from './killed-cluster.ts';
import { clusterId } from './killed-cluster.ts';

// Extents of two requests each, numbered; each has its number as a tag. They come into pages, and leave them.

export const pagedTable = 'P';

/** `drop`: the extent of a request, with the other request of it; the others: the rows of one request, by `.delete` and by a purge. */
export const removals = ['drop', 'delete', 'purge'] as const;
type Removal = (typeof removals)[number];
export const isRemoval = (kind: string): kind is Removal => (removals as readonly string[]).includes(kind);

const appendOf = (table: string, n: number): string => `${table} append ${n}`;
const tagOf = (extent: number): string => `drop-by:${extent}`;
const isTagged = (tags: readonly string[], extents: readonly number[]): boolean =>
  extents.some((extent) => tags.includes(tagOf(extent)));

/** Names of the requests whose rows some others take away. */
export function removedBy(names: readonly string[]): ReadonlySet<string> {
  return new Set(
    names.flatMap((name) => {
      const [table = '', kind = '', text] = name.split(' ');
      if (!isRemoval(kind)) return [];
      const n = Number(text);
      return kind === 'drop' ? [appendOf(table, n), appendOf(table, n + 1)] : [appendOf(table, n)];
    }),
  );
}

export async function remove(cluster: KilledCluster, kind: Removal, table: string, n: number): Promise<void> {
  const data = await cluster.data();
  const sql = `c1 = '${appendOf(table, n)}'`;
  if (kind === 'drop') await data.dropExtents('db', table, { tags: [tagOf(n / 2)] });
  else if (kind === 'delete') await data.changeRows(sqlChange(cluster.engine, table, sql));
  else await data.purge('db', table, { sql, bound: [] });
}

const columns = [
  { name: 'Request', type: 'string' },
  { name: 'Row', type: 'long' },
] as const;
const rowsEach = 3;

type Say = (line: string) => void;

/** Extents of the table are merged by command alone. */
export async function fillPages(cluster: KilledCluster, say: Say): Promise<void> {
  await (await cluster.data()).setPolicy('db', pagedTable, 'merge', { AllowMerge: false });
  await addPaired(cluster, say, 0, 12);
}

/** @param at sends a request, and tells of it */
export async function changePages(
  { cluster, say }: { readonly cluster: KilledCluster; readonly say: Say },
  at: (kind: 'log' | 'extent' | Removal, n: number) => Promise<void>,
): Promise<void> {
  await Promise.all([packPages(cluster, 3), at('log', 100), at('extent', 100)]);
  await Promise.all([at('drop', 0), at('delete', 2), at('log', 101)]);
  await Promise.all([at('purge', 5), at('extent', 101)]);
  await mergePaired(cluster, [4, 7, 10]);
  await Promise.all([at('delete', 14), at('drop', 16), addPaired(cluster, say, 12, 4)]);
  await Promise.all([packPages(cluster, 2), at('log', 102)]);
  await at('drop', 26);
  await at('purge', 28);
}

/** @param first the number of the first extent */
async function addPaired(cluster: KilledCluster, say: Say, first: number, count: number): Promise<void> {
  const data = await cluster.data();
  for (let extent = first; extent < first + count; extent += 1) {
    const names = [appendOf(pagedTable, 2 * extent), appendOf(pagedTable, 2 * extent + 1)];
    for (const name of names) say(`sent ${name}`);
    const sql = `SELECT '${pagedTable} append ' || (${2 * extent} + i // ${rowsEach}), i % ${rowsEach} FROM range(${2 * rowsEach}) AS t(i)`;
    const rows = { kind: 'sql', columns, sql, bound: [] } as const;
    await data.append({ database: 'db', table: pagedTable, replace: false, rows, tags: [tagOf(extent)] });
    for (const name of names) say(`done ${name}`);
  }
}

/** As upkeep does when all nodes know of pages. @throws when that left fewer pages */
async function packPages(cluster: KilledCluster, pagesMin: number): Promise<void> {
  const data = await cluster.data();
  await data.maintain({ packsExtents: true });
  const problems = data.upkeepProblems();
  const { pages } = await storedExtents(cluster);
  if (problems.length > 0 || pages < pagesMin) throw new Error(`${pages} pages, ${JSON.stringify(problems)}`);
}

/** Extents of several pages become one. @param extents their numbers */
async function mergePaired(cluster: KilledCluster, extents: readonly number[]): Promise<void> {
  const data = await cluster.data();
  const found = data.extents('db', pagedTable).filter(({ tags }) => isTagged(tags, extents));
  await data.mergeExtents(
    'db',
    pagedTable,
    found.map(({ extentId }) => extentId),
  );
}

/** An extent lies in one page, or in a record of its own, and a blob is named once. */
export async function pageProblems(cluster: KilledCluster): Promise<string[]> {
  const { pages, extentIds, blobs } = await storedExtents(cluster);
  return [
    ...twice(extentIds).map((id) => `the extent ${id} is named twice, of ${pages} pages`),
    ...twice(blobs).map((blob) => `the blob ${blob} is named twice, of ${pages} pages`),
  ];
}

const twice = (names: readonly string[]): string[] => names.filter((name, at) => names.indexOf(name) !== at);

/** What is stored of extents, in records of their own and in pages; names as often as they are there. */
async function storedExtents(cluster: KilledCluster): Promise<{
  readonly pages: number;
  readonly extentIds: readonly string[];
  readonly blobs: readonly string[];
}> {
  const records = [...(await cluster.image()).everything()].flatMap((record) =>
    record.kind === 'extent' || record.kind === 'extentPage' ? [record] : [],
  );
  return {
    pages: records.filter(({ kind }) => kind === 'extentPage').length,
    extentIds: records.flatMap((record) => extentsIn(record).map(({ extentId }) => extentId)),
    blobs: records.flatMap((record) => blobsIn(record)),
  };
}

/** What is left comes into pages. With the key revoked nothing of it is read; with the key back the same rows are.
 * @throws when that is not so */
export async function packAndRevoke(cluster: KilledCluster): Promise<void> {
  await packPages(cluster, 1);
  const before = await cluster.rows(pagedTable);
  const { kid } = await cluster.record();
  cluster.vault.setEnabled(kid, false);
  await cluster.keys.recheck(clusterId);
  const isRefused = await cluster.rows(pagedTable).then(
    () => false,
    () => true,
  );
  if (!isRefused) throw new Error('rows were read though the key was revoked');
  cluster.vault.setEnabled(kid, true);
  await cluster.keys.recheck(clusterId);
  const after = await cluster.rows(pagedTable);
  if (JSON.stringify([...after].sort()) !== JSON.stringify([...before].sort()))
    throw new Error(`with the key back there are ${after.size} requests, before ${before.size}`);
}
