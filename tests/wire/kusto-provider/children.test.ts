import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventHubDataConnection } from '@azure/arm-kusto';
import { createClusterAccess } from '../../../src/providers/kusto/cluster-access.ts';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const group = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}`;
const clusterId = `${group}/providers/Microsoft.Kusto/Clusters/c1test`;
const hub = `${group}/providers/Microsoft.EventHub/namespaces/ns/eventhubs/hub`;
const connections = `${clusterId}/databases/db1/dataConnections`;
const version = '?api-version=2024-04-13';

let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
  await fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', { location: 'eastus', sku });
  const database = { location: 'eastus', kind: 'ReadWrite' as const };
  await fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', database);
});
afterEach(() => fixture.close());

const put = (path: string, body: unknown, api = version) => fixture.send('PUT', `${path}${api}`, body);
const eventHub = (extra: Partial<EventHubDataConnection> = {}): EventHubDataConnection => ({
  location: 'eastus',
  kind: 'EventHub',
  eventHubResourceId: hub,
  consumerGroup: '$Default',
  ...extra,
});

describe('data connections', () => {
  it('DataConnections_CreateOrUpdate: answers as recorded in 2025, first and afterwards', async () => {
    const properties = { consumerGroup: 'sample', eventHubResourceId: hub };
    const api = '?api-version=2023-08-15';
    const first = await put(`${connections}/dc1`, { kind: 'EventHub', location: 'westus2x', properties }, api);
    expect(first.status).toBe(400);
    const made = await put(`${connections}/dc1`, { kind: 'EventHub', location: 'eastus', properties }, api);
    const common = {
      id: `${clusterId}/Databases/db1/DataConnections/dc1`,
      name: 'c1test/db1/dc1',
      type: 'Microsoft.Kusto/Clusters/Databases/DataConnections',
    };
    expect(made.status).toBe(201);
    expect(made.headers.get('azure-asyncoperation')).toContain('/operationResults/');
    expect(made.headers.get('location')).toBeNull();
    expect(made.headers.get('etag')).toBeNull();
    expect(made.body).toEqual({
      ...common,
      location: 'eastus',
      kind: 'EventHub',
      properties: { eventHubResourceId: hub, consumerGroup: 'sample', provisioningState: 'Creating' },
    });
    const { body } = await fixture.send('GET', `${connections}/dc1${api}`);
    expect(body).toEqual({
      ...common,
      location: 'East US',
      kind: 'EventHub',
      properties: {
        eventHubResourceId: hub,
        consumerGroup: 'sample',
        tableName: '',
        mappingRuleName: '',
        dataFormat: '',
        eventSystemProperties: [],
        compression: 'None',
        managedIdentityResourceId: null,
        managedIdentityObjectId: null,
        databaseRouting: 'Single',
        retrievalStartDate: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        provisioningState: 'Succeeded',
      },
    });
  });

  it('DataConnections_CreateOrUpdate: in 2019 they had an empty etag and tags, and knew less', async () => {
    const api = '?api-version=2019-09-07';
    const properties = { eventHubResourceId: hub, consumerGroup: '$Default' };
    const made = await put(`${connections}/dc1`, { kind: 'EventHub', location: 'East US', properties }, api);
    expect(made.headers.get('etag')).toBe('""');
    expect(made.body).toMatchObject({ etag: '""', properties: { provisioningState: 'Creating' } });
    const again = { kind: 'EventHub', location: 'East US', properties: { ...properties, dataFormat: 'CSV' } };
    const changed = await put(`${connections}/dc1`, again, api);
    expect(changed).toMatchObject({ status: 200, body: { properties: { provisioningState: 'Accepted' } } });
    const { body } = await fixture.send('GET', `${connections}/dc1${api}`);
    expect(body).toMatchObject({ etag: '""', tags: {}, location: 'East US' });
    expect((body as { properties: unknown }).properties).toEqual({
      ...properties,
      tableName: null,
      mappingRuleName: null,
      dataFormat: 'CSV',
      eventSystemProperties: [],
      provisioningState: 'Succeeded',
    });
  });

  it('are made, updated, listed and deleted by the official client', async () => {
    const api = fixture.client.dataConnections;
    await api.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', 'dc1', eventHub());
    const updated = await api.beginUpdateAndWait(groupName, 'c1test', 'db1', 'dc1', eventHub({ tableName: 'T' }));
    expect(updated).toMatchObject({ kind: 'EventHub', tableName: 'T', provisioningState: 'Succeeded' });
    const listed: (string | undefined)[] = [];
    for await (const one of api.listByDatabase(groupName, 'c1test', 'db1')) listed.push(one.name);
    expect(listed).toEqual(['c1test/db1/dc1']);
    const check = { name: 'dc1', type: 'Microsoft.Kusto/clusters/databases/dataConnections' } as const;
    expect(await api.checkNameAvailability(groupName, 'c1test', 'db1', check)).toMatchObject({ nameAvailable: false });
    await api.beginDeleteAndWait(groupName, 'c1test', 'db1', 'dc1');
    expect(await api.checkNameAvailability(groupName, 'c1test', 'db1', check)).toMatchObject({ nameAvailable: true });
    expect(await fixture.send('DELETE', `${connections}/dc1${version}`)).toMatchObject({ status: 204 });
  });

  it('say in a header that nothing feeds them', async () => {
    await put(`${connections}/dc1`, { kind: 'eventhub', properties: { eventHubResourceId: hub, consumerGroup: 'g' } });
    for (const path of [connections, `${connections}/dc1`]) {
      const { headers } = await fixture.send('GET', `${path}${version}`);
      expect(headers.get('warning')).toMatch(/^199 kustody "not acting here: /);
    }
  });

  it('bring what was written since they were made, by the clock of storage, wherever the Kustody clock is', async () => {
    const body = {
      ...{ kind: 'EventGrid', location: 'eastus' },
      properties: {
        storageAccountResourceId: `${group}/providers/Microsoft.Storage/storageAccounts/mapped`,
        ...{ eventHubResourceId: hub, consumerGroup: 'g', managedIdentityResourceId: clusterId },
      },
    };
    const cluster = { location: 'eastus', sku, identity: { type: 'SystemAssigned' } };
    await fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', cluster);
    const sinces = async () =>
      (await createClusterAccess(fixture.ports).list())
        .flatMap(({ connections }) => connections)
        .map((one) => one.since);
    fixture.machineMs = Date.UTC(2026, 0, 2);
    expect((await put(`${connections}/dc1`, body)).status).toBe(201);
    await fixture.clock.advance(86_400_000);
    fixture.machineMs += 5_000;
    expect((await put(`${connections}/dc1`, body)).status).toBe(200);
    expect(await sinces()).toEqual(['2026-01-02T00:00:00.000Z']);
  });

  it.each([
    ['no kind', { properties: { eventHubResourceId: hub, consumerGroup: 'g' } }],
    ['an unknown kind', { kind: 'Kafka', properties: {} }],
    ['no consumer group', { kind: 'EventHub', properties: { eventHubResourceId: hub } }],
    [
      'another resource as its hub',
      { kind: 'EventHub', properties: { eventHubResourceId: group, consumerGroup: 'g' } },
    ],
    ['a format that does not exist', { kind: 'IotHub', properties: { iotHubResourceId: hub, dataFormat: 'XML' } }],
    [
      'a foreign identity',
      {
        kind: 'EventHub',
        properties: { eventHubResourceId: hub, consumerGroup: 'g', managedIdentityResourceId: clusterId },
      },
    ],
  ])('are refused with %s', async (_, body) => {
    expect(await put(`${connections}/dc1`, body)).toMatchObject({ status: 400 });
    expect(await fixture.send('GET', `${connections}/dc1${version}`)).toMatchObject({ status: 404 });
  });

  it.each([
    ['EventHubWithManagedIdentity', { kind: 'eventHubWithManagedIdentity', properties: {} }, '2025-02-14', 501],
    ['EventGridWithManagedIdentity', { kind: 'EventGridWithManagedIdentity', properties: {} }, '2025-02-14', 501],
    ['kind', { kind: 'EventHubWithManagedIdentity', properties: {} }, '2024-04-13', 400],
    [
      'AZMONSTREAM',
      { kind: 'EventHub', properties: { eventHubResourceId: hub, consumerGroup: 'g', dataFormat: 'azMonStream' } },
      ...(['2025-02-14', 501] as const),
    ],
  ])('are refused by name: %s', async (name, body, apiVersion, status) => {
    const refused = await fixture.send('PUT', `${connections}/dc1?api-version=${apiVersion}`, body);
    expect(refused).toMatchObject({ status });
    expect(JSON.stringify(refused.body)).toContain(name);
    expect(await fixture.send('GET', `${connections}/dc1${version}`)).toMatchObject({ status: 404 });
  });

  it('are refused when their consumer group feeds another one', async () => {
    const body = { kind: 'EventHub', properties: { eventHubResourceId: hub, consumerGroup: 'g' } };
    expect(await put(`${connections}/dc1`, body)).toMatchObject({ status: 201 });
    const second = await put(`${connections}/dc2`, body);
    expect(second).toMatchObject({ status: 400, body: { error: { code: 'BadRequest' } } });
    expect(JSON.stringify(second.body)).toContain('tuple provided are already used');
    expect(await put(`${connections}/dc1`, body)).toMatchObject({ status: 200 });
  });

  it('go with their database', async () => {
    await put(`${connections}/dc1`, { kind: 'EventHub', properties: { eventHubResourceId: hub, consumerGroup: 'g' } });
    await fixture.client.databases.beginDeleteAndWait(groupName, 'c1test', 'db1');
    const missing = await fixture.send('GET', `${connections}/dc1${version}`);
    expect(missing).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound' } } });
    const database = { location: 'eastus', kind: 'ReadWrite' as const };
    await fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', database);
    expect(await fixture.send('GET', `${connections}${version}`)).toMatchObject({ body: { value: [] } });
  });
});

describe('managed private endpoints and sandbox custom images', () => {
  it('ManagedPrivateEndpoints_CreateOrUpdate: answers as recorded, first and afterwards', async () => {
    const properties = { privateLinkResourceId: hub, privateLinkResourceRegion: 'East US', groupId: 'namespace' };
    const made = await put(`${clusterId}/managedPrivateEndpoints/mpe`, { properties });
    const common = {
      id: `${clusterId}/ManagedPrivateEndpoints/mpe`,
      name: 'c1test/mpe',
      type: 'Microsoft.Kusto/Clusters/ManagedPrivateEndpoints',
    };
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toEqual({ ...common, properties: { ...properties, provisioningState: 'Creating' } });
    const { body } = await fixture.send('GET', `${clusterId}/managedPrivateEndpoints/mpe${version}`);
    expect(body).toEqual({
      ...common,
      properties: { ...properties, requestMessage: null, provisioningState: 'Succeeded' },
      systemData: expect.objectContaining({ createdByType: 'Application' }) as object,
    });
  });

  it('ManagedPrivateEndpoints: by the official client', async () => {
    const api = fixture.client.managedPrivateEndpoints;
    const endpoint = { privateLinkResourceId: hub, groupId: 'namespace' };
    await api.beginCreateOrUpdateAndWait(groupName, 'c1test', 'mpe', endpoint);
    await api.beginUpdateAndWait(groupName, 'c1test', 'mpe', { requestMessage: 'please' });
    expect(await api.get(groupName, 'c1test', 'mpe')).toMatchObject({ ...endpoint, requestMessage: 'please' });
    await api.beginDeleteAndWait(groupName, 'c1test', 'mpe');
    await expect(api.get(groupName, 'c1test', 'mpe')).rejects.toMatchObject({ statusCode: 404 });
  });

  it('SandboxCustomImages: by the official client; one without a version is refused', async () => {
    const api = fixture.client.sandboxCustomImages;
    const image = { language: 'Python', languageVersion: '3.9.7', requirementsFileContent: 'Pillow' };
    await api.beginCreateOrUpdateAndWait(groupName, 'c1test', 'img', image);
    expect(await api.get(groupName, 'c1test', 'img')).toMatchObject(image);
    expect(await put(`${clusterId}/sandboxCustomImages/other`, { properties: { language: 'Python' } })).toMatchObject({
      status: 400,
    });
    await api.beginDeleteAndWait(groupName, 'c1test', 'img');
  });

  it('are unknown to api-versions before them', async () => {
    const path = `${clusterId}/sandboxCustomImages/img?api-version=2022-02-01`;
    const answer = await fixture.send('PUT', path, { properties: { language: 'Python', languageVersion: '3' } });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'NoRegisteredProviderFound' } } });
  });
});

/** Made, read, listed, changed, checked by name and deleted: the same for all, whatever they are. */
const lives = [
  {
    operations: `ManagedPrivateEndpoints_CreateOrUpdate, ManagedPrivateEndpoints_Get, ManagedPrivateEndpoints_List,
      ManagedPrivateEndpoints_Update, ManagedPrivateEndpoints_CheckNameAvailability, ManagedPrivateEndpoints_Delete`,
    parent: clusterId,
    type: 'managedPrivateEndpoints',
    check: 'managedPrivateEndpointsCheckNameAvailability',
    body: { properties: { privateLinkResourceId: hub, groupId: 'namespace' } },
    change: { properties: { requestMessage: 'please' } },
  },
  {
    operations: `SandboxCustomImages_CreateOrUpdate, SandboxCustomImages_Get, SandboxCustomImages_ListByCluster,
      SandboxCustomImages_Update, SandboxCustomImages_CheckNameAvailability, SandboxCustomImages_Delete`,
    parent: clusterId,
    type: 'sandboxCustomImages',
    check: 'sandboxCustomImagesCheckNameAvailability',
    body: { properties: { language: 'Python', languageVersion: '3.9.7' } },
    change: { properties: { requirementsFileContent: 'Pillow' } },
  },
  {
    operations: `DataConnections_CreateOrUpdate, DataConnections_Get, DataConnections_ListByDatabase,
      DataConnections_Update, DataConnections_CheckNameAvailability, DataConnections_Delete`,
    parent: `${clusterId}/databases/db1`,
    type: 'dataConnections',
    check: 'checkNameAvailability',
    body: { kind: 'EventHub', properties: { eventHubResourceId: hub, consumerGroup: 'g' } },
    change: { kind: 'EventHub', properties: { tableName: 'T' } },
  },
];

describe('the life of a child', () => {
  it.each(lives)('$type: $operations', async ({ parent, type, check, body, change }) => {
    const one = `${parent}/${type}/one`;
    expect(await fixture.send('GET', `${one}${version}`)).toMatchObject({
      status: 404,
      body: { error: { code: 'ResourceNotFound' } },
    });
    expect(await fixture.send('PATCH', `${one}${version}`, change)).toMatchObject({ status: 404 });
    expect(await put(one, body)).toMatchObject({ status: 201 });
    expect(await put(one, body)).toMatchObject({
      status: 200,
      body: { properties: { provisioningState: 'Accepted' } },
    });
    const patched = await fixture.send('PATCH', `${one}${version}`, change);
    expect(patched).toMatchObject({ status: 202, body: { properties: { provisioningState: 'Accepted' } } });
    expect(patched.headers.get('location')).toContain('operationResultResponseType=Location');
    const read = await fixture.send('GET', `${one}${version}`);
    expect(read).toMatchObject({ status: 200, body: { properties: { ...body.properties, ...change.properties } } });
    expect(await fixture.send('GET', `${parent}/${type}${version}`)).toMatchObject({ body: { value: [read.body] } });
    const named = `${parent.replace(clusterId, 'Microsoft.Kusto/clusters').replace('/db1', '')}/${type}`;
    const checkName = (name: string) => fixture.send('POST', `${parent}/${check}${version}`, { name, type: named });
    expect(await checkName('two')).toMatchObject({
      status: 200,
      body: { name: 'two', nameAvailable: true, message: '' },
    });
    expect(await checkName('one')).toMatchObject({ body: { nameAvailable: false } });
    expect(await checkName('a/b')).toMatchObject({ body: { nameAvailable: false, reason: 'Invalid' } });
    const deleted = await fixture.send('DELETE', `${one}${version}`);
    expect(deleted).toMatchObject({ status: 202 });
    expect(deleted.headers.get('azure-asyncoperation')).toContain('/operationResults/');
    expect(await fixture.send('DELETE', `${one}${version}`)).toMatchObject({ status: 204 });
    expect(await fixture.send('GET', `${parent}/${type}${version}`)).toMatchObject({ body: { value: [] } });
  });

  it.each(lives)('$type: is not changed while an operation is under way or the cluster is stopped', async (life) => {
    const one = `${life.parent}/${life.type}/one`;
    fixture.fault = { takesMs: 1000, fails: false };
    expect(await put(one, life.body)).toMatchObject({ status: 201 });
    expect(await fixture.send('GET', `${one}${version}`)).toMatchObject({
      body: { properties: { provisioningState: 'Creating' } },
    });
    expect(await put(one, life.body)).toMatchObject({ status: 409, body: { error: { code: 'RequestConflict' } } });
    await fixture.clock.advance(1000);
    fixture.fault = { takesMs: 0, fails: false };
    await fixture.client.clusters.beginStopAndWait(groupName, 'c1test');
    expect(await put(one, life.body)).toMatchObject({ status: 400, body: { error: { code: 'BadRequest' } } });
  });
});
