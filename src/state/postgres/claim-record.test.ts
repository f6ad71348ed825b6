import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Postgres } from '../../../tests/support/postgres.ts';
import { databasePassword, hasPostgres, openPostgres, startPostgres } from '../../../tests/support/postgres.ts';
import { readStateRecord } from './ask-state.ts';
import { claimStateRecord } from './claim-record.ts';
import { parsePostgresAddress } from './postgres-address.ts';

const password = (): string => databasePassword;

describe.skipIf(!hasPostgres)('a record that several nodes put where the state will be', () => {
  let server: Postgres | undefined;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());

  it('is one of theirs, the same for all, and for whoever opens the state', async () => {
    const url = server?.url('claimed') ?? '';
    const address = parsePostgresAddress(url);
    const claim = (which: number) =>
      claimStateRecord(address, password, { table: 'seal', id: 'one', version: 1, value: Buffer.from(`of ${which}`) });
    const said = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(claim));
    const values = new Set(said.map(({ value }) => Buffer.from(value).toString()));
    expect([[...values], said.length]).toEqual([[expect.stringMatching(/^of [1-8]$/)], 8]);
    const store = await openPostgres(url);
    expect(await claim(9)).toEqual(said[0]); // whoever has the state open goes on
    expect(await store.get('seal', 'one')).toEqual(said[0]);
    expect(await readStateRecord(address, password, { table: 'seal', id: 'one' })).toEqual(said[0]);
    await store.close();
  });
});
