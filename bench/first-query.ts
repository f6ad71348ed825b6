import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { logFileName } from '../src/http/log-file.ts';
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

/** What a query takes whose extents the process of its cluster has not opened, in milliseconds. */
interface Asked {
  /** After a start. */
  readonly first: number;
  /** After another start of that process alone. */
  readonly second: number;
}

/** A cluster whose extents lie at one place. @returns asks it after a start, the process of the cluster having begun */
async function cluster(data: string, blobs: readonly string[], env: Readonly<Record<string, string>>) {
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
  return async (): Promise<Asked> => {
    const server = await start();
    const live = await openLiveCluster(data, seeded);
    const took = (): Promise<number> =>
      timed(async () => {
        const [[count] = []] = await live.query(query);
        if (count !== rows) throw new Error(`${String(count)} rows are there.`);
      });
    await live.query('print 1');
    const one = await took();
    process.kill(clusterProcess(data), 'SIGKILL');
    while ((await live.queryStatus('print 1')) !== 200) await pause(50);
    const asked = { first: one, second: await took() };
    await end(server);
    return asked;
  };
}

/** The one that was started last, as the log has it. */
function clusterProcess(data: string): number {
  const started = readFileSync(join(data, logFileName), 'utf8')
    .split('\n')
    .filter((line) => line.includes('cluster-process-started'));
  const { pid } = JSON.parse(started.at(-1) ?? '{}') as { readonly pid?: number };
  if (pid === undefined || pid <= 1) throw new Error('No process of a cluster was started.');
  return pid;
}

/** The best of some rounds in turns, from a container and from a directory. */
async function bestOf(which: keyof Asked): Promise<{ readonly ratio: number; readonly detail: string }> {
  using directory = temporaryDirectory();
  const azurite = await startAzurite();
  try {
    const container = (await azurite.newContainer()).replace(/\?.*/, '');
    const blobs = ['--blobs', container, '--blobs-credential', 'env:CONNECTION'];
    const away = await cluster(`${directory.path}/blobs`, blobs, { CONNECTION: azurite.connectionString });
    const here = await cluster(`${directory.path}/disk`, [], {});
    const best = { away: Infinity, here: Infinity };
    for (let round = 0; round < rounds; round += 1) {
      best.away = Math.min(best.away, (await away())[which]);
      best.here = Math.min(best.here, (await here())[which]);
    }
    return {
      ratio: best.away / best.here,
      detail: `from blobs ${Math.round(best.away)} ms, from disk ${Math.round(best.here)} ms`,
    };
  } finally {
    await azurite.stop();
  }
}

export const firstQueryRows: readonly BenchRow[] = [
  {
    id: 'first-query-from-blobs',
    ratio: `the first query over ${rows} rows after a start, their extents in a container (Azurite on this machine), over the same from a directory`,
    rule: 'atMost',
    floor: 4,
    aim: 2,
    run: () => bestOf('first'),
  },
  {
    id: 'second-query-from-blobs',
    ratio: `the same query when the process of its cluster was started again, so that it reads what the node has kept of the container, over the same from a directory`,
    rule: 'atMost',
    floor: 1.5,
    aim: 1.1,
    run: () => bestOf('second'),
  },
];
