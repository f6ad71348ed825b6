import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Followers } from './follower-fixture.ts';
import { rowsOf, startFollowers } from './follower-fixture.ts';

// Row level security and restricted view access of the leader hold in a follower, for its administrators, too.

let followers: Followers;
let admin: string;
beforeAll(async () => {
  followers = await startFollowers();
  for (const csl of [
    '.create table Secret (n: long, owner: string)',
    '.ingest inline into table Secret <| 1,nobody-has-this-name',
    '.create function Own() { Secret | where owner == current_principal() }',
    '.alter table Secret policy row_level_security enable "Own"',
    '.create table Barred (n: long, owner: string)',
    '.ingest inline into table Barred <| 1,nobody-has-this-name',
    '.create function Through() { Barred }',
    '.create materialized-view Seen on table Barred { Barred | summarize take_any(*) by n }',
    '.alter table Barred policy restricted_view_access true',
  ])
    rowsOf(await followers.command('leader', 'logs', csl));
  const attached = await followers.attach();
  expect(attached.status, attached.text).toBe(201);
  const identity = await followers.newIdentity('admin of the follower');
  for (const place of ['follower', 'follower/databases/logs'])
    await followers.assign(place, 'admin', identity.clientId, place === 'follower' ? 'AllDatabasesAdmin' : 'Admin');
  admin = await followers.tokenOf(identity);
});
afterAll(() => followers[Symbol.asyncDispose]());

describe('row level security of a leader', () => {
  it.each([
    'Secret | count',
    'database("logs").Secret | count',
    'union Secr* | count',
    'find in (Secret) where n > 0 | count',
    'search in (Secret) "nobody" | count',
    'let S = () { Secret }; S() | count',
    'let M = materialize(Secret); M | count',
    'print Count = toscalar(Secret | count)',
  ])('holds in its follower for whoever administers that: %s', async (csl) => {
    const answer = await followers.query('follower', 'logs', csl, admin);
    expect(answer.status, answer.text).toBe(200);
    const frames = answer.body as { TableKind?: string; Rows?: unknown[][] }[];
    const primary = frames.find(({ TableKind }) => TableKind === 'PrimaryResult');
    expect(primary?.Rows, answer.text).toEqual([[0]]);
  });

  it.each([
    '.alter table Secret policy row_level_security disable "Own"',
    '.delete table Secret policy row_level_security',
    '.create-or-alter function Own() { Secret }',
    '.set-or-append Copy <| Secret',
    '.set stored_query_result R <| Secret',
    '.export to csv (h"https://x.blob.core.windows.net/c;key") <| Secret',
    '.create materialized-view V on table Secret { Secret | summarize count() by n }',
  ])('is not taken away there: %s', async (csl) => {
    const answer = await followers.command('follower', 'logs', csl, admin);
    expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
    expect(answer.text).not.toContain('nobody-has-this-name');
  });

  it('is still there afterwards', async () => {
    const [count] = rowsOf(await followers.command('leader', 'logs', '.show table Secret policy row_level_security'));
    expect(String(count?.['Policy'])).toContain('"IsEnabled": true');
  });
});

describe('restricted view access of a leader', () => {
  it.each([
    ['Barred', 'Through', 'Seen', 'materialized_view("Seen")', 'union withsource=t *', 'search "nobody"'],
    ['union isfuzzy=true Barred, T', 'print Count = toscalar(Barred | count)', 'find "nobody"', 'Barred | sample 1'],
  ])('holds in its follower for whoever administers that: %s, %s, %s, %s …', async (...queries) => {
    for (const csl of queries) {
      const answer = await followers.query('follower', 'logs', csl, admin);
      expect([csl, answer.status]).toEqual([csl, 403]);
      expect(answer.text).toMatch(
        /not authorized to read (table 'Barred'|materialized view 'Seen'): it has a restricted/,
      );
    }
  });

  it('is not taken away there', async () => {
    for (const csl of ['.alter table Barred policy restricted_view_access false', '.set-or-append T <| Barred'])
      expect((await followers.command('follower', 'logs', csl, admin)).status, csl).toBeGreaterThanOrEqual(400);
    expect((await followers.query('follower', 'logs', 'Barred', admin)).status).toBe(403);
  });
});
