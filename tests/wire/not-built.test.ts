import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vaultOperations } from '../../src/vault/plane/vault-operations.ts';
import { allArmOperations } from '../support/arm-operations.ts';
import { startServerFixture } from '../support/server-fixture.ts';

/** What Azure has and Kustody has not: every such row is refused by its own name, never accepted, never a bare 404. */
const notBuiltArmOperations = allArmOperations().filter((operation) => operation.notBuilt === true);
const notBuiltVaultOperations = vaultOperations.filter((operation) => operation.handle === undefined);

describe('operations that are not built', () => {
  let server: Awaited<ReturnType<typeof startServerFixture>>;
  let armToken: string;
  let vaultToken: string;
  const vault = 'refusing-vault';
  const group = () => `/subscriptions/${server.environment.subscriptionId}/resourceGroups/rg`;

  beforeAll(async () => {
    server = await startServerFixture();
    armToken = await server.tokenFor('https://management.azure.com');
    vaultToken = await server.tokenFor('https://vault.azure.net');
    const put = (path: string, body: unknown) =>
      server.send({ host: 'management.azure.com', method: 'PUT', path, token: armToken, body });
    expect(await put(`${group()}?api-version=2024-11-01`, { location: 'eastus' })).toMatchObject({ status: 201 });
    const { tenantId, objectId } = server.environment;
    const made = await put(`${group()}/providers/Microsoft.KeyVault/vaults/${vault}?api-version=2023-02-01`, {
      location: 'eastus',
      properties: {
        tenantId,
        sku: { family: 'A', name: 'standard' },
        accessPolicies: [{ tenantId, objectId, permissions: { keys: ['all', 'purge', 'release', 'rotate'] } }],
      },
    });
    expect(made.status).toBeLessThan(300);
  });
  afterAll(() => server[Symbol.asyncDispose]());

  it('are many, so that the loops below prove something', () => {
    expect(notBuiltArmOperations.length).toBeGreaterThan(10);
    expect(notBuiltVaultOperations.length).toBeGreaterThan(2);
  });

  it.each(notBuiltArmOperations)('$id is refused by name', async ({ id, method, path, provider }) => {
    const target = path
      .replace('{scope}', group())
      .replace('{subscriptionId}', server.environment.subscriptionId)
      .replace('{resourceGroupName}', 'rg')
      .replaceAll(/\{[^}]+\}/g, 'name');
    const answer = await server.send({
      host: 'management.azure.com',
      method,
      path: `${target}?api-version=${apiVersionOf(provider, path)}`,
      token: armToken,
      ...(method === 'GET' ? {} : { body: {} }),
    });
    expect(answer).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    expect(answer.text).toContain(id);
  });

  it.each(notBuiltVaultOperations)('$id is refused by name', async ({ id, method, path }) => {
    const target = path.replace('{name}', 'key').replace('{version}', 'f'.repeat(32));
    const answer = await server.send({
      host: `${vault}.vault.azure.net`,
      method,
      path: `${target}?api-version=7.4`,
      token: vaultToken,
      ...(method === 'GET' ? {} : { body: {} }),
    });
    expect(answer.status).toBe(501);
    expect(answer.text).toContain(id);
  });
});

const apiVersions: Readonly<Record<string, string>> = {
  'Microsoft.KeyVault': '2023-02-01',
  'Microsoft.ManagedIdentity': '2023-01-31',
  'Microsoft.Kusto': '2024-04-13',
};

function apiVersionOf(provider: string, path: string): string {
  if (provider === 'Microsoft.Authorization') return path.includes('/locks') ? '2016-09-01' : '2022-04-01';
  if (provider === 'Microsoft.Insights') return path.includes('/eventtypes') ? '2015-04-01' : '2021-05-01-preview';
  return apiVersions[provider] ?? '2024-11-01';
}
