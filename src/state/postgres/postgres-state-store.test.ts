import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import { stateStoreConformance } from '../state-store.conformance.ts';

describe.skipIf(!hasPostgres)('PostgresStateStore', { timeout: 120_000 }, () => {
  let server: Postgres | undefined;
  let schemas = 0;
  const urlOf = (schema: string): string => server?.url(schema) ?? '';
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(() => server?.stop());

  stateStoreConformance('PostgresStateStore', () => {
    const url = urlOf(`state_${(schemas += 1)}`);
    return { open: () => openPostgres(url, { alone: false }), shared: true };
  });

  it('is opened by one at a time', async () => {
    const url = urlOf('one');
    const first = await openPostgres(url);
    await expect(openPostgres(url)).rejects.toMatchObject({ name: 'StateInUseError' });
    await first.close();
    const second = await openPostgres(url);
    expect(second.id).toBe(first.id);
    await second.close();
  });
});
