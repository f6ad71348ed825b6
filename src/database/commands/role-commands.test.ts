import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { memoryStorage } from '../../../tests/support/memory-storage.ts';
import type { DatabaseRole } from '../../authz/kusto-roles.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import type { CommandContext } from './command-context.ts';
import { ForbiddenError } from './forbidden-error.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create tables T (a:long), U (a:long)');
  await cluster.run('.create function F() { T }');
  await cluster.run('.create function G() { T }');
});
afterAll(() => cluster.close());

/** Somebody with roles in the database, and in groups. */
function person(name: string, roles: readonly DatabaseRole[], memberOf: readonly string[] = []) {
  const { databaseId, name: database } = cluster.data.database;
  const fqn = `aadapp=${name};tenant`;
  const caller = { ...cluster.context.caller, objectId: newGuid(systemRandomBytes), displayName: name, fqn, memberOf };
  const access: Partial<CommandContext> = {
    caller,
    clusterRoles: [],
    databases: [{ databaseId, name: database, roles }],
  };
  const verdict = async (text: string): Promise<'allowed' | 'forbidden'> => {
    try {
      await cluster.run(text, access);
      return 'allowed';
    } catch (error) {
      if (error instanceof ForbiddenError) return 'forbidden';
      throw error;
    }
  };
  return { access, verdict, fqn };
}

describe('a role on one table', () => {
  const ingest = (table: string) => `.ingest inline into table ${table} <| 1`;

  it('Ingestor: rows go into that one only, as long as the principal is in the database', async () => {
    const { access, verdict } = person('loader', ['User']);
    expect(await verdict(ingest('T'))).toBe('forbidden');
    const [row] = await cluster.run(".add table T ingestors ('aadapp=loader') 'Loads it'");
    expect(row).toMatchObject({
      ...{ Role: 'Table T Ingestor', PrincipalType: 'Microsoft Entra Application' },
      ...{ PrincipalFQN: 'aadapp=loader;tenant', Notes: 'Loads it', RoleAssignmentIdentifier: '' },
    });
    expect(await verdict(ingest('T'))).toBe('allowed');
    expect(await verdict('.append T <| print a = 2')).toBe('allowed');
    expect(await verdict('.set-or-append async T <| print a = 2')).toBe('allowed');
    expect(await verdict(`.create-or-alter table T ingestion json mapping "M" '[{"column":"a","path":"$.a"}]'`)).toBe(
      'allowed',
    );
    expect(await verdict(ingest('U'))).toBe('forbidden');
    expect(await verdict('.append U <| print a = 2')).toBe('forbidden');
    expect(await verdict('.set-or-replace T <| print a = 2')).toBe('forbidden');
    expect(await verdict('.set-or-append T with (extend_schema = true) <| print a = 2, b = 1')).toBe('forbidden');
    expect(await verdict('.alter table T docstring "x"')).toBe('forbidden');
    expect(await verdict(".add table T ingestors ('aadapp=friend')")).toBe('forbidden');
    expect(await cluster.run('.show table T principal roles', access)).toEqual([
      expect.objectContaining({ Scope: 'Database db', Role: 'User' }) as unknown,
      expect.objectContaining({ Scope: 'Table T', DisplayName: 'loader', Role: 'Ingestor' }) as unknown,
    ]);
    expect(await person('loader', []).verdict(ingest('T'))).toBe('forbidden');
    expect(await person('loader', ['Viewer']).verdict(ingest('T'))).toBe('forbidden');
    expect(await person('other', ['User']).verdict(ingest('T'))).toBe('forbidden');
    await cluster.run('.set table T ingestors none');
    expect(await verdict(ingest('T'))).toBe('forbidden');
  });

  it('Admin: the table is changed, given on and dropped, no other one is', async () => {
    const { verdict } = person('owner', ['User'], ['aadgroup=owners;tenant']);
    await cluster.run('.create table Mine (a:long)');
    await cluster.run(".add table Mine admins ('aadgroup=owners')");
    for (const text of [
      '.alter-merge table Mine (b:string)',
      '.alter table Mine policy caching hot = 1d',
      '.rename column Mine.b to c',
      '.drop column Mine.c',
      '.set-or-replace Mine <| print a = 1',
      '.clear table Mine data',
      ".add table Mine ingestors ('aadapp=friend')",
      '.rename table Mine to Ours',
      '.alter table Ours docstring "kept its administrators"',
    ])
      expect([text, await verdict(text)]).toEqual([text, 'allowed']);
    for (const text of [
      '.alter-merge table T (b:string)',
      '.drop column T.a',
      '.rename tables Ours = T, T = Ours',
      '.drop tables (Ours, T)',
      '.create-merge tables Ours (a:long), T (b:long)',
      '.alter tables (Ours, T) policy caching hot = 1d',
      '.alter database db policy caching hot = 1d',
      ".add database db viewers ('aadapp=friend')",
      ".add function F admins ('aadapp=friend')",
    ])
      expect([text, await verdict(text)]).toEqual([text, 'forbidden']);
    expect(await verdict('.drop table Ours')).toBe('allowed');
    // Another table of the name is another table.
    await cluster.run('.create table Ours (a:long)');
    expect(await verdict('.alter table Ours docstring "x"')).toBe('forbidden');
    expect(await person('x', ['Viewer'], ['aadgroup=owners;tenant']).verdict('.drop table Ours')).toBe('forbidden');
  });
});

describe('a role on one function', () => {
  it('Admin: it is changed, given on and dropped, no other one is', async () => {
    const { verdict } = person('author', ['User']);
    expect(await verdict('.alter function F() { U }')).toBe('forbidden');
    await cluster.run(".add function F admins ('aadapp=author') skip-results 'by hand'");
    expect(await cluster.run('.show function F principals')).toMatchObject([
      { Role: 'Function F Admin', Notes: 'by hand' },
    ]);
    for (const text of [
      '.alter function F() { U }',
      '.create-or-alter function F() { T }',
      '.alter function F docstring "x"',
      ".add function F admins ('aadapp=friend')",
    ])
      expect([text, await verdict(text)]).toEqual([text, 'allowed']);
    expect(await cluster.run('.show function F principals')).toHaveLength(2);
    for (const text of ['.alter function G() { U }', '.drop functions (F, G)', '.drop function G'])
      expect([text, await verdict(text)]).toEqual([text, 'forbidden']);
    expect(await verdict('.drop function F')).toBe('allowed');
  });
});

describe('whoever makes a table or function with the role User', () => {
  it('administers it, and who administers the database needs no role on it', async () => {
    const { verdict, access, fqn } = person('maker', ['User']);
    await cluster.run('.create table Made (a:long)', access);
    await cluster.run('.set Filled <| print a = 1', access);
    await cluster.run('.create function Fun() { Made }', access);
    expect(await cluster.run('.show table Made principals')).toMatchObject([
      { Role: 'Table Made Admin', PrincipalFQN: fqn },
    ]);
    for (const text of ['.alter-merge table Made (b:long)', '.drop table Filled', '.alter function Fun() { T }'])
      expect([text, await verdict(text)]).toEqual([text, 'allowed']);
    expect(await verdict('.create table T (a:long)')).toBe('allowed'); // it is there, and stays as it is
    expect(await verdict('.drop table T')).toBe('forbidden');
    expect(await cluster.run('.show table T principals')).toEqual([]);
  });
});

describe('roles of a database', () => {
  const holders = async (text: string) =>
    (await cluster.run(text)).map((row) => `${String(row['Role'])} ${String(row['PrincipalFQN'])}`);

  it('.add, .drop and .set answer with who has one then', async () => {
    expect(await holders(".add database db users ('aaduser=a', 'aadapp=b;other')")).toEqual([
      'Database db User aaduser=a;tenant',
      'Database db User aadapp=b;other',
    ]);
    expect(await holders(".add database db unrestrictedviewers ('aaduser=a')")).toHaveLength(3);
    expect(await holders(".drop database db users ('aadapp=b;other')")).toHaveLength(2);
    expect(await holders(".set database db users ('aaduser=c')")).toEqual([
      'Database db UnrestrictedViewer aaduser=a;tenant',
      'Database db User aaduser=c;tenant',
    ]);
    expect(await holders('.set database db users none skip-results')).toEqual([]);
    expect(await holders(".add database db monitors ('aaduser=m') 'watches'")).toHaveLength(2);
  });

  it('are given by its administrators, and roles on the cluster by no command', async () => {
    for (const role of ['User', 'Viewer', 'Ingestor', 'Monitor', 'UnrestrictedViewer'] as const)
      expect(await person('p', [role]).verdict(".add database db viewers ('aadapp=p')")).toBe('forbidden');
    expect(await person('p', ['Admin']).verdict(".add database db viewers ('aadapp=p')")).toBe('allowed');
    await expect(cluster.run(".add cluster alldatabasesviewers ('aadapp=p')")).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringContaining('the resource manager alone') as string,
    });
  });
});

describe('a role on one materialized view', () => {
  it('Admin: that view is changed, as long as the principal is in the database', async () => {
    for (const view of ['V', 'W'])
      await cluster.run(`.create materialized-view ${view} on table T { T | summarize count() by a }`);
    const { access, verdict, fqn } = person('keeper', ['User']);
    const changes = (view: string) => [
      `.alter materialized-view ${view} docstring "of the keeper"`,
      `.create-or-alter materialized-view ${view} on table T { T | summarize count() by a }`,
      `.disable materialized-view ${view}`,
      `.enable materialized-view ${view}`,
      `.alter materialized-view ${view} policy caching hot = 1d`,
      `.clear materialized-view ${view} data`,
      `.add materialized-view ${view} admins ('aadapp=other')`,
    ];
    const verdicts = (view: string, who = verdict) => Promise.all(changes(view).map((text) => who(text)));
    const each = (one: string) => changes('V').map(() => one);
    expect(await verdicts('V')).toEqual(each('forbidden'));
    const [row] = await cluster.run(".add materialized-view V admins ('aadapp=keeper') 'Keeps it'");
    expect(row).toMatchObject({ Role: 'Materialized View V Admin', PrincipalFQN: fqn, Notes: 'Keeps it' });
    for (const text of changes('V')) expect([text, await verdict(text)]).toEqual([text, 'allowed']);
    expect(await verdicts('W')).toEqual(each('forbidden'));
    for (const text of [
      '.create materialized-view X on table T { T | summarize count() by a }',
      '.create-or-alter materialized-view X on table T { T | summarize count() by a }',
      '.alter materialized-view V policy row_level_security enable "V"',
      '.alter materialized-view with (allowMaterializedViewsWithoutRowLevelSecurity=true) V on table T { T | summarize count() by a }',
      '.alter table T docstring "not his"',
      '.show materialized-view W principals',
    ])
      expect([text, await verdict(text)]).toEqual([text, 'forbidden']);
    expect(await verdict('.show materialized-view V principals')).toBe('allowed');
    const outside = person('keeper', ['Viewer']);
    expect(await outside.verdict(changes('V')[0] ?? '')).toBe('forbidden');
    expect(await cluster.run('.show materialized-view V principal roles', access)).toEqual([
      expect.objectContaining({ Scope: 'Database db', Role: 'User' }),
      expect.objectContaining({ Scope: 'Materialized View V', Role: 'Admin' }),
    ]);
    expect(await cluster.run('.show principal roles | where Scope has "View"', access)).toHaveLength(1);
    await cluster.run('.rename materialized-view V to Renamed');
    const holders = async () =>
      (await cluster.run('.show materialized-view Renamed principals | where Role has "View"')).map(
        ({ PrincipalFQN }) => PrincipalFQN,
      );
    expect(await holders()).toEqual([fqn, 'aadapp=other;tenant']);
    expect(await verdict(".drop materialized-view Renamed admins ('aadapp=other')")).toBe('allowed');
    expect(await holders()).toEqual([fqn]);
    await cluster.run('.set materialized-view Renamed admins none');
    expect(await holders()).toEqual([]);
    expect(await verdict('.drop materialized-view Renamed')).toBe('forbidden');
    await cluster.run(`.set materialized-view Renamed admins ('aadapp=keeper')`);
    expect(await verdict('.drop materialized-view Renamed')).toBe('allowed');
  });
});

describe('a role on one external table', () => {
  it('Admin: that table is changed, given on and dropped, as long as the principal may read the database', async () => {
    const exports = memoryStorage().exports;
    const made = (verb: string, name: string) =>
      `.${verb} external table ${name} (a:long) kind=storage dataformat=csv (h@'https://account.blob.core.windows.net/box;key')`;
    const run = (text: string, access: Partial<CommandContext> = {}) => cluster.run(text, { ...access, exports });
    for (const name of ['E', 'O']) await run(made('create', name));
    const { access, verdict, fqn } = person('librarian', ['Viewer']);
    const mapping = `mapping "M" '[{"Column": "a", "Properties": {"Ordinal": "0"}}]'`;
    const changes = (name: string) => [
      `.alter external table ${name} docstring "of the librarian"`,
      `.create external table ${name} ${mapping}`,
      `.drop external table ${name} mapping "M"`,
      `.show external table ${name} principals`,
      `.add external table ${name} admins ('aadapp=other') 'Helps'`,
      `.drop external table ${name} admins ('aadapp=other') skip-results`,
    ];
    const each = async (name: string, expected: string, by = verdict) => {
      for (const text of changes(name)) expect([text, await by(text)]).toEqual([text, expected]);
    };
    await each('E', 'forbidden');
    const [row] = await run(".add external table E admins ('aadapp=librarian') 'Keeps it'");
    expect(row).toMatchObject({ Role: 'External Table E Admin', PrincipalFQN: fqn, Notes: 'Keeps it' });
    await each('E', 'allowed');
    await each('O', 'forbidden');
    await each('E', 'forbidden', person('librarian', ['Monitor']).verdict);
    await expect(run(made('create-or-alter', 'O'), access)).rejects.toThrow(ForbiddenError);
    expect(await run(made('create-or-alter', 'E'), access)).toHaveLength(1);
    expect(await run('.show external table E principal roles', access)).toMatchObject([
      { Scope: 'Database db', Role: 'Viewer' },
      { Scope: 'External Table E', Role: 'Admin' },
    ]);
    expect(await run('.set external table E admins none skip-results')).toEqual([]);
    await each('E', 'forbidden');
    await run(".set external table E admins ('aadapp=librarian')");
    expect(await verdict('.drop external table O')).toBe('forbidden');
    expect(await verdict('.drop external table E')).toBe('allowed');
    for (const text of [".add external table E admins ('aadapp=x')", '.show external table E principals'])
      await expect(run(text)).rejects.toMatchObject({ code: 'ExternalTableNotFound' });
    // Whoever makes one with the role User administers it, and it alone.
    const maker = person('drawer', ['User']);
    await run(made('create', 'Drawn'), maker.access);
    expect(await run('.show external table Drawn principals', maker.access)).toMatchObject([
      { Role: 'External Table Drawn Admin', PrincipalFQN: maker.fqn },
    ]);
    expect(await maker.verdict('.drop external table O')).toBe('forbidden');
  });
});

describe('a role on one graph model', () => {
  it('Admin: that model is given on, its snapshots are made, and it is dropped by users of the database', async () => {
    const model = JSON.stringify({
      Schema: {},
      Definition: { Steps: [{ Kind: 'AddNodes', Query: 'T', NodeIdColumn: 'a' }] },
    });
    const made = (name: string) => cluster.run(`.create-or-alter graph_model ${name} '${model}'`);
    for (const name of ['G1', 'G2']) await made(name);
    const { access, verdict, fqn } = person('plotter', ['User']);
    const changes = (name: string) => [
      `.make graph_snapshot S from ${name}`,
      `.drop graph_snapshot ${name}.S`,
      `.drop graph_snapshots ${name}`,
      `.show graph_model ${name} principals`,
      `.add graph_model ${name} admins ('aadapp=other') 'Helps'`,
      `.drop graph_model ${name} admins ('aadapp=other') skip-results`,
    ];
    const each = async (name: string, expected: string, by = verdict) => {
      for (const text of changes(name)) expect([text, await by(text)]).toEqual([text, expected]);
    };
    await each('G1', 'forbidden');
    const [row] = await cluster.run(".add graph_model G1 admins ('aadapp=plotter') 'Draws it'");
    expect(row).toMatchObject({ Role: 'Graph Model G1 Admin', PrincipalFQN: fqn, Notes: 'Draws it' });
    await each('G1', 'allowed');
    await each('G2', 'forbidden');
    await each('G1', 'forbidden', person('plotter', ['Viewer']).verdict);
    await made('G1'); // another version of it has the same administrators
    expect(await cluster.run('.show graph_model G1 principal roles', access)).toMatchObject([
      { Scope: 'Database db', Role: 'User' },
      { Scope: 'Graph Model G1', Role: 'Admin' },
    ]);
    expect(await cluster.run('.set graph_model G1 admins none skip-results')).toEqual([]);
    await each('G1', 'forbidden');
    await cluster.run(".set graph_model G1 admins ('aadapp=plotter')");
    expect(await verdict('.drop graph_model G2')).toBe('forbidden');
    expect(await verdict('.drop graph_model G1')).toBe('allowed');
    for (const text of [".add graph_model G1 admins ('aadapp=x')", '.show graph_model G1 principals'])
      await expect(cluster.run(text)).rejects.toMatchObject({ code: 'GraphModelNotFound' });
  });
});

describe('blocked principals', () => {
  const shown = (now = 0) => {
    const clock = { ...cluster.context.clock, now: () => instant(cluster.context.clock.now() + now) };
    return cluster.run('.show cluster blockedprincipals', { clock });
  };

  it('are blocked for a time, ten years where none is said, and for an application and a user of theirs', async () => {
    expect(await shown()).toEqual([]);
    await cluster.run(".add cluster blockedprincipals 'aadapp=loader' period 1h reason 'x'");
    await cluster.run(".add cluster blockedprincipals 'aadapp=loader' application 'App' user 'Jane'");
    expect(await shown()).toMatchObject([
      { PrincipalFQN: 'aadapp=loader;tenant', Application: '', User: '', Reason: 'x' },
      { PrincipalFQN: 'aadapp=loader;tenant', Application: 'App', User: 'Jane', Reason: '' },
    ]);
    expect(await shown(3_600_000 - 1)).toHaveLength(2);
    expect(await shown(3_600_000)).toMatchObject([{ Application: 'App' }]);
    expect(await shown(3_650 * 86_400_000)).toEqual([]);
    await cluster.run(".add cluster blockedprincipals 'aadapp=loader' period 2d reason 'y'");
    expect(await shown()).toMatchObject([{ Application: 'App' }, { Application: '', Reason: 'y' }]);
    expect(await cluster.run(".drop cluster blockedprincipals 'aadapp=loader' application 'App' user 'Jane'")).toEqual(
      await shown(),
    );
    expect(await cluster.run(".drop cluster blockedprincipals 'aadapp=loader'")).toEqual([]);
  });

  it('only administrators of the cluster change that, and everybody sees it', async () => {
    const { access, verdict } = person('admin of the database', ['Admin']);
    expect(await verdict(".add cluster blockedprincipals 'aadapp=loader'")).toBe('forbidden');
    expect(await verdict(".drop cluster blockedprincipals 'aadapp=loader'")).toBe('forbidden');
    expect(await cluster.run('.show cluster blockedprincipals', access)).toEqual([]);
    await expect(cluster.run(".add cluster blockedprincipals 'aadapp=loader' period 0s")).rejects.toThrow('no period');
  });
});
