import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Identity } from '../../support/new-identity.ts';
import { newIdentityIn } from '../../support/new-identity.ts';
import type { KustoData } from '../kusto-data/kusto-fixture.ts';
import { databaseName, startKustoData } from '../kusto-data/kusto-fixture.ts';

let kusto: KustoData;
let person: Identity;
let assignments: string;
beforeAll(async () => {
  kusto = await startKustoData();
  person = await newIdentityIn(kusto, 'somebody');
  assignments = `${kusto.clusterPath}/databases/${databaseName}/principalAssignments`;
  await run('.create tables T (a:long), U (a:long)');
  await run('.alter database db1 policy streamingingestion enable');
  await run('.create function F() { T }');
});
afterAll(() => kusto[Symbol.asyncDispose]());

/** By the official client, of the owner or of somebody. */
async function run(text: string, identity?: Identity) {
  const { tables, failed } = await kusto.call({
    ...{ call: 'mgmt', database: databaseName, text },
    ...(identity === undefined ? {} : { identity }),
  });
  if (failed !== undefined) throw new Error(JSON.stringify(failed));
  const [{ columns, rows } = { columns: [], rows: [] }] = tables ?? [];
  return rows.map((row) => Object.fromEntries(columns.map(({ name }, index) => [name, row[index]])));
}

/** What the official client of somebody is told: 200, or the status of the refusal. */
async function status(call: Partial<Parameters<KustoData['call']>[0]>): Promise<number | undefined> {
  const { failed } = await kusto.call({ call: 'mgmt', database: databaseName, identity: person, ...call });
  return failed === undefined ? 200 : failed.status;
}
const mgmt = (text: string) => status({ text });
const query = (text: string) => status({ call: 'query', text });
const streamed = (table: string) => status({ call: 'ingest', table, data: '1\n', format: 'csv' });
const principal = () => `'aadapp=${person.clientId};${kusto.environment.tenantId}'`;

const auditRequest = () => ({
  ...{ host: 'localhost', method: 'GET', path: '/audit/events?last=1000' },
  token: kusto.server.controlToken,
});

describe('an identity, by the official client', () => {
  it('is refused before a role in the database, and let in after it', async () => {
    expect(await query('T')).toBe(403);
    const rows = await run(`.add database db1 viewers (${principal()}) 'reads'`);
    expect(rows).toContainEqual({
      Role: 'Database db1 Viewer',
      PrincipalType: 'Microsoft Entra Application',
      PrincipalDisplayName: 'somebody',
      PrincipalObjectId: person.objectId,
      PrincipalFQN: `aadapp=${person.clientId};${kusto.environment.tenantId}`,
      Notes: 'reads',
      RoleAssignmentIdentifier: '',
    });
    expect(await query('T')).toBe(200);
    expect(await mgmt('.create table New (a:long)')).toBe(403);
    await run(`.set database db1 viewers none`);
    expect(await query('T')).toBe(403);
    await run(`.add database db1 users ('aadapp=${person.clientId}')`);
    expect(await mgmt('.create table New (a:long)')).toBe(200);
  });

  it('is refused before a role on one table, and let in after it, by every way rows take', async () => {
    expect([await mgmt('.ingest inline into table T <| 1'), await streamed('T')]).toEqual([403, 403]);
    await run(`.add table T ingestors (${principal()})`);
    expect([await mgmt('.ingest inline into table T <| 1'), await streamed('T')]).toEqual([200, 200]);
    expect([await mgmt('.ingest inline into table U <| 1'), await streamed('U')]).toEqual([403, 403]);
    expect(await mgmt('.alter table T docstring "x"')).toBe(403);
    await run(`.add table T admins (${principal()})`);
    expect([await mgmt('.alter table T docstring "x"'), await mgmt('.alter table U docstring "x"')]).toEqual([
      200, 403,
    ]);
  });

  it('is refused before a role on one function, and let in after it', async () => {
    expect(await mgmt('.alter function F() { U }')).toBe(403);
    await run(`.add function F admins (${principal()})`);
    expect(await mgmt('.alter function F() { U }')).toBe(200);
  });
});

describe('roles that commands give and those of the resource manager', () => {
  const names = async () => {
    const { body } = await kusto.arm('GET', assignments);
    return (body as { value: { name: string; properties: { role: string } }[] }).value.map(
      ({ name, properties }) => `${name.split('/').at(-1) ?? ''} ${properties.role}`,
    );
  };
  const roles = async () =>
    (await run('.show database db1 principals'))
      .filter(({ PrincipalObjectId }) => PrincipalObjectId === person.objectId)
      .map(({ Role }) => Role);

  it('are one list to the data plane: what a command gave is no resource, and what it drops is none any more', async () => {
    await run(`.set database db1 monitors (${principal()})`);
    expect((await names()).filter((name) => !name.endsWith(' Admin'))).toEqual([]);
    await kusto.arm('PUT', `${assignments}/pa`, {
      properties: { principalId: person.clientId, principalType: 'App', role: 'Viewer' },
    });
    expect(await names()).toContain('pa Viewer');
    expect((await roles()).sort()).toEqual(['Database db1 Monitor', 'Database db1 User', 'Database db1 Viewer']);
    await run(`.drop database db1 viewers (${principal()})`);
    expect(await names()).not.toContain('pa Viewer');
    expect(await roles()).not.toContain('Database db1 Viewer');
  });

  it('a deletion there takes the role that a command has given to the same principal, too', async () => {
    await run(`.add database db1 ingestors (${principal()})`);
    await kusto.arm('PUT', `${assignments}/pa`, {
      properties: { principalId: person.clientId, principalType: 'App', role: 'Ingestor' },
    });
    await run(`.add database db1 ingestors (${principal()})`);
    await kusto.arm('DELETE', `${assignments}/pa`);
    expect(await roles()).not.toContain('Database db1 Ingestor');
  });

  it('an unknown principal is refused, and who has lost their rights gives none', async () => {
    const { failed } = await kusto.call({
      ...{ call: 'mgmt', database: databaseName, text: ".add database db1 viewers ('aaduser=nobody@example.com')" },
    });
    expect(JSON.stringify(failed)).toContain("The principal 'aaduser=nobody@example.com' was not found");
    expect(await mgmt(`.add database db1 admins (${principal()})`)).toBe(403);
    expect(await mgmt(`.add cluster alldatabasesadmins (${principal()})`)).toBe(400);
  });

  it('each change is in the audit log, with who asked for it', async () => {
    await run(`.set table U ingestors (${principal()})`);
    const answer = await kusto.send(auditRequest());
    const { events } = answer.body as { events: { event: Record<string, unknown> }[] };
    const changes = events.filter(({ event }) => event['category'] === 'RoleChange').map(({ event }) => event);
    const of = (operation: string) => changes.filter(({ operationName }) => operationName === operation);
    expect(of('SetTableRole').map(({ resultType }) => resultType)).toEqual(['Started', 'Succeeded']);
    expect(of('SetTableRole')[0]).toMatchObject({
      resourceId: `${kusto.clusterPath}/Databases/${databaseName}`.toUpperCase(),
      properties: { on: 'table U', role: 'Ingestor' },
    });
    expect(of('AddDatabaseRole').every(({ resultType }) => resultType === 'Succeeded')).toBe(true);
    expect(of('AddDatabaseRole')).toHaveLength(4);
  });
});

describe('a principal that is blocked on the cluster', () => {
  const every = async (): Promise<readonly (number | undefined)[]> => [
    await query('print 1'),
    await mgmt('.show tables'),
    await streamed('T'),
  ];
  /** Of the owner, who is no less blocked. */
  const from = async (app: string, user = ''): Promise<number> => {
    const headers = { 'x-ms-app': app, 'x-ms-user': user };
    return (await kusto.post('/v1/rest/query', { db: databaseName, csl: 'print 1' }, headers)).status;
  };

  it('is denied whatever roles it has, until it is taken back', async () => {
    const { clientId } = kusto.environment;
    expect(await mgmt('.show cluster blockedprincipals')).toBe(200);
    await kusto.arm('PUT', `${kusto.clusterPath}/principalAssignments/owner`, {
      properties: { principalId: clientId, principalType: 'App', role: 'AllDatabasesAdmin' },
    });
    await run(`.add database db1 admins (${principal()}) 'may do everything'`);
    await run(`.add table T ingestors (${principal()})`);
    expect(await every()).toEqual([200, 200, 200]);
    expect(await mgmt(`.add cluster blockedprincipals ${principal()}`)).toBe(403);
    const [row] = await run(`.add cluster blockedprincipals ${principal()} period 4d reason "Too many queries"`);
    expect(row).toMatchObject({
      ...{ PrincipalType: 'Microsoft Entra Application', PrincipalDisplayName: 'somebody' },
      ...{ PrincipalObjectId: person.objectId, Application: '', User: '', Reason: 'Too many queries' },
    });
    expect(await every()).toEqual([403, 403, 403]);
    const { events } = (await kusto.send(auditRequest())).body as { events: { event: Record<string, unknown> }[] };
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        ...{ operationName: 'AddClusterBlockedPrincipals', resultType: 'Succeeded' },
        resourceId: kusto.clusterPath.toUpperCase(),
        properties: expect.objectContaining({ on: 'cluster', role: 'Blocked' }) as unknown,
      }),
    );
    const { failed } = await kusto.call({ call: 'query', database: databaseName, identity: person, text: 'print 1' });
    expect(JSON.stringify(failed)).toContain('Too many queries');
    expect(await run('.show cluster blockedprincipals')).toHaveLength(1);
    expect(await run(`.drop cluster blockedprincipals ${principal()}`)).toEqual([]);
    expect(await every()).toEqual([200, 200, 200]);
  });

  it('is denied for one application and user alone, where the command names them', async () => {
    const owner = `'aadapp=${kusto.environment.clientId}'`;
    await run(`.add cluster blockedprincipals ${owner} application 'Reports' user 'Jane'`);
    expect([await from('Reports', 'Jane'), await from('Reports'), await from('Other', 'Jane')]).toEqual([
      403, 200, 200,
    ]);
    await run(`.drop cluster blockedprincipals ${owner}`);
    expect(await from('Reports', 'Jane')).toBe(403);
    await run(`.drop cluster blockedprincipals ${owner} application 'Reports' user 'Jane'`);
    expect(await from('Reports', 'Jane')).toBe(200);
  });
});
