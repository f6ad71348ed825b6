import { yieldToOthers } from '../src/cluster/process/thread-priority.ts';
import type { LocalCluster } from './local-cluster.ts';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { quantile, timed } from './row.ts';
import { sampleColumns, sampleSelect } from './sample-rows.ts';

const extentCount = 16;
const extentRows = 40_000;
const rounds = 3;
/** A merge holds no query up for longer. */
const heldMsMax = 100;

const append = async (cluster: LocalCluster, table: string, from: number, to: number): Promise<void> => {
  const rows = { kind: 'sql', columns: sampleColumns, sql: sampleSelect(from, to), bound: [] } as const;
  await (await cluster.data()).append({ database: 'db', table, rows, replace: false });
};

/** Small queries one after the other, of a table that is merged and of one that is not, for as long as something is under way.
 * @returns the milliseconds that each took */
async function queriesBeside(cluster: LocalCluster, under: Promise<unknown>): Promise<number[]> {
  const took: number[] = [];
  const work = { isOver: false };
  const over = under.finally(() => (work.isOver = true));
  while (!work.isOver) {
    const [table, id] = [took.length % 2 === 0 ? 'Small' : 'Merged', took.length % 1000];
    took.push(
      await timed(async () => {
        await cluster.query(`${table} | where UserId == ${id} | summarize count() by Level`);
      }),
    );
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await over;
  return took;
}

/** The slowest query beside any of the merges, over what is usual without one. */
async function heldBesideMerge(cluster: LocalCluster): Promise<{ readonly heldMs: number; readonly detail: string }> {
  const data = await cluster.data();
  const tables = ['Small', 'Merged'].map((name) => ({ name, columns: [...sampleColumns] }));
  await data.createTables('db', tables);
  await append(cluster, 'Small', 0, 1_000);
  let [usual, slowest, queries] = [Infinity, 0, 0];
  for (let round = 0; round < rounds; round += 1) {
    await data.clearTable('db', 'Merged');
    for (let part = 0; part < extentCount; part += 1)
      await append(cluster, 'Merged', part * extentRows, (part + 1) * extentRows);
    yieldToOthers(); // as the process of a cluster does
    const second = new Promise((resolve) => setTimeout(resolve, 1_000));
    usual = Math.min(usual, quantile(await queriesBeside(cluster, second), 0.5));
    const beside = await queriesBeside(cluster, data.maintain({}));
    const { length } = data.extents('db', 'Merged');
    if (length !== 1) throw new Error(`${length} extents are left.`);
    slowest = Math.max(slowest, ...beside);
    queries += beside.length;
  }
  const shown = (ms: number): string => `${ms.toFixed(1)} ms`;
  const detail = `slowest beside a merge ${shown(slowest)} (${queries} in ${rounds} merges), usual ${shown(usual)}`;
  return { heldMs: Math.max(0, slowest - usual), detail };
}

export const mergeRows: readonly BenchRow[] = [
  {
    id: 'merge-queries',
    ratio: `how long a merge of ${(extentCount * extentRows) / 1000} k rows holds a small query up at most, over ${heldMsMax} ms`,
    rule: 'atMost',
    floor: 1,
    aim: 0.5,
    run: async () => {
      const cluster = await openLocalCluster();
      try {
        const { heldMs, detail } = await heldBesideMerge(cluster);
        return { ratio: heldMs / heldMsMax, detail };
      } finally {
        await cluster.close();
      }
    },
  },
];
