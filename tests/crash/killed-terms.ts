import type { KilledCluster } from './killed-cluster.ts';

// Rows enough for a filter of terms, which a merge makes in a blob of its own before that of the extent.

export const textTable = 'M';
/** Each is one commit, of so many requests of three rows. */
const appends = 2;
const requestsEach = 200;
const rowsEach = 3;

const columns = [
  { name: 'Request', type: 'string' },
  { name: 'Row', type: 'long' },
] as const;

const nameOf = (n: number): string => `${textTable} append ${n}`;

export async function addTexts(cluster: KilledCluster, say: (line: string) => void): Promise<void> {
  const data = await cluster.data();
  for (let part = 0; part < appends; part += 1) {
    const first = part * requestsEach;
    const names = Array.from({ length: requestsEach }, (_value, index) => nameOf(first + index));
    for (const name of names) say(`sent ${name}`);
    const sql = `SELECT '${textTable} append ' || (${first} + i // ${rowsEach}), i % ${rowsEach} FROM range(${requestsEach * rowsEach}) AS t(i)`;
    const rows = { kind: 'sql', columns, sql, bound: [] } as const;
    await data.append({ database: 'db', table: textTable, replace: false, rows });
    for (const name of names) say(`done ${name}`);
  }
}

/** All extents become one. */
export async function mergeTexts(cluster: KilledCluster): Promise<void> {
  const data = await cluster.data();
  const ids = data.extents('db', textTable).map(({ extentId }) => extentId);
  if (ids.length > 1) await data.mergeExtents('db', textTable, ids);
}

/** Rows are found by terms that only theirs have: a filter of other rows would hide them. */
export async function termProblems(cluster: KilledCluster): Promise<string[]> {
  const wrong: string[] = [];
  for (const n of [17, requestsEach - 1, requestsEach, appends * requestsEach - 1]) {
    const { rows } = await found(cluster, String(n));
    if (rows !== rowsEach) wrong.push(`${nameOf(n)} is found with ${rows} rows`);
  }
  return wrong;
}

/** Whoever looks for a term that is nowhere opens no extent. */
export async function requireFilter(cluster: KilledCluster): Promise<void> {
  const [filters, { rows, extents }] = [await cluster.filters(), await found(cluster, 'nowhere')];
  const wrong = await termProblems(cluster);
  if (filters !== 1 || rows !== 0 || extents !== 0 || wrong.length > 0)
    throw new Error(`${filters} filters; ${rows} rows of ${extents} extents for a term of none; ${wrong.join()}`);
}

async function found(
  cluster: KilledCluster,
  term: string,
): Promise<{ readonly rows: number; readonly extents: number }> {
  const data = await cluster.data();
  const execution = await cluster.queries.execute({
    text: `${textTable} | where Request has '${term}'`,
    database: 'db',
    catalog: data.kqlCatalog(),
    now: 639_000_000_000_000_000n,
    sources: data.sources(),
  });
  try {
    let rows = 0;
    for (const { chunks } of execution.results) for await (const chunk of chunks) rows += chunk[0]?.length ?? 0;
    return { rows, extents: execution.scanned.extentsScanned };
  } finally {
    execution.close();
  }
}
