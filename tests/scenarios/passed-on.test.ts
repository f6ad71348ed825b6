import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../src/base/json.ts';
import { isJsonObject } from '../../src/base/json.ts';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import { readControlFile } from '../../src/server/control-file.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { LiveCluster } from '../support/live-cluster.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';
import { countInMemory } from '../support/process-memory.ts';
import { descendantsOf } from '../support/process-tree.ts';
import { until } from '../support/until.ts';

const canary = 'Passed-On-Canary-4711';
const anyPorts = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'];

describe.skipIf(!hasPostgres)('a node that stands by and passes connections on', () => {
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

  const portIn = (data: string): number => {
    const said: unknown = JSON.parse(readFileSync(join(data, 'standby.json'), 'utf8'));
    return isJsonObject(said) ? Number(said['port']) : 0;
  };

  /** Of the certificate that clients of the cluster see. */
  async function fingerprint({ environment, seeded }: LiveCluster): Promise<string> {
    const servername = new URL(seeded.clusterUri).hostname;
    const socket = connect({ host: '127.0.0.1', port: environment.port, servername, ca: environment.caCertificate });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  }

  /** Lets only one address to the vault. */
  async function closeVault({ environment, seeded }: LiveCluster, address: string): Promise<void> {
    const token = await localToken(environment, 'https://management.azure.com');
    const call = async (method: string, path: string, body?: Json) =>
      succeeded(
        await callLocal(environment, {
          ...{ host: 'management.azure.com', method, path: `${path}?api-version=2023-07-01`, token },
          ...(body === undefined ? {} : { body }),
        }),
      );
    const list = `/subscriptions/${environment.subscriptionId}/providers/Microsoft.KeyVault/vaults`;
    const { value } = await call('GET', list);
    const [name] = new URL(seeded.vaultUri ?? '').hostname.split('.');
    const id = (value as { id: string }[]).map((vault) => vault.id).find((one) => one.endsWith(`/${name ?? ''}`));
    const networkAcls = { bypass: 'None', defaultAction: 'Deny', ipRules: [{ value: address }] };
    await call('PATCH', id ?? '', { properties: { networkAcls } });
  }

  const vaultStatus = async ({ environment, seeded }: LiveCluster): Promise<number> => {
    const token = await localToken(environment, 'https://vault.azure.net');
    const host = new URL(seeded.vaultUri ?? '').hostname;
    return (await callLocal(environment, { host, method: 'GET', path: '/keys?api-version=7.4', token })).status;
  };

  it('has the clients of the one that serves: queries, rows, revocations, no key and no row of theirs', async () => {
    await using nodes = await open('passed');
    const east = nodes.start('east', '--seed', ...anyPorts);
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', ...anyPorts);
    await west.printed('are passed on');
    const direct = await openLiveCluster(nodes.dataOf('east'));
    const port = portIn(nodes.dataOf('west'));
    const through = await openLiveCluster(nodes.dataOf('east'), direct.seeded, port);
    expect(port).not.toBe(direct.environment.port);

    await through.command('.create table T (Note: string)');
    const rows = Array.from({ length: 2_000 }, (_, n) => `${canary}-${n}`).join('\n');
    expect(await through.ingest('T', rows)).toBe(2_000);
    expect(await through.query('T | count')).toEqual([[2_000]]);
    expect(await through.query('T | summarize make_list(Note)')).toHaveLength(1);
    expect(await fingerprint(through)).toBe(await fingerprint(direct));

    const needles = { canary: Buffer.from(canary), wide: Buffer.from(canary, 'utf16le') };
    const counted = (pid = 0) => [pid, ...descendantsOf(pid)].map((one) => countInMemory(one, needles));
    expect(counted(west.process.pid).every(({ canary: n, wide }) => n === 0 && wide === 0)).toBe(true);
    expect(counted(east.process.pid).some(({ canary: n = 0 }) => n > 0)).toBe(true); // the search finds what is there
    const kept = readdirSync(nodes.dataOf('west'));
    expect(kept.filter((name) => /key|pem|control/.test(name))).toEqual([]);

    await through.setKeyEnabled(false);
    expect([await through.queryStatus('T | count'), await direct.queryStatus('T | count')]).toEqual([503, 503]);
    await through.setKeyEnabled(true);
    await until(async () => (await through.queryStatus('T | count')) === 200);

    await closeVault(direct, '127.0.0.1/32');
    expect([await vaultStatus(direct), await vaultStatus(through)]).toEqual([200, 403]);

    west.process.kill('SIGTERM');
    expect(await west.result).toMatchObject({ code: 0, stderr: '' });
    expect(existsSync(join(nodes.dataOf('west'), 'standby.json'))).toBe(false);
  });

  it('has them at the same port when it serves itself, as another has that passes on to it', async () => {
    await using nodes = await open('taken');
    const east = nodes.start('east', '--seed', ...anyPorts);
    await east.printed('Stop with');
    const [west, south] = ['west', 'south'].map((name) => nodes.start(name, '--standby', ...anyPorts)) as [
      never,
      never,
    ];
    await Promise.all([west, south].map((node: typeof east) => node.printed('are passed on')));
    const before = await openLiveCluster(nodes.dataOf('east'));
    const ports = ['west', 'south'].map((name) => portIn(nodes.dataOf(name)));
    const all = await Promise.all(ports.map((port) => openLiveCluster(nodes.dataOf('east'), before.seeded, port)));
    await before.command('.create table T (A: long)');
    let acknowledged = 0;
    const ingest = async (cluster: LiveCluster): Promise<void> => {
      acknowledged += (await cluster.ingest('T', '1\n').catch(() => undefined)) ?? 0;
    };
    for (const cluster of all) await ingest(cluster);
    expect(acknowledged).toBe(2);
    nodes.signal(east, 'SIGKILL');
    const asked = acknowledged;
    for (const cluster of all)
      await until(async () => (await ingest(cluster), acknowledged > asked + all.indexOf(cluster)));
    const [[count] = []] = (await all[0]?.query('T | count')) ?? [];
    expect(Number(count)).toBeGreaterThanOrEqual(acknowledged);
    const serving = ['west', 'south'].map((name) => readControlFile(nodes.dataOf(name))?.port);
    expect(serving.filter((port) => port !== undefined)).toHaveLength(1);
    expect(ports).toContain(serving.find((port) => port !== undefined));
  });

  it('is not to be had without a state elsewhere, and a root key that nodes share', async () => {
    using directory = temporaryDirectory();
    const { code, stderr } = await kustody([
      'up',
      '--data',
      join(directory.path, 'data'),
      '--advertise',
      '127.0.0.1:0',
    ]);
    expect({ code, stderr }).toEqual({
      code: 1,
      stderr: expect.stringContaining('for a state that --state names') as string,
    });
    const wrong = await kustody(['up', '--data', join(directory.path, 'data'), '--advertise', '127.0.0.1']);
    expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('HOST:PORT') as string });
  });
});
