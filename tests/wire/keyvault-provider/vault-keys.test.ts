import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/base/json.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

const hex32 = '[0-9a-f]{32}';

/** The first answer as recorded from Azure in October 2024. */
describe('keys, secrets and private links through the resource manager', () => {
  let server: Awaited<ReturnType<typeof startServerFixture>>;
  let token: string;
  const group = () => `/subscriptions/${server.environment.subscriptionId}/resourceGroups/rg`;
  const vault = () => `${group()}/providers/Microsoft.KeyVault/vaults/arm-keys`;
  const send = (method: string, path: string, body?: unknown) =>
    server.send({
      ...{ host: 'management.azure.com', method, token },
      path: `${path}${path.includes('?') ? '&' : '?'}api-version=2024-11-01`,
      ...(body === undefined ? {} : { body }),
    });
  const put = (name: string, properties: JsonObject, tags?: JsonObject) =>
    send('PUT', `${vault()}/keys/${name}`, { properties, ...(tags === undefined ? {} : { tags }) });

  beforeAll(async () => {
    server = await startServerFixture();
    token = await server.tokenFor('https://management.azure.com');
    await send('PUT', group(), { location: 'eastus' });
    // Nobody may do anything in the vault itself, and nobody reaches it.
    const made = await send('PUT', vault(), {
      location: 'westus2',
      properties: {
        ...{ tenantId: server.environment.tenantId, sku: { family: 'A', name: 'standard' }, accessPolicies: [] },
        ...{ publicNetworkAccess: 'Disabled', networkAcls: { defaultAction: 'Deny', bypass: 'None' } },
      },
    });
    expect(made.status).toBe(200);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('Keys_CreateIfNotExist, Keys_Get: makes a key once, and shows it ever after', async () => {
    const sent = { attributes: { enabled: true }, keySize: 2048, kty: 'RSA' };
    const made = await put('testkey', sent, { a: 'b' });
    expect(made.status).toBe(200);
    const uri = 'https://arm-keys.vault.azure.net/keys/testkey';
    const { keyUriWithVersion } = (made.body as { properties: { keyUriWithVersion: string } }).properties;
    expect(keyUriWithVersion).toMatch(new RegExp(`^${uri}/${hex32}$`));
    expect(made.body).toEqual({
      id: `${vault()}/keys/testkey`,
      name: 'testkey',
      type: 'Microsoft.KeyVault/vaults/keys',
      location: 'westus2',
      tags: { a: 'b' },
      properties: {
        attributes: {
          ...{ enabled: true, exportable: false, recoveryLevel: 'Recoverable+Purgeable' },
          ...{ created: expect.any(Number) as number, updated: expect.any(Number) as number },
        },
        kty: 'RSA',
        keyOps: ['encrypt', 'decrypt', 'sign', 'verify', 'wrapKey', 'unwrapKey'],
        keySize: 2048,
        keyUri: uri,
        keyUriWithVersion,
      },
    });
    expect((await put('testkey', { ...sent, keySize: 4096 })).body).toEqual(made.body);
    expect((await send('GET', `${vault()}/keys/testkey`)).body).toEqual(made.body);
  });

  it('Keys_CreateIfNotExist: takes curves and a rotation policy', async () => {
    expect((await put('curve', { kty: 'EC', curveName: 'P-384' })).body).toMatchObject({
      properties: { kty: 'EC', curveName: 'P-384', keyOps: ['sign', 'verify'] },
    });
    const rotated = await put('rotated', {
      kty: 'RSA',
      rotationPolicy: {
        attributes: { expiryTime: 'P1Y' },
        lifetimeActions: [{ trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'rotate' } }],
      },
    });
    expect(rotated.body).toMatchObject({ properties: { rotationPolicy: { attributes: { expiryTime: 'P1Y' } } } });
  });

  it('Keys_CreateIfNotExist: refuses what the vault refuses, and a vault that is not there', async () => {
    expect(await put('wrong', { kty: 'RSA', keySize: 1000 })).toMatchObject({ status: 400 });
    expect(await put('wrong', { kty: 'RSA-HSM' })).toMatchObject({ status: 403 });
    const elsewhere = `${group()}/providers/Microsoft.KeyVault/vaults/arm-none/keys/k`;
    expect(await send('PUT', elsewhere, { properties: { kty: 'RSA' } })).toMatchObject({
      status: 404,
      body: { error: { code: 'ParentResourceNotFound' } },
    });
    expect(await send('GET', `${vault()}/keys/none`)).toMatchObject({
      status: 404,
      body: { error: { code: 'KeyNotFound' } },
    });
  });

  it('Keys_List, Keys_ListVersions, Keys_GetVersion: list keys and versions', async () => {
    await put('listed', { kty: 'RSA' });
    const list = (await send('GET', `${vault()}/keys`)).body as { value: JsonObject[] };
    const item = list.value.find(({ name }) => name === 'listed');
    expect(item).toMatchObject({
      id: `${vault()}/keys/listed`,
      properties: { keyUri: 'https://arm-keys.vault.azure.net/keys/listed' },
    });
    const versions = (await send('GET', `${vault()}/keys/listed/versions`)).body as { value: { name: string }[] };
    const [version] = versions.value;
    expect(versions.value).toHaveLength(1);
    expect(version).toMatchObject({ type: 'Microsoft.KeyVault/vaults/keys/versions' });
    expect((await send('GET', `${vault()}/keys/listed/versions/${version?.name ?? ''}`)).body).toMatchObject({
      id: `${vault()}/keys/listed/versions/${version?.name ?? ''}`,
      properties: { kty: 'RSA', keySize: 2048 },
    });
  });

  it('Secrets_CreateOrUpdate, Secrets_Update, Secrets_Get, Secrets_List: take values and show none', async () => {
    const path = `${vault()}/secrets/word`;
    const made = await send('PUT', path, { properties: { value: 'hidden-one', contentType: 'text/plain' } });
    expect(made.status).toBe(201);
    const uri = 'https://arm-keys.vault.azure.net/secrets/word';
    const { secretUriWithVersion } = (made.body as { properties: { secretUriWithVersion: string } }).properties;
    expect(secretUriWithVersion).toMatch(new RegExp(`^${uri}/${hex32}$`));
    expect(made.body).toEqual({
      id: path,
      name: 'word',
      type: 'Microsoft.KeyVault/vaults/secrets',
      location: 'westus2',
      properties: {
        contentType: 'text/plain',
        attributes: {
          ...{ enabled: true, created: expect.any(Number) as number, updated: expect.any(Number) as number },
        },
        secretUri: uri,
        secretUriWithVersion,
      },
    });
    const changed = await send('PATCH', path, { tags: { a: 'b' }, properties: { contentType: 'text/html' } });
    expect(changed).toMatchObject({
      status: 200,
      body: { tags: { a: 'b' }, properties: { contentType: 'text/html', secretUriWithVersion } },
    });
    const again = await send('PUT', path, { properties: { value: 'hidden-two' } });
    expect(again.status).toBe(200);
    expect(again.text).not.toContain(secretUriWithVersion);
    const read = await send('GET', path);
    expect(read.body).toEqual(again.body);
    const list = await send('GET', `${vault()}/secrets`);
    expect(list.body).toMatchObject({ value: [{ id: path, properties: { secretUri: uri } }] });
    for (const { text } of [made, changed, again, read, list]) expect(text).not.toContain('hidden');
    expect(await send('GET', `${vault()}/secrets/none`)).toMatchObject({ status: 404 });
    expect(await send('PUT', `${vault()}/secrets/none`, { properties: {} })).toMatchObject({ status: 400 });
  });

  it('PrivateEndpointConnections_ListByResource, PrivateEndpointConnections_Get, PrivateEndpointConnections_Put, PrivateEndpointConnections_Delete, PrivateLinkResources_ListByVault: there are no connections', async () => {
    const connections = `${vault()}/privateEndpointConnections`;
    expect((await send('GET', connections)).body).toEqual({ value: [] });
    expect(await send('GET', `${connections}/one`)).toMatchObject({ status: 404 });
    const approved = { properties: { privateLinkServiceConnectionState: { status: 'Approved' } } };
    expect(await send('PUT', `${connections}/one`, approved)).toMatchObject({ status: 404 });
    expect(await send('DELETE', `${connections}/one`)).toMatchObject({ status: 204 });
    expect((await send('GET', `${vault()}/privateLinkResources`)).body).toMatchObject({
      value: [{ name: 'vault', properties: { groupId: 'vault', requiredMembers: ['default'] } }],
    });
  });
});
