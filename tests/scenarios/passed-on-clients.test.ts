import { fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readControlFile } from '../../src/server/control-file.ts';
import { defaultSeed } from '../../src/server/seed.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { kustody } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { openNodes } from '../support/nodes.ts';
import type { Postgres } from '../support/postgres.ts';
import { hasPostgres, startPostgres } from '../support/postgres.ts';

const root = join(import.meta.dirname, '..', '..');
const anyPorts = ['--port', '0', '--kusto-port', '0', '--proxy-port', '0', '--advertise', '127.0.0.1:0'];

type Variables = Readonly<Record<string, string>>;

describe.skipIf(!hasPostgres)('the official clients at a node that stands by', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  /** As it says where it passes connections on. */
  async function portsOf(node: StartedCommand): Promise<readonly [port: string, kusto: string, proxy: string]> {
    let said = '';
    node.process.stdout?.on('data', (piece: Buffer) => (said += piece.toString()));
    await node.printed('are passed on');
    const [, port = '', kusto = '', proxy = ''] = /ports (\d+), (\d+) and (\d+) are passed on/.exec(said) ?? [];
    return [port, kusto, proxy];
  }

  /** What `kustody env` says, with the ports of the node that stands by; of the directory of the one that serves it says nothing. */
  async function environmentAt(served: string, west: readonly string[]): Promise<Variables> {
    const file = readControlFile(served) ?? expect.unreachable();
    const { stdout } = await kustody(['env', '--data', served, '--format', 'json']);
    const told = JSON.parse(stdout) as Readonly<Record<string, string | null>>;
    const moved = [file.port, file.kustoPort, file.proxyPort].map(
      (port, index) => [`:${port}`, `:${west[index]}`] as const,
    );
    const values = Object.entries(told).flatMap(([name, value]): [string, string][] =>
      value === null || name === 'KUSTODY_DATA_DIR'
        ? []
        : [[name, moved.reduce((all, [from, to]) => all.replaceAll(from, to), value)]],
    );
    for (const [, value] of values) for (const [from] of moved) expect(value.endsWith(from)).toBe(false);
    return { ...Object.fromEntries(values), PATH: process.env['PATH'] ?? '' };
  }

  it('perform the article, errors and loss of the key included, and put rows in by queues and streams', async () => {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    await using nodes = await openNodes(server, azurite, 'clients');
    const east = nodes.start('east', '--seed', ...anyPorts);
    await east.printed('Stop with');
    const west = nodes.start('west', '--standby', ...anyPorts);
    const env = await environmentAt(nodes.dataOf('east'), await portsOf(west));

    const article = spawn(process.execPath, [join(root, 'dist', 'article.js'), '--json'], { env });
    const [said, problems, [code]] = await Promise.all([
      text(article.stdout),
      text(article.stderr),
      once(article, 'close') as Promise<[number | null]>,
    ]);
    expect({ code, problems }).toEqual({ code: 0, problems: '' });
    const { ok, steps, errors } = JSON.parse(said) as { ok: boolean; steps: unknown[]; errors: unknown[] };
    expect({ ok, errors: errors.length }).toEqual({ ok: true, errors: 8 });
    expect(steps.length).toBeGreaterThan(10);

    const { seeded, command } = await openLiveCluster(nodes.dataOf('east'));
    await command('.create table T (Note: string)');
    const client = fork(join(root, 'tests', 'wire', 'kusto-data', 'clients.client.mjs'), [], { env });
    const call = async (name: string, more: object): Promise<unknown> => {
      const asked = { call: name, uri: seeded.clusterUri, database: defaultSeed.database, ...more };
      client.send({ id: name, call: asked });
      const [{ outcome }] = (await once(client, 'message')) as [{ outcome: unknown }];
      return outcome;
    };
    try {
      expect(await call('ingest', { table: 'T', format: 'csv', data: 'streamed-4711\n' })).toHaveProperty('value');
      const properties = { format: 'csv', flushImmediately: true, reportLevel: 2, reportMethod: 1 };
      const status = await call('status', { table: 'T', data: 'queued-4711\n', properties });
      expect(status).toMatchObject({ value: { status: 'Succeeded' } });
      const rows = JSON.stringify(await call('query', { text: 'T | order by Note asc' }));
      for (const note of ['streamed-4711', 'queued-4711']) expect(rows).toContain(note);
    } finally {
      client.kill();
    }
  });
});
