import { Agent, request } from 'node:https';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { localToken } from '../../src/server/local-client.ts';
import { sendLocal } from '../../src/server/local-request.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite, startWayTo } from '../support/azurite.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)('a node that stands by', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  const open = (schema: string) => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    return openNodes(server, azurite, schema);
  };

  /** Of all Kustody's to the database. */
  const endConnections = async (): Promise<void> => {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    await client.connect();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE starts_with(application_name, 'kustody')`,
    );
    await client.end();
  };

  /** A connection to the cluster's own process, on which requests go one after the other. */
  async function keptConnection({ environment, seeded }: LiveCluster) {
    const token = await localToken(environment, 'https://kusto.kusto.windows.net');
    const host = new URL(seeded.clusterUri).hostname;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: environment.caCertificate });
    return {
      close: () => agent.destroy(),
      /** @returns the status and the text of the answer; undefined: there is none */
      ask: async (csl: string): Promise<{ status: number | undefined; body: string } | undefined> => {
        const asked = request({
          ...{ agent, host: '127.0.0.1', port: environment.port, servername: host },
          ...{ method: 'POST', path: '/v1/rest/query' },
          headers: { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        });
        asked.end(JSON.stringify({ db: defaultSeed.database, csl }));
        try {
          const [answer] = (await once(asked, 'response')) as [IncomingMessage];
          return { status: answer.statusCode, body: await text(answer) };
        } catch {
          return undefined;
        }
      },
    };
  }

  it('serves what another had acknowledged that was killed, lost its database or stopped, from a directory of its own', async () => {
    await using nodes = await open('killed');
    const east = nodes.start('east', '--seed');
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby');
    await west.printed('Standing by');
    const before = await openLiveCluster(nodes.dataOf('east'));
    await before.command('.create table T (A: long)');
    await before.command('.set-or-append T <| range A from 1 to 700 step 1');
    let acknowledged = 700;
    const killed = new Promise<void>((resolve) => {
      void (async () => {
        for (;;) {
          const taken = await before.ingest('T', `${acknowledged}\n`).catch(() => undefined);
          if (taken === undefined) break;
          acknowledged += taken;
          if (acknowledged === 720) nodes.signal(east, 'SIGKILL');
        }
        resolve();
      })();
    });
    await killed;
    await west.printed('Stop with');
    const after = await openLiveCluster(nodes.dataOf('west'), before.seeded);
    const [[count] = []] = await after.query('T | count');
    expect([0, 1]).toContain(Number(count) - acknowledged); // one may have been made, and not acknowledged
    expect(await after.ingest('T', '1\n')).toBe(1);

    const rows = Number(count) + 1;

    const again = nodes.start('east', '--standby');
    await again.printed('Standing by');
    await endConnections(); // as a database does that is started again
    expect(await west.result).toMatchObject({ code: 1, stderr: expect.stringContaining('is lost') as string });
    await again.printed('Stop with');
    const back = await openLiveCluster(nodes.dataOf('east'), before.seeded);
    expect(await back.query('T | count')).toEqual([[rows]]);

    const last = nodes.start('west', '--standby');
    await last.printed('Standing by');
    again.process.kill('SIGTERM');
    expect(await again.result).toMatchObject({ code: 0 });
    await last.printed('Stop with');
    const there = await openLiveCluster(nodes.dataOf('west'), before.seeded);
    expect(await there.query('T | count')).toEqual([[rows]]);
  });

  it('stays out of the turn while it does not reach the extents, says why, and serves once it does', async () => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    const behind = azurite;
    const way = await startWayTo(behind);
    const newContainer = async (): Promise<string> =>
      (await behind.newContainer()).replace(behind.endpoint, way.endpoint);
    await using nodes = await openNodes(server, { ...behind, ...way, newContainer }, 'blobs_away');
    const east = nodes.start('east', '--seed');
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', '--log-level', 'info');
    await west.printed('Standing by');
    const log = (): string => readFileSync(join(nodes.dataOf('west'), 'kustody.log'), 'utf8');
    expect(log()).not.toContain('blobs-not-reached');
    way.isOpen = false;
    east.process.kill('SIGKILL');
    await until(() => log().includes('blobs-not-reached'));
    expect(log()).toContain(`The store of sealed extents is not available: ${way.endpoint}`);
    expect(west.process.exitCode).toBe(null);
    way.isOpen = true;
    await west.printed('Stop with');
    expect(log()).toContain('blobs-reached');
    way.close();
  });

  it('answers nothing that a state out of reach, or a pause, has kept from it', async () => {
    await using nodes = await open('paused');
    const east = nodes.start('east', '--seed');
    await east.printed('Stop with');
    const before = await openLiveCluster(nodes.dataOf('east'));
    await before.command('.set T <| range A from 1 to 700 step 1 | extend Secret = "4711"');
    const connection = await keptConnection(before);
    const good = { status: 200, body: expect.stringContaining('4711') as string };
    expect(await connection.ask('T | take 1')).toMatchObject(good);
    const { environment } = before;
    const token = await localToken(environment, 'https://management.azure.com');
    /** A request that nobody answers is given up. */
    const subscriptions = () =>
      sendLocal(
        { address: '127.0.0.1', port: environment.port, ca: environment.caCertificate },
        {
          ...{ host: 'management.azure.com', method: 'GET', path: '/subscriptions?api-version=2022-12-01' },
          ...{ headers: { authorization: `Bearer ${token}` }, timeoutMs: 500, answerBytesMax: 1024 * 1024 },
        },
      ).catch(() => undefined);
    server?.signal('SIGSTOP');
    try {
      const asked = connection.ask('T | take 1');
      let refused = await subscriptions();
      await until(async () => (refused = await subscriptions())?.status === 503);
      expect(refused?.body.toString()).toContain('NodeLeaseExpired');
      server?.signal('SIGCONT');
      expect([200, 503]).toContain((await asked)?.status); // it was admitted, or came too late
    } finally {
      server?.signal('SIGCONT');
    }
    await until(async () => (await subscriptions())?.status === 200);
    await until(async () => (await connection.ask('T | take 1'))?.status === 200);

    const west = nodes.start('west', '--standby');
    await west.printed('Standing by');
    nodes.signal(east, 'SIGSTOP');
    await west.printed('Stop with');
    const after = await openLiveCluster(nodes.dataOf('west'), before.seeded);
    expect(await after.query('T | count')).toEqual([[700]]);
    await after.setKeyEnabled(false);
    expect(await after.queryStatus('T | take 1')).toBe(503);
    const late = connection.ask('T | take 1');
    nodes.signal(east, 'SIGCONT');
    const answer = await late;
    expect(answer?.status).not.toBe(200);
    expect(answer?.body ?? '').not.toContain('4711');
    const { code, stderr } = await east.result;
    expect({ code, why: /^kustody: The state .* is lost: .*$/m.test(stderr) }).toEqual({ code: 1, why: true });
    connection.close();
  });

  it.each([
    [['--standby'], 'for a state that --state names'],
    [['--standby', '--state', 'postgres://me@127.0.0.1:1/d'], 'in a container that --blobs names'],
  ])('is refused with %j', async (options, why) => {
    using directory = temporaryDirectory();
    const { code, stdout, stderr } = await kustody(['up', '--data', join(directory.path, 'data'), ...options]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: '', stderr: expect.stringContaining(why) as string });
  });

  it('has the extents where it reaches them: a directory that is new to a state is refused otherwise', async () => {
    await using nodes = await open('elsewhere');
    const [east, west] = ['east', 'west'].map((name) => nodes.dataOf(name)) as [string, string];
    const run = (data: string, ...options: string[]) =>
      kustody(['run', '--data', data, ...nodes.state, ...options, '--', 'true'], nodes.secrets);
    expect(await run(east)).toMatchObject({ code: 0 });
    const why = expect.stringContaining('belongs to another data directory') as string;
    expect(await run(west)).toMatchObject({ code: 1, stderr: why });
    expect(await run(west, ...nodes.blobs)).toMatchObject({ code: 0 });
    expect(await run(west)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Give that with --blobs') as string,
    });
  });
});
