import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServerFixture } from '../../support/server-fixture.ts';
import type { Part } from './deployments.fixture.ts';
import { bodyOf, template, version } from './deployments.fixture.ts';

const inner = { expressionEvaluationOptions: { scope: 'inner' }, mode: 'Incremental' };
const location = "[parameters('location')]";

/** A vault as the public modules write one: symbolic names, types of its own, and a nested deployment for each key and secret, whose members
 * say more than a key of its type has. */
const vaultModule: Part = {
  languageVersion: '2.0',
  definitions: {
    keyType: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        kty: { type: 'string', allowedValues: ['EC', 'RSA'], nullable: true },
        keySize: { type: 'int', nullable: true },
      },
    },
  },
  parameters: {
    name: { type: 'string', maxLength: 24 },
    location: { type: 'string', defaultValue: '[resourceGroup().location]' },
    keys: { type: 'array', items: { $ref: '#/definitions/keyType' }, nullable: true },
    secrets: { type: 'secureObject', defaultValue: {} },
    lock: { type: 'bool', defaultValue: false },
  },
  variables: { secretList: "[coalesce(tryGet(parameters('secrets'), 'list'), createArray())]" },
  resources: {
    vault: {
      type: 'Microsoft.KeyVault/vaults',
      apiVersion: '2024-11-01',
      name: "[parameters('name')]",
      location,
      properties: {
        ...{ enabledForTemplateDeployment: true, enableRbacAuthorization: true, createMode: 'default' },
        ...{ enablePurgeProtection: '[if(false(), true(), null())]', softDeleteRetentionInDays: 7 },
        ...{ tenantId: '[subscription().tenantId]', sku: { name: 'standard', family: 'A' }, accessPolicies: [] },
        networkAcls: '[null()]',
      },
    },
    lock: {
      condition: "[parameters('lock')]",
      type: 'Microsoft.Authorization/locks',
      apiVersion: '2020-05-01',
      scope: "[resourceId('Microsoft.KeyVault/vaults', parameters('name'))]",
      name: "[format('lock-{0}', parameters('name'))]",
      properties: { level: 'CanNotDelete' },
      dependsOn: ['vault'],
    },
    keys: {
      copy: { name: 'keys', count: "[length(coalesce(parameters('keys'), createArray()))]" },
      type: 'Microsoft.Resources/deployments',
      apiVersion: '2022-09-01',
      name: "[format('key-{0}', copyIndex())]",
      properties: {
        ...inner,
        parameters: {
          vaultName: { value: "[parameters('name')]" },
          name: { value: "[parameters('keys')[copyIndex()].name]" },
          kty: { value: "[tryGet(parameters('keys')[copyIndex()], 'kty')]" },
          keySize: { value: "[tryGet(parameters('keys')[copyIndex()], 'keySize')]" },
        },
        template: template({
          languageVersion: '2.0',
          parameters: {
            vaultName: { type: 'string' },
            name: { type: 'string' },
            kty: { type: 'string', defaultValue: 'EC' },
            keySize: { type: 'int', nullable: true },
          },
          resources: {
            vault: {
              existing: true,
              type: 'Microsoft.KeyVault/vaults',
              apiVersion: '2024-11-01',
              name: "[parameters('vaultName')]",
            },
            key: {
              type: 'Microsoft.KeyVault/vaults/keys',
              apiVersion: '2024-11-01',
              name: "[format('{0}/{1}', parameters('vaultName'), parameters('name'))]",
              properties: {
                ...{
                  kty: "[parameters('kty')]",
                  curveName: 'P-256',
                  keySize: "[coalesce(parameters('keySize'), 2048)]",
                },
                ...{ keyOps: '[null()]', attributes: { enabled: true }, release_policy: {} },
                rotationPolicy: {
                  attributes: { expiryTime: 'P2Y' },
                  lifetimeActions: [
                    { trigger: { timeBeforeExpiry: 'P2M' }, action: { type: 'rotate' } },
                    { trigger: { timeBeforeExpiry: 'P30D' }, action: { type: 'notify' } },
                  ],
                },
              },
            },
          },
          outputs: { uri: { type: 'string', value: "[reference('key').keyUri]" } },
        }),
      },
      dependsOn: ['vault'],
    },
    secrets: {
      copy: { name: 'secrets', count: "[length(variables('secretList'))]" },
      type: 'Microsoft.KeyVault/vaults/secrets',
      apiVersion: '2024-11-01',
      name: "[format('{0}/{1}', parameters('name'), variables('secretList')[copyIndex()].name)]",
      properties: { value: "[variables('secretList')[copyIndex()].value]", attributes: { enabled: true } },
      dependsOn: ['vault'],
    },
  },
  outputs: {
    uris: {
      type: 'array',
      copy: {
        count: "[length(coalesce(parameters('keys'), createArray()))]",
        input: "[reference(format('keys[{0}]', copyIndex())).outputs.uri.value]",
      },
    },
  },
};

describe('templates of the constructs that public modules have', () => {
  let server: Awaited<ReturnType<typeof startServerFixture>>;
  let token: string;
  const subscription = () => `/subscriptions/${server.environment.subscriptionId}`;
  const at = (name: string, verb = '') =>
    `${subscription()}/resourceGroups/rg/providers/Microsoft.Resources/deployments/${name}${verb}?${version}`;
  const send = (method: string, path: string, body?: unknown) =>
    server.send({ ...{ host: 'management.azure.com', method, token, path }, ...(body === undefined ? {} : { body }) });
  const poll = async (url: unknown): Promise<unknown> => {
    const { pathname, search } = new URL(String(url));
    for (;;) {
      const answer = await send('GET', pathname + search);
      const { status } = (answer.body ?? {}) as { status?: string };
      if (answer.status !== 202 && status !== 'Running' && status !== 'Accepted') return answer.body;
    }
  };
  const deploy = async (name: string, body: unknown): Promise<Part> => {
    const sent = await send('PUT', at(name), body);
    expect([200, 201], JSON.stringify(sent.body)).toContain(sent.status);
    await poll(sent.headers['azure-asyncoperation']);
    const { properties } = (await send('GET', at(name))).body as { properties: Part };
    expect(properties['error']).toBeUndefined();
    return properties;
  };
  const foretold = async (name: string, body: unknown): Promise<readonly string[]> => {
    const sent = await send('POST', at(name, '/whatIf'), body);
    const { properties } = (await poll(sent.headers['location'])) as {
      properties: { changes: { changeType: string; delta?: unknown }[] };
    };
    return properties.changes.map(({ changeType, delta }) =>
      changeType === 'Modify' ? JSON.stringify(delta) : changeType,
    );
  };

  beforeAll(async () => {
    server = await startServerFixture();
    token = await server.tokenFor('https://management.azure.com');
    await send('PUT', `${subscription()}/resourceGroups/rg?${version}`, { location: 'eastus' });
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('make a vault with keys and secrets, change nothing when they come again, and what-if says so', async () => {
    const keys = { value: [{ name: 'rsa', kty: 'RSA', keySize: 2048 }, { name: 'ec' }] };
    const secrets = { value: { list: [{ name: 'password', value: 'hidden-value' }] } };
    const body = bodyOf(vaultModule, { name: { value: 'kv-module' }, keys, secrets, lock: { value: true } });
    const made = await deploy('module', body);
    const uris = ['rsa', 'ec'].map((name) => `https://kv-module.vault.azure.net/keys/${name}`);
    expect(made['outputs']).toMatchObject({ uris: { value: uris } });
    expect((await deploy('module', body))['outputs']).toEqual(made['outputs']);
    const changes = await foretold('module', body);
    expect(new Set(changes)).toEqual(new Set(['NoChange']));
    expect(changes).toHaveLength(5);
    const gone = await send('DELETE', at('module'));
    expect(gone.status).toBe(202);
  });

  it('ask nothing of a vault that is there, where its condition says that there is none', async () => {
    const asked = "tryGet(parameters('customerManagedKey'), 'keyVaultResourceId')";
    const place = {
      ...{ existing: true, apiVersion: '2024-11-01', subscriptionId: `[split(${asked}, '/')[2]]` },
      ...{ condition: "[not(empty(parameters('customerManagedKey')))]", resourceGroup: `[split(${asked}, '/')[4]]` },
    };
    const parts = {
      languageVersion: '2.0',
      parameters: { customerManagedKey: { type: 'object', nullable: true } },
      resources: {
        'vault::key': {
          ...{ ...place, type: 'Microsoft.KeyVault/vaults/keys' },
          name: `[format('{0}/{1}', last(split(${asked}, '/')), tryGet(parameters('customerManagedKey'), 'keyName'))]`,
        },
        vault: { ...place, type: 'Microsoft.KeyVault/vaults', name: `[last(split(${asked}, '/'))]` },
        identity: {
          ...{ type: 'Microsoft.ManagedIdentity/userAssignedIdentities', apiVersion: '2023-01-31', name: 'with-key' },
          ...{ location: 'eastus', dependsOn: ['vault', 'vault::key'] },
          tags: {
            uri: "[if(empty(parameters('customerManagedKey')), 'none', reference('vault').vaultUri)]",
            kid: "[if(empty(parameters('customerManagedKey')), 'none', reference('vault::key').keyUri)]",
          },
        },
      },
      outputs: { tags: { type: 'object', value: "[reference('identity', '2023-01-31', 'full').tags]" } },
    };
    const tagsOf = async (parameters: Part) => (await deploy('existing', bodyOf(parts, parameters)))['outputs'];
    expect(await tagsOf({})).toMatchObject({ tags: { value: { uri: 'none', kid: 'none' } } });
    expect(await foretold('existing', bodyOf(parts, {}))).toEqual(expect.arrayContaining(['NoChange']));
    const keyVaultResourceId = `${subscription()}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-module`;
    expect(await tagsOf({ customerManagedKey: { value: { keyVaultResourceId, keyName: 'rsa' } } })).toMatchObject({
      tags: {
        value: { uri: 'https://kv-module.vault.azure.net/', kid: 'https://kv-module.vault.azure.net/keys/rsa' },
      },
    });
  });

  it('take secrets of vaults that let templates have them, for those who may deploy from there', async () => {
    const id = `${subscription()}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/kv-module`;
    const reference = { keyVault: { id }, secretName: 'password' };
    const parts = {
      parameters: { p: { type: 'secureString' } },
      outputs: { length: { type: 'int', value: "[length(parameters('p'))]" } },
    };
    const made = await deploy('referring', bodyOf(parts, { p: { reference } }));
    expect(made).toMatchObject({
      outputs: { length: { value: 'hidden-value'.length } },
      parameters: { p: { type: 'SecureString', reference } },
    });
    expect(JSON.stringify(made)).not.toContain('hidden-value');
    // A text that is no secure one shows no value either.
    const plain = await deploy('referring', bodyOf({ parameters: { p: { type: 'string' } } }, { p: { reference } }));
    expect(JSON.stringify(plain)).not.toContain('hidden-value');

    const refused = async (sent: unknown): Promise<unknown> =>
      (await send('POST', at('referring', '/validate'), bodyOf(parts, { p: sent }))).body;
    const missing = { keyVault: { id: id.replace('kv-module', 'kv-nowhere') }, secretName: 'password' };
    expect(await refused({ reference: missing })).toMatchObject({
      error: { code: 'KeyVaultParameterReferenceNotFound' },
    });
    expect(await refused({ reference: { ...reference, secretName: 'none' } })).toMatchObject({
      error: { code: 'KeyVaultParameterReferenceSecretRetrieveFailed' },
    });
    const elsewhere = { keyVault: { id: id.replace(subscription(), `/subscriptions/${crypto.randomUUID()}`) } };
    expect(await refused({ reference: { ...reference, ...elsewhere } })).toMatchObject({
      error: { code: 'KeyVaultParameterReferenceAuthorizationFailed' },
    });
    for (const sent of [{ reference: {} }, { reference: 'x' }, { reference, value: 'x' }])
      expect(await refused(sent)).toMatchObject({ error: { code: 'InvalidTemplate' } });

    const closing = (properties: Part) => send('PATCH', `${id}?api-version=2024-11-01`, { properties });
    expect((await closing({ networkAcls: { defaultAction: 'Deny', bypass: 'None' } })).status).toBe(200);
    expect(await refused({ reference })).toMatchObject({
      error: { message: expect.stringContaining('trusted') as string },
    });
    await closing({ networkAcls: { defaultAction: 'Deny', bypass: 'AzureServices' } });
    expect(await refused({ reference })).not.toHaveProperty('error');
    await closing({ enabledForTemplateDeployment: false });
    expect(await refused({ reference })).toMatchObject({
      error: { message: expect.stringContaining("Http status code: 'Forbidden'") as string },
    });
  });
});
