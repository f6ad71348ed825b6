import { defaultSeed } from '../src/server/seed.ts';
import { startAzurite } from '../tests/support/azurite.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import { openNodes } from '../tests/support/nodes.ts';
import { hasPostgres, startPostgres } from '../tests/support/postgres.ts';
import { catalogRow } from './catalog.ts';
import { firstQueryRows } from './first-query.ts';
import { kustody, passedOnRows } from './passed-on.ts';
import { readersRow } from './readers.ts';
import type { BenchRow } from './row.ts';
import { inPostgres } from './state.ts';
import { quantile, timed } from './row.ts';

const aimMs = 10_000;
const rounds = 3;

const takeover: BenchRow = {
  id: 'takeover',
  ratio: `from SIGKILL of a node to the rows of a query at the one that stood by, over ${aimMs / 1000} s`,
  rule: 'atMost',
  floor: 1.5,
  aim: 1,
  run: async () => {
    const [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
    const taken: number[] = [];
    try {
      await using nodes = await openNodes(server, azurite, 'takeover', kustody);
      let serving = nodes.start('node0', '--seed');
      await serving.printed('Stop with');
      let live = await openLiveCluster(nodes.dataOf('node0'));
      const { seeded } = live;
      await live.command('.set T <| range A from 1 to 100000 step 1');
      for (let round = 1; round <= rounds; round += 1) {
        const next = nodes.start(`node${round}`, '--standby');
        await next.printed('Standing by');
        const killed = serving;
        const took = await timed(async () => {
          nodes.signal(killed, 'SIGKILL');
          await next.printed('Stop with');
          live = await openLiveCluster(nodes.dataOf(`node${round}`), seeded);
          const [[count] = []] = await live.query('T | count');
          if (count !== 100_000) throw new Error(`${String(count)} rows of ${defaultSeed.database} are left.`);
        });
        taken.push(took);
        serving = next;
      }
    } finally {
      await Promise.all([server.stop(), azurite.stop()]);
    }
    const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
    return {
      ratio: Math.max(...taken) / aimMs,
      detail: `${rounds} takeovers, median ${seconds(quantile(taken, 0.5))}, longest ${seconds(Math.max(...taken))}`,
    };
  },
};

export const nodeRows: readonly BenchRow[] = [
  ...(hasPostgres ? [takeover, ...passedOnRows, readersRow, inPostgres] : []),
  ...firstQueryRows,
  catalogRow,
];
