import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { request } from 'node:https';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { findInstance } from '../../src/cli/control-client.ts';
import type { UpgradeStatus } from '../../src/server/upgrade-routes.ts';
import { newestOf, stateFormats } from '../../src/state/formats/state-formats.ts';
import type { Azurite } from '../support/azurite.ts';
import { startAzurite } from '../support/azurite.ts';
import { builtScripts } from '../support/built.ts';
import { kustody } from '../support/kustody-command.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { bundleProcesses } from '../support/process-bundle.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { until } from '../support/until.ts';
import type { NodeTold, UpgradingNode } from '../support/upgrading-node.ts';

// Processes of two versions: the second knows one format more.

const now = newestOf(stateFormats);
let bundle: Awaited<ReturnType<typeof bundleProcesses>>;
const started: ChildProcess[] = [];

beforeAll(async () => {
  bundle = await bundleProcesses({ node: 'tests/support/upgrading-node.ts' });
  symlinkSync(resolve(import.meta.dirname, '../../node_modules'), join(bundle.directory, 'node_modules'));
});
afterAll(() => bundle.remove());
const root = quickDirectory('kustody-upgrade-');
afterAll(() => rmSync(root, { recursive: true, force: true }));
const newDirectory = (): string => mkdtempSync(join(root, 'data-'));
afterEach(async () => {
  for (const child of started.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }
});

interface Node {
  readonly dataDirectory: string;
  readonly process: ChildProcess;
  /** What it has told, of a kind. Rejects when it ends without. */
  told<Kind extends NodeTold['kind']>(kind: Kind): Promise<Extract<NodeTold, { kind: Kind }>>;
  kill(signal: NodeJS.Signals): Promise<void>;
}

function start(ahead: number, dataDirectory: string, shared?: UpgradingNode['shared']): Node {
  const given: UpgradingNode = { dataDirectory, ahead, scripts: builtScripts, ...(shared && { shared }) };
  const child = fork(bundle.script('node'), [JSON.stringify(given)], { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] });
  started.push(child);
  const all: NodeTold[] = [];
  child.on('message', (told: NodeTold) => all.push(told));
  const exited = once(child, 'exit');
  let hasExited = false;
  exited.then(() => (hasExited = true)).catch(() => undefined);
  return {
    ...{ dataDirectory, process: child },
    told: async (kind) => {
      const find = () => all.find((one) => one.kind === kind);
      await until(() => Promise.resolve(find() !== undefined || hasExited));
      const found = find();
      if (found === undefined) throw new Error(`The node has not told '${kind}', but ${JSON.stringify(all)}.`);
      return found as Extract<NodeTold, { kind: typeof kind }>;
    },
    kill: async (signal) => {
      child.kill(signal);
      await exited;
    },
  };
}

async function call(node: Node, method: 'GET' | 'POST', path: string): Promise<UpgradeStatus> {
  const client = await findInstance(node.dataDirectory);
  if (client === undefined) throw new Error('It does not serve.');
  return (await client.call(method, path)) as UpgradeStatus;
}

async function answerOf(port: number, path: string): Promise<{ status: number | undefined; body: unknown }> {
  const asked = request({ ...{ host: '127.0.0.1', port, path, rejectUnauthorized: false, agent: false } }).end();
  const [answer] = (await once(asked, 'response')) as [Parameters<typeof text>[0] & { statusCode?: number }];
  return { status: answer.statusCode, body: JSON.parse(await text(answer)) };
}

it('goes by the same commands in a data directory, where the older version serves until it is finished', async () => {
  const dataDirectory = newDirectory();
  for (const ahead of [0, 1, 0]) {
    const node = start(ahead, dataDirectory);
    await node.told('serves');
    expect(await call(node, 'GET', '/upgrade')).toMatchObject({ written: now, newest: now + ahead });
    await node.kill(ahead === 1 ? 'SIGKILL' : 'SIGTERM');
  }
  const newer = start(1, dataDirectory);
  await newer.told('serves');
  const shown = await kustody(['upgrade', 'status', '--data', dataDirectory]);
  expect(shown.stdout).toContain(`To finish: format ${now + 1} (the table later_${now + 1}).`);
  const finished = await kustody(['upgrade', 'finish', '--data', dataDirectory, '--json']);
  expect(JSON.parse(finished.stdout)).toMatchObject({ written: now + 1, pending: [] });
  await newer.kill('SIGKILL');
  expect(await start(0, dataDirectory).told('failed')).toEqual({ kind: 'failed', name: 'StateFormatError' });
  const again = start(1, dataDirectory);
  await again.told('serves');
  expect(await call(again, 'POST', '/upgrade/finish')).toMatchObject({ written: now + 1, pending: [] });
});

describe.skipIf(!hasPostgres)('nodes of two versions on one state', () => {
  let server: Postgres | undefined;
  let azurite: Azurite | undefined;
  beforeAll(async () => {
    [server, azurite] = await Promise.all([startPostgres(), startAzurite()]);
  });
  afterAll(() => Promise.all([server?.stop(), azurite?.stop()]));

  async function connected(schema: string): Promise<pg.Client> {
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    client.on('error', () => undefined);
    await client.connect();
    await client.query(`SET search_path = ${schema}`);
    return client;
  }

  async function instance(schema: string) {
    if (server === undefined || azurite === undefined) throw new Error('They have not started.');
    const shared = { state: server.url(schema), blobs: await azurite.newContainer() };
    const client = await connected(schema);
    return {
      client,
      start: (ahead: number, directory = newDirectory()) => start(ahead, directory, shared),
      written: async () => (await client.query<{ format: number }>('SELECT format FROM state')).rows[0]?.format,
    };
  }

  it('write what the older one knows until all know more, and then leave it not ready', async () => {
    const { client, start: startNode, written } = await instance('rolling');
    const old = startNode(0);
    await old.told('serves');
    const newer = startNode(1);
    await newer.told('standsBy');
    await until(async () => (await call(old, 'GET', '/upgrade')).nodes.length === 2);
    expect(await call(old, 'POST', '/upgrade/finish')).toMatchObject({ written: now, newest: now });
    await old.kill('SIGTERM');
    await newer.told('serves');
    const back = startNode(0, old.dataDirectory);
    await back.told('standsBy');
    await until(async () => (await call(newer, 'GET', '/upgrade')).refusal !== undefined);
    const refused = await kustody(['upgrade', 'finish', '--data', newer.dataDirectory]);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toMatch(
      /Format \d+ is not known by all nodes: .* with version .* knows formats up to \d+\./,
    );
    expect(await written()).toBe(now);

    // One that nobody has heard of for long is not waited for; when it wakes it does not serve.
    back.process.kill('SIGSTOP');
    await client.query(`UPDATE node SET seen = seen - interval '1 minute' WHERE newest = ${now}`);
    expect(await call(newer, 'POST', '/upgrade/finish')).toMatchObject({ written: now + 1, pending: [] });
    back.process.kill('SIGCONT');
    const { why, port } = await back.told('unready');
    expect(why).toContain(`has format ${now + 1}; this Kustody knows formats up to ${now}`);
    expect(await answerOf(port, '/readyz')).toEqual({ status: 503, body: { ready: false, reason: why } });
    expect(await answerOf(port, '/healthz')).toEqual({ status: 200, body: { status: 'ok' } });
    expect(await answerOf(port, '/clock')).toMatchObject({
      status: 503,
      body: { error: { code: 'StateFormatTooNew' } },
    });
    await newer.kill('SIGKILL');
    expect(await answerOf(port, '/readyz')).toMatchObject({ status: 503 }); // nobody else serves: it does not either
    const last = startNode(1, newer.dataDirectory);
    await last.told('serves');
    expect(await call(last, 'GET', '/upgrade')).toMatchObject({ written: now + 1 });
    await back.kill('SIGTERM');
    await client.end();
  });

  it.each([
    ['before it has begun', 'SELECT 1 FROM writer FOR UPDATE'],
    ['before it has looked at the nodes', 'SELECT 1 FROM state FOR UPDATE'],
    ['while the format is made', `CREATE TABLE later_${now + 1} (n int)`],
  ])('have one format or the other when the one that finishes is killed %s', async (_, held) => {
    const { client, start: startNode, written } = await instance(`killed_${held.length}`);
    const old = startNode(0);
    await old.told('serves');
    await old.kill('SIGTERM');
    const newer = startNode(1, old.dataDirectory);
    await newer.told('serves');
    await client.query('BEGIN');
    await client.query(held);
    const asked = call(newer, 'POST', '/upgrade/finish').catch(() => undefined);
    const running = `SELECT 1 FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%CREATE TABLE later_${now + 1}%'`;
    const looker = await connected('public');
    await until(async () => (await looker.query(`${running} AND wait_event_type = 'Lock'`)).rowCount === 1);
    await newer.kill('SIGKILL');
    await asked;
    await client.query('ROLLBACK');
    await until(async () => (await looker.query(running)).rowCount === 0);
    const before = await written();
    expect([now, now + 1]).toContain(before);
    const tables = await client.query(`SELECT to_regclass('later_${now + 1}') IS NOT NULL AS made`);
    expect(tables.rows).toEqual([{ made: before === now + 1 }]);
    const again = startNode(1, newer.dataDirectory);
    await again.told('serves');
    expect(await call(again, 'POST', '/upgrade/finish')).toMatchObject({ written: now + 1 });
    await Promise.all([client.end(), looker.end()]);
  });
});
