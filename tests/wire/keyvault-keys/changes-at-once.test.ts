import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServerFixture } from '../../support/server-fixture.ts';

// The real server keeps records open, and who a token's owner is and what it may do, until something changes. So each of these tests first
// asks often enough that everything is kept, and the very next request after a change was acknowledged must feel it.

type Server = Awaited<ReturnType<typeof startServerFixture>>;
let server: Server;
let tokens: { readonly arm: string; readonly vault: string; readonly graph: string };
/** Of an application that has nothing but what a test gives it. */
let other: { readonly objectId: string; readonly token: string };
let vaultPath = '';
let me = '';

const armHost = 'management.azure.com';
const vaultHost = 'at-once-keys.vault.azure.net';
const cryptoUser = '12338af0-0e69-4776-bea7-57ae8d297424';
const allKeys = ['get', 'list', 'create', 'update', 'delete', 'wrapKey', 'unwrapKey', 'recover', 'purge'];

async function sent(host: string, token: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const answer = await server.send({ host, token, method, path, ...(body === undefined ? {} : { body }) });
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
  return answer.body;
}
const arm = (method: string, path: string, version: string, body?: unknown) =>
  sent(armHost, tokens.arm, method, `${path}?api-version=${version}`, body);
const graph = (method: string, path: string, body?: unknown) =>
  sent('graph.microsoft.com', tokens.graph, method, `/v1.0${path}`, body);
const vault = (method: string, path: string, body?: unknown) =>
  sent(vaultHost, tokens.vault, method, `${path}?api-version=7.4`, body);
const patchVault = (properties: object) => arm('PATCH', vaultPath, '2023-02-01', { properties });

const asks = [
  ['GET', '/keys/k', undefined],
  ['POST', '/keys/k/wrapkey', { alg: 'RSA-OAEP-256', value: Buffer.from('a key').toString('base64url') }],
] as const;
/** What reading the key and using it are answered. */
const statuses = async (token: string): Promise<readonly number[]> => {
  const answers = [];
  for (const [method, path, body] of asks)
    answers.push(await server.send({ host: vaultHost, token, method, path: `${path}?api-version=7.4`, body }));
  return answers.map(({ status }) => status);
};
async function expectAgain(token: string, expected: readonly number[]): Promise<void> {
  for (let time = 0; time < 3; time += 1) expect(await statuses(token)).toEqual(expected);
}

beforeAll(async () => {
  server = await startServerFixture();
  const { subscriptionId, tenantId } = server.environment;
  tokens = {
    arm: await server.tokenFor('https://management.azure.com'),
    vault: await server.tokenFor('https://vault.azure.net'),
    graph: await server.tokenFor('https://graph.microsoft.com'),
  };
  me = String(decodeJwt(tokens.vault)['oid']);
  const group = `/subscriptions/${subscriptionId}/resourceGroups/at-once`;
  await arm('PUT', group, '2021-04-01', { location: 'eastus' });
  vaultPath = `${group}/providers/Microsoft.KeyVault/vaults/at-once-keys`;
  const accessPolicies = [{ tenantId, objectId: me, permissions: { keys: allKeys } }];
  const sku = { family: 'A', name: 'standard' };
  await arm('PUT', vaultPath, '2023-02-01', { location: 'eastus', properties: { tenantId, sku, accessPolicies } });
  await vault('POST', '/keys/k/create', { kty: 'RSA' });
  const application = (await graph('POST', '/applications', { displayName: 'other' })) as { appId: string; id: string };
  const principal = (await graph('POST', '/servicePrincipals', { appId: application.appId })) as { id: string };
  const added = (await graph('POST', `/applications/${application.id}/addPassword`, {})) as { secretText: string };
  const form = new URLSearchParams({
    ...{ grant_type: 'client_credentials', client_id: application.appId, client_secret: added.secretText },
    scope: 'https://vault.azure.net/.default',
  });
  const answer = await server.send({
    ...{ host: 'login.microsoftonline.com', method: 'POST', path: `/${tenantId}/oauth2/v2.0/token` },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  other = { objectId: principal.id, token: (answer.body as { access_token: string }).access_token };
});
afterAll(() => server[Symbol.asyncDispose]());

describe('the next request after a change', () => {
  it('has the permissions that access policies give now', async () => {
    const { tenantId } = server.environment;
    const policies = (keys: readonly string[]) =>
      patchVault({
        accessPolicies: [
          { tenantId, objectId: me, permissions: { keys: allKeys } },
          { tenantId, objectId: other.objectId, permissions: { keys } },
        ],
      });
    await expectAgain(other.token, [403, 403]);
    await policies(['get', 'wrapKey']);
    await expectAgain(other.token, [200, 200]);
    await policies(['get']);
    await expectAgain(other.token, [200, 403]);
    await policies([]);
    await expectAgain(other.token, [403, 403]);
    await expectAgain(tokens.vault, [200, 200]);
  });

  it('has the roles of its principal, of its groups and of the groups above them', async () => {
    const roles = `${vaultPath}/providers/Microsoft.Authorization/roleAssignments`;
    const { subscriptionId } = server.environment;
    const roleDefinitionId = `/subscriptions/${subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${cryptoUser}`;
    const assign = (last: number, principalId: string, principalType: string) =>
      arm('PUT', `${roles}/00000000-0000-4000-8000-00000000000${last}`, '2022-04-01', {
        properties: { roleDefinitionId, principalId, principalType },
      });
    const unassign = (last: number) =>
      arm('DELETE', `${roles}/00000000-0000-4000-8000-00000000000${last}`, '2022-04-01');
    const newGroup = async (name: string): Promise<string> => {
      const rest = { mailEnabled: false, mailNickname: name, securityEnabled: true };
      return ((await graph('POST', '/groups', { displayName: name, ...rest })) as { id: string }).id;
    };
    const join = (group: string, member: string) =>
      graph('POST', `/groups/${group}/members/$ref`, {
        '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${member}`,
      });
    await patchVault({ enableRbacAuthorization: true });
    await expectAgain(other.token, [403, 403]);
    await assign(1, other.objectId, 'ServicePrincipal');
    await expectAgain(other.token, [200, 200]);
    await unassign(1);
    await expectAgain(other.token, [403, 403]);

    const [outer, inner] = [await newGroup('outer'), await newGroup('inner')];
    await assign(2, outer, 'Group');
    await join(inner, other.objectId);
    await expectAgain(other.token, [403, 403]);
    await join(outer, inner);
    await expectAgain(other.token, [200, 200]);
    await graph('DELETE', `/groups/${outer}/members/${inner}/$ref`);
    await expectAgain(other.token, [403, 403]);
    await join(outer, other.objectId);
    await expectAgain(other.token, [200, 200]);
    await unassign(2);
    await expectAgain(other.token, [403, 403]);
    await patchVault({ enableRbacAuthorization: false });
    await expectAgain(tokens.vault, [200, 200]);
  });

  it('comes from the network that the firewall lets through now', async () => {
    await expectAgain(tokens.vault, [200, 200]);
    await patchVault({ networkAcls: { defaultAction: 'Deny', bypass: 'AzureServices' } });
    await expectAgain(tokens.vault, [403, 403]);
    await patchVault({ networkAcls: { defaultAction: 'Allow', bypass: 'AzureServices' } });
    await expectAgain(tokens.vault, [200, 200]);
  });

  it('meets the key as it is now', async () => {
    await expectAgain(tokens.vault, [200, 200]);
    await vault('PATCH', '/keys/k', { attributes: { enabled: false } });
    await expectAgain(tokens.vault, [200, 403]);
    await vault('PATCH', '/keys/k', { attributes: { enabled: true } });
    await expectAgain(tokens.vault, [200, 200]);
    await vault('PATCH', '/keys/k', { key_ops: ['unwrapKey'] });
    await expectAgain(tokens.vault, [200, 403]);
    await vault('PATCH', '/keys/k', { key_ops: ['wrapKey'] });
    await expectAgain(tokens.vault, [200, 200]);
  });

  it('is shown the key as it is now', async () => {
    const tagsOf = async (): Promise<unknown> => ((await vault('GET', '/keys/k')) as { tags?: unknown }).tags;
    for (const tags of [{ a: '1' }, { b: '2' }]) {
      await vault('PATCH', '/keys/k', { tags });
      for (let time = 0; time < 3; time += 1) expect(await tagsOf()).toEqual(tags);
    }
  });

  it('is shown the secret as it is now, or none', async () => {
    const { tenantId } = server.environment;
    const allow = (secrets: readonly string[]) =>
      patchVault({ accessPolicies: [{ tenantId, objectId: me, permissions: { keys: allKeys, secrets } }] });
    const expectShown = async (expected: string | number): Promise<void> => {
      for (let time = 0; time < 3; time += 1) {
        const path = '/secrets/s?api-version=7.4';
        const answer = await server.send({ host: vaultHost, token: tokens.vault, method: 'GET', path });
        const shown = answer.status === 200 ? (answer.body as { value: string }).value : answer.status;
        expect(shown).toBe(expected);
      }
    };
    await allow(['get', 'set', 'delete']);
    for (const value of ['first', 'second "of two"']) {
      await vault('PUT', '/secrets/s', { value });
      await expectShown(value);
    }
    await vault('PATCH', '/secrets/s', { attributes: { enabled: false } });
    await expectShown(403);
    await vault('PATCH', '/secrets/s', { attributes: { enabled: true } });
    await expectShown('second "of two"');
    await allow(['set', 'delete']);
    await expectShown(403);
    await allow(['get', 'set', 'delete']);
    await expectShown('second "of two"');
    await vault('DELETE', '/secrets/s');
    await expectShown(404);
  });

  it('has a token that was not called back by a fault', async () => {
    await expectAgain(tokens.vault, [200, 200]);
    const { faults } = server.server.controls;
    await faults.add({ kind: 'tokenExpiry' });
    await expectAgain(tokens.vault, [401, 401]);
    await faults.clear();
    await expectAgain(tokens.vault, [200, 200]);
  });

  it('has a principal that is enabled, and there', async () => {
    const { tenantId } = server.environment;
    const permissions = { keys: ['get', 'wrapKey'] };
    const mine = { tenantId, objectId: me, permissions: { keys: allKeys } };
    await patchVault({ accessPolicies: [mine, { tenantId, objectId: other.objectId, permissions }] });
    await expectAgain(other.token, [200, 200]);
    await graph('PATCH', `/servicePrincipals/${other.objectId}`, { accountEnabled: false });
    await expectAgain(other.token, [401, 401]);
    await graph('PATCH', `/servicePrincipals/${other.objectId}`, { accountEnabled: true });
    await expectAgain(other.token, [200, 200]);
    await graph('DELETE', `/servicePrincipals/${other.objectId}`);
    await expectAgain(other.token, [401, 401]);
  });

  it('finds no vault that was deleted', async () => {
    await expectAgain(tokens.vault, [200, 200]);
    await arm('DELETE', vaultPath, '2023-02-01');
    await expect(statuses(tokens.vault)).rejects.toThrow();
  });
});
