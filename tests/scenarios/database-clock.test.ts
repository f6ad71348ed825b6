import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RootKey } from '../../src/state/root-key.ts';
import { parsePostgresAddress } from '../../src/state/postgres/postgres-address.ts';
import { databasePassword, hasPostgres, startPostgres } from '../support/postgres.ts';
import type { Postgres } from '../support/postgres.ts';
import { startServerFixture } from '../support/server-fixture.ts';
import { SteppedHost } from '../support/stepped-host.ts';
import { until } from '../support/until.ts';

// Nodes that share a state go by the clock of its database.

describe.skipIf(!hasPostgres)('a machine whose clock differs from that of its database', () => {
  let postgres: Postgres;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

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
  });
});
