import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { groupName, startKustoFixture, subscriptionId } from '../../support/kusto-fixture.ts';
import type { KustoFixture } from '../../support/kusto-fixture.ts';
import { startServerFixture } from '../../support/server-fixture.ts';

const sku = { name: 'Standard_E2ads_v5', tier: 'Standard', capacity: 2 };
const clusterId = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.Kusto/Clusters/c1test`;
const version = '?api-version=2024-04-13';
const scriptPath = `${clusterId}/databases/db1/scripts/s1${version}`;

describe('scripts', () => {
  let fixture: KustoFixture;
  beforeEach(async () => {
    fixture = await startKustoFixture();
    await fixture.client.clusters.beginCreateOrUpdateAndWait(groupName, 'c1test', { location: 'eastus', sku });
    const database = { location: 'eastus', kind: 'ReadWrite' as const };
    await fixture.client.databases.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', database);
  });
  afterEach(() => fixture.close());

  const script = { scriptContent: '.create table T (A: int)', forceUpdateTag: 'tag1', continueOnErrors: true };
  const put = (properties: object) => fixture.send('PUT', scriptPath, { properties });
  const status = async ({ headers }: { headers: Headers }): Promise<unknown> => {
    const url = new URL(headers.get('azure-asyncoperation') ?? 'https://none');
    return (await fixture.send('GET', `${url.pathname}${url.search}`)).body;
  };

  it('Scripts_CreateOrUpdate, Scripts_Get: as recorded, without the text', async () => {
    const made = await put(script);
    const common = {
      id: `${clusterId}/Databases/db1/Scripts/s1`,
      name: 'c1test/db1/s1',
      type: 'Microsoft.Kusto/Clusters/Databases/Scripts',
    };
    const systemData = expect.objectContaining({ createdByType: 'Application' }) as object;
    const shown = { forceUpdateTag: 'tag1', continueOnErrors: true };
    expect(made.status).toBe(201);
    expect(made.body).toEqual({ ...common, properties: { ...shown, provisioningState: 'Creating' }, systemData });
    expect(await status(made)).toMatchObject({ properties: { operationKind: 'DatabaseScriptCreateOrUpdate' } });
    expect((await fixture.send('GET', scriptPath)).body).toEqual({
      ...common,
      properties: {
        ...shown,
        scriptLevel: 'Database',
        principalPermissionsAction: 'RemovePermissionOnScriptCompletion',
        provisioningState: 'Succeeded',
      },
      systemData,
    });
    expect(fixture.scripts).toMatchObject([{ database: 'db1', script: script.scriptContent, continueOnErrors: true }]);
  });

  it('run again when their tag changes, and not otherwise', async () => {
    await put(script);
    await put(script);
    expect(fixture.scripts).toHaveLength(1);
    await put({ ...script, forceUpdateTag: 'tag2' });
    expect(fixture.scripts).toHaveLength(2);
  });

  it('Scripts_Update, Scripts_ListByDatabase, Scripts_CheckNameAvailability, Scripts_Delete: by the official client', async () => {
    const api = fixture.client.scripts;
    await api.beginCreateOrUpdateAndWait(groupName, 'c1test', 'db1', 's1', script);
    const updated = await api.beginUpdateAndWait(groupName, 'c1test', 'db1', 's1', { forceUpdateTag: 'tag2' });
    expect(updated).toMatchObject({ forceUpdateTag: 'tag2', continueOnErrors: true });
    const listed: (string | undefined)[] = [];
    for await (const one of api.listByDatabase(groupName, 'c1test', 'db1')) listed.push(one.name);
    expect(listed).toEqual(['c1test/db1/s1']);
    const check = { name: 's1', type: 'Microsoft.Kusto/clusters/databases/scripts' } as const;
    expect(await api.checkNameAvailability(groupName, 'c1test', 'db1', check)).toMatchObject({ nameAvailable: false });
    await api.beginDeleteAndWait(groupName, 'c1test', 'db1', 's1');
    expect(await fixture.send('GET', scriptPath)).toMatchObject({ status: 404 });
  });

  it('that may not do what they do fail in their operation, as recorded, and stay as failed until they run', async () => {
    fixture.scriptOutcome = { outcome: 'failed', kind: 'unauthorized', message: 'needs Admin' };
    const made = await put(script);
    expect(made.status).toBe(201);
    expect(await status(made)).toMatchObject({
      status: 'Failed',
      properties: { provisioningState: 'Failed', operationState: 'BadInput' },
      error: {
        code: 'ScriptFailedUnauthorizedCaller',
        message:
          "[BadRequest] Failed to run script 's1' on database 'db1'. Caller is not authorized to perform this action. Please grant the caller an user/admin permission on the database and try again. For managing permissions, see: https://docs.microsoft.com/azure/data-explorer/manage-database-permissions",
      },
    });
    expect(await fixture.send('GET', scriptPath)).toMatchObject({
      body: { properties: { provisioningState: 'Failed' } },
    });
    fixture.scriptOutcome = { outcome: 'ran' };
    await put(script);
    expect(fixture.scripts).toHaveLength(2);
    expect(await fixture.send('GET', scriptPath)).toMatchObject({
      body: { properties: { provisioningState: 'Succeeded' } },
    });
  });

  it.each([
    ['nothing to run', {}, 400],
    ['a text and an address', { ...script, scriptUrl: 'https://a.blob.core.windows.net/c/s.kql' }, 400],
    ['another level', { ...script, scriptLevel: 'World' }, 400],
    ['an address alone', { scriptUrl: 'https://a.blob.core.windows.net/c/s.kql' }, 501],
  ])('are refused with %s', async (_, properties, expected) => {
    expect(await put(properties)).toMatchObject({ status: expected });
    expect(fixture.scripts).toEqual([]);
  });

  it('are refused by name where they are to run as an identity, in the api-version that has it', async () => {
    const id = `/subscriptions/${subscriptionId}/resourceGroups/${groupName}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i`;
    const properties = { ...script, managedIdentityResourceId: id };
    const newer = scriptPath.replace(version, '?api-version=2025-02-14');
    const refused = await fixture.send('PUT', newer, { properties });
    expect(refused).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    expect(JSON.stringify(refused.body)).toContain('managedIdentityResourceId');
    expect(fixture.scripts).toEqual([]);
    expect((await fixture.send('PUT', newer, { properties: script })).status).toBe(201);
    expect((await put({ ...properties, forceUpdateTag: 'tag2' })).status).toBe(200);
    expect(fixture.scripts).toHaveLength(2);
  });
});

describe('scripts on the engine', () => {
  let server: Awaited<ReturnType<typeof startServerFixture>>;
  let armToken: string;
  let kustoToken: string;
  const cluster = 'scriptcluster';
  const host = `${cluster}.eastus.kusto.windows.net`;
  const group = () => `/subscriptions/${server.environment.subscriptionId}/resourceGroups/rg`;
  const clusterPath = () => `${group()}/providers/Microsoft.Kusto/clusters/${cluster}`;
  const put = (path: string, body: unknown, api = version) =>
    server.send({ host: 'management.azure.com', method: 'PUT', path: `${path}${api}`, token: armToken, body });
  const runScript = async (name: string, properties: object): Promise<unknown> => {
    const made = await put(`${clusterPath()}/databases/db1/scripts/${name}`, { properties });
    expect(made.status).toBe(201);
    const url = new URL(String(made.headers['azure-asyncoperation']));
    const path = `${url.pathname}${url.search}`;
    return (await server.send({ host: 'management.azure.com', method: 'GET', path, token: armToken })).body;
  };
  const tables = async (): Promise<unknown> => {
    const answer = await server.send({
      host,
      method: 'POST',
      path: '/v1/rest/mgmt',
      token: kustoToken,
      body: { db: 'db1', csl: '.show tables | project TableName | order by TableName asc' },
    });
    expect(answer.status).toBe(200);
    return (answer.body as { Tables: { Rows: unknown }[] }).Tables[0]?.Rows;
  };

  beforeAll(async () => {
    server = await startServerFixture();
    armToken = await server.tokenFor('https://management.azure.com');
    kustoToken = await server.tokenFor('https://kusto.kusto.windows.net');
    await put(group(), { location: 'eastus' }, '?api-version=2024-11-01');
    expect((await put(clusterPath(), { location: 'eastus', sku })).status).toBe(201);
    expect((await put(`${clusterPath()}/databases/db1`, { location: 'eastus', kind: 'ReadWrite' })).status).toBe(201);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('create what they say, with the rights of the caller', async () => {
    const scriptContent = '.create table A (X: int)\n\n.create-merge table B (Y: string)';
    expect(await runScript('first', { scriptContent })).toMatchObject({ status: 'Succeeded' });
    expect(await tables()).toEqual([['A'], ['B']]);
  });

  it('stop at the first command that fails, and go on when they shall', async () => {
    const broken = '.create table A (X: string)\n.create table C (X: int)';
    const stopped = await runScript('stopped', { scriptContent: `.alter column Z.Q type = int\n${broken}` });
    expect(stopped).toMatchObject({ status: 'Failed', error: { code: 'ScriptFailed' } });
    expect(await tables()).toEqual([['A'], ['B']]);
    const scriptContent = `.alter column Z.Q type = int\n.create table C (X: int)`;
    expect(await runScript('going', { scriptContent, continueOnErrors: true })).toMatchObject({ status: 'Succeeded' });
    expect(await tables()).toEqual([['A'], ['B'], ['C']]);
  });

  it('neither read nor delete', async () => {
    const answer = await runScript('reading', { scriptContent: '.drop table A' });
    expect(answer).toMatchObject({ status: 'Failed', error: { code: 'ScriptFailed' } });
    expect(JSON.stringify(answer)).toContain('unsupported command');
    expect(await tables()).toEqual([['A'], ['B'], ['C']]);
  });
});

it('scripts of callers without a role in the database fail', async () => {
  await using server = await startServerFixture();
  const token = await server.tokenFor('https://management.azure.com');
  const group = `/subscriptions/${server.environment.subscriptionId}/resourceGroups/rg`;
  const send = (method: string, path: string, body?: unknown) =>
    server.send({ host: 'management.azure.com', method, path, token, ...(body === undefined ? {} : { body }) });
  await send('PUT', `${group}?api-version=2024-11-01`, { location: 'eastus' });
  const path = `${group}/providers/Microsoft.Kusto/clusters/norights`;
  await send('PUT', `${path}${version}`, { location: 'eastus', sku });
  await send('PUT', `${path}/databases/db1${version}&callerRole=None`, { location: 'eastus', kind: 'ReadWrite' });
  const properties = { scriptContent: '.create table A (X: int)', continueOnErrors: true };
  const made = await send('PUT', `${path}/databases/db1/scripts/s1${version}`, { properties });
  const url = new URL(String(made.headers['azure-asyncoperation']));
  const { body } = await send('GET', `${url.pathname}${url.search}`);
  expect(body).toMatchObject({ status: 'Failed', error: { code: 'ScriptFailedUnauthorizedCaller' } });
});
