import { readFileSync } from 'node:fs';
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

/** How long the answering thread worked, or waited for something of the process, before it had its next turn: without its wait for a
 * processor, which others on the machine may have. Linux only; elsewhere that wait is in it. */
async function longestStall(under: Promise<unknown>): Promise<number> {
  let longest = 0;
  const work = { isOver: false };
  const over = under.finally(() => (work.isOver = true));
  while (!work.isOver) {
    const [at, waited] = [performance.now(), waitedForProcessor()];
    await new Promise((resolve) => setTimeout(resolve, 1));
    longest = Math.max(longest, performance.now() - at - (waitedForProcessor() - waited));
  }
  await over;
  return longest;
}

/** Milliseconds of this thread, since it began (the second number of schedstat). */
function waitedForProcessor(): number {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** The slowest query beside any of the merges, over what is usual without one. */
async function heldBesideMerge(cluster: LocalCluster): Promise<{ readonly heldMs: number; readonly detail: string }> {
  const data = await cluster.data();
  const tables = ['Small', 'Merged'].map((name) => ({ name, columns: [...sampleColumns] }));
  await data.createTables('db', tables);
  await append(cluster, 'Small', 0, 1_000);
  let [usual, queries, stall] = [Infinity, 0, 0];
  const slowest: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await data.clearTable('db', 'Merged');
    for (let part = 0; part < extentCount; part += 1)
      await append(cluster, 'Merged', part * extentRows, (part + 1) * extentRows);
    yieldToOthers(); // as the process of a cluster does
    const second = new Promise((resolve) => setTimeout(resolve, 1_000));
    usual = Math.min(usual, quantile(await queriesBeside(cluster, second), 0.5));
    const merging = data.maintain({});
    const stalled = longestStall(merging);
    const beside = await queriesBeside(cluster, merging);
    stall = Math.max(stall, await stalled);
    const { length } = data.extents('db', 'Merged');
    if (length !== 1) throw new Error(`${length} extents are left.`);
    slowest.push(Math.max(...beside));
    queries += beside.length;
  }
  const shown = (ms: number): string => `${ms.toFixed(1)} ms`;
  const each = slowest.map(shown).join(', ');
  const detail = `slowest beside each of ${rounds} merges ${each} (${queries} queries), usual ${shown(usual)}; longest stall of the answering thread ${shown(stall)}`;
  return { heldMs: Math.max(0, Math.max(...slowest) - usual), detail };
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
