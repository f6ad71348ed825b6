import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testGuid } from '../../support/fake-cluster-keys.ts';
import { groupName, startKustoFixture, subscriptionId, tenantId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const clusters = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/Clusters`;
const leader = `${clusters}/leader`;
const follower = `${clusters}/follower`;
const version = '?api-version=2024-04-13';

let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
  for (const name of ['leader', 'follower']) await makeCluster(name);
  await makeDatabase('leader', 'db1');
});
afterEach(() => fixture.close());

const makeCluster = (name: string, location = 'eastus') =>
  fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, name, { location, sku });
const makeDatabase = (cluster: string, name: string) =>
  fixture.client.databases.beginCreateOrUpdateAndWait(groupName, cluster, name, {
    location: 'eastus',
    kind: 'ReadWrite',
  });
const wanted = { databaseName: 'db1', clusterResourceId: leader, defaultPrincipalsModificationKind: 'Union' };
const attach = (properties: object, at = follower, name = 'adc', api = version) =>
  fixture.send('PUT', `${at}/attachedDatabaseConfigurations/${name}${api}`, { location: 'East US', properties });
const get = (path: string, api = version) => fixture.send('GET', `${path}${api}`);
const post = (path: string, body?: unknown) => fixture.send('POST', `${path}${version}`, body);

describe('attached database configurations', () => {
  it('AttachedDatabaseConfigurations_CreateOrUpdate, AttachedDatabaseConfigurations_Get: as recorded', async () => {
    const made = await attach(wanted);
    const common = {
      id: `${follower}/AttachedDatabaseConfigurations/adc`,
      name: 'follower/adc',
      type: 'Microsoft.Kusto/Clusters/AttachedDatabaseConfigurations',
      location: 'East US',
    };
    expect(made.status).toBe(201);
    expect(made.headers.get('warning')).toBeNull();
    expect(made.body).toEqual({
      ...common,
      properties: {
        clusterResourceId: leader,
        databaseName: 'db1',
        defaultPrincipalsModificationKind: 'Union',
        provisioningState: 'Creating',
      },
    });
    const read = await get(`${follower}/attachedDatabaseConfigurations/adc`);
    expect(read.body).toEqual({
      ...common,
      properties: {
        clusterResourceId: leader,
        databaseName: 'db1',
        attachedDatabaseNames: ['db1'],
        defaultPrincipalsModificationKind: 'Union',
        tableLevelSharingProperties: null,
        databaseNameOverride: null,
        databaseNamePrefix: null,
        provisioningState: 'Succeeded',
      },
    });
  });

  it('AttachedDatabaseConfigurations_ListByCluster, AttachedDatabaseConfigurations_CheckNameAvailability, AttachedDatabaseConfigurations_Delete: by the official client', async () => {
    const api = fixture.client.attachedDatabaseConfigurations;
    await api.beginCreateOrUpdateAndWait(groupName, 'follower', 'adc', { location: 'eastus', ...wanted });
    const listed: (string | undefined)[] = [];
    for await (const one of api.listByCluster(groupName, 'follower')) listed.push(one.name);
    expect(listed).toEqual(['follower/adc']);
    const check = { name: 'adc', type: 'Microsoft.Kusto/clusters/attachedDatabaseConfigurations' } as const;
    expect(await api.checkNameAvailability(groupName, 'follower', check)).toMatchObject({ nameAvailable: false });
    await api.beginDeleteAndWait(groupName, 'follower', 'adc');
    expect(await api.checkNameAvailability(groupName, 'follower', check)).toMatchObject({ nameAvailable: true });
  });

  it('Clusters_ListFollowerDatabases, Clusters_ListFollowerDatabasesGet, Clusters_DetachFollowerDatabases: as recorded', async () => {
    await attach(wanted);
    const one = {
      clusterResourceId: follower,
      attachedDatabaseConfigurationName: 'adc',
      databaseName: 'db1',
      databaseShareOrigin: 'Direct',
    };
    expect((await post(`${leader}/listFollowerDatabases`)).body).toEqual({ value: [one] });
    expect((await get(`${leader}/listFollowerDatabases`)).body).toEqual({ value: [{ properties: one }] });
    expect((await post(`${follower}/listFollowerDatabases`)).body).toEqual({ value: [] });
    const detach = (body: object) => post(`${leader}/detachFollowerDatabases`, body);
    const named = { clusterResourceId: follower, attachedDatabaseConfigurationName: 'adc' };
    expect(await detach({ ...named, attachedDatabaseConfigurationName: 'other' })).toMatchObject({ status: 400 });
    expect(await detach({})).toMatchObject({ status: 400 });
    const gone = await detach(named);
    expect(gone.status).toBe(202);
    const url = new URL(gone.headers.get('azure-asyncoperation') ?? '');
    expect((await fixture.send('GET', `${url.pathname}${url.search}`)).body).toMatchObject({
      status: 'Succeeded',
      properties: { operationKind: 'FollowerDatabaseDetach' },
    });
    expect((await post(`${leader}/listFollowerDatabases`)).body).toEqual({ value: [] });
    expect(await get(`${follower}/attachedDatabaseConfigurations/adc`)).toMatchObject({ status: 404 });
  });

  it('have principals of their own, with the shapes, operations and checks of other databases', async () => {
    await attach(wanted);
    const api = fixture.client.databasePrincipalAssignments;
    const clientId = testGuid('b');
    const tenant = { tenantId, tenantName: 'Contoso' };
    fixture.known.set(`App ${clientId}`, {
      objectId: testGuid('c'),
      appId: clientId,
      displayName: 'readers',
      ...tenant,
    });
    const one = { principalId: clientId, principalType: 'App', role: 'Viewer' };
    const path = `${follower}/Databases/db1`;
    const put = (properties: object, name = 'viewers', at = path) =>
      fixture.send('PUT', `${at}/principalAssignments/${name}${version}`, { properties });
    const common = { id: `${path}/PrincipalAssignments/viewers`, name: 'follower/db1/viewers' };
    const made = await put(one);
    expect(made).toMatchObject({
      status: 201,
      body: { ...common, properties: { ...one, provisioningState: 'Creating' } },
    });
    const url = new URL(made.headers.get('azure-asyncoperation') ?? '');
    expect((await fixture.send('GET', `${url.pathname}${url.search}`)).body).toMatchObject({
      status: 'Succeeded',
      properties: { operationKind: 'DatabaseAddPrincipals' },
    });
    expect(await put(one)).toMatchObject({ status: 200, body: { properties: { provisioningState: 'Succeeded' } } });
    expect(await put({ ...one, role: 'Admin' })).toMatchObject({ status: 200 });
    expect(await get(`${path}/principalAssignments/viewers`)).toMatchObject({
      status: 200,
      body: {
        ...common,
        type: 'Microsoft.Kusto/Clusters/Databases/PrincipalAssignments',
        properties: {
          ...one,
          role: 'Admin',
          aadObjectId: expect.any(String) as string,
          provisioningState: 'Succeeded',
        },
      },
    });
    const check = { name: 'viewers', type: 'Microsoft.Kusto/clusters/databases/principalAssignments' } as const;
    const isFree = async () => (await api.checkNameAvailability(groupName, 'follower', 'db1', check)).nameAvailable;
    expect(await isFree()).toBe(false);
    expect(await put({ ...one, principalId: 'nobody@example.com', principalType: 'User' }, 'x')).toMatchObject({
      status: 400,
    });
    expect(await put({ ...one, role: 'AllDatabasesAdmin' }, 'x')).toMatchObject({ status: 400 });
    expect((await post(`${path}/listPrincipals`)).body).toMatchObject({ value: [{ role: 'Admin', appId: clientId }] });
    const value = [{ role: 'Monitor', name: 'x', type: 'App', appId: clientId }];
    expect((await post(`${path}/addPrincipals`, { value })).body).toMatchObject({
      value: [{ role: 'Admin' }, { role: 'Monitor' }],
    });
    expect((await post(`${path}/removePrincipals`, { value })).body).toMatchObject({ value: [{ role: 'Admin' }] });
    await api.beginDeleteAndWait(groupName, 'follower', 'db1', 'viewers');
    expect(await isFree()).toBe(true);
    const gone = await fixture.send('DELETE', `${path}/principalAssignments/viewers${version}`);
    expect(gone.status).toBe(204);
    expect((await get(`${path}/principalAssignments`)).body).toEqual({ value: [] });
    // The leader's are others, and what else is below is refused by its name.
    expect(await put(one, 'v', `${leader}/databases/db1`)).toMatchObject({ status: 201 });
    expect(await get(`${path}/principalAssignments/v`)).toMatchObject({ status: 404 });
    expect(await get(`${path}/dataConnections`)).toMatchObject({ status: 501 });
  });

  it.each([
    ['a leader that is not there', { clusterResourceId: `${clusters}/nobody` }],
    ['itself', { clusterResourceId: follower }],
    ['a database that is not there', { databaseName: 'db2' }],
    ['another kind of principals', { defaultPrincipalsModificationKind: 'Some' }],
    ['a name for all databases', { databaseName: '*', databaseNameOverride: 'x' }],
    ['no leader', { clusterResourceId: undefined }],
    ['tables of all databases', { databaseName: '*', tableLevelSharingProperties: { tablesToInclude: ['a'] } }],
  ])('are refused with %s', async (_, properties) => {
    expect(await attach({ ...wanted, ...properties })).toMatchObject({ status: 400 });
    expect(await get(`${follower}/attachedDatabaseConfigurations/adc`)).toMatchObject({ status: 404 });
  });

  it('follow all databases with lists of tables that are empty, as templates send them', async () => {
    const nothing = { tablesToInclude: [], tablesToExclude: [], externalTablesToInclude: null };
    expect(await attach({ ...wanted, databaseName: '*', tableLevelSharingProperties: nothing })).toMatchObject({
      status: 201,
    });
    expect((await get(`${follower}/databases`)).body).toMatchObject({ value: [{ name: 'follower/db1' }] });
  });

  it('are refused across regions, twice, and under a name that the follower has', async () => {
    await makeCluster('farleader', 'westus2');
    expect(await attach({ ...wanted, databaseName: '*', clusterResourceId: `${clusters}/farleader` })).toMatchObject({
      status: 400,
    });
    await makeDatabase('follower', 'own');
    expect(await attach({ ...wanted, databaseNameOverride: 'own' })).toMatchObject({ status: 400 });
    expect(await attach(wanted)).toMatchObject({ status: 201 });
    expect(await attach(wanted, follower, 'again')).toMatchObject({ status: 400 });
    expect(await attach(wanted)).toMatchObject({
      status: 200,
      body: { properties: { provisioningState: 'Accepted' } },
    });
  });

  it("are refused of a leader with a customer's key that follows another cluster", async () => {
    await makeCluster('third');
    await makeDatabase('third', 'db3');
    const key = { keyName: 'myKey', keyVaultUri: 'https://myvault.vault.azure.net/' };
    const identity = { type: 'SystemAssigned' as const };
    await fixture.client.clusters.beginUpdateAndWait(groupName, 'leader', { identity });
    await fixture.client.clusters.beginUpdateAndWait(groupName, 'leader', { keyVaultProperties: key });
    const third = { ...wanted, databaseName: 'db3', clusterResourceId: `${clusters}/third` };
    expect(await attach(third, leader)).toMatchObject({ status: 201 });
    expect(await attach(wanted)).toMatchObject({ status: 400 });
    await fixture.send('DELETE', `${leader}/attachedDatabaseConfigurations/adc${version}`);
    expect(await attach(wanted)).toMatchObject({ status: 201 });
    expect(await attach(third, leader)).toMatchObject({ status: 400 });
  });

  it("keep a customer's key from a cluster that is followed in a chain", async () => {
    await makeCluster('third');
    await makeDatabase('third', 'db3');
    const key = { keyName: 'myKey', keyVaultUri: 'https://myvault.vault.azure.net/' };
    await fixture.client.clusters.beginUpdateAndWait(groupName, 'leader', { identity: { type: 'SystemAssigned' } });
    const setKey = () => fixture.send('PATCH', `${leader}${version}`, { properties: { keyVaultProperties: key } });
    const third = { ...wanted, databaseName: 'db3', clusterResourceId: `${clusters}/third` };
    await attach(wanted);
    expect(await attach(third, follower, 'two')).toMatchObject({ status: 201 });
    expect(await setKey()).toMatchObject({ status: 400 });
    await fixture.send('DELETE', `${follower}/attachedDatabaseConfigurations/two${version}`);
    await attach(third, leader);
    expect(await setKey()).toMatchObject({ status: 400 });
    await fixture.send('DELETE', `${leader}/attachedDatabaseConfigurations/adc${version}`);
    expect(await setKey()).toMatchObject({ status: 202 });
    expect(await attach(third, follower, 'two')).toMatchObject({ status: 400 });
  });
});
