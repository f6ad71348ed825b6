import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupName, startKustoFixture, subscriptionId, tenantId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const group = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}`;
const clusterId = `${group}/providers/Microsoft.Kusto/Clusters/c1test`;
const hub = `${group}/providers/Microsoft.EventHub/namespaces/ns/eventhubs/hub`;
const version = '?api-version=2024-04-13';

let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
  await makeCluster('c1test');
  const database = { location: 'eastus', kind: 'ReadWrite' as const };
  await fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', database);
});
afterEach(() => fixture.close());

const makeCluster = (name: string, location = 'eastus') =>
  fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, name, { location, sku });
const get = (path: string, api = version) => fixture.send('GET', `${clusterId}/${path}${api}`);
const post = (path: string, body?: unknown, api = version) => fixture.send('POST', `${clusterId}/${path}${api}`, body);

/** What a client finds behind the addresses of a 202. */
async function outcome(first: { headers: Headers }): Promise<{ status: unknown; final: unknown }> {
  const read = async (header: string): Promise<unknown> => {
    const url = new URL(first.headers.get(header) ?? 'https://none');
    return (await fixture.send('GET', `${url.pathname}${url.search}`)).body;
  };
  return { status: await read('azure-asyncoperation'), final: await read('location') };
}

describe('callout policies', () => {
  const kusto = { calloutUriRegex: '*', calloutType: 'kusto', outboundAccess: 'Allow' };
  const sql = { calloutUriRegex: '*', calloutType: 'sql', outboundAccess: 'Deny' };

  it('Clusters_AddCalloutPolicies, Clusters_ListCalloutPolicies, Clusters_RemoveCalloutPolicy: as recorded', async () => {
    const added = await post('addCalloutPolicies', { value: [kusto, sql] });
    expect(added.status).toBe(202);
    expect(added.headers.get('warning')).toContain('not acting here');
    expect(await outcome(added)).toMatchObject({
      status: { status: 'Succeeded', properties: { operationKind: 'ServiceConfigurationAlter' } },
    });
    const listed = {
      value: [
        { ...kusto, calloutId: '*_kusto' },
        { ...sql, calloutId: '*_sql' },
      ],
    };
    expect(await post('listCalloutPolicies')).toMatchObject({ status: 200, body: listed });
    expect(await fixture.send('GET', `${clusterId}${version}`)).toMatchObject({
      body: { properties: { calloutPolicies: listed.value } },
    });
    expect(await post('removeCalloutPolicy', { calloutId: '*_kusto' })).toMatchObject({ status: 202 });
    expect(await post('listCalloutPolicies')).toMatchObject({ body: { value: [{ calloutId: '*_sql' }] } });
    await post('addCalloutPolicies', { value: [{ ...sql, outboundAccess: 'Allow' }] });
    expect((await post('listCalloutPolicies')).body).toEqual({
      value: [{ ...sql, outboundAccess: 'Allow', calloutId: '*_sql' }],
    });
    await post('removeCalloutPolicy', { calloutId: '*_sql' });
    expect(await fixture.send('GET', `${clusterId}${version}`)).toMatchObject({
      body: { properties: { calloutPolicies: null } },
    });
  });

  it('are refused when malformed, unknown or older than their api-version', async () => {
    expect(await post('addCalloutPolicies', { value: [{ ...sql, calloutType: 'ftp' }] })).toMatchObject({
      status: 400,
    });
    expect(await post('addCalloutPolicies', { value: [] })).toMatchObject({ status: 400 });
    expect(await post('addCalloutPolicies', {})).toMatchObject({ status: 400 });
    expect(await post('removeCalloutPolicy', { calloutId: '*_mysql' })).toMatchObject({ status: 400 });
    const old = await post('addCalloutPolicies', { value: [sql] }, '?api-version=2022-02-01');
    expect(old).toMatchObject({ status: 404, body: { error: { code: 'InvalidResourceType' } } });
    expect((await post('listCalloutPolicies')).body).toEqual({ value: [] });
  });
});

it('Clusters_AddLanguageExtensions, Clusters_ListLanguageExtensions, Clusters_RemoveLanguageExtensions: by the official client', async () => {
  const { clusters } = fixture.client;
  await clusters.beginAddLanguageExtensionsAndWait(groupName, 'c1test', {
    value: [{ languageExtensionName: 'PYTHON', languageExtensionImageName: 'Python3_10_8' }],
  });
  await clusters.beginAddLanguageExtensionsAndWait(groupName, 'c1test', { value: [{ languageExtensionName: 'R' }] });
  const names: (string | undefined)[] = [];
  for await (const one of clusters.listLanguageExtensions(groupName, 'c1test')) names.push(one.languageExtensionName);
  expect(names).toEqual(['PYTHON', 'R']);
  await clusters.beginRemoveLanguageExtensionsAndWait(groupName, 'c1test', { value: [{ languageExtensionName: 'R' }] });
  const cluster = await clusters.get(groupName, 'c1test');
  expect(cluster.languageExtensions?.value).toMatchObject([{ languageExtensionName: 'PYTHON' }]);
  expect(await post('addLanguageExtensions', { value: [{ languageExtensionName: 'JULIA' }] })).toMatchObject({
    status: 400,
  });
});

describe('networks', () => {
  it('PrivateEndpointConnections_List, PrivateEndpointConnections_Get, PrivateEndpointConnections_CreateOrUpdate, PrivateEndpointConnections_Delete: nobody connects', async () => {
    const path = 'privateEndpointConnections';
    expect(await get(path)).toMatchObject({ status: 200, body: { value: [] } });
    expect(await get(`${path}/x`)).toMatchObject({ status: 404, body: { error: { code: 'ResourceNotFound' } } });
    const put = (properties: object) => fixture.send('PUT', `${clusterId}/${path}/x${version}`, { properties });
    expect(await put({ privateLinkServiceConnectionState: { status: 'Approved' } })).toMatchObject({ status: 404 });
    expect(await put({ privateLinkServiceConnectionState: { status: 'Perhaps' } })).toMatchObject({ status: 400 });
    expect(await put({})).toMatchObject({ status: 400 });
    expect(await fixture.send('DELETE', `${clusterId}/${path}/x${version}`)).toMatchObject({ status: 204 });
  });

  it('PrivateLinkResources_List, PrivateLinkResources_Get: in two spellings, as recorded', async () => {
    const zones = ['privatelink.eastus.kusto.windows.net'];
    expect(await get('privateLinkResources')).toMatchObject({
      status: 200,
      body: { value: [{ name: 'c1test/cluster', properties: { groupId: 'cluster', requiredZoneNames: zones } }] },
    });
    const one = await get('privateLinkResources/cluster');
    expect(one).toMatchObject({ body: { displayName: 'cluster', properties: { RequiredZoneNames: zones } } });
    expect(one.headers.get('etag')).toBe('""');
    expect(await get('privateLinkResources/blob')).toMatchObject({ status: 404 });
  });

  it('Clusters_ListOutboundNetworkDependenciesEndpoints: names whom the cluster calls', async () => {
    const found: (string | undefined)[] = [];
    const list = fixture.client.clusters.listOutboundNetworkDependenciesEndpoints(groupName, 'c1test');
    for await (const { category, endpoints } of list)
      found.push(`${category ?? ''} ${endpoints?.[0]?.domainName ?? ''}`);
    expect(found).toEqual(['Azure Active Directory login.microsoftonline.com']);
  });

  it('Clusters_DiagnoseVirtualNetwork: finds nothing and says that it does not act', async () => {
    const first = await post('diagnoseVirtualNetwork');
    expect(first.status).toBe(202);
    expect(first.headers.get('warning')).toContain('not acting here');
    expect((await outcome(first)).final).toEqual({ findings: [] });
  });
});

describe('Clusters_Migrate', () => {
  it('ends in a failure that says so, and changes nothing', async () => {
    await makeCluster('c2test');
    const target = clusterId.replace('c1test', 'c2test');
    const first = await post('migrate', { clusterResourceId: target });
    expect(first.status).toBe(202);
    expect((await outcome(first)).status).toMatchObject({ status: 'Failed', error: { code: 'NotImplemented' } });
    expect(await fixture.client.clusters.get(groupName, 'c1test')).toMatchObject({ state: 'Running' });
  });

  it('is refused for itself, for nothing, and for a cluster elsewhere', async () => {
    await makeCluster('c3test', 'westus2');
    for (const clusterResourceId of [clusterId, undefined, 7, clusterId.replace('c1test', 'c3test'), `${clusterId}x`])
      expect(await post('migrate', { clusterResourceId })).toMatchObject({ status: 400 });
  });
});

describe('DataConnections_DataConnectionValidation', () => {
  const connection = {
    kind: 'EventHub',
    location: 'East US',
    properties: { eventHubResourceId: hub, consumerGroup: 'g' },
  };
  const validate = (dataConnectionName: string) =>
    post('databases/db1/dataConnectionValidation', { dataConnectionName, properties: connection });

  it('says that nothing acts here, and what is wrong besides', async () => {
    const fine = await outcome(await validate('dc1'));
    expect(fine.status).toMatchObject({ status: 'Succeeded', properties: {} });
    expect(JSON.stringify(fine.final)).toContain('not acting here');
    await fixture.send('PUT', `${clusterId}/databases/db1/dataConnections/dc2${version}`, connection);
    expect((await outcome(await validate('dc1'))).final).toEqual({
      value: [{ errorMessage: 'event hub resource id and consumer group tuple provided are already used' }],
    });
    expect(JSON.stringify((await outcome(await validate('dc2'))).final)).toContain('not acting here');
  });

  it('reaches the official client', async () => {
    const body = {
      dataConnectionName: 'dc1',
      properties: { kind: 'EventHub' as const, eventHubResourceId: hub, consumerGroup: 'g' },
    };
    const answer = await fixture.client.dataConnections.beginDataConnectionValidationAndWait(
      groupName,
      'c1test',
      'db1',
      body,
    );
    expect(answer.value?.[0]?.errorMessage).toContain('not acting here');
  });
});

describe('Database_InviteFollower', () => {
  it('signs what was recorded', async () => {
    const answer = await post('databases/db1/inviteFollower', { inviteeEmail: 'user@contoso.com' });
    expect(answer.status).toBe(200);
    const { generatedInvitation } = answer.body as { generatedInvitation: string };
    const [header, claims] = generatedInvitation
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString('utf8')) as Record<string, unknown>);
    expect(header).toMatchObject({ alg: 'RS256', typ: 'JWT' });
    expect(claims).toMatchObject({
      resource_id: `${clusterId}/Databases/db1`,
      source_tenant_id: tenantId,
      invitee_email: 'user@contoso.com',
      region: 'East US',
    });
    expect(Number(claims?.['exp']) - Number(claims?.['iat'])).toBe(86_400);
  });

  it('is refused for nobody and for databases that are not there', async () => {
    expect(await post('databases/db1/inviteFollower', {})).toMatchObject({ status: 400 });
    expect(await post('databases/db1/inviteFollower', { inviteeEmail: 'nobody' })).toMatchObject({ status: 400 });
    expect(await post('databases/no/inviteFollower', { inviteeEmail: 'a@b.c' })).toMatchObject({ status: 404 });
  });
});
