import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { keyOperations } from '../../../src/vault/keys/key-operations.ts';
import { encodeToken, failure, newCaller, startVaultFixture } from '../../support/vault-fixture.ts';
import type { VaultFixture } from '../../support/vault-fixture.ts';

let vault: VaultFixture;
const asked: string[] = [];
let allowedActions: readonly string[] = [];
let address = '127.0.0.1';
beforeAll(async () => {
  vault = await startVaultFixture({
    allowedByRole: (_caller, action, resource) => {
      asked.push(`${action} ${resource}`);
      return Promise.resolve(
        allowedActions.includes(action) ? { allowed: true, assignmentId: 'the-assignment' } : { allowed: false },
      );
    },
    clientAddress: () => address,
  });
});
afterAll(() => vault.close());

const version = '?api-version=7.4';
const urlOf = (path: string): string => path.replace('{name}', 'k').replace('{version}', '0'.repeat(32)) + version;

describe('access policies', () => {
  it.each(keyOperations)('$id: needs the permission $permission, and no other is enough', async (operation) => {
    const others = keyOperations.map((other) => other.permission).filter((name) => name !== operation.permission);
    const permissions = { keys: others };
    vault.addVault('testvault', {
      accessPolicies: [{ tenantId: vault.tenantId, objectId: vault.caller.objectId, permissions }],
    });
    const { appId, objectId, tenantId } = vault.caller;
    const reply = await vault.raw(operation.method, urlOf(operation.path));
    expect(reply.status).toBe(403);
    expect(reply.json).toEqual({
      error: {
        code: 'Forbidden',
        message: `The user, group or application 'appid=${String(appId)};oid=${objectId};iss=https://sts.windows.net/${tenantId}/' does not have keys ${operation.permission} permission on key vault 'testvault;location=westus2'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287`,
        innererror: { code: 'ForbiddenByPolicy' },
      },
    });
  });

  it('are compared without case, may name a group, and take effect and end at once', async () => {
    const groupId = newGuid(systemRandomBytes);
    const member = { ...newCaller(vault.tenantId), groupIds: [groupId] };
    const policy = { tenantId: vault.tenantId, objectId: groupId, permissions: { keys: ['CREATE', 'wrapkey'] } };
    vault.addVault('grouped', { accessPolicies: [policy] });
    const key = await vault.keyClient('grouped', member).createRsaKey('k');
    const client = vault.cryptographyClient(key, member);
    await client.wrapKey('RSA-OAEP-256', Buffer.from('x'));
    const { message } = await failure(client.unwrapKey('RSA-OAEP-256', Buffer.alloc(256)));
    expect(message).toContain(';numgroups=1;iss=');
    vault.vaults.clear();
    vault.addVault('grouped', { accessPolicies: [] });
    expect((await failure(client.wrapKey('RSA-OAEP-256', Buffer.from('x')))).statusCode).toBe(403);
  });

  it('`all` gives everything but purge', async () => {
    const permissions = { keys: ['all'] };
    vault.addVault('everything', {
      accessPolicies: [{ tenantId: vault.tenantId, objectId: vault.caller.objectId, permissions }],
    });
    const client = vault.keyClient('everything');
    await client.createRsaKey('k');
    await (await client.beginDeleteKey('k', { intervalInMs: 1 })).pollUntilDone();
    expect((await failure(client.purgeDeletedKey('k'))).statusCode).toBe(403);
  });

  it('entries of another tenant, or for tokens on behalf of a user, do not match', async () => {
    const { objectId, appId } = vault.caller;
    const permissions = { keys: ['get', 'list'] };
    vault.addVault('strict', {
      accessPolicies: [
        { tenantId: newGuid(systemRandomBytes), objectId, permissions },
        { tenantId: vault.tenantId, objectId, applicationId: appId ?? objectId, permissions },
      ],
    });
    expect((await vault.raw('GET', `/keys${version}`, { vault: 'strict' })).status).toBe(403);
  });
});

describe('roles', () => {
  it('decide alone when the vault says so, at the scope of the key', async () => {
    const settings = vault.addVault('roles', { enableRbacAuthorization: true });
    allowedActions = [];
    asked.length = 0;
    const reply = await vault.raw('GET', `/keys/K${version}`, { vault: 'roles' });
    expect(asked).toEqual([`Microsoft.KeyVault/vaults/keys/read ${settings.resourceId}/keys/K`]);
    expect(reply.status).toBe(403);
    const { appId, objectId, tenantId } = vault.caller;
    expect(reply.json).toEqual({
      error: {
        code: 'Forbidden',
        message: [
          'Caller is not authorized to perform action on resource.',
          'If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.',
          `Caller: appid=${String(appId)};oid=${objectId};iss=https://sts.windows.net/${tenantId}/`,
          "Action: 'Microsoft.KeyVault/vaults/keys/read'",
          `Resource: '${settings.resourceId.toLowerCase()}/keys/k'`,
          'Assignment: (not found)',
          'DenyAssignmentId: null',
          "DecisionReason: 'DeniedWithNoValidRBAC' ",
          'Vault: roles;location=westus2',
          '',
        ].join('\r\n'),
        innererror: { code: 'ForbiddenByRbac' },
      },
    });
  });

  it.each(keyOperations)('$id: needs the data action $dataAction, and no other is enough', async (operation) => {
    vault.addVault('roles', { enableRbacAuthorization: true });
    const enough: readonly (string | undefined)[] = [operation.dataAction, operation.orDataAction];
    allowedActions = keyOperations
      .map(({ dataAction }) => dataAction)
      .filter((action) => !enough.includes(action))
      .map((action) => `Microsoft.KeyVault/vaults/${action}`);
    const refused = await vault.raw(operation.method, urlOf(operation.path), { vault: 'roles' });
    expect(refused).toMatchObject({ status: 403, json: { error: { innererror: { code: 'ForbiddenByRbac' } } } });
    expect(refused.body).toContain(`Action: 'Microsoft.KeyVault/vaults/${operation.dataAction}'`);
    allowedActions = [`Microsoft.KeyVault/vaults/${operation.dataAction}`];
    expect((await vault.raw(operation.method, urlOf(operation.path), { vault: 'roles' })).status).not.toBe(403);
  });

  it('who may read a key may wrap with it, but not unwrap', async () => {
    vault.addVault('reader', { enableRbacAuthorization: true });
    allowedActions = ['Microsoft.KeyVault/vaults/keys/create/action', 'Microsoft.KeyVault/vaults/keys/read'];
    const client = vault.cryptographyClient(await vault.keyClient('reader').createRsaKey('k'));
    const { result } = await client.wrapKey('RSA-OAEP-256', Buffer.from('x'));
    expect((await failure(client.unwrapKey('RSA-OAEP-256', result))).statusCode).toBe(403);
    const listed = await vault.raw('GET', `/keys${version}`, { vault: 'reader' });
    expect(listed.headers['x-ms-keyvault-rbac-assignment-id']).toBe('the-assignment');
  });
});

describe('the firewall', () => {
  it('comes after the token and before the permission', async () => {
    address = '::ffff:203.0.113.9';
    const networkAcls = {
      defaultAction: 'Deny',
      bypass: 'AzureServices',
      ipRules: ['203.0.114.0/24', '198.51.100.7'],
    } as const;
    vault.addVault('closed', { networkAcls, accessPolicies: [] });
    expect((await vault.raw('GET', `/keys${version}`, { vault: 'closed', token: null })).status).toBe(401);
    const { appId, objectId, tenantId } = vault.caller;
    const reply = await vault.raw('GET', `/keys${version}`, { vault: 'closed' });
    expect(reply.json).toEqual({
      error: {
        code: 'Forbidden',
        message: `Client address is not authorized and caller is not a trusted service.\r\nClient address: 203.0.113.9\r\nCaller: appid=${String(appId)};oid=${objectId};iss=https://sts.windows.net/${tenantId}/\r\nVault: closed;location=westus2`,
        innererror: { code: 'ForbiddenByFirewall' },
      },
    });
    for (const allowed of ['203.0.114.200', '198.51.100.7']) {
      address = allowed;
      expect((await vault.raw('GET', `/keys${version}`, { vault: 'closed' })).body).toContain('ForbiddenByPolicy');
    }
    for (const refused of ['198.51.100.8', '::1', '']) {
      address = refused;
      expect((await vault.raw('GET', `/keys${version}`, { vault: 'closed' })).body).toContain('ForbiddenByFirewall');
    }
    address = '127.0.0.1';
  });

  it('without public access nobody comes in', async () => {
    vault.addVault('private', { publicNetworkAccess: 'Disabled' });
    const reply = await vault.raw('GET', `/keys${version}`, { vault: 'private' });
    expect(reply).toMatchObject({ status: 403, json: { error: { innererror: { code: 'ForbiddenByConnection' } } } });
  });
});

describe('what wins', () => {
  it('permission before 404, 404 before disabled, disabled before a bad body', async () => {
    vault.addVault('order');
    const client = vault.keyClient('order');
    const stranger = encodeToken({ audience: 'https://vault.azure.net', caller: newCaller(vault.tenantId) });
    const wrap = (name: string, token?: string) =>
      vault.raw('POST', `/keys/${name}/wrapkey${version}`, {
        vault: 'order',
        body: '{"bad',
        ...(token === undefined ? {} : { token }),
      });
    expect((await wrap('k', stranger)).status).toBe(403);
    expect((await wrap('k')).status).toBe(404);
    await client.createRsaKey('k', { enabled: false });
    expect((await wrap('k')).body).toContain('KeyDisabled');
    await client.updateKeyProperties('k', { enabled: true });
    expect((await wrap('k')).status).toBe(400);
  });
});
