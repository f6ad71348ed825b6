import { rmSync } from 'node:fs';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { RootKey } from '../../src/state/root-key.ts';
import type { Postgres } from '../support/postgres.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { until } from '../support/until.ts';

describe.skipIf(!hasPostgres)('a node whose state is in PostgreSQL', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  const start = (schema: string) =>
    startServerFixture({
      rootKey: new RootKey(Buffer.alloc(32, 7)),
      statePlace: { address: parsePostgresAddress(postgres.url(schema)), password: () => databasePassword },
    });
  const readyAt = async (fixture: Awaited<ReturnType<typeof start>>) => {
    const { status, body } = await fixture.send({ host: 'localhost', method: 'GET', path: '/readyz' });
    return { status, body };
  };
  const notReady = (reason: string) => ({ status: 503, body: { ready: false, reason } });
  const ready = { status: 200, body: { ready: true } };

  it('is not ready while that does not answer, for longer than its lease too, and again when it does', async () => {
    await using fixture = await start('away');
    expect(await readyAt(fixture)).toEqual(ready);
    postgres.signal('SIGSTOP');
    try {
      expect(await readyAt(fixture)).toEqual(notReady('The state does not answer.'));
      const token = () =>
        fixture.send({ host: 'login.microsoftonline.com', method: 'GET', path: '/common/discovery/keys' });
      await until(async () => (await token()).text.includes('NodeLeaseExpired'));
      expect(await readyAt(fixture)).toEqual(notReady('The state does not answer.'));
    } finally {
      postgres.signal('SIGCONT');
    }
    await until(async () => (await readyAt(fixture)).status === 200);
  });

  it('is not ready while that takes no writes', async () => {
    await using fixture = await start('readonly');
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: postgres.port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    const reload = async (text: string): Promise<void> => {
      for (const one of ['SET default_transaction_read_only = off', text, 'SELECT pg_reload_conf()'])
        await client.query(one);
    };
    await reload('ALTER SYSTEM SET default_transaction_read_only = on');
    try {
      await until(async () => (await readyAt(fixture)).status === 503);
      expect(await readyAt(fixture)).toEqual(notReady('The state cannot be read, or takes no writes.'));
    } finally {
      await reload('ALTER SYSTEM RESET default_transaction_read_only');
      await client.end();
    }
    await until(async () => (await readyAt(fixture)).status === 200);
  });

  it('is not ready once its connection was lost: it ends', async () => {
    const fixture = await start('lost');
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: postgres.port, user: 'kustody', database: 'postgres', password: databasePassword },
    });
    await client.connect();
    await client.query('SELECT pg_terminate_backend(backend) FROM lost.heartbeat');
    await client.end();
    const answers: number[] = [];
    for (;;) {
      const answer = await readyAt(fixture).catch(() => undefined);
      if (answer === undefined) break;
      answers.push(answer.status);
    }
    expect(answers.slice(answers.indexOf(503))).not.toContain(200);
    expect((await fixture.server.lost)?.name).toBe('StateLostError');
    await expect(fixture.server.close()).rejects.toMatchObject({ name: 'StateLostError' });
    rmSync(fixture.directory, { recursive: true });
  });
});
