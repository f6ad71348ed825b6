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
}, 120_000);
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
    const { controlToken } = kusto.server;
    const answer = await kusto.send({
      host: 'localhost',
      method: 'GET',
      path: '/audit/events?last=1000',
      token: controlToken,
    });
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
