import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { groupName, startKustoFixture, subscriptionId, tenantId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';
import { testGuid } from '../../support/fake-cluster-keys.ts';

/** What Azure answered in recordings of its own clients' tests, between 2019 and 2026. */
let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
});
afterEach(() => fixture.close());

const sku = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };
const group = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}`;
const cluster = `${group}/providers/Microsoft.Kusto/Clusters/c1test`;
const newest = '2024-04-13';

interface Shown {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}

const send = async (method: string, path: string, body?: unknown, version = newest) => {
  const answer = await fixture.send(method, `${path}?api-version=${version}`, body);
  return { ...answer, body: answer.body as Shown };
};
const create = (body: object = {}) => send('PUT', cluster, { location: 'westus2', sku, ...body });

async function polled(headers: Headers): Promise<{ headers: Headers; properties: Readonly<Record<string, unknown>> }> {
  const url = new URL(headers.get('azure-asyncoperation') ?? '');
  const answer = await fixture.send('GET', `${url.pathname}${url.search}`);
  return { headers: answer.headers, properties: (answer.body as Shown).properties };
}

describe('the first answer to a PUT', () => {
  it('of a new cluster repeats what was sent', async () => {
    const made = await create();
    expect(made.status).toBe(201);
    expect(made.headers.get('etag')).toBe('""');
    expect(made.body).toEqual({
      ...{ id: cluster, name: 'c1test', type: 'Microsoft.Kusto/Clusters', etag: '""', location: 'westus2', sku },
      properties: { state: 'Creating', provisioningState: 'Creating' },
    });
  });

  it('of a new cluster repeats properties and tags, too, and tells the identity that it got', async () => {
    const sent = {
      ...{ tags: { a: 'b' }, identity: { type: 'SystemAssigned' } },
      properties: { enablePurge: true, trustedExternalTenants: [], unknown: 1, provisioningState: 'Failed' },
    };
    const { body } = await create(sent);
    expect(body).toMatchObject({ tags: { a: 'b' }, identity: { type: 'SystemAssigned' } });
    expect(body.properties).toEqual({
      ...{ enablePurge: true, trustedExternalTenants: [] },
      ...{ state: 'Creating', provisioningState: 'Creating' },
    });
  });

  it('of a cluster that is there repeats what was sent, under the etag that it had', async () => {
    await create({ tags: { a: 'b' } });
    const before = await send('GET', cluster);
    const changed = await create({ properties: { enablePurge: true } });
    expect(changed.status).toBe(200);
    expect(changed.body).toEqual({
      ...{ id: cluster, name: 'c1test', type: 'Microsoft.Kusto/Clusters', etag: before.body['etag'] },
      ...{ location: 'West US 2', sku },
      properties: { enablePurge: true, provisioningState: 'Accepted' },
    });
    expect((await send('GET', cluster)).body['etag']).not.toBe(before.body['etag']);
  });

  it('of a database repeats what was sent, the place in its own words', async () => {
    await create();
    const database = `${cluster}/Databases/db1`;
    const body = { kind: 'ReadWrite', location: 'westus2', properties: { softDeletePeriod: 'P4D' } };
    const heading = { id: database, name: 'c1test/db1', type: 'Microsoft.Kusto/Clusters/Databases', kind: 'ReadWrite' };
    expect(await send('PUT', database, body)).toMatchObject({ status: 201 });
    const next = await send('PUT', `${cluster}/databases/db2`, { kind: 'ReadWrite', location: 'westus2' });
    expect(next.body).toEqual({
      ...{ ...heading, id: `${cluster}/Databases/db2`, name: 'c1test/db2', location: 'westus2' },
      properties: { provisioningState: 'Creating' },
    });
    expect((await send('GET', database)).body).toEqual({
      ...{ ...heading, location: 'West US 2' },
      properties: {
        softDeletePeriod: 'P4D',
        statistics: { size: 0 },
        isFollowed: false,
        provisioningState: 'Succeeded',
      },
    });
    const again = await send('PUT', database, { ...body, properties: { softDeletePeriod: 'P5D' } });
    expect(again).toMatchObject({ status: 200, body: { properties: { provisioningState: 'Accepted' } } });
  });
});

describe('a PATCH', () => {
  it('of tags alone is done at once and is no operation', async () => {
    await create();
    const before = await send('GET', cluster);
    const tagged = await send('PATCH', cluster, { tags: { a: 'b' } });
    expect(tagged.status).toBe(200);
    expect(tagged.headers.get('azure-asyncoperation')).toBeNull();
    expect(tagged.body).toMatchObject({ tags: { a: 'b' }, properties: { provisioningState: 'Succeeded' } });
    expect(tagged.body['etag']).not.toBe(before.body['etag']);
    expect((await send('GET', cluster)).body).toEqual(tagged.body);
    const both = await send('PATCH', cluster, { tags: {}, properties: { enablePurge: true } });
    expect(both).toMatchObject({ status: 202, body: { properties: { provisioningState: 'Accepted' } } });
  });

  it('of a cluster and of a database is accepted under an empty etag, with both addresses of its operation', async () => {
    await create();
    const place = { kind: 'ReadWrite', location: 'westus2' };
    await send('PUT', `${cluster}/databases/db1`, place);
    const changes = [
      await send('PATCH', cluster, { properties: { enablePurge: true } }),
      await send('PATCH', `${cluster}/databases/db1`, { ...place, properties: { softDeletePeriod: 'P4D' } }),
    ];
    for (const { status, headers } of changes) {
      expect(status).toBe(202);
      const location = `${headers.get('azure-asyncoperation') ?? ''}&operationResultResponseType=Location`;
      expect(headers.get('location')).toBe(location);
    }
    const [{ headers, body }] = changes as [(typeof changes)[0]];
    expect([headers.get('etag'), body['etag']]).toEqual(['""', '""']);
    expect((await send('GET', cluster)).body['etag']).not.toBe('""');
  });

  it('has the changed resource at the end of its Location, where the JavaScript client looks for it', async () => {
    await create();
    const { clusters, databases } = fixture.client;
    const changed = await clusters.beginUpdateAndWait(groupName, 'c1test', { enableStreamingIngest: true });
    expect(changed).toMatchObject({ name: 'c1test', enableStreamingIngest: true, provisioningState: 'Succeeded' });
    await send('PUT', `${cluster}/databases/db1`, { kind: 'ReadWrite', location: 'westus2' });
    const database = { kind: 'ReadWrite', softDeletePeriod: 'P4D' } as const;
    expect(await databases.beginUpdateAndWait(groupName, 'c1test', 'db1', database)).toMatchObject({
      ...{ name: 'c1test/db1', softDeletePeriod: 'P4D', provisioningState: 'Succeeded' },
    });
    const { headers } = await send('PATCH', cluster, { properties: { enablePurge: true } });
    await send('DELETE', cluster);
    const { pathname, search } = new URL(headers.get('location') ?? '');
    expect(await fixture.send('GET', `${pathname}${search}`)).toMatchObject({ status: 200, body: undefined });
  });
});

describe('POST start', () => {
  it('of a cluster that runs is accepted, and changes nothing', async () => {
    await create();
    const before = await send('GET', cluster);
    const { status, headers } = await send('POST', `${cluster}/start`);
    expect(status).toBe(202);
    expect(headers.get('location')).toContain('&operationResultResponseType=Location');
    expect((await polled(headers)).properties).toMatchObject({
      operationKind: 'ClusterResume',
      operationState: 'Completed',
    });
    expect((await send('GET', cluster)).body).toEqual(before.body);
  });
});

describe('operations', () => {
  it('have the names of the service, and an activity of their own that each poll repeats', async () => {
    const names: unknown[] = [];
    const record = async (method: string, path: string, body?: unknown) => {
      const { headers } = await send(method, path, body);
      const [first, second] = [await polled(headers), await polled(headers)];
      const activity = first.headers.get('x-ms-operation-root-activity-id');
      expect(activity).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
      expect(second.headers.get('x-ms-operation-root-activity-id')).toBe(activity);
      expect(headers.get('azure-asyncoperation')).not.toContain(String(activity));
      names.push(first.properties['operationKind']);
    };
    const place = { kind: 'ReadWrite', location: 'westus2' };
    await record('PUT', cluster, { location: 'westus2', sku });
    await record('PATCH', cluster, { properties: { enablePurge: true } });
    await record('PUT', `${cluster}/databases/db1`, place);
    await record('PATCH', `${cluster}/databases/db1`, { ...place, properties: { softDeletePeriod: 'P4D' } });
    await record('DELETE', `${cluster}/databases/db1`);
    fixture.known.set(`App ${testGuid('b')}`, {
      ...{ objectId: testGuid('b'), displayName: 'app', tenantId, tenantName: 'tenant' },
    });
    const viewer = { role: 'AllDatabasesViewer', principalId: testGuid('b'), principalType: 'App' };
    await record('PUT', `${cluster}/principalAssignments/p`, { properties: viewer });
    await record('DELETE', `${cluster}/principalAssignments/p`);
    await record('POST', `${cluster}/stop`);
    await record('POST', `${cluster}/start`);
    await record('DELETE', cluster);
    expect(names).toEqual([
      ...['ClusterCreateExternal', 'ServiceConfigurationAlter', 'DatabaseCreate', 'DatabaseCreate', 'DatabaseDelete'],
      ...['ServicePrincipalAssignmentsAdd', 'ServicePrincipalAssignmentsDrop'],
      ...['ClusterSuspend', 'ClusterResume', 'ClusterDelete'],
    ]);
  });
});

describe('what is newer than the api-version asked for', () => {
  const old = ['state', 'uri', 'dataIngestionUri', 'trustedExternalTenants', 'provisioningState'];
  const of2019 = [
    ...['virtualNetworkConfiguration', 'optimizedAutoscale', 'enableDiskEncryption', 'enableStreamingIngest'],
    'keyVaultProperties',
  ];
  const of2023 = [
    ...['stateReason', 'languageExtensions', 'enablePurge', 'enableDoubleEncryption', 'engineType'],
    ...['acceptedAudiences', 'restrictOutboundNetworkAccess', 'allowedFqdnList', 'publicNetworkAccess'],
    ...['allowedIpRangeList', 'enableAutoStop', 'publicIPType', 'virtualClusterGraduationProperties'],
    ...['privateEndpointConnections', 'migrationCluster'],
  ];

  it.each([
    ['2019-01-21', old],
    ['2019-09-07', [...old, ...of2019]],
    ['2023-08-15', [...old, ...of2019, ...of2023]],
    ['2024-04-13', [...old, ...of2019, ...of2023, 'calloutPolicies', 'zoneStatus']],
  ])('is left out of a cluster at %s', async (version, names) => {
    await create();
    const { body } = await send('GET', cluster, undefined, version);
    expect(Object.keys(body.properties).toSorted()).toEqual(names.toSorted());
    const { body: list } = await send('GET', `${group}/providers/Microsoft.Kusto/clusters`, undefined, version);
    expect(list['value']).toEqual([body]);
  });

  it('trusts all tenants, which 2023-08-15 shows as none', async () => {
    await create();
    const tenantsAt = async (version: string) =>
      (await send('GET', cluster, undefined, version)).body.properties['trustedExternalTenants'];
    for (const version of ['2019-01-21', '2024-04-13']) expect(await tenantsAt(version)).toEqual([{ value: '*' }]);
    expect(await tenantsAt('2023-08-15')).toEqual([]);
  });

  it('is left out of a database, too', async () => {
    await create();
    const database = `${cluster}/databases/db1`;
    await send('PUT', database, { kind: 'ReadWrite', location: 'westus2' });
    const { body } = await send('GET', database, undefined, '2019-09-07');
    expect(body.properties).toEqual({ statistics: { size: 0 }, provisioningState: 'Succeeded' });
  });

  it('has the form of its time: a cluster that is well had no reason in 2022, and has an empty one since', async () => {
    await create();
    const reasonAt = async (version: string) =>
      (await send('GET', cluster, undefined, version)).body.properties['stateReason'];
    expect(await reasonAt('2022-02-01')).toBeNull();
    expect(await reasonAt('2023-08-15')).toBe('');
    expect(await reasonAt(newest)).toBe('');
  });
});

describe('children', () => {
  it('keep the case in which the request that made them wrote the path', async () => {
    await create();
    const written = `/subscriptions/${subscriptionId}/resourceGroups/${groupName.toUpperCase()}/providers/Microsoft.Kusto/Clusters/c1test`;
    const made = await send('PUT', `${written}/databases/Db1`, { kind: 'ReadWrite', location: 'westus2' });
    expect(made.body).toMatchObject({ id: `${written}/Databases/Db1`, name: 'c1test/Db1' });
    expect((await send('GET', `${cluster}/databases/db1`)).body['id']).toBe(`${written}/Databases/Db1`);
    expect((await send('GET', written)).body['id']).toBe(cluster);
  });
});
