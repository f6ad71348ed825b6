import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Followers } from './follower-fixture.ts';
import { rowsOf, startFollowers } from './follower-fixture.ts';

let followers: Followers;
/** Viewers: of the leader's database, and of it in the follower alone; and whoever administers the leader's database. */
let people: Readonly<
  Record<'ofLeader' | 'ofFollower' | 'admin' | 'stranger', { readonly id: string; readonly token: string }>
>;

beforeAll(async () => {
  followers = await startFollowers();
  const person = async (name: string) => {
    const identity = await followers.newIdentity(name);
    return { id: identity.clientId, token: await followers.tokenOf(identity) };
  };
  people = {
    ofLeader: await person('viewer of the leader'),
    ofFollower: await person('viewer of the follower'),
    admin: await person('admin of the database'),
    stranger: await person('stranger'),
  };
  await followers.assign('follower', 'owner', followers.fixture.environment.clientId, 'AllDatabasesAdmin');
  await followers.assign('leader/databases/logs', 'v', people.ofLeader.id, 'Viewer');
  await followers.assign('leader/databases/logs', 'a', people.admin.id, 'Admin');
});
afterAll(() => followers[Symbol.asyncDispose]());

beforeEach(async () => {
  await followers.detach();
  expect((await followers.attach()).status).toBe(201);
});

const command = (csl: string, token?: string) => followers.command('follower', 'logs', csl, token);
const shown = async (csl = '.show follower database logs', token?: string) => rowsOf(await command(csl, token));
/** Who may read: the statuses of both viewers, and what the other one, who is in neither, gets. */
const statuses = async () => {
  const status = async ({ token }: { readonly token: string }) =>
    (await followers.query('follower', 'logs', 'T', token)).status;
  const [ofLeader, ofFollower] = [await status(people.ofLeader), await status(people.ofFollower)];
  expect(await status(people.stranger)).toBe(403);
  return { ofLeader, ofFollower };
};
const kind = (name: string) => command(`.alter follower database logs principals-modification-kind = ${name}`);
const addViewer = () => command(`.add follower database logs viewers ('aadapp=${people.ofFollower.id}') 'why'`);

describe('who may read a followed database', () => {
  it('Union: the principals of both, Replace: the follower\u2019s alone, None: the leader\u2019s alone', async () => {
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
    expect((await addViewer()).status).toBe(200);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 200 });
    await kind('replace');
    expect(await statuses()).toEqual({ ofLeader: 403, ofFollower: 200 });
    await kind('none');
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
    await kind('union');
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 200 });
    expect((await followers.arm('GET', 'follower/databases/logs')).body).toMatchObject({
      properties: { principalsModificationKind: 'Union' },
    });
    expect((await followers.query('leader', 'logs', 'T', people.ofFollower.token)).status).toBe(403);
    await command(`.drop follower database logs viewers ('aadapp=${people.ofFollower.id}')`);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
  });

  it('begins with what the configuration says, and an override outlives another default', async () => {
    await followers.attach({ defaultPrincipalsModificationKind: 'Replace' });
    expect(await statuses()).toEqual({ ofLeader: 403, ofFollower: 403 });
    await addViewer();
    expect(await statuses()).toEqual({ ofLeader: 403, ofFollower: 200 });
    await kind('none');
    await followers.attach({ defaultPrincipalsModificationKind: 'Union' });
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
  });

  it('is forgotten when the database is detached', async () => {
    await addViewer();
    await followers.detach();
    await followers.attach();
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
    expect(await shown()).toMatchObject([{ AuthorizedPrincipalsOverride: '[]' }]);
  });

  it('gives no role that the override does not name', async () => {
    await command(`.add follower database logs monitors ('aadapp=${people.ofFollower.id}')`);
    expect((await followers.query('follower', 'logs', 'T', people.ofFollower.token)).status).toBe(403);
    expect((await command('.show tables', people.ofFollower.token)).status).toBe(200);
  });
});

describe('principals that the resource manager assigns in a followed database', () => {
  const database = 'follower/databases/logs';
  const assign = (name = 'viewers') => followers.assign(database, name, people.ofFollower.id, 'Viewer');
  const assigned = async (at = database) => {
    const { status, body } = await followers.arm('GET', `${at}/principalAssignments`);
    return status === 200 ? (body as { value: { name: string }[] }).value.map(({ name }) => name) : status;
  };
  const overrides = async () => {
    const [row] = await shown();
    return JSON.parse(String(row?.['AuthorizedPrincipalsOverride'])) as unknown;
  };
  const viewer = { Principal: { DisplayName: 'viewer of the follower' }, Role: 'Viewer' };

  it('count as its own do: with the leader\u2019s, instead of them, or not at all, and are shown', async () => {
    expect((await assign()).status).toBe(201);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 200 });
    expect((await followers.query('leader', 'logs', 'T', people.ofFollower.token)).status).toBe(403);
    await kind('replace');
    expect(await statuses()).toEqual({ ofLeader: 403, ofFollower: 200 });
    await kind('none');
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
    expect(await assigned()).toEqual(['follower/logs/viewers']);
    expect(await overrides()).toMatchObject([viewer]);
    await kind('union');
    expect((await followers.arm('DELETE', `${database}/principalAssignments/viewers`)).status).toBe(202);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
  });

  it('are one list with those that commands add', async () => {
    await addViewer();
    await assign();
    expect(await overrides()).toMatchObject([{ ...viewer, Notes: '' }]);
    await addViewer();
    await command('.alter follower database logs policy caching hot = 7d');
    await command('.delete follower database logs policy caching');
    expect(await assigned()).toEqual(['follower/logs/viewers']);
    expect(await overrides()).toMatchObject([viewer]);
    await command(`.drop follower database logs viewers ('aadapp=${people.ofFollower.id}')`);
    expect(await assigned()).toEqual([]);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
  });

  it('go with what is attached, and are nobody\u2019s in another database of that name', async () => {
    const own = { location: 'eastus', kind: 'ReadWrite' };
    await assign();
    await followers.detach();
    expect(await assigned()).toBe(404);
    expect((await followers.arm('PUT', database, own)).status).toBe(201);
    expect(await assigned()).not.toContain('follower/logs/viewers');
    expect((await followers.query('follower', 'logs', 'print 1', people.ofFollower.token)).status).toBe(403);
    expect((await followers.arm('DELETE', database)).status).toBe(202);
    await followers.attach();
    expect(await assigned()).toEqual([]);
    await assign();
    await followers.attach({ databaseNameOverride: 'renamed' });
    expect(await assigned()).toBe(404);
    expect(await assigned('follower/databases/renamed')).toEqual(['follower/renamed/viewers']);
    expect((await followers.query('follower', 'renamed', 'T', people.ofFollower.token)).status).toBe(200);
    // Another database under the name that it had.
    await followers.arm('PUT', 'leader/databases/other', own);
    await followers.attach({ databaseName: 'other', databaseNameOverride: 'logs' }, 'second');
    expect(await assigned()).toEqual([]);
    expect((await followers.query('follower', 'logs', 'print 1', people.ofFollower.token)).status).toBe(403);
    await followers.detach('second');
    // What follows something else has forgotten them when it comes back.
    await followers.attach({ databaseName: 'other' });
    await followers.attach();
    expect(await assigned()).toEqual([]);
    expect(await statuses()).toEqual({ ofLeader: 200, ofFollower: 403 });
    // Nor do they count in another database of the same configuration.
    await followers.attach({ databaseName: '*' });
    await assign();
    expect(await assigned('follower/databases/other')).toEqual([]);
    expect((await followers.query('follower', 'other', 'print 1', people.ofFollower.token)).status).toBe(403);
    expect((await followers.query('follower', 'logs', 'T', people.ofFollower.token)).status).toBe(200);
    await followers.detach();
    await followers.arm('DELETE', 'leader/databases/other');
  });
});

describe('commands about a followed database', () => {
  it('.show follower database tells what is overridden', async () => {
    const fresh = {
      DatabaseName: 'logs',
      LeaderClusterMetadataPath: '',
      CachingPolicyOverride: 'null',
      AuthorizedPrincipalsOverride: '[]',
      AuthorizedPrincipalsModificationKind: 'Union',
      IsAutoPrefetchEnabled: false,
      TableMetadataOverrides: '',
      CachingPoliciesModificationKind: 'Union',
    };
    expect(await shown()).toEqual([fresh]);
    await addViewer();
    await command('.alter follower database logs policy caching hot = 7d');
    await command('.alter follower database logs tables (T, U) policy caching hotdata = 1d hotindex = 2d');
    await command('.alter follower database logs table T policy caching hot = 3d');
    await command('.alter follower database logs materialized-views (V, W) policy caching hot = 5d');
    await command('.delete follower database logs materialized-view W policy caching');
    await command('.alter follower database logs caching-policies-modification-kind = replace');
    await command('.alter follower database logs prefetch-extents = true');
    const [row, ...others] = await shown('.show follower databases');
    expect(others).toEqual([]);
    const { tenantId } = followers.fixture.environment;
    expect({
      ...row,
      ...Object.fromEntries(
        ['CachingPolicyOverride', 'AuthorizedPrincipalsOverride', 'TableMetadataOverrides'].map((name) => [
          name,
          JSON.parse(String(row?.[name])) as unknown,
        ]),
      ),
    }).toEqual({
      ...fresh,
      CachingPolicyOverride: { DataHotSpan: { Value: '7.00:00:00' }, IndexHotSpan: { Value: '7.00:00:00' } },
      AuthorizedPrincipalsOverride: [
        {
          Principal: {
            Type: 'Microsoft Entra Application',
            DisplayName: 'viewer of the follower',
            ObjectId: expect.any(String) as string,
            FullyQualifiedName: `aadapp=${people.ofFollower.id};${tenantId}`,
          },
          Role: 'Viewer',
          Notes: 'why',
        },
      ],
      IsAutoPrefetchEnabled: true,
      TableMetadataOverrides: {
        T: { CachingPolicyOverride: { DataHotSpan: { Value: '3.00:00:00' }, IndexHotSpan: { Value: '3.00:00:00' } } },
        U: { CachingPolicyOverride: { DataHotSpan: { Value: '1.00:00:00' }, IndexHotSpan: { Value: '2.00:00:00' } } },
        V: { CachingPolicyOverride: { DataHotSpan: { Value: '5.00:00:00' }, IndexHotSpan: { Value: '5.00:00:00' } } },
      },
      CachingPoliciesModificationKind: 'Replace',
    });
    await command('.delete follower database logs policy caching');
    await command('.delete follower database logs tables (T, U) policy caching');
    await command('.delete follower database logs materialized-views (V) policy caching');
    expect(await shown('.show follower database logs | project CachingPolicyOverride, TableMetadataOverrides')).toEqual(
      [{ CachingPolicyOverride: 'null', TableMetadataOverrides: '' }],
    );
    expect(await shown('.show follower databases (logs)')).toMatchObject([{ IsAutoPrefetchEnabled: true }]);
  });

  it('.show database principals tells who counts', async () => {
    await addViewer();
    const roles = async () =>
      (await shown('.show database logs principals')).map(({ Role, PrincipalDisplayName }) => [
        Role,
        PrincipalDisplayName,
      ]);
    const ofLeader = [
      ['Database logs Admin', 'admin of the database'],
      ['Database logs Viewer', 'viewer of the leader'],
    ];
    const ofFollower = ['Database logs Viewer', 'viewer of the follower'];
    expect(await roles()).toEqual(expect.arrayContaining([...ofLeader, ofFollower]));
    await kind('replace');
    expect(await roles()).toEqual([['Database logs Admin', expect.any(String)], ofFollower]);
    await kind('none');
    expect((await command('.show database logs principals', people.admin.token)).text).not.toContain(ofFollower[1]);
  });

  it('.show policy caching tells what holds', async () => {
    await followers.command('leader', 'logs', '.alter database logs policy caching hot = 30d');
    await followers.command('leader', 'logs', '.alter table T policy caching hot = 20d');
    const days = async () =>
      Promise.all(
        ['.show database logs policy caching', '.show table T policy caching'].map(async (csl) => {
          const [row] = await shown(csl);
          return (JSON.parse(String(row?.['Policy'])) as { DataHotSpan: string } | null)?.DataHotSpan ?? null;
        }),
      );
    expect(await days()).toEqual(['30.00:00:00', '20.00:00:00']);
    await command('.alter follower database logs policy caching hot = 3d');
    expect(await days()).toEqual(['3.00:00:00', '20.00:00:00']);
    await command('.alter follower database logs caching-policies-modification-kind = replace');
    expect(await days()).toEqual(['3.00:00:00', null]);
    await command('.alter follower database logs table T policy caching hot = 2d');
    await command('.delete follower database logs policy caching');
    expect(await days()).toEqual([null, '2.00:00:00']);
    await command('.alter follower database logs caching-policies-modification-kind = none');
    expect(await days()).toEqual(['30.00:00:00', '20.00:00:00']);
    expect((await shown('.show database logs details'))[0]?.['CachingPolicy']).toContain('30.00:00:00');
    const [row] = rowsOf(await followers.command('leader', 'logs', '.show table T policy caching'));
    expect(row?.['Policy']).toContain('20.00:00:00');
  });

  it('are for whoever administers the database or the follower', async () => {
    const { admin, ofLeader, stranger } = people;
    for (const { token } of [ofLeader, stranger])
      for (const csl of [
        '.show follower database logs',
        `.add follower database logs admins ('aadapp=${people.stranger.id}')`,
        '.alter follower database logs principals-modification-kind = replace',
        '.alter follower database logs policy caching hot = 1d',
        '.delete follower database logs policy caching',
        '.alter follower database logs prefetch-extents = true',
      ])
        expect([csl, (await command(csl, token)).status]).toEqual([csl, 403]);
    expect(await shown('.show follower databases', ofLeader.token)).toEqual([]);
    expect(await shown(undefined, admin.token)).toHaveLength(1);
    expect((await command('.alter follower database logs prefetch-extents = true', admin.token)).status).toBe(200);
    await kind('replace');
    expect((await command('.show follower database logs', admin.token)).status).toBe(403);
    expect(await shown()).toHaveLength(1);
  });

  it('are refused where there is nothing to change', async () => {
    for (const [csl, text] of [
      ['.show follower database nowhere', "follows no database 'nowhere'"],
      ['.alter follower database nowhere prefetch-extents = true', "follows no database 'nowhere'"],
      [".add follower database logs viewers ('aaduser=nobody@example.com')", 'was not found'],
      [".add follower database logs viewers ('someone')", 'is not a principal'],
      [`.add follower database logs viewers ('aadapp=${people.stranger.id};common')`, 'was not found'],
      ['.alter follower database logs database-name-override = other', 'not supported'],
      ['.alter follower database logs tables include add (T*)', 'tableLevelSharingProperties'],
      [".drop follower databases (logs) from 'path'", 'attachedDatabaseConfigurations'],
    ] as const) {
      const answer = await command(csl);
      expect([csl, answer.status, answer.text]).toEqual([csl, 400, expect.stringContaining(text)]);
    }
    const hotWindow =
      '.alter follower database logs policy caching hot = 1d, hot_window = datetime(2024-01-01) .. datetime(2024-02-01)';
    expect((await command(hotWindow)).text).toContain('A hot window of a followed database is not');
    expect(await shown()).toMatchObject([{ AuthorizedPrincipalsOverride: '[]', CachingPolicyOverride: 'null' }]);
    expect((await followers.command('leader', 'logs', '.show follower database logs')).status).toBe(400);
  });
});
