import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('the resource manager on the wire', () => {
  let arm: ArmFixture;
  let base: string;
  let vaults: string;
  beforeAll(async () => {
    arm = await startArm();
    base = `/subscriptions/${arm.subscriptionId}`;
    vaults = `${base}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults`;
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const errorOf = async (method: string, path: string, options: Parameters<ArmFixture['send']>[2] = {}) => {
    const { status, body } = await arm.send(method, path, options);
    const { error } = body as { error: { code: string; message: string } };
    return { status, code: error.code, message: error.message };
  };

  it('challenges a request without a token, before it looks for the path', async () => {
    const answer = await arm.send('GET', `${base}/nowhere?api-version=2022-12-01`, { as: null });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toBe(
      `Bearer authorization_uri="https://login.windows.net/${arm.tenantId}", error="invalid_token", error_description="Authentication failed. The 'Authorization' header is missing."`,
    );
    expect(answer.body).toEqual({
      error: { code: 'AuthenticationFailed', message: "Authentication failed. The 'Authorization' header is missing." },
    });
    expect(
      await errorOf('GET', `${base}?api-version=2022-12-01`, { as: null, headers: { authorization: 'Bearer junk' } }),
    ).toMatchObject({
      status: 401,
      code: 'InvalidAuthenticationToken',
    });
  });

  it('tells everybody where things are in the cloud, and nothing else', async () => {
    const of = (path: string, method = 'GET') => arm.send(method, path, { as: null });
    const newest = await of('/metadata/endpoints?api-version=2022-09-01');
    const known = {
      ...{ name: 'AzureCloud', resourceManager: 'https://management.azure.com/' },
      authentication: { loginEndpoint: 'https://login.microsoftonline.com', tenant: 'common', identityProvider: 'AAD' },
      suffixes: { keyVaultDns: 'vault.azure.net' },
    };
    expect(newest).toMatchObject({ status: 200, body: known });
    const older = await of('/Metadata/Endpoints/?api-version=2019-05-01');
    expect([older.status, JSON.parse(older.text)]).toMatchObject([200, [known]]);
    expect(await errorOf('GET', '/metadata/endpoints', { as: null })).toMatchObject({
      code: 'MissingApiVersionParameter',
    });
    const young = '/metadata/endpoints?api-version=2999-01-01';
    expect(await errorOf('GET', young, { as: null })).toMatchObject({
      status: 400,
      code: 'InvalidApiVersionParameter',
    });
    for (const path of [
      '/metadata',
      '/metadata/endpoints/x',
      '/metadata/endpoints/../../subscriptions',
      '/metadata%2Fendpoints',
    ])
      expect((await of(`${path}?api-version=2022-09-01`)).status).toBeGreaterThan(399);
    expect((await of('/metadata/endpoints?api-version=2022-09-01', 'POST')).status).toBe(401);
  });

  it('names the tenant of the subscription in the challenge, and refuses a token of another tenant', async () => {
    const otherTenant = arm.addPrincipal('a principal whose id serves as a tenant').objectId;
    const foreign = await arm.addSubscription('foreign', undefined, otherTenant);
    const answer = await arm.send('GET', `/subscriptions/${foreign}?api-version=2022-12-01`, { as: null });
    expect(answer.headers['www-authenticate']).toContain(`https://login.windows.net/${otherTenant}`);
    const refused = await errorOf('GET', `/subscriptions/${foreign}?api-version=2022-12-01`);
    expect(refused).toMatchObject({ status: 401, code: 'InvalidAuthenticationTokenTenant' });
    expect(refused.message).toContain(`It must match the tenant 'https://sts.windows.net/${otherTenant}/'`);
  });

  it('says 403 with the client, action and scope', async () => {
    const stranger = arm.addPrincipal('stranger');
    expect(await errorOf('GET', `${vaults}/v1?api-version=2023-02-01`, { as: stranger })).toEqual({
      status: 403,
      code: 'AuthorizationFailed',
      message:
        `The client '${String(stranger.appId)}' with object id '${stranger.objectId}' does not have authorization to perform action ` +
        `'Microsoft.KeyVault/vaults/read' over scope '${vaults}/v1' or the scope is invalid. If access was recently granted, please refresh your credentials.`,
    });
  });

  it('lets a role decide: Reader reads and does not write, Contributor gives no roles', async () => {
    const reader = arm.addPrincipal('reader');
    await assignRole(arm, 'Reader', reader.objectId, base);
    expect((await errorOf('GET', `${vaults}/v1?api-version=2023-02-01`, { as: reader })).code).toBe('ResourceNotFound');
    expect((await errorOf('DELETE', `${vaults}/v1?api-version=2023-02-01`, { as: reader })).code).toBe(
      'AuthorizationFailed',
    );
    const contributor = arm.addPrincipal('contributor');
    await assignRole(arm, 'Contributor', contributor.objectId, base);
    expect((await arm.send('DELETE', `${vaults}/v1?api-version=2023-02-01`, { as: contributor })).status).toBe(204);
    const assignment = `${base}/providers/Microsoft.Authorization/roleAssignments/${arm.tenantId}?api-version=2022-04-01`;
    const body = { properties: { roleDefinitionId: 'x', principalId: 'x' } };
    expect((await errorOf('PUT', assignment, { as: contributor, body })).code).toBe('AuthorizationFailed');
  });

  it.each([
    [
      '',
      400,
      'MissingApiVersionParameter',
      'The api-version query parameter (?api-version=) is required for all requests.',
    ],
    ['?api-version=', 400, 'MissingApiVersionParameter', undefined],
    ['?api-version=1999-01-01', 400, 'NoRegisteredProviderFound', undefined],
    ['?api-version=latest', 400, 'NoRegisteredProviderFound', undefined],
    [
      '?API-Version=2023-02-01',
      404,
      'ResourceNotFound',
      "The Resource 'Microsoft.KeyVault/vaults/v1' under resource group 'rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
    ],
    ['?api%2Dversion=2026-02-01', 404, 'ResourceNotFound', undefined],
    ['?callerRole=Admin&api-version=2015-06-01', 404, 'ResourceNotFound', undefined],
  ])('takes the api-version from the query %j', async (query, status, code, message) => {
    const error = await errorOf('GET', `${vaults}/v1${query}`);
    expect(error).toMatchObject({ status, code, ...(message === undefined ? {} : { message }) });
  });

  it.each([
    ['GET', '/subscriptions/{S}/providers/Microsoft.Nothing/things', 404, 'InvalidResourceNamespace'],
    ['GET', '/subscriptions/{S}/resourceGroups/rg/providers/Microsoft.KeyVault/safes/x', 404, 'InvalidResourceType'],
    ['GET', '/subscriptions/{S}/unknown', 404, 'MissingSubscription'],
    ['POST', '/subscriptions/{S}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/v1', 405, 'MethodNotAllowed'],
    ['GET', '/subscriptions/{S}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/a%2Fb', 400, 'InvalidRequestUri'],
    ['GET', '/subscriptions/{S}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/%zz', 400, 'InvalidRequestUri'],
    ['GET', '/subscriptions/{S}/resourceGroups/%2e%2e', 400, 'InvalidRequestUri'],
    [
      'GET',
      '/subscriptions/{S}/resourceGroups/none/providers/Microsoft.KeyVault/vaults/v1',
      404,
      'ResourceGroupNotFound',
    ],
  ])('%s %s is refused', async (method, path, status, code) => {
    const query = path.includes('KeyVault') ? '2023-02-01' : '2022-12-01';
    expect(await errorOf(method, `${path.replace('{S}', arm.subscriptionId)}?api-version=${query}`)).toMatchObject({
      status,
      code,
    });
  });

  it('matches whatever the case, with doubled and trailing slashes', async () => {
    const path = `//SUBSCRIPTIONS/${arm.subscriptionId.toUpperCase()}//ResourceGroups/RG//Providers/microsoft.KEYVAULT//Vaults/?api-version=2023-02-01`;
    expect(await arm.send('GET', path)).toMatchObject({ status: 200, body: { value: [] } });
  });

  it.each([
    ['{"location":', 400, 'InvalidRequestContent'],
    ['[1]', 400, 'InvalidRequestContent'],
    [`${'['.repeat(200)}${']'.repeat(200)}`, 400, 'InvalidRequestContent'],
    ['{"location":"eastus","tags":{"a":1}}', 400, 'InvalidRequestContent'],
    [undefined, 400, 'InvalidRequestContent'],
    [`{"location":"${'x'.repeat(4 * 1024 * 1024)}"}`, 413, 'RequestContentTooLarge'],
  ])('refuses a body that is not what the operation takes (%#)', async (body, status, code) => {
    const path = `${base}/resourceGroups/bad?api-version=2022-12-01`;
    expect(await errorOf('PUT', path, body === undefined ? {} : { body })).toMatchObject({ status, code });
  });

  it('refuses an unauthorized caller before it reads a body', async () => {
    const path = `${base}/resourceGroups/bad?api-version=2022-12-01`;
    expect(await errorOf('PUT', path, { as: arm.addPrincipal('nobody'), body: '{' })).toMatchObject({ status: 403 });
  });

  it('sends the headers that every answer has', async () => {
    const headers = {
      'x-ms-correlation-request-id': '22222222-2222-2222-2222-222222222222',
      'x-ms-client-request-id': 'mine',
      'x-ms-return-client-request-id': 'true',
    };
    for (const path of [`${base}?api-version=2022-12-01`, `${base}/unknown?api-version=2022-12-01`]) {
      const answer = await arm.send('GET', path, { headers });
      expect(answer.headers).toMatchObject({
        'cache-control': 'no-cache',
        pragma: 'no-cache',
        expires: '-1',
        'strict-transport-security': 'max-age=31536000; includeSubDomains',
        'x-content-type-options': 'nosniff',
        'x-ms-correlation-request-id': '22222222-2222-2222-2222-222222222222',
        'x-ms-client-request-id': 'mine',
        'x-ms-routing-request-id': 'KUSTODY:20260101T000000Z:22222222-2222-2222-2222-222222222222',
      });
      expect(answer.headers['x-ms-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    }
  });

  it('answers for no other host', () => {
    expect(arm.plane.claim('management.azure.com' as never)).toBe('serve');
    expect(arm.plane.claim('example.com' as never)).toBeUndefined();
  });
});
