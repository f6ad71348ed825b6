import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { timed } from './row.ts';

/** A tenth of a million: start, memory and the look for extents grow with their number, and a million take a quarter of an hour to make. */
const [extents, times] = [100_000, 10];
const hourMs = 3_600_000;
const [secondsMax, mbMax] = [2, 300];
const mb = 1024 ** 2;

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

const heldMb = (): number => {
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / mb;
};

/** Each of them of an hour of its own; their rows lie in one blob, since only the catalog is measured. */
export const catalogRow: BenchRow = {
  id: 'million-extents',
  ratio: `a cluster with ${extents} extents: its start, and a query of one of them after another, over ${secondsMax} s each, and its memory over ${mbMax} MB; the greatest, times ${times} as for a million`,
  rule: 'atMost',
  floor: 1,
  aim: 0.5,
  apart: true,
  run: async () => {
    const cluster = await openLocalCluster();
    const data = await cluster.data();
    const columns = [
      { name: 'at', type: 'datetime' },
      { name: 'n', type: 'long' },
    ] as const;
    await data.createTables('db', [{ name: 'T', columns }]);
    const first = Date.UTC(1900, 0, 1);
    const body = Buffer.from(`${new Date(first).toISOString()},1`);
    await data.ingest({ database: 'db', table: 'T', format: 'csv', body, kind: 'inline' });
    const [model] = data.extents('db', 'T');
    if (model === undefined) throw new Error('The rows are no extent.');
    await cluster.copyExtents(extents, (copy, index) => ({
      ...copy,
      ranges: Object.fromEntries(
        Object.entries(copy.ranges).map(([column, [min, max]]) => {
          const by = BigInt((index + 1) * hourMs) * 10_000n;
          return [column, isTime(min) ? [`${BigInt(min) + by}`, `${BigInt(max) + by}`] : [min, max]];
        }),
      ),
    }));
    const before = heldMb();
    let scanned: unknown;
    const startMs = await timed(async () => {
      await cluster.data();
    });
    const at = (hour: number): string => `datetime(${new Date(first + hour * hourMs).toISOString()})`;
    const queryMs = await timed(async () => {
      scanned = (await cluster.scannedBy(`T | where at between (${at(70_000)} .. ${at(70_001)} - 1s) | project n`))
        ?.extentsScanned;
    });
    const againMs = await timed(async () => {
      await cluster.query(`T | where at between (${at(80_000)} .. ${at(80_001)} - 1s) | project n`);
    });
    if (scanned !== 1) throw new Error(`${String(scanned)} extents were read, not one.`);
    const memoryMb = heldMb() - before;
    await cluster.close();
    return {
      ratio: times * Math.max(startMs / 1_000 / secondsMax, againMs / 1_000 / secondsMax, memoryMb / mbMax),
      detail: `start ${(startMs / 1_000).toFixed(1)} s, first query ${Math.round(queryMs)} ms, next ${Math.round(againMs)} ms, ${Math.round(memoryMb)} MB`,
    };
  },
};

/** In ticks. */
const isTime = (text: string): boolean => text.length > 10;
