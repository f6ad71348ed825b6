import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { withForcedSecurity } from '../catalog/views.ts';
import { readResult } from './command-pipe.ts';
import type { CommandCaller, CommandContext } from './command-context.ts';
import { queryRequest } from './query-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  for (const text of [
    '.create table T (owner:string, n:long)',
    '.create table Plain (owner:string, n:long)',
    '.create table U (owner:string, n:long)',
    '.ingest inline into table T <| ann,1\nann,2\nbob,3',
    '.ingest inline into table Plain <| eve,9',
    '.create function Mine() { T | where current_principal() endswith owner }',
    '.create function OfT(t:string) { table(t) | where current_principal() endswith owner }',
    '.create function Everything() { T }',
    '.create function with (skipvalidation=true) Scalar() { toscalar(T | count) }',
  ])
    await cluster.run(text);
  await cluster.context.data.flush('db', 'T');
});
afterAll(() => cluster.close());

const caller = (name: string, memberOf: readonly string[] = []): CommandCaller => ({
  ...cluster.context.caller,
  ...{ fqn: `aadapp=${name}`, memberOf },
});
const contextOf = (one: CommandCaller): CommandContext => ({ ...cluster.context, caller: one });

async function ask(one: CommandCaller, text: string, isForced = false): Promise<readonly (readonly unknown[])[]> {
  const request = queryRequest(contextOf(one), text);
  const catalog = isForced ? withForcedSecurity(request.catalog) : request.catalog;
  return (await readResult(await cluster.engine.execute({ ...request, catalog }))).rows;
}
const enable = (query: string, table = 'T', how = 'enable'): Promise<unknown> =>
  cluster.run(`.alter table ${table} policy row_level_security ${how} "${query.replaceAll('"', '\\"')}"`);

describe('a table with row level security', () => {
  beforeEach(() => enable('Mine'));

  it.each([
    ['T | count'],
    ['T | summarize count()'],
    ['T | summarize max(n), min(n) | project 1 + max_n - min_n'],
    ["table('T') | count"],
    ["database('db').T | count"],
    ["database('db').table('T') | count"],
    ["cluster('contoso').database('db').T | count"],
    ['Everything | count'],
    ['Everything() | count'],
    ['print Scalar()'],
    ['print toscalar(T | summarize count())'],
    ['let V = T; V | count'],
    ['let V = () { T }; V | count'],
    ['let V = view () { T }; union V | count'],
    ['union T | count'],
    ['union T* | count'],
    ['union withsource=x * | where x == "T" | count'],
    ['search in (T) * | count'],
    ['search * | where $table == "T" | count'],
    ['find in (T) where n > 0 | count'],
    ['find where n > 0 and owner != "eve" | count'],
    ['Plain | join kind=fullouter (T) on owner | where isnotempty(owner1) | count'],
    ['Plain | where toscalar(T | count) > 0 | project toscalar(T | count)'],
    ['range x from 1 to 1 step 1 | extend c = toscalar(T | count) | project c'],
    ['let n = materialize(T); n | count'],
    ['T | as hint.materialized=true X | count'],
    ['T | where extent_id() != guid(null) | count'],
    ['T | where ingestion_time() > datetime(1990-01-01) | count'],
    ['T | evaluate narrow() | summarize dcount(Row)'],
    ['macro-expand entity_group [database("db")] as X (X.T) | count'],
    ['declare pattern P = (a:string) { ("x") = { T; }; }; P("x") | count'],
    ['union isfuzzy=true T, Nowhere | count'],
    ['set best_effort; union T, Nowhere | count'],
  ])('gives each only what its query gives: %s', async (query) => {
    expect(await ask(caller('bob'), query)).toEqual([[1n]]);
    expect(await ask(caller('ann'), query)).toEqual([[2n]]);
  });

  it('gives nothing to whom its query gives nothing, the administrator who set it included', async () => {
    expect(await ask(cluster.context.caller, 'T | count')).toEqual([[0n]]);
    expect(await ask(cluster.context.caller, 'T')).toEqual([]);
  });

  it('cannot be asked for in other words: what a query declares means nothing in the policy', async () => {
    for (const query of [
      'let Mine = () { Plain }; T | count',
      'let current_principal = () { "ann" }; T | count',
      'let owner = "ann"; T | count',
      "let T = Plain; database('db').T | count",
    ])
      expect(await ask(caller('bob'), query)).toEqual([[1n]]);
  });

  it('is named as before in columns of sources', async () => {
    expect(await ask(caller('bob'), 'union withsource=s T, Plain | distinct s | order by s asc')).toEqual([
      ['Plain'],
      ['T'],
    ]);
    expect(await ask(caller('bob'), 'search in (T) * | distinct $table')).toEqual([['T']]);
  });

  it('keeps its rows from commands that copy them, and from stored results', async () => {
    await cluster.run('.set-or-replace Copy <| T', { caller: caller('bob') });
    expect(await ask(caller('ann'), 'Copy | project owner')).toEqual([['bob']]);
    expect(
      await cluster.run('.show tables | where TableName == "T" | extend c = toscalar(T | count) | project c', {
        caller: caller('bob'),
      }),
    ).toEqual([{ c: 1n }]);
    await cluster.run('.drop table Copy');
  });

  it('lets a purge find all rows', async () => {
    await cluster.run('.ingest inline into table T <| zoe,7');
    await cluster.run(".purge table T records in database db with (noregrets='true') <| where owner == 'zoe'");
    await cluster.run('.delete table T policy row_level_security');
    expect(await ask(caller('bob'), 'T | count')).toEqual([[3n]]);
  });
});

describe('the query of row level security', () => {
  it('may mask columns and know groups', async () => {
    const group = 'aadgroup=74be27de-1e4e-49d9-b579-fe0b331d3642';
    await enable(
      `let IsManager = current_principal_is_member_of('${group}'); union (T | where IsManager), (T | where not(IsManager) and current_principal() endswith owner | extend owner = '***')`,
    );
    expect(await ask(caller('bob'), 'T')).toEqual([['***', 3n]]);
    expect(await ask(caller('bob', [`${group};tenant`]), 'T | count')).toEqual([[3n]]);
  });

  it('may ask how a user signs in, as the page of the policy has it', async () => {
    const owners =
      'let OwnersOf = datatable(User: string, Owner: string)["ann@contoso.com", "ann", "eve@contoso.com", "bob"];';
    const own = 'OwnersOf | where User == current_principal_details()["UserPrincipalName"] | project Owner';
    await enable(`${owners} T | where owner in ((${own}))`);
    const user = (name: string): CommandCaller => ({
      ...caller(name, [`aadgroup=g;tenant`, `aaduser=${name}@contoso.com`]),
      fqn: `aaduser=${name};tenant`,
    });
    expect(await ask(user('ann'), 'T | count')).toEqual([[2n]]);
    expect(await ask(user('eve'), 'T | count')).toEqual([[1n]]);
    expect(await ask(user('bob'), 'T | count')).toEqual([[0n]]);
    expect(await ask(caller('ann', ['ann@contoso.com']), 'T | count')).toEqual([[0n]]);
    const { objectId, tenantId: Authority, displayName } = cluster.context.caller;
    const told = async (one: CommandCaller): Promise<unknown> =>
      JSON.parse(String((await ask(one, 'print current_principal_details()'))[0]?.[0]));
    const common = { IdentityProvider: 'https://sts.windows.net', Authority, Mfa: 'False', ObjectId: objectId };
    expect(await told(user('ann'))).toEqual({
      ...{ ...common, UserPrincipalName: 'ann@contoso.com', Type: 'AadUser', FQN: null, Notes: null },
      DisplayName: `${displayName} (upn: ann@contoso.com)`,
    });
    expect(await told(caller('load'))).toEqual({
      ...{ ...common, UserPrincipalName: null, Type: 'AadApp', FQN: null, Notes: null },
      DisplayName: `${displayName} (app id: load)`,
    });
  });

  it('holds where a query asks for it, though it is disabled', async () => {
    await enable('Mine', 'T', 'disable');
    expect(await ask(caller('bob'), 'T | count')).toEqual([[3n]]);
    expect(await ask(caller('bob'), 'set query_force_row_level_security; T | count')).toEqual([[1n]]);
    expect(await ask(caller('bob'), 'set query_force_row_level_security=false; T | count')).toEqual([[3n]]);
    expect(await ask(caller('bob'), 'T | count', true)).toEqual([[1n]]);
    expect(JSON.parse(String((await cluster.run('.show table T policy row_level_security'))[0]?.['Policy']))).toEqual({
      IsEnabled: false,
      Query: 'Mine',
    });
  });

  it('takes parameters, as one function for several tables', async () => {
    await enable("OfT('T')");
    expect(await ask(caller('bob'), 'T | count')).toEqual([[1n]]);
  });

  it('shows nothing once it means nothing any more', async () => {
    await cluster.run('.create-or-alter function Gone() { T }');
    await enable('Gone');
    await cluster.run('.drop function Gone');
    for (const query of ['T | count', 'union isfuzzy=true T, Plain | count', 'set best_effort; union T, Plain | count'])
      await expect(ask(caller('bob'), query)).rejects.toThrow(
        "The row level security policy of the table 'T' is not valid",
      );
    await cluster.run('.create-or-alter function Gone() { U }');
    await enable('Gone');
    await enable('U', 'U');
    await expect(ask(caller('bob'), 'T | count')).rejects.toThrow("it reads the table 'U'");
    await cluster.run('.delete table U policy row_level_security');
    await cluster.run('.delete table T policy row_level_security');
    expect(await cluster.run('.show table T policy row_level_security')).toMatchObject([{ Policy: 'null' }]);
  });

  it.each([
    ['Nowhere', 'is not valid'],
    ['T | where', 'is not valid'],
    ['print 1', 'gives other columns'],
    ['T | extend more = 1', 'gives other columns'],
    ['T | project owner', 'gives other columns'],
    ['T; T', 'exactly one result'],
    ["database('other').T", 'is not valid'],
    ["T | where current_principal_is_member_of('aadgroup=sales@contoso.com')", 'object ids'],
  ])('%s is refused', async (query, why) => {
    if (why === 'object ids') {
      await enable(query);
      await expect(ask(caller('bob'), 'T | count')).rejects.toThrow(why);
      await cluster.run('.delete table T policy row_level_security');
    } else
      await expect(enable(query)).rejects.toMatchObject({
        code: 'InvalidPolicy',
        message: expect.stringContaining(why) as string,
      });
  });

  it('does not read other tables that have one, and stands in no table that only unrestricted viewers read', async () => {
    await enable('U', 'U');
    await expect(enable('U')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await cluster.run('.delete table U policy row_level_security');
    await cluster.run('.alter tables (U, Plain) policy restricted_view_access true');
    await expect(enable('U', 'U')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await enable('T');
    await expect(cluster.run('.alter table T policy restricted_view_access true')).rejects.toMatchObject({
      code: 'InvalidPolicy',
    });
    await cluster.run('.delete table T policy row_level_security');
  });
});

describe('a materialized view with row level security', () => {
  it('keeps its policy in what was made so far, and its source’s in what came since', async () => {
    const data = await cluster.data.data();
    await cluster.run('.create table Kept (owner:string, n:long)');
    await cluster.run('.create materialized-view Last on table Kept { Kept | summarize arg_max(n, *) by owner }');
    await cluster.run('.ingest inline into table Kept <| ann,1\nbob,2\nzed,3');
    await data.materialize('db', 'Last');
    const secure = (what: string, query: string): Promise<unknown> =>
      cluster.run(`.alter ${what} policy row_level_security enable "${query}"`);
    await secure('materialized-view Last', "Last | where owner != 'zed'");
    await cluster.run('.ingest inline into table Kept <| ann,5\ncat,7\nbob,6');
    await secure('table Kept', 'Kept | where current_principal() endswith owner');
    const sorted = (text: string) => ask(caller('bob'), `${text} | order by owner asc`);
    const [ann, bob] = [
      ['ann', 1n],
      ['bob', 6n],
    ];
    expect(await sorted('Last')).toEqual([ann, bob]);
    expect(await sorted('materialized_view("Last")')).toEqual([ann, ['bob', 2n]]);
    expect(await sorted('materialized_view("Last", 1s)')).toEqual([ann, ['bob', 2n]]);
    expect(await sorted('materialized_view("Last", 1000d)')).toEqual([ann, ['bob', 2n]]);
    await data.materialize('db', 'Last');
    expect(await sorted('materialized_view("Last")')).toEqual([['ann', 5n], bob, ['cat', 7n]]);
  });
});

describe('a table with a restricted view access policy', () => {
  const as = (roles: readonly ('Admin' | 'Viewer' | 'UnrestrictedViewer')[]): Partial<CommandContext> => ({
    clusterRoles: [],
    databases: [{ databaseId: cluster.data.database.databaseId, name: 'db', roles }],
  });
  const read = '.set-or-replace stored_query_result R <| U';

  const model = { Definition: { Steps: [{ Kind: 'AddNodes', Query: 'Nodes', NodeIdColumn: 'n' }] } };
  const nodes = (roles: Parameters<typeof as>[0], text = 'graph("G", "S")'): ReturnType<typeof cluster.run> =>
    cluster.run(`.set-or-replace stored_query_result R <| ${text} | graph-match (x) project x.n`, as(roles));

  it('is kept in snapshots of graphs that were made of it, though it is dropped', async () => {
    await cluster.run('.create table Nodes (n:long)');
    await cluster.run('.ingest inline into table Nodes <| 7');
    await cluster.run(`.create-or-alter graph_model G '${JSON.stringify(model)}'`);
    await cluster.run('.make graph_snapshot S from G');
    expect(await nodes(['Viewer'])).toHaveLength(1);
    await cluster.run('.alter table Nodes policy restricted_view_access true');
    await expect(nodes(['Admin'])).rejects.toThrow("not authorized to read graph snapshot 'S': it has a restricted");
    await cluster.run('.create table Told (n:long)');
    await cluster.run('.create materialized-view Seen on table Told { Told | summarize count() by n }');
    await cluster.run('.alter table Told policy restricted_view_access true');
    await expect(ask(cluster.context.caller, 'Seen')).rejects.toThrow(
      "not authorized to read materialized view 'Seen'",
    );
    await expect(ask(cluster.context.caller, 'Told')).rejects.toThrow("not authorized to read table 'Told'");
    await cluster.run('.drop table Told');
    await expect(nodes(['Admin'], 'graph("G", true)')).rejects.toThrow('UnrestrictedViewer');
    expect(await nodes(['Viewer', 'UnrestrictedViewer'])).toHaveLength(1);
    await cluster.run('.drop graph_snapshot G.S');
    await expect(cluster.run('.make graph_snapshot S from G', as(['Admin']))).rejects.toThrow('UnrestrictedViewer');
    await cluster.run('.make graph_snapshot S from G', as(['Admin', 'UnrestrictedViewer']));
    await cluster.run('.drop table Nodes');
    await expect(nodes(['Viewer'])).rejects.toThrow('UnrestrictedViewer');
    expect(await nodes(['Viewer', 'UnrestrictedViewer'])).toHaveLength(1);
    await cluster.run('.drop graph_model G');
  });

  it('as little as row level security is gone round by a snapshot', async () => {
    await cluster.run('.create table Nodes (n:long)');
    await cluster.run('.ingest inline into table Nodes <| 7\n8');
    await cluster.run(`.create-or-alter graph_model G '${JSON.stringify(model)}'`);
    await cluster.run('.make graph_snapshot S from G');
    await cluster.run('.alter table Nodes policy row_level_security enable "Nodes | where n == 7"');
    await expect(nodes(['Viewer', 'UnrestrictedViewer'])).rejects.toThrow("made of 'Nodes', which has row level");
    await expect(cluster.run('.make graph_snapshot T from G')).rejects.toThrow(
      'row level security policy, is not built',
    );
    expect(await nodes(['Viewer'], 'graph("G", true)')).toEqual([{ x_n: 7n }]);
    await cluster.run('.drop graph_model G');
    await cluster.run('.drop table Nodes');
  });

  it('makes nobody an unrestricted viewer who administers its database', async () => {
    const told = async (roles: Parameters<typeof as>[0]): Promise<unknown> =>
      (await cluster.run('.show database db identity | project CurrentUserIsUnrestrictedViewer', as(roles)))[0];
    expect(await told(['Admin'])).toEqual({ CurrentUserIsUnrestrictedViewer: false });
    expect(await told(['Viewer', 'UnrestrictedViewer'])).toEqual({ CurrentUserIsUnrestrictedViewer: true });
  });

  it('is read by unrestricted viewers alone', async () => {
    expect(await cluster.run('.show table U policy restricted_view_access | project EntityName, Policy')).toEqual([
      { EntityName: '[db].[U]', Policy: JSON.stringify({ IsEnabled: true }, undefined, 2) },
    ]);
    for (const text of [read, '.set-or-append Plain <| U', '.show tables | union U'])
      await expect(cluster.run(text, as(['Admin'])), text).rejects.toMatchObject({ name: 'ForbiddenError' });
    await expect(ask(cluster.context.caller, 'U | count')).rejects.toThrow('UnrestrictedViewer');
    await cluster.run(read, as(['Viewer', 'UnrestrictedViewer']));
    await cluster.run('.alter tables (U, Plain) policy restricted_view_access false');
    await cluster.run(read, as(['Viewer']));
    await cluster.run('.delete table U policy restricted_view_access');
  });
});
