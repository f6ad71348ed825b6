import { execFile, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { BlobServiceClient } from '@azure/storage-blob';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { startAzurite } from '../support/azurite.ts';
import { freePorts } from '../support/free-ports.ts';
import type { StartedCommand } from '../support/kustody-command.ts';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { startTcpWay } from '../support/tcp-way.ts';
import { until } from '../support/until.ts';

const container = join(import.meta.dirname, '..', '..', 'container');
const file = join(container, 'compose-nodes.yaml');
const secrets = { KUSTODY_ROOT_KEY: 'ab'.repeat(32), KUSTODY_STATE_PASSWORD: databasePassword };

interface Service {
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>> | readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}
const isList = (value: object): value is readonly string[] => Array.isArray(value);
const document = parseDocument(readFileSync(file, 'utf8'), { strict: true, merge: true });
const { services } = document.toJS() as { services: Readonly<Record<string, Service>> };
const service = (name: string): Service => services[name] ?? expect.unreachable();
const nodeNames = Object.keys(services).filter((name) => services[name]?.command?.[0] === 'up');

/** Lines `server` of each section `listen` of the balancer. */
const sections = readFileSync(join(container, 'haproxy.cfg'), 'utf8')
  .split(/^listen /m)
  .slice(1)
  .map((text) => ({
    bound: Number(/^ {2}bind :(\d+)$/m.exec(text)?.[1]),
    servers: Object.fromEntries(
      [...text.matchAll(/^ {2}server (\w+) 127\.0\.0\.1:(\d+)$/gm)].map(([, name = '', port]) => [name, Number(port)]),
    ),
  }));
const optionOf = (name: string, option: string): string => {
  const { command = [] } = service(name);
  return command[command.indexOf(option) + 1] ?? '';
};

describe('the compose file of three nodes', () => {
  const hasCompose = spawnSync('docker-compose', ['version']).status === 0;
  it.skipIf(!hasCompose)('is one that docker-compose takes, and not without secrets', async () => {
    const config = (env: Readonly<Record<string, string>>) =>
      promisify(execFile)('docker-compose', ['-f', file, 'config', '--quiet'], {
        env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
      });
    await config(secrets);
    await expect(config({})).rejects.toThrow(/KUSTODY_(ROOT_KEY|STATE_PASSWORD)/);
  });

  it('leads the ports that are published to the ports of all nodes, which share one network', () => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
    expect(nodeNames).toEqual(['east', 'west', 'south']);
    expect(service('balancer').ports).toEqual(sections.map(({ bound }) => `127.0.0.1:${bound}:${bound}`));
    for (const [index, option] of ['--port', '--kusto-port', '--proxy-port'].entries())
      expect(sections[index]?.servers).toEqual(
        Object.fromEntries(nodeNames.map((name) => [name, Number(optionOf(name, option))])),
      );
    const image = /^EXPOSE (.*)$/m.exec(readFileSync(join(container, 'Containerfile'), 'utf8'))?.[1];
    expect(sections.map(({ bound }) => bound).join(' ')).toBe(image);
    for (const [name, { network_mode: network }] of Object.entries(services))
      expect(network).toBe(name === 'balancer' ? undefined : 'service:balancer');
    const moved = service('environment').entrypoint?.at(-1) ?? '';
    expect(moved).toContain('s/:75(43|44|80)/:74\\1/g');
    for (const option of ['--port', '--kusto-port', '--proxy-port'])
      expect(optionOf('east', option).replace(/^75(43|44|80)$/, '74$1')).toMatch(/^74/);
    for (const { depends_on: others = {} } of Object.values(services))
      for (const name of isList(others) ? others : Object.keys(others)) expect(Object.keys(services)).toContain(name);
    const { POSTGRES_USER: user, POSTGRES_DB: database } = service('postgres').environment ?? {};
    for (const name of nodeNames)
      expect(optionOf(name, '--state')).toBe(`postgres://${user}@127.0.0.1:5432/${database}`);
  });

  it.skipIf(!hasPostgres)(
    'runs, as processes: what one node took is served when it is gone, at the same port',
    async () => {
      using directory = temporaryDirectory();
      const [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
      const account = service('container').environment?.['AZURE_STORAGE_CONNECTION_STRING'] ?? '';
      const here = (text: string): string =>
        text.replaceAll('http://127.0.0.1:10000', new URL(azurite.endpoint).origin);
      await BlobServiceClient.fromConnectionString(here(account))
        .getContainerClient(service('container').command?.[5] ?? '')
        .create();
      const free = [...(await freePorts(nodeNames.length * 4))];
      const ports = new Map<string, string>();
      /** The same command, with ports that are free on this machine. */
      const start = (name: string): StartedCommand => {
        const { command = [], environment = {} } = service(name);
        const words = command.map((word, index) => {
          const before = command[index - 1] ?? '';
          if (before === '--state') return server.url('compose');
          if (before === '--advertise' || before.endsWith('port'))
            return word.replace(/\d+$/, (port) => {
              if (!ports.has(port)) ports.set(port, String(free.pop()));
              return ports.get(port) ?? '';
            });
          return here(word);
        });
        const env = Object.entries(environment).map(([key, value]): [string, string] => [
          key,
          here(value.replace(/^\$\{(\w+):\?[^}]*\}$/, (_, variable: keyof typeof secrets) => secrets[variable])),
        ]);
        return startKustody([...words, '--data', join(directory.path, name)], Object.fromEntries(env));
      };
      const started: StartedCommand[] = [];
      const balancer = await startTcpWay(() =>
        // The last one first: it passes on.
        Object.values(sections[0]?.servers ?? {})
          .toReversed()
          .map((port) => ({
            host: '127.0.0.1',
            port: Number(ports.get(String(port)) ?? 1),
          })),
      );
      try {
        const [east, ...others] = nodeNames.map((name) => ({ name, run: () => start(name) }));
        const first = east?.run() ?? expect.unreachable();
        started.push(first);
        await first.printed('Stop with');
        started.push(...others.map(({ run }) => run()));
        await Promise.all(started.slice(1).map((node) => node.printed('are passed on')));
        const direct = await openLiveCluster(join(directory.path, 'east'));
        const cluster = await openLiveCluster(join(directory.path, 'east'), direct.seeded, balancer.port);
        await cluster.command('.create table T (A: long)');
        await cluster.command('.set-or-append T <| range A from 1 to 700 step 1');
        first.process.kill('SIGTERM');
        expect(await first.result).toMatchObject({ code: 0 });
        await until(async () => (await cluster.queryStatus('T | count').catch(() => 0)) === 200);
        expect(await cluster.query('T | count')).toEqual([[700]]);
      } finally {
        balancer.close();
        for (const { process: child } of started) child.kill('SIGKILL');
        await Promise.all(started.map(({ result }) => result));
        await Promise.all([server.stop(), azurite.stop()]);
      }
    },
  );
});
