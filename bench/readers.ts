import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localToken } from '../src/server/local-client.ts';
import { defaultSeed } from '../src/server/seed.ts';
import { startAzurite } from '../tests/support/azurite.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import { openNodes } from '../tests/support/nodes.ts';
import { startPostgres } from '../tests/support/postgres.ts';
import { perSecond } from './load.ts';
import { kustody } from './passed-on.ts';
import type { BenchRow } from './row.ts';

const options = [
  ...['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'],
  '--readers',
];
const rows = 200_000;
const seconds = 4;
const rounds = 3;
/** Of all clients together, however many nodes they ask: what the nodes share is the same work. */
const connections = 12;

/** On one machine more nodes have no more processors: what is lost is what several processes cost. */
export const readersRow: BenchRow = {
  id: 'readers',
  ratio:
    'queries a second of three nodes, one of which serves and two read, over those of one with the same processors',
  rule: 'atLeast',
  floor: 0.9,
  aim: 1,
  run: async () => {
    const [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
    try {
      await using nodes = await openNodes(server, azurite, 'readers', kustody);
      await nodes.start('node1', '--seed', ...options).printed('Stop with');
      for (const name of ['node2', 'node3']) await nodes.start(name, '--standby', ...options).printed('are passed on');
      const live = await openLiveCluster(nodes.dataOf('node1'));
      await live.command(`.set T <| range A from 1 to ${rows} step 1 | extend B = A % 97, S = tostring(A)`);
      const portOf = (name: string): number =>
        (JSON.parse(readFileSync(join(nodes.dataOf(name), 'standby.json'), 'utf8')) as { port: number }).port;
      const ports = [live.environment.port, portOf('node2'), portOf('node3')];
      const csl = 'T | where S has_cs "7" or B < 40 | summarize count(), sum(A) by B | top 5 by sum_A';
      for (const port of ports) await (await openLiveCluster(nodes.dataOf('node1'), live.seeded, port)).query(csl);
      const token = await localToken(live.environment, 'https://kusto.kusto.windows.net');
      const address = `${new URL(live.seeded.clusterUri).hostname}/v1/rest/query`;
      const load = { method: 'POST', address, token, body: JSON.stringify({ db: defaultSeed.database, csl }) } as const;
      // The engines' threads start, and programs of theirs are compiled, before anything is measured.
      for (const port of ports) await perSecond(port, load, seconds, connections / ports.length);
      const best = [0, 0, 0];
      for (let round = 0; round < rounds; round += 1)
        for (let count = 1; count <= ports.length; count += 1) {
          const each = await Promise.all(
            ports.slice(0, count).map((port) => perSecond(port, load, seconds, connections / count)),
          );
          const all = each.reduce((sum, one) => sum + one, 0);
          best[count - 1] = Math.max(best[count - 1] ?? 0, all);
        }
      const [one = 0, , three = 0] = best;
      return {
        ratio: three / one,
        detail: best.map((rate, index) => `${index + 1}: ${Math.round(rate)}/s`).join(', '),
      };
    } finally {
      await Promise.all([server.stop(), azurite.stop()]);
    }
  },
};
