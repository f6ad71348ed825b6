import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { toBase64Url } from '../src/base/base64url.ts';
import { newGuid } from '../src/base/new-guid.ts';
import { systemRandomBytes } from '../src/base/random.ts';
import type { ExtentRecord } from '../src/database/catalog/records.ts';
import { openLocalCluster } from './local-cluster.ts';
import type { BenchRow } from './row.ts';
import { timed } from './row.ts';

const extents = 1_000_000;
const hourMs = 3_600_000;
const [secondsMax, mbMax] = [2, 300];
/** Of an extent at least its id, its key and where its rows lie are in memory: a measure that finds less measured something else. */
const bytesMin = 64;
const mb = 1024 ** 2;

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** What lies outside of V8's heap goes only once what held it has gone. */
const heldMb = (): number => {
  collectGarbage();
  collectGarbage();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / mb;
};

/** Where in their order the extents are that are asked for. */
const asked = [0.7, 0.8] as const;

/** Each of them of an hour of its own, in pages as upkeep packs them. Those that are asked for, and their neighbours, share one blob with their rows;
 * the others none, since only the catalog is measured, which has a blob and a key of its own for each. */
export const catalogRow: BenchRow = {
  id: 'million-extents',
  ratio: `a cluster with ${extents} extents in pages: its start, and a query of one of them after another, over ${secondsMax} s each, and its memory over ${mbMax} MB; the greatest`,
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
    const later: Parameters<typeof cluster.copyExtents>[1] = (copy, index) => ({
      ...copy,
      sealed: asked.some((share) => Math.abs(index - extents * share) <= 1) ? copy.sealed : sealedApart(copy.sealed),
      ranges: Object.fromEntries(
        Object.entries(copy.ranges).map(([column, [min, max]]) => {
          const by = BigInt((index + 1) * hourMs) * 10_000n;
          return [column, isTime(min) ? [`${BigInt(min) + by}`, `${BigInt(max) + by}`] : [min, max]];
        }),
      ),
    });
    await cluster.copyExtents(extents, later, true);
    let scanned: unknown;
    const startMs = await timed(async () => {
      await cluster.data();
    });
    const at = (hour: number): string => `datetime(${new Date(first + hour * hourMs).toISOString()})`;
    const ofHour = (hour: number): string => `T | where at between (${at(hour)} .. ${at(hour + 1)} - 1s) | project n`;
    const queryMs = await timed(async () => {
      scanned = (await cluster.scannedBy(ofHour(extents * asked[0])))?.extentsScanned;
    });
    const againMs = await timed(async () => {
      await cluster.query(ofHour(extents * asked[1]));
    });
    if (scanned !== 1) throw new Error(`${String(scanned)} extents were read, not one.`);
    const openMb = heldMb();
    await cluster.restart();
    const memoryMb = openMb - heldMb();
    await cluster.close();
    if (memoryMb < (extents * bytesMin) / mb)
      throw new Error(`${Math.round(memoryMb)} MB cannot be all that a catalog of so many holds.`);
    return {
      ratio: Math.max(startMs / 1_000 / secondsMax, againMs / 1_000 / secondsMax, memoryMb / mbMax),
      detail: `start ${(startMs / 1_000).toFixed(1)} s, first query ${Math.round(queryMs)} ms, next ${Math.round(againMs)} ms, ${Math.round(memoryMb)} MB`,
    };
  },
};

/** With another blob and another key: what extents do not have in common. */
const sealedApart = (sealed: ExtentRecord['sealed']): ExtentRecord['sealed'] => ({
  ...sealed,
  blob: `${sealed.blob.slice(0, -guidLength)}${newGuid(systemRandomBytes)}` as ExtentRecord['sealed']['blob'],
  dekId: newGuid(systemRandomBytes),
  wrappedDek: toBase64Url(systemRandomBytes(Buffer.from(sealed.wrappedDek, 'base64url').length)),
});
const guidLength = 36;

/** In ticks. */
const isTime = (text: string): boolean => text.length > 10;
