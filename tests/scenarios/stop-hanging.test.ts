import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import { openLiveCluster } from '../support/live-cluster.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { descendantsOf, isRunning } from '../support/process-tree.ts';
import { startTcpWay } from '../support/tcp-way.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)('kustody up, when what it closes hangs', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  async function startHanging(schema: string) {
    if (server === undefined) throw new Error('It has not started.');
    const { port } = server;
    const directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const way = await startTcpWay(() => [{ host: '127.0.0.1', port }]);
    const up = startKustody(
      [
        'up',
        '--data',
        data,
        '--state',
        server.url(schema, way.port),
        '--stop-grace',
        '0',
        '--log-level',
        'warn',
        '--seed',
      ],
      { KUSTODY_ROOT_KEY: 'ab'.repeat(32), PGPASSWORD: databasePassword },
    );
    await up.printed('Stop with');
    const cluster = await openLiveCluster(data);
    expect(await cluster.query('print 1')).toEqual([[1]]); // it has a process
    const { pid = 0 } = up.process;
    const processes = descendantsOf(pid);
    expect(processes.length).toBeGreaterThan(1);
    return {
      ...{ cluster, way, up },
      areGone: () => until(() => Promise.resolve(!processes.some(isRunning))),
      [Symbol.asyncDispose]: async () => {
        up.process.kill('SIGKILL');
        await up.result;
        way.close();
        directory[Symbol.dispose]();
      },
    };
  }

  it('ends with the processes it has started, and names what it left behind, when the database swallows all', async () => {
    await using hanging = await startHanging('swallowed');
    hanging.way.set('silent');
    hanging.up.process.kill('SIGTERM');
    const { code, stderr } = await hanging.up.result;
    expect(code).toBe(1);
    expect(stderr).toMatch(/"part":"[a-z ]+","ms":\d+,"msg":"close-late"/);
    expect(stderr).toMatch(/^kustody: Kustody has stopped without waiting any longer for .*state.*\. What was/m);
    await hanging.areGone();
  });

  it('ends when its state is lost, and nobody says what came of the commit that was under way', async () => {
    await using hanging = await startHanging('unknown');
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: server?.port ?? 0, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    client.on('error', () => undefined); // the database is stopped at the end
    await client.connect();
    try {
      await client.query('BEGIN');
      await client.query('LOCK TABLE unknown.writer IN ACCESS EXCLUSIVE MODE');
      hanging.cluster.newKeyVersion().catch(() => undefined); // nobody answers
      const ended = `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND relation = 'unknown.writer'::regclass`;
      await until(async () => ((await client.query(ended)).rowCount ?? 0) > 0);
      const { code, stderr } = await hanging.up.result;
      expect(code).toBe(1);
      expect(stderr).toContain('"msg":"close-late"');
      expect(stderr).toMatch(/^kustody: The state .* is lost: /m);
    } finally {
      await client.end();
    }
    await hanging.areGone();
  });
});
