import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Cluster } from '@azure/arm-kusto';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const path = (name: string): string =>
  `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/Clusters/${name}`;
const version = '?api-version=2024-04-13';

let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
});
afterEach(() => fixture.close());

const create = (name = 'c1test', extra: Partial<Cluster> = {}): Promise<Cluster> =>
  fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, name, { location: 'eastus', sku, ...extra });

describe('the cluster resource', () => {
  it('Clusters_CreateOrUpdate: creates a cluster that looks as recorded', async () => {
    await create();
    const { status, headers, body } = await fixture.send('GET', `${path('c1test')}${version}`);
    expect(status).toBe(200);
    const etag = headers.get('etag');
    expect(etag).toMatch(/^"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z"$/);
    // The recorded answer of the real service (2026-08, api-version 2024-04-13), ids and size aside.
    expect(body).toEqual({
      id: path('c1test'),
      name: 'c1test',
      type: 'Microsoft.Kusto/Clusters',
      etag,
      location: 'East US',
      sku: { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 },
      tags: {},
      properties: {
        state: 'Running',
        stateReason: '',
        uri: 'https://c1test.eastus.kusto.windows.net',
        dataIngestionUri: 'https://ingest-c1test.eastus.kusto.windows.net',
        trustedExternalTenants: [{ value: '*' }],
        virtualNetworkConfiguration: null,
        optimizedAutoscale: null,
        enableDiskEncryption: false,
        enableStreamingIngest: false,
        keyVaultProperties: null,
        languageExtensions: { value: [] },
        enablePurge: null,
        enableDoubleEncryption: false,
        engineType: 'V3',
        acceptedAudiences: [],
        restrictOutboundNetworkAccess: 'Disabled',
        allowedFqdnList: [],
        calloutPolicies: null,
        publicNetworkAccess: 'Enabled',
        allowedIpRangeList: [],
        enableAutoStop: true,
        publicIPType: 'IPv4',
        virtualClusterGraduationProperties: null,
        privateEndpointConnections: [],
        migrationCluster: null,
        zoneStatus: 'NonZonal',
        provisioningState: 'Succeeded',
      },
    });
  });

  it('Clusters_CreateOrUpdate: answers 201, Creating, an empty etag, Azure-AsyncOperation and no Location', async () => {
    const { status, headers, body } = await fixture.send('PUT', `${path('c1test')}${version}`, {
      location: 'westus2',
      sku,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      etag: '""',
      location: 'westus2',
      properties: { state: 'Creating', provisioningState: 'Creating' },
    });
    expect(headers.get('azure-asyncoperation')).toMatch(
      /\/providers\/Microsoft\.Kusto\/locations\/West%20US%202\/operationResults\/[0-9a-f-]{36}\?api-version=2024-04-13$/,
    );
    expect(headers.get('location')).toBeNull();
    expect(headers.get('retry-after')).toBe('1');
  });

  it('OperationsResults_Get, OperationsResultsLocation_Get: both forms follow the clock', async () => {
    await create();
    fixture.fault = { takesMs: 20_000, fails: false };
    const { headers } = await fixture.send('POST', `${path('c1test')}/stop${version}`);
    const poll = (name: string): string =>
      new URL(headers.get(name) ?? '').pathname + new URL(headers.get(name) ?? '').search;
    const running = await fixture.send('GET', poll('azure-asyncoperation'));
    expect(running.body).toMatchObject({
      status: 'Running',
      percentComplete: 0.5,
      properties: { operationKind: 'ClusterSuspend', provisioningState: 'Running', operationState: 'InProgress' },
    });
    expect((await fixture.send('GET', poll('location'))).status).toBe(202);
    expect((await fixture.client.clusters.get(groupName, 'c1test')).state).toBe('Stopping');
    await fixture.clock.advance(20_000);
    const done = await fixture.send('GET', poll('azure-asyncoperation'));
    expect(done.body).toMatchObject({
      status: 'Succeeded',
      percentComplete: 1,
      properties: { operationState: 'Completed' },
    });
    expect(await fixture.send('GET', poll('location'))).toMatchObject({ status: 200, body: undefined });
    const other = poll('azure-asyncoperation').replace(/[0-9a-f]{12}\?/, '000000000000?');
    expect((await fixture.send('GET', other)).status).toBe(404);
  });

  it('OperationsResults_Get: a fault gives the bare failure of the real service and changes nothing', async () => {
    await create();
    const before = await fixture.client.clusters.get(groupName, 'c1test');
    fixture.fault = { takesMs: 0, fails: true };
    const update = fixture.client.clusters.beginUpdateAndWait(groupName, 'c1test', { enableStreamingIngest: true });
    await expect(update).rejects.toThrow(/Failed.*Internal Server Error/s);
    const after = await fixture.client.clusters.get(groupName, 'c1test');
    expect(after).toMatchObject({ enableStreamingIngest: false, etag: before.etag, provisioningState: 'Failed' });
  });

  it('Clusters_Update: a PATCH without a change answers 200 at once and leaves the etag', async () => {
    const { etag } = await create();
    // What the Python client sends with every PATCH.
    const defaults = {
      enableDiskEncryption: false,
      enableStreamingIngest: false,
      enablePurge: false,
      enableDoubleEncryption: false,
      publicNetworkAccess: 'Enabled',
      engineType: 'V3',
      enableAutoStop: true,
      restrictOutboundNetworkAccess: 'Disabled',
      publicIPType: 'IPv4',
    };
    const answer = await fixture.send('PATCH', `${path('c1test')}${version}`, {
      location: 'East US',
      properties: defaults,
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('azure-asyncoperation')).toBeNull();
    expect(answer.body).toMatchObject({ etag, properties: { provisioningState: 'Succeeded' } });
  });

  it('Clusters_Update: a change answers 202 with Accepted, and gives a new etag', async () => {
    const { etag } = await create();
    const answer = await fixture.send('PATCH', `${path('c1test')}${version}`, {
      properties: { enableStreamingIngest: true },
      tags: { a: 'b' },
    });
    expect(answer.status).toBe(202);
    expect(answer.body).toMatchObject({ properties: { provisioningState: 'Accepted' } });
    const after = await fixture.client.clusters.get(groupName, 'c1test');
    expect(after).toMatchObject({ enableStreamingIngest: true, tags: { a: 'b' }, provisioningState: 'Succeeded' });
    expect(after.etag).not.toBe(etag);
  });

  it('Clusters_CreateOrUpdate: takes its own answer back whole, read-only parts included', async () => {
    await create('c1test', { identity: { type: 'SystemAssigned' }, enableDoubleEncryption: false, tags: { a: 'b' } });
    const shown = await fixture.send('GET', `${path('c1test')}${version}`);
    const again = await fixture.send('PUT', `/${path('c1test')}${version}`.replace('//', '/'), shown.body);
    expect(again.status).toBe(200);
    expect(again.body).toEqual(shown.body);
  });

  it('Clusters_CreateOrUpdate: If-None-Match and If-Match protect', async () => {
    await create();
    const body = { location: 'eastus', sku };
    const put = async (headers: Record<string, string>, name = 'c1test'): Promise<number> =>
      (await fixture.send('PUT', `${path(name)}${version}`, body, headers)).status;
    expect(await put({ 'if-none-match': '*' })).toBe(412);
    expect(await put({ 'if-none-match': '"x"' })).toBe(412);
    expect(await put({ 'if-match': '"x"' })).toBe(412);
    expect(await put({ 'if-match': '*' })).toBe(200);
    expect(await put({ 'if-match': '*' }, 'c2test')).toBe(412);
    expect(await put({ 'if-none-match': '*' }, 'c2test')).toBe(201);
  });

  it('Clusters_Update: 409 RequestConflict while an operation is under way', async () => {
    await create();
    fixture.fault = { takesMs: 60_000, fails: false };
    await fixture.send('PATCH', `${path('c1test')}${version}`, { properties: { enablePurge: true } });
    const second = fixture.client.clusters.beginUpdate(groupName, 'c1test', { enableStreamingIngest: true });
    await expect(second).rejects.toMatchObject({ statusCode: 409, code: 'RequestConflict' });
    expect((await fixture.client.clusters.get(groupName, 'c1test')).provisioningState).toBe('Running');
    await fixture.clock.advance(60_000);
    expect((await fixture.client.clusters.get(groupName, 'c1test')).provisioningState).toBe('Succeeded');
  });

  it('Clusters_Get: 404 with the text of the resource manager', async () => {
    await expect(fixture.client.clusters.get(groupName, 'nobody')).rejects.toMatchObject({
      statusCode: 404,
      code: 'ResourceNotFound',
    });
  });

  it('Clusters_List, Clusters_ListByResourceGroup: list clusters and not what is in them', async () => {
    await create('c1test');
    await create('c2test');
    const names: (string | undefined)[] = [];
    for await (const cluster of fixture.client.clusters.list()) names.push(cluster.name);
    for await (const cluster of fixture.client.clusters.listByResourceGroup(groupName)) names.push(cluster.name);
    expect(names).toEqual(['c1test', 'c2test', 'c1test', 'c2test']);
  });

  it('Clusters_Stop, Clusters_Start: change the state and end the process', async () => {
    await create();
    await fixture.client.clusters.beginStopAndWait(groupName, 'c1test');
    expect((await fixture.client.clusters.get(groupName, 'c1test')).state).toBe('Stopped');
    expect(fixture.keys.calls).toContain('stop');
    await fixture.client.clusters.beginStopAndWait(groupName, 'c1test');
    await fixture.client.clusters.beginStartAndWait(groupName, 'c1test');
    expect((await fixture.client.clusters.get(groupName, 'c1test')).state).toBe('Running');
  });

  it('Clusters_Delete: removes everything, frees the name, and is 204 for what is not there', async () => {
    await create('c1test', { identity: { type: 'SystemAssigned' } });
    expect(fixture.principals.size).toBe(1);
    await fixture.client.clusters.beginDeleteAndWait(groupName, 'c1test');
    await expect(fixture.client.clusters.get(groupName, 'c1test')).rejects.toMatchObject({ statusCode: 404 });
    expect(fixture.principals.size).toBe(0);
    expect((await fixture.send('DELETE', `${path('c1test')}${version}`)).status).toBe(204);
    await create('c1test');
  });

  it('Clusters_Delete: a slow one shows Deleting and is over when its time has come', async () => {
    await create();
    fixture.fault = { takesMs: 60_000, fails: false };
    const { status } = await fixture.send('DELETE', `${path('c1test')}${version}`);
    expect(status).toBe(202);
    expect(await fixture.client.clusters.get(groupName, 'c1test')).toMatchObject({
      state: 'Deleting',
      provisioningState: 'Deleting',
    });
    await fixture.clock.advance(60_000);
    await expect(fixture.client.clusters.get(groupName, 'c1test')).rejects.toMatchObject({ statusCode: 404 });
    expect(fixture.keys.calls).toContain('remove');
  });

  it('Clusters_Delete: the name of a cluster older than 14 days stays taken for 14 days, unless a tag says otherwise', async () => {
    const day = 24 * 60 * 60 * 1000;
    await create('old1test');
    await create('old2test', { tags: { 'opt-out-of-soft-delete': 'true' } });
    await fixture.clock.advance(15 * day);
    await fixture.client.clusters.beginDeleteAndWait(groupName, 'old1test');
    await fixture.client.clusters.beginDeleteAndWait(groupName, 'old2test');
    await create('old2test');
    await expect(create('old1test')).rejects.toMatchObject({ statusCode: 409 });
    await fixture.clock.advance(14 * day);
    await create('old1test');
  });

  it('Clusters_CheckNameAvailability: taken, free and impossible names', async () => {
    await create();
    const check = (name: string): Promise<unknown> =>
      fixture.client.clusters.checkNameAvailability('eastus', { name, type: 'Microsoft.Kusto/clusters' });
    expect(await check('c1test')).toEqual({
      name: 'c1test',
      nameAvailable: false,
      message: "Name 'c1test' with type Engine is already taken. Please specify a different name",
    });
    expect(await check('c2test')).toEqual({ name: 'c2test', nameAvailable: true, message: '' });
    expect(await check('1c')).toMatchObject({ nameAvailable: false, reason: 'Invalid' });
  });

  it('Clusters_ListSkus, Skus_List, Clusters_ListSkusByResource: 64 sizes', async () => {
    await create();
    const count = async (items: AsyncIterable<unknown>): Promise<number> => {
      let found = 0;
      for await (const item of items) found += item === undefined ? 0 : 1;
      return found;
    };
    expect(await count(fixture.client.skus.list('East US'))).toBe(64);
    expect(await count(fixture.client.clusters.listSkusByResource(groupName, 'c1test'))).toBe(64);
    expect((await count(fixture.client.clusters.listSkus())) % 64).toBe(0);
  });

  it.each([
    [
      { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 1 },
      'Invalid SKU capacity provided, the SKU Standard_E2ads_v5 should be between 2 and 1000',
    ],
    [
      { name: 'Standard_E2ads_v5', tier: 'Basic', capacity: 2 },
      'Invalid SKU tier provided, the SKU Standard_E2ads_v5 has tier Standard',
    ],
    [
      { name: 'Standard_X', tier: 'Standard', capacity: 2 },
      "Invalid SKU name provided, the SKU 'Standard_X' does not exist",
    ],
  ])('Clusters_CreateOrUpdate: refuses the size %j', async (wrong, message) => {
    await expect(create('c1test', { sku: wrong })).rejects.toMatchObject({
      statusCode: 400,
      code: 'BadRequest',
      details: { error: { message } },
    });
  });

  it('Clusters_CreateOrUpdate: refuses wrong names, regions and another region for an existing cluster', async () => {
    await expect(create('c1_test')).rejects.toMatchObject({ statusCode: 400 });
    await expect(create('c1test', { location: 'atlantis' })).rejects.toMatchObject({
      code: 'LocationNotAvailableForResourceType',
    });
    await create();
    await expect(create('c1test', { location: 'westus2' })).rejects.toMatchObject({
      statusCode: 409,
      code: 'InvalidResourceLocation',
    });
  });

  it('Clusters_Update: what can be set only at creation is not changed', async () => {
    await create();
    const update = (body: object): Promise<unknown> => fixture.client.clusters.beginUpdate(groupName, 'c1test', body);
    await expect(update({ enableDoubleEncryption: true })).rejects.toMatchObject({ code: 'BadRequest' });
    const vnet = { subnetId: 'a', enginePublicIpId: 'b', dataManagementPublicIpId: 'c' };
    await expect(update({ virtualNetworkConfiguration: vnet })).rejects.toMatchObject({
      code: 'CannotModifyVirtualNetworkConfiguration',
      details: { error: { message: 'Virtual Network Configuration cannot be modified.' } },
    });
  });

  it('Operations_List: lists the actions of all rows', async () => {
    const names: (string | undefined)[] = [];
    for await (const operation of fixture.client.operations.list()) names.push(operation.name);
    expect(names).toContain('Microsoft.Kusto/clusters/write');
    expect(names).toContain('Microsoft.Kusto/clusters/stop/action');
  });
});
