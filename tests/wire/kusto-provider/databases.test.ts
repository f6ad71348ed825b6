import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database, ReadWriteDatabase } from '@azure/arm-kusto';
import { parseHostName } from '../../../src/base/names.ts';
import { createClusterAccess } from '../../../src/providers/kusto/cluster-access.ts';
import type { ClusterAccess } from '../../../src/providers/kusto/cluster-access.ts';
import { failure, testGuid } from '../../support/fake-cluster-keys.ts';
import { groupName, startKustoFixture, subscriptionId, tenantId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const clusterPath = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/Clusters/c1test`;
const version = '?api-version=2024-04-13';
const app = { objectId: testGuid('1'), appId: testGuid('2'), displayName: 'reader', tenantId, tenantName: 'Test' };

let fixture: KustoFixture;
let access: ReturnType<typeof createClusterAccess>;
beforeEach(async () => {
  fixture = await startKustoFixture();
  access = createClusterAccess(fixture.ports);
  fixture.known.set(`App ${app.appId}`, app);
  await fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', { location: 'eastus', sku });
});
afterEach(() => fixture.close());

const readWrite = (extra: Partial<ReadWriteDatabase> = {}): Database => ({
  location: 'eastus',
  kind: 'ReadWrite',
  ...extra,
});
const create = (name = 'Db One', extra: Partial<ReadWriteDatabase> = {}): Promise<unknown> =>
  fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', name, readWrite(extra));

async function reach(): Promise<ClusterAccess> {
  const host = parseHostName('c1test.eastus.kusto.windows.net');
  const found = host === undefined ? undefined : await access.findByHost(host);
  if (found === undefined) throw new Error('the cluster has a host name');
  return found;
}

describe('databases', () => {
  it('Databases_CreateOrUpdate: answers as recorded, first and afterwards', async () => {
    const first = await fixture.send('PUT', `${clusterPath}/Databases/TestDb${version}`, {
      location: 'East US',
      kind: 'ReadWrite',
    });
    expect(first.status).toBe(201);
    expect(first.headers.get('azure-asyncoperation')).toContain('/operationResults/');
    expect(first.headers.get('location')).toBeNull();
    // Recorded from the real service (2024-11, api-version 2024-04-13), ids aside.
    const id = `${clusterPath}/Databases/TestDb`;
    const common = {
      id,
      name: 'c1test/TestDb',
      type: 'Microsoft.Kusto/Clusters/Databases',
      location: 'East US',
      kind: 'ReadWrite',
    };
    expect(first.body).toEqual({ ...common, properties: { provisioningState: 'Creating' } });
    const after = await fixture.send('GET', `${clusterPath}/databases/testdb${version}`);
    expect(after.body).toEqual({
      ...common,
      properties: { statistics: { size: 0 }, isFollowed: false, provisioningState: 'Succeeded' },
    });
  });

  it('Databases_Get, Databases_Update: periods change, null removes them, an unchanged update is 200', async () => {
    await create('db1', { softDeletePeriod: 'P365D', hotCachePeriod: 'P31D' });
    const update = (body: object): Promise<{ status: number }> =>
      fixture.send('PATCH', `${clusterPath}/databases/db1${version}`, body);
    expect((await update({ kind: 'ReadWrite', properties: { softDeletePeriod: 'P365D' } })).status).toBe(200);
    expect(
      (await update({ kind: 'ReadWrite', properties: { hotCachePeriod: null, softDeletePeriod: 'P10D' } })).status,
    ).toBe(202);
    const found = await fixture.client.databases.get(groupName, 'c1test', 'db1');
    expect(found).toMatchObject({ softDeletePeriod: 'P10D', provisioningState: 'Succeeded' });
    expect(found).not.toHaveProperty('hotCachePeriod');
    await fixture.client.databases.beginUpdateAndWait(
      groupName,
      'c1test',
      'db1',
      readWrite({ hotCachePeriod: 'PT1H' }),
    );
    expect(await fixture.client.databases.get(groupName, 'c1test', 'db1')).toMatchObject({
      hotCachePeriod: 'PT1H',
      softDeletePeriod: 'P10D',
    });
  });

  it('Databases_ListByCluster: lists databases and nothing below them, in pages', async () => {
    for (const name of ['b', 'a', 'c']) await create(name);
    const names: (string | undefined)[] = [];
    for await (const database of fixture.client.databases.listByCluster(groupName, 'c1test', { top: 2 }))
      names.push(database.name);
    expect(names).toEqual(['c1test/a', 'c1test/b', 'c1test/c']);
  });

  it('Databases_Delete: removes the database with its assignments; 204 when there is none', async () => {
    await create('db1');
    await fixture.client.databases.beginDeleteAndWait(groupName, 'c1test', 'db1');
    await expect(fixture.client.databases.get(groupName, 'c1test', 'db1')).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    });
    expect(await reach()).toMatchObject({ databases: [], assignments: [] });
    expect((await fixture.send('DELETE', `${clusterPath}/databases/db1${version}`)).status).toBe(204);
  });

  it('Databases_CheckNameAvailability: as recorded', async () => {
    await create('TestDb');
    const check = (name: string): Promise<unknown> =>
      fixture.client.databases.checkNameAvailability(groupName, 'c1test', {
        name,
        type: 'Microsoft.Kusto/clusters/databases',
      });
    expect(await check('TestDb')).toEqual({
      name: 'TestDb',
      nameAvailable: false,
      message: 'Database TestDb already exists in cluster c1test. Please select a different database name.',
    });
    expect(await check('other')).toEqual({ name: 'other', nameAvailable: true, message: '' });
    expect(await check('a/b')).toMatchObject({ nameAvailable: false, reason: 'Invalid' });
  });

  it.each([
    ['a#b', readWrite()],
    ['   ', readWrite()],
    ['db1', readWrite({ keyVaultProperties: { keyName: 'k', keyVaultUri: 'https://v.vault.azure.net' } })],
    ['db1', { location: 'eastus', kind: 'ReadOnlyFollowing' }],
    ['db1', { location: 'westus', kind: 'ReadWrite' }],
  ])('Databases_CreateOrUpdate: refuses %j %j', async (name, body) => {
    await expect(fixture.client.databases.beginCreateOrUpdate(groupName, 'c1test', name, body)).rejects.toMatchObject({
      name: 'RestError',
    });
    expect((await reach()).databases).toEqual([]);
  });

  it('Databases_CreateOrUpdate: refuses periods that are no ISO 8601 durations', async () => {
    for (const softDeletePeriod of ['31 days', 'P', 'PT', 'P1', 31]) {
      const body = { location: 'eastus', kind: 'ReadWrite', properties: { softDeletePeriod } };
      const { status } = await fixture.send('PUT', `${clusterPath}/databases/db1${version}`, body);
      expect(status).toBe(400);
    }
  });

  it('Databases_Get: a stopped cluster refuses in the words of the real service; a suspended one can be read and not changed', async () => {
    await create('db1');
    const { clusterId } = await reach();
    await fixture.client.clusters.beginStopAndWait(groupName, 'c1test');
    await expect(fixture.client.databases.get(groupName, 'c1test', 'db1')).rejects.toMatchObject({
      statusCode: 400,
      code: 'BadRequest',
      details: { error: { message: "Cannot fetch databases while resource is in state 'Stopped'." } },
    });
    await fixture.client.clusters.beginStartAndWait(groupName, 'c1test');
    fixture.keys.lost = failure('keyDisabled');
    await fixture.keys.recheck(clusterId);
    expect(await fixture.client.databases.get(groupName, 'c1test', 'db1')).toMatchObject({
      suspensionDetails: { suspensionStartDate: new Date('2026-01-01T00:00:00Z') },
    });
    await expect(create('db2')).rejects.toMatchObject({ statusCode: 400, code: 'BadRequest' });
    expect(await reach()).toMatchObject({ state: 'Unavailable', suspension: { failure: { cause: 'keyDisabled' } } });
  });

  it('Databases_CreateOrUpdate: many at once all succeed', async () => {
    await Promise.all(Array.from({ length: 8 }, (_, index) => create(`db${index}`)));
    expect((await reach()).databases).toHaveLength(8);
  });

  it('Clusters_Delete: takes databases and assignments along', async () => {
    await create('db1');
    await fixture.client.clusters.beginDeleteAndWait(groupName, 'c1test');
    await fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', { location: 'eastus', sku });
    expect(await reach()).toMatchObject({ databases: [], assignments: [] });
  });
});

describe('principals', () => {
  const clusterAssignment = { principalId: app.appId, principalType: 'App', role: 'AllDatabasesViewer' };

  it('Databases_CreateOrUpdate: makes its creator an Admin, unless callerRole=None', async () => {
    await create('db1');
    await fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db2', readWrite(), {
      callerRole: 'None',
    });
    const { assignments, databases } = await reach();
    const db1 = databases.find(({ name }) => name === 'db1');
    expect(assignments).toMatchObject([
      { role: 'Admin', aadObjectId: testGuid('c'), appId: testGuid('a'), databaseId: db1?.databaseId },
    ]);
  });

  it('ClusterPrincipalAssignments_CreateOrUpdate, ClusterPrincipalAssignments_Get: as recorded; the same again is 200', async () => {
    const path = `${clusterPath}/PrincipalAssignments/pa1${version}`;
    const put = await fixture.send('PUT', path, { properties: clusterAssignment });
    const common = {
      id: `${clusterPath}/PrincipalAssignments/pa1`,
      name: 'c1test/pa1',
      type: 'Microsoft.Kusto/Clusters/PrincipalAssignments',
    };
    expect(put.status).toBe(201);
    expect(put.headers.get('azure-asyncoperation')).not.toBeNull();
    expect(put.body).toEqual({ ...common, properties: { ...clusterAssignment, provisioningState: 'Creating' } });
    expect((await fixture.send('GET', path)).body).toEqual({
      ...common,
      properties: {
        ...clusterAssignment,
        tenantId,
        tenantName: 'Test',
        principalName: 'reader',
        aadObjectId: app.objectId,
        provisioningState: 'Succeeded',
      },
    });
    const again = await fixture.send('PUT', path, { properties: clusterAssignment });
    expect(again.status).toBe(200);
    expect(again.headers.get('azure-asyncoperation')).toBeNull();
    const client = fixture.client.clusterPrincipalAssignments;
    await client.beginCreateOrUpdateAndWait(groupName, 'c1test', 'pa1', {
      ...clusterAssignment,
      role: 'AllDatabasesAdmin',
    });
    expect((await reach()).assignments).toMatchObject([{ role: 'AllDatabasesAdmin', aadObjectId: app.objectId }]);
  });

  it('ClusterPrincipalAssignments_List, ClusterPrincipalAssignments_Delete, ClusterPrincipalAssignments_CheckNameAvailability', async () => {
    const client = fixture.client.clusterPrincipalAssignments;
    await client.beginCreateOrUpdateAndWait(groupName, 'c1test', 'pa1', clusterAssignment);
    const names: (string | undefined)[] = [];
    for await (const assignment of client.list(groupName, 'c1test')) names.push(assignment.name);
    expect(names).toEqual(['c1test/pa1']);
    const check = (): Promise<unknown> =>
      client.checkNameAvailability(groupName, 'c1test', {
        name: 'pa1',
        type: 'Microsoft.Kusto/clusters/principalAssignments',
      });
    expect(await check()).toEqual({
      name: 'pa1',
      nameAvailable: false,
      message: 'PrincipalAssignment pa1 already exists in cluster c1test. Please select a different name.',
    });
    await client.beginDeleteAndWait(groupName, 'c1test', 'pa1');
    expect(await check()).toEqual({ name: 'pa1', nameAvailable: true, message: '' });
    await client.beginDeleteAndWait(groupName, 'c1test', 'pa1');
    await expect(client.get(groupName, 'c1test', 'pa1')).rejects.toMatchObject({ statusCode: 404 });
  });

  it('DatabasePrincipalAssignments_CreateOrUpdate, DatabasePrincipalAssignments_Get, DatabasePrincipalAssignments_List, DatabasePrincipalAssignments_CheckNameAvailability, DatabasePrincipalAssignments_Delete', async () => {
    await create('db1');
    const client = fixture.client.databasePrincipalAssignments;
    const viewer = { principalId: app.appId, principalType: 'App', role: 'Viewer' };
    await client.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', 'pa1', viewer);
    expect(await client.get(groupName, 'c1test', 'db1', 'pa1')).toMatchObject({
      ...viewer,
      aadObjectId: app.objectId,
      name: 'c1test/db1/pa1',
    });
    const roles: (string | undefined)[] = [];
    for await (const assignment of client.list(groupName, 'c1test', 'db1')) roles.push(assignment.role);
    expect(roles.toSorted()).toEqual(['Admin', 'Viewer']);
    const type = 'Microsoft.Kusto/clusters/databases/principalAssignments';
    expect(await client.checkNameAvailability(groupName, 'c1test', 'db1', { name: 'pa1', type })).toMatchObject({
      nameAvailable: false,
    });
    const { databases, assignments } = await reach();
    expect(assignments).toContainEqual(
      expect.objectContaining({ role: 'Viewer', databaseId: databases[0]?.databaseId }),
    );
    await client.beginDeleteAndWait(groupName, 'c1test', 'db1', 'pa1');
    expect((await reach()).assignments).toHaveLength(1);
  });

  it.each([
    [{ principalType: 'App', role: 'AllDatabasesViewer' }, "The property 'principalId' is required."],
    [
      { ...clusterAssignment, principalType: 'Robot' },
      "The value of property 'principalType' is invalid: expected 'App', 'Group' or 'User'.",
    ],
    [
      { ...clusterAssignment, role: 'Viewer' },
      "The value of property 'role' is invalid: expected 'AllDatabasesAdmin' or 'AllDatabasesViewer' or 'AllDatabasesMonitor'.",
    ],
    [
      { ...clusterAssignment, principalId: 'nobody' },
      `[BadRequest] Entity ID 'nobody' of type 'AAD Application Id' was not found in AAD tenant '${tenantId}'.`,
    ],
  ])('ClusterPrincipalAssignments_CreateOrUpdate: refuses %j', async (properties, message) => {
    const put = await fixture.send('PUT', `${clusterPath}/principalAssignments/pa1${version}`, { properties });
    expect(put).toMatchObject({ status: 400, body: { error: { code: 'BadRequest', message } } });
  });

  it('Databases_ListPrincipals, Databases_AddPrincipals, Databases_RemovePrincipals: the older way to the same assignments', async () => {
    await create('db1', {});
    const reader = { name: 'reader', role: 'Viewer', type: 'App', appId: app.appId };
    const shown = {
      name: 'reader',
      role: 'Viewer',
      type: 'App',
      fqn: `aadapp=${app.appId};${tenantId}`,
      email: '',
      appId: app.appId,
      tenantName: 'Test',
    };
    const client = fixture.client.databases;
    const added = await client.addPrincipals(groupName, 'c1test', 'db1', { value: [reader, reader] });
    expect(added.value).toHaveLength(2);
    expect(added.value).toContainEqual(shown);
    const listed: unknown[] = [];
    for await (const principal of client.listPrincipals(groupName, 'c1test', 'db1')) listed.push(principal);
    expect(listed).toContainEqual(shown);
    const left = await client.removePrincipals(groupName, 'c1test', 'db1', { value: [reader] });
    expect(left.value).toMatchObject([{ role: 'Admin' }]);
  });
});

describe('what the data plane reads', () => {
  it('a cluster is found by both of its hosts, only in its region, and says when the network is closed', async () => {
    const find = async (text: string): Promise<ClusterAccess | undefined> => {
      const host = parseHostName(text);
      return host === undefined ? undefined : access.findByHost(host);
    };
    expect((await find('ingest-c1test.eastus.kusto.windows.net'))?.name).toBe('c1test');
    expect(await find('c1test.westus.kusto.windows.net')).toBeUndefined();
    expect(await find('c2test.eastus.kusto.windows.net')).toBeUndefined();
    await fixture.client.clusters.beginUpdateAndWait(groupName, 'c1test', {
      publicNetworkAccess: 'Disabled',
      enableStreamingIngest: true,
    });
    expect(await reach()).toMatchObject({
      streamingIngestEnabled: true,
      networkRefusal: expect.stringContaining('publicNetworkAccess') as string,
    });
    expect(await access.list()).toHaveLength(1);
  });
});
