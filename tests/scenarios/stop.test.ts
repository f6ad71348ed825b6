import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { text } from 'node:stream/consumers';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import { localToken } from '../../src/server/local-client.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { until } from '../support/until.ts';

const rows = 300_000;
/** More than sockets hold, so that the answer goes on as long as nobody reads it. */
const long = `range N from 1 to ${rows} step 1 | extend Text = strcat('row number ', N, ' of many')`;
const endless = 'range N from 1 to 1000000000000 step 1 | summarize dcount(hash_sha256(tostring(N)))';

async function startStopped(...options: readonly string[]) {
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  const up = startKustody(['up', '--data', data, '--log-level', 'warn', ...options]);
  await up.printed('Stop with');
  const cluster = await openLiveCluster(data);
  const { environment, seeded } = cluster;
  const token = await localToken(environment, 'https://kusto.kusto.windows.net');
  const host = new URL(seeded.clusterUri).hostname;
  const query = async (csl: string): Promise<IncomingMessage> => {
    const asked = request({
      ...{ host: '127.0.0.1', port: environment.port, servername: host, ca: environment.caCertificate, agent: false },
      ...{ method: 'POST', path: '/v1/rest/query' },
      headers: { host, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    });
    asked.end(JSON.stringify({ db: defaultSeed.database, csl }));
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return answer;
  };
  const ready = async (): Promise<unknown> => {
    const { port, caCertificate: ca } = environment;
    const asked = request({ host: '127.0.0.1', port, servername: 'localhost', ca, agent: false, path: '/readyz' });
    asked.setHeader('host', 'localhost').end();
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    return JSON.parse(await text(answer));
  };
  return {
    ...{ data, up, cluster, query, ready },
    /** As a service manager does: to all processes of a service. */
    signalAll: () => {
      const pid = up.process.pid ?? 0;
      for (const one of [...descendantsOf(pid), pid]) process.kill(one, 'SIGTERM');
    },
    [Symbol.asyncDispose]: async () => {
      up.process.kill('SIGKILL');
      await up.result;
      directory[Symbol.dispose]();
    },
  };
}

describe('kustody up, when it is stopped', () => {
  it('answers queries under way to their end, takes no new ones, and ends', async () => {
    await using stopping = await startStopped('--stop-grace', '200');
    const answer = await stopping.query(long);
    expect(answer.statusCode).toBe(200);
    expect(await stopping.ready()).toEqual({ ready: true });
    stopping.signalAll();
    await until(async () => (await findInstance(stopping.data)) === undefined);
    await expect(stopping.query('print 1')).rejects.toThrow();
    expect(await stopping.ready()).toEqual({ ready: false, reason: 'It is starting or stopping.' });
    const { Tables: tables } = JSON.parse(await text(answer)) as { Tables: { Rows: unknown[][] }[] };
    expect(tables[0]?.Rows).toHaveLength(rows);
    expect(await stopping.up.result).toMatchObject({ code: 0, stderr: '' });
  });

  it('tells whoever waits longer than it may that it stops', async () => {
    await using stopping = await startStopped('--stop-grace', '0');
    const waiting = stopping.query(endless);
    await until(async () => {
      const shown = await stopping.cluster.command('.show queries | where State == "InProgress" | project Text');
      return JSON.stringify(shown).includes('dcount');
    });
    stopping.signalAll();
    const answer = await waiting;
    expect(answer.statusCode).toBe(503);
    expect(answer.headers['retry-after']).toBe('1');
    expect(await text(answer)).toContain('is out of reach: Kustody stops. Try again when it runs.');
    const { code, stderr } = await stopping.up.result;
    expect(code).toBe(0);
    expect(stderr).toContain('"queries-cut-off"');
  });
});
