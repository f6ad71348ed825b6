import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { localToken } from '../src/server/local-client.ts';
import { sendLocal } from '../src/server/local-request.ts';
import { defaultSeed } from '../src/server/seed.ts';
import { startAzurite } from '../tests/support/azurite.ts';
import { openLiveCluster } from '../tests/support/live-cluster.ts';
import { openNodes } from '../tests/support/nodes.ts';
import { startPostgres } from '../tests/support/postgres.ts';
import { perSecond } from './load.ts';
import type { BenchRow } from './row.ts';
import { sideBySide } from './row.ts';

export const kustody = join(import.meta.dirname, '..', 'bin', 'kustody.cjs');

const anyPorts = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'];
const seconds = 4;
const rounds = 3;
const largeRows = 400_000;

/** The same cluster by two ports: of the node that serves, and of one that passes connections on to it. */
interface TwoWays {
  readonly direct: number;
  readonly passing: number;
  readonly host: string;
  readonly ca: string;
  readonly token: string;
}

async function withTwoWays<T>(schema: string, measure: (ways: TwoWays) => Promise<T>): Promise<T> {
  const [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  try {
    await using nodes = await openNodes(server, azurite, schema, kustody);
    await nodes.start('east', '--seed', ...anyPorts).printed('Stop with');
    await nodes.start('west', '--standby', ...anyPorts).printed('are passed on');
    const { environment, seeded, query } = await openLiveCluster(nodes.dataOf('east'));
    await query('print 1'); // the process of the cluster has started
    const { port } = JSON.parse(readFileSync(join(nodes.dataOf('west'), 'standby.json'), 'utf8')) as { port: number };
    return await measure({
      ...{ direct: environment.port, passing: port, ca: environment.caCertificate },
      host: new URL(seeded.clusterUri).hostname,
      token: await localToken(environment, 'https://kusto.kusto.windows.net'),
    });
  } finally {
    await Promise.all([server.stop(), azurite.stop()]);
  }
}

const bodyOf = (csl: string): string => JSON.stringify({ db: defaultSeed.database, csl });

export const passedOnRows: readonly BenchRow[] = [
  {
    id: 'passed-on-queries',
    ratio: 'small queries a second by way of a node that stands by, over those of the serving node itself',
    rule: 'atLeast',
    floor: 0.6,
    aim: 0.85,
    run: () =>
      withTwoWays('queries', async ({ direct, passing, host, token }) => {
        const load = { method: 'POST', address: `${host}/v1/rest/query`, token, body: bodyOf('print 1') } as const;
        const best = { direct: 0, passing: 0 };
        for (let round = 0; round < rounds; round += 1) {
          best.direct = Math.max(best.direct, await perSecond(direct, load, seconds));
          best.passing = Math.max(best.passing, await perSecond(passing, load, seconds));
        }
        return {
          ratio: best.passing / best.direct,
          detail: `passed on ${Math.round(best.passing)}/s, direct ${Math.round(best.direct)}/s`,
        };
      }),
  },
  {
    id: 'passed-on-bytes',
    ratio: `MB a second of an answer of ${largeRows} rows by way of a node that stands by, over those of the serving node itself`,
    rule: 'atLeast',
    floor: 0.6,
    aim: 0.85,
    run: () =>
      withTwoWays('bytes', async ({ direct, passing, host, token, ca }) => {
        const body = Buffer.from(bodyOf(`range x from 1 to ${largeRows} step 1 | extend s = strcat("row ", hash(x))`));
        let bytes = 0;
        const take = async (port: number): Promise<void> => {
          const answer = await sendLocal(
            { address: '127.0.0.1', port, ca },
            {
              ...{ host, method: 'POST', path: '/v2/rest/query', body, timeoutMs: 120_000, answerBytesMax: 1024 ** 3 },
              headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
            },
          );
          if (answer.status !== 200) throw new Error(`The answer is ${answer.status}.`);
          bytes = answer.body.length;
        };
        const { ours, reference } = await sideBySide(
          () => take(passing),
          () => take(direct),
          rounds,
        );
        const perSecondOf = (milliseconds: number): string => `${(bytes / 1e3 / milliseconds).toFixed(1)} MB/s`;
        return {
          ratio: reference / ours,
          detail: `passed on ${perSecondOf(ours)}, direct ${perSecondOf(reference)}, of ${(bytes / 1e6).toFixed(1)} MB`,
        };
      }),
  },
];
