import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createClusterAccess } from '../../../src/providers/kusto/cluster-access.ts';
import { parseHostName } from '../../../src/base/names.ts';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';

/** Names and sizes that recordings of 2019 to 2022 have. */
let fixture: KustoFixture;
beforeEach(async () => {
  fixture = await startKustoFixture();
});
afterEach(() => fixture.close());

const clusters = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/Clusters`;
const newest = '2024-04-13';
interface Shown {
  readonly properties: Readonly<Record<string, unknown>>;
  readonly [member: string]: unknown;
}
const send = async (method: string, name: string, body?: unknown, version = newest) => {
  const answer = await fixture.send(method, `${clusters}/${name}?api-version=${version}`, body);
  return { ...answer, body: answer.body as Shown };
};
const place = { location: 'Central US' };
const standard = { name: 'Standard_D13_v2', tier: 'Standard', capacity: 2 };

describe('upper case in the name of a cluster', () => {
  it('is kept in the resource and lowered in its addresses', async () => {
    const made = await send('PUT', 'kustoCluster', { ...place, sku: standard });
    expect(made).toMatchObject({ status: 201, body: { id: `${clusters}/kustoCluster`, name: 'kustoCluster' } });
    const { body } = await send('GET', 'kustocluster');
    expect(body).toMatchObject({
      ...{ id: `${clusters}/kustoCluster`, name: 'kustoCluster' },
      properties: {
        uri: 'https://kustocluster.centralus.kusto.windows.net',
        dataIngestionUri: 'https://ingest-kustocluster.centralus.kusto.windows.net',
      },
    });
    const host = parseHostName('kustocluster.centralus.kusto.windows.net');
    const access = createClusterAccess(fixture.ports);
    expect(host && (await access.findByHost(host))).toMatchObject({ name: 'kustocluster', resourceId: body['id'] });
  });

  it('makes no second name: it is taken in any case, and free in any case after the cluster', async () => {
    await send('PUT', 'kustoCluster', { ...place, sku: standard });
    const check = (name: string) =>
      fixture.client.clusters.checkNameAvailability('centralus', { name, type: 'Microsoft.Kusto/clusters' });
    expect(await check('KUSTOCLUSTER')).toMatchObject({ nameAvailable: false });
    expect(await check('KustoCluster2')).toMatchObject({ nameAvailable: true });
    const again = await send('PUT', 'KUSTOcluster', { ...place, sku: standard });
    expect(again).toMatchObject({ status: 200, body: { name: 'kustoCluster' } });
    await send('DELETE', 'kustocluster');
    expect(await check('kustoCluster')).toMatchObject({ nameAvailable: true });
  });
});

describe('sizes by their first names', () => {
  const size = (name: string) => ({ ...place, sku: { name, tier: 'Standard', capacity: 2 } });

  it('are accepted by the api-versions of 2019, echoed, and shown by their full names', async () => {
    const made = await send('PUT', 'c1test', size('D13_v2'), '2019-09-07');
    expect(made).toMatchObject({ status: 201, body: { sku: { name: 'D13_v2', tier: 'Standard', capacity: 2 } } });
    expect((await send('GET', 'c1test', undefined, '2019-09-07')).body['sku']).toEqual(standard);
    const again = await send('PUT', 'c1test', size('D13_v2'), '2019-09-07');
    expect(again.status).toBe(200);
    expect(again.headers.get('azure-asyncoperation')).toBeNull();
    expect(await send('PUT', 'c1test', size('D14_v2'), '2019-09-07')).toMatchObject({
      status: 200,
      body: { sku: { name: 'D14_v2' } },
    });
  });

  it.each([
    ['D13_v2', newest],
    ['L8', '2019-09-07'],
    ['D13_v3', '2019-09-07'],
  ])('%s is no size at %s', async (name, version) => {
    expect(await send('PUT', 'c1test', size(name), version)).toMatchObject({
      status: 400,
      body: { error: { message: `Invalid SKU name provided, the SKU '${name}' does not exist` } },
    });
  });
});

describe('a database without a kind', () => {
  const put = (version: string) => send('PUT', 'c1test/databases/db1', place, version);

  it('is one for reading and writing in the api-versions that know no other', async () => {
    await send('PUT', 'c1test', { ...place, sku: standard });
    expect((await put('2019-01-21')).status).toBe(201);
    expect((await send('GET', 'c1test/databases/db1')).body['kind']).toBe('ReadWrite');
    expect((await put('2019-01-21')).status).toBe(200);
  });

  it('is refused since there are two kinds', async () => {
    await send('PUT', 'c1test', { ...place, sku: standard });
    expect(await put('2019-09-07')).toMatchObject({ status: 400, body: { error: { code: 'BadRequest' } } });
  });
});

describe('optimizedAutoscale', () => {
  const scaled = (minimum: number, maximum = 100, isEnabled = true) => ({
    ...{ ...place, sku: standard },
    properties: { optimizedAutoscale: { version: 1, isEnabled, minimum, maximum } },
  });
  const invalid = (message: string) => ({
    status: 400,
    body: { error: { code: 'InvalidOptimizedAutoScaleConfiguration', message } },
  });

  it('needs as many machines as the size does', async () => {
    const tooSmall = invalid('Invalid Minimum value, should be greater than or equal to 2');
    expect(await send('PUT', 'c1test', scaled(0), '2019-09-07')).toMatchObject(tooSmall);
    expect(await send('PUT', 'c1test', scaled(1))).toMatchObject(tooSmall);
    expect((await send('PUT', 'c1test', scaled(2))).status).toBe(201);
    expect(await send('PATCH', 'c1test', { properties: scaled(1).properties })).toMatchObject(tooSmall);
    expect((await send('PATCH', 'c1test', { properties: scaled(1, 1, false).properties })).status).toBe(202);
  });

  it('needs a range', async () => {
    expect(await send('PUT', 'c1test', scaled(5, 4))).toMatchObject(
      invalid('Invalid Maximum value, should be greater than or equal to 5'),
    );
  });

  it('of a developer cluster is off and has one machine, as the api-versions of 2019 show it', async () => {
    await send('PUT', 'c1test', { ...place, sku: { name: 'Dev(No SLA)_Standard_D11_v2', tier: 'Basic', capacity: 1 } });
    const at = async (version: string) =>
      (await send('GET', 'c1test', undefined, version)).body.properties['optimizedAutoscale'];
    expect(await at('2019-09-07')).toEqual({ version: 1, isEnabled: false, minimum: 1, maximum: 1 });
    expect(await at(newest)).toBeNull();
  });
});
