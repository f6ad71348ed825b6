import { startAzurite } from '../tests/support/azurite.ts';
import type { StartedCommand } from '../tests/support/kustody-command.ts';
import { startKustody, temporaryDirectory } from '../tests/support/kustody-command.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import { kustody } from './passed-on.ts';
import type { BenchRow } from './row.ts';
import { timed } from './row.ts';

const rows = 2_000_000;
const rounds = 3;
const table = `.set-or-replace Big <| range i from 1 to ${rows} step 1 | extend g = hash(i, 1000), s = strcat("row ", hash(i))`;
const query = 'Big | summarize count(), max(s), sum(g)';

/** A cluster whose extents lie at one place. @returns how long its first query takes after a start, the process of the cluster having begun */
async function firstQueries(data: string, blobs: readonly string[], env: Readonly<Record<string, string>>) {
  const start = async (...more: string[]): Promise<StartedCommand> => {
    const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--log-level', 'silent'];
    const server = startKustody(['up', '--data', data, ...ports, ...blobs, ...more], env, [], kustody);
    await server.printed('Stop with');
    return server;
  };
  const end = async (server: StartedCommand): Promise<void> => {
    server.process.kill('SIGTERM');
    await server.result;
  };
  const first = await start('--seed');
  const { seeded, command } = await openLiveCluster(data);
  await command(table);
  await end(first);
  return async (): Promise<number> => {
    const server = await start();
    const live = await openLiveCluster(data, seeded);
    await live.query('print 1');
    const took = await timed(async () => {
      const [[count] = []] = await live.query(query);
      if (count !== rows) throw new Error(`${String(count)} rows are there.`);
    });
    await end(server);
    return took;
  };
}

export const firstQueryRows: readonly BenchRow[] = [
  {
    id: 'first-query-from-blobs',
    ratio: `the first query over ${rows} rows after a start, their extents in a container (Azurite on this machine), over the same from a directory`,
    rule: 'atMost',
    floor: 4,
    aim: 2,
    run: async () => {
      using directory = temporaryDirectory();
      const azurite = await startAzurite();
      try {
        const container = (await azurite.newContainer()).replace(/\?.*/, '');
        const blobs = ['--blobs', container, '--blobs-credential', 'env:CONNECTION'];
        const away = await firstQueries(`${directory.path}/blobs`, blobs, { CONNECTION: azurite.connectionString });
        const here = await firstQueries(`${directory.path}/disk`, [], {});
        const best = { away: Infinity, here: Infinity };
        for (let round = 0; round < rounds; round += 1) {
          best.away = Math.min(best.away, await away());
          best.here = Math.min(best.here, await here());
        }
        return {
          ratio: best.away / best.here,
          detail: `from blobs ${Math.round(best.away)} ms, from disk ${Math.round(best.here)} ms`,
        };
      } finally {
        await azurite.stop();
      }
    },
  },
];
