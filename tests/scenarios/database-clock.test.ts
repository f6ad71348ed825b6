import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RootKey } from '../../src/state/root-key.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import type { Postgres } from '../support/postgres.ts';
import { quickDirectory } from '../support/quick-directory.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { SteppedHost } from '../support/stepped-host.ts';
import { until } from '../support/until.ts';

// Nodes that share a state go by the clock of its database.

describe.skipIf(!hasPostgres)('a machine whose clock differs from that of its database', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  const root = quickDirectory('kustody-clock-');
  afterAll(() => postgres.stop());
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  it.each([-6_000, 6_000])('by %i ms: serves, and is not ready before it agrees again', async (byMs) => {
    const host = new SteppedHost();
    host.step(byMs);
    await using fixture = await startServerFixture({
      host,
      rootKey: new RootKey(Buffer.alloc(32, 7)),
      statePlace: {
        address: parsePostgresAddress(postgres.url(`clock_${byMs + 6_000}`)),
        password: () => databasePassword,
      },
    });
    const ready = () => fixture.send({ host: 'localhost', method: 'GET', path: '/readyz' });
    expect(await ready()).toMatchObject({
      status: 503,
      body: { reason: 'Its clock differs from that of the database.' },
    });
    expect(await fixture.tokenFor('https://vault.azure.net')).not.toBe('');
    host.correct();
    await until(async () => (await ready()).status === 200); // with the next heartbeat
    host.step(4_000);
    await fixture.tokenFor('https://vault.azure.net');
    expect((await ready()).status).toBe(200);
    // A step of a running node.
    const { clocks } = fixture.server.controls;
    host.step(Math.sign(byMs) * 4_000 - 4_000 + byMs);
    await until(async () => (await ready()).status === 503);
    expect(await ready()).toMatchObject({ body: { reason: 'Its clock differs from that of the database.' } });
    expect(clocks.destructionHeld()).toBe(true);
    host.correct();
    await until(async () => (await ready()).status === 200);
    expect(clocks.destructionHeld()).toBe(false);
  });

  it.each([false, true])('by 3 s: tells the times that the node before has told (virtual: %s)', async (virtualTime) => {
    const schema = `shared_${virtualTime}`;
    const rootKey = new RootKey(Buffer.alloc(32, 7));
    const directory = mkdtempSync(join(root, 'data-'));
    const statePlace = { address: parsePostgresAddress(postgres.url(schema)), password: () => databasePassword };
    const client = new pg.Client({
      ...{ host: '127.0.0.1', port: postgres.port, user: 'kustody', database: 'postgres' },
      password: databasePassword,
    });
    await client.connect();
    const databaseNow = async (): Promise<number> => {
      const { rows } = await client.query<{ now: number }>(
        'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::float8 AS now',
      );
      return rows[0]?.now ?? NaN;
    };
    const movedMs = virtualTime ? 3_600_000 : 0;
    let last = -Infinity;
    for (const byMs of [-3_000, 3_000, 0]) {
      const host = new SteppedHost();
      host.step(byMs);
      await using fixture = await startServerFixture({
        ...{ host, dataDirectory: directory, rootKey, statePlace, virtualTime },
      });
      const { clocks } = fixture.server.controls;
      if (byMs === -3_000) await clocks.virtual?.advance(movedMs);
      const from = await databaseNow();
      const [read, wall] = [clocks.read(), clocks.wallClock.now()];
      const to = await databaseNow();
      const errorMs = read.databaseErrorMs ?? Infinity;
      expect(errorMs).toBeLessThan(2_000);
      // It is told in whole milliseconds.
      expect(read.now).toBeGreaterThanOrEqual(from + movedMs - errorMs - 1);
      expect(read.now).toBeLessThanOrEqual(to + movedMs + errorMs + 1);
      expect(read.now).toBeGreaterThan(last);
      last = read.now - errorMs;
      expect(wall).toBeGreaterThanOrEqual(from - errorMs - 1); // of tokens
      expect(wall).toBeLessThanOrEqual(to + errorMs + 1);
    }
    await client.end();
  });
});
