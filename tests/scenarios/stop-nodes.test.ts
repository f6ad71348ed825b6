import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isJsonObject } from '../../src/base/json.ts';
import { localToken } from '../../src/server/local-client.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';

const ports = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'];
const rows = 300_000;
/** More than sockets hold, so that the answer goes on as long as nobody reads it. */
const long = `range N from 1 to ${rows} step 1 | extend Text = strcat('row number ', N, ' of many')`;

const portIn = (data: string): number => {
  const said: unknown = JSON.parse(readFileSync(join(data, 'standby.json'), 'utf8'));
  return isJsonObject(said) ? Number(said['port']) : 0;
};

describe.skipIf(!hasPostgres)('a node of several, when it is stopped', () => {
  let server: Postgres;
  let azurite: Azurite;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server.stop(), azurite.stop()]));

  /** `east` serves, `west` passes on to it. */
  async function openTwo(schema: string) {
    const nodes = await openNodes(server, azurite, schema);
    const east = nodes.start('east', '--seed', ...ports);
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', '--stop-grace', '100', ...ports);
    await west.printed('are passed on');
    const direct = await openLiveCluster(nodes.dataOf('east'));
    const passed = await openLiveCluster(nodes.dataOf('east'), direct.seeded, portIn(nodes.dataOf('west')));
    return { nodes, east, west, direct, passed, [Symbol.asyncDispose]: () => nodes[Symbol.asyncDispose]() };
  }

  const ask = async ({ environment, seeded }: LiveCluster, csl: string): Promise<IncomingMessage> => {
    const { hostname: host } = new URL(seeded.clusterUri);
    const token = await localToken(environment, 'https://kusto.kusto.windows.net');
    const asked = request({
      ...{ host: '127.0.0.1', port: environment.port, servername: host, ca: environment.caCertificate, agent: false },
      ...{ method: 'POST', path: '/v1/rest/query' },
      headers: { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    asked.end(JSON.stringify({ db: defaultSeed.database, csl }));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  };

  it('ends with what it passes on: an answer under way comes whole', async () => {
    await using two = await openTwo('passing');
    const answer = await ask(two.passed, long);
    two.west.process.kill('SIGTERM');
    await expect(
      (async () => {
        for (;;) await ask(two.passed, 'print 1');
      })(),
    ).rejects.toThrow(); // it takes no more
    const { Tables: tables } = JSON.parse(await text(answer)) as { Tables: { Rows: unknown[][] }[] };
    expect(tables[0]?.Rows).toHaveLength(rows);
    expect(await two.west.result).toMatchObject({ code: 0 });
    expect(await two.direct.query('print 1')).toEqual([[1]]);
  });

  it('has kept every row that it acknowledged while it stopped, and the next one goes on', async () => {
    await using two = await openTwo('writing');
    const { passed, east, west } = two;
    await passed.command('.create table T (N: long)');
    const acknowledged: number[] = [];
    const unknown = new Set<number>();
    for (let n = 1, since = 0; since < 20; n += 1) {
      if (n === 20) east.process.kill('SIGTERM');
      const taken = await passed.ingest('T', `${n}`).catch(() => undefined);
      if (taken === 1) acknowledged.push(n);
      else unknown.add(n);
      if (east.process.exitCode !== null && taken === 1) since += 1;
    }
    await west.printed('Stop with');
    expect(await east.result).toMatchObject({ code: 0 });
    const found = (await passed.query('T | summarize Times = count() by N | project N, Times')).map(
      ([n, times]) => [Number(n), Number(times)] as const,
    );
    expect(found.filter(([, times]) => times !== 1)).toEqual([]);
    const there = new Set(found.map(([n]) => n));
    expect(acknowledged.filter((n) => !there.has(n))).toEqual([]);
    expect([...there].filter((n) => !acknowledged.includes(n) && !unknown.has(n))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThan(35);
  });
});
