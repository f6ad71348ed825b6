import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthorizer } from '../../../src/authz/role-assignments.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('role definitions and assignments', () => {
  let arm: ArmFixture;
  let subscription: string;
  beforeAll(async () => {
    arm = await startArm();
    subscription = `/subscriptions/${arm.subscriptionId}`;
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    const properties = { tenantId: arm.tenantId, sku: { family: 'A', name: 'standard' } } as const;
    await arm.keyVaultClient().vaults.createOrUpdate('rg', 'rbac-vault', { location: 'eastus', properties });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const definitions = (query: string, scope = subscription) =>
    arm.send(
      'GET',
      `${scope}/providers/Microsoft.Authorization/roleDefinitions?${query}api-version=2022-05-01-preview`,
    );
  const fresh = () => arm.addPrincipal('x').objectId; // any new GUID does as an id

  it('RoleDefinitions_List, RoleDefinitions_Get: find a built-in role by name and by id', async () => {
    const answer = await definitions(`$filter=${encodeURIComponent("roleName eq 'Key Vault Crypto User'")}&`);
    const id = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/12338af0-0e69-4776-bea7-57ae8d297424`;
    expect(answer.body).toMatchObject({
      value: [
        {
          id,
          properties: {
            ...{ roleName: 'Key Vault Crypto User', type: 'BuiltInRole', createdBy: null },
            createdOn: '2020-05-19T17:52:47.0699268Z',
          },
        },
      ],
    });
    expect((await arm.send('GET', `${id}?api-version=2022-04-01`)).body).toMatchObject({
      name: '12338af0-0e69-4776-bea7-57ae8d297424',
    });
    const missing = id.replace(/.{4}$/, '0000');
    expect((await arm.send('GET', `${missing}?api-version=2022-04-01`)).body).toMatchObject({
      error: { code: 'RoleDefinitionDoesNotExist' },
    });
    expect((await definitions('')).text).toContain('8e3af657-a8ff-443c-a75c-2fe8c4bcb635');
    expect((await definitions(`$filter=${encodeURIComponent("color eq 'red'")}&`)).status).toBe(400);
  });

  it('RoleDefinitions_ListWithoutScope, RoleDefinitions_GetById: whoever has a token reads what is built in', async () => {
    const as = arm.addPrincipal('without a role');
    const list = '/providers/Microsoft.Authorization/roleDefinitions';
    const answer = await arm.send('GET', `${list}?api-version=2022-04-01`, { as });
    const reader = { id: `${list}/acdd72a7-3385-48ef-bd42-f606fba81ae7`, properties: { roleName: 'Reader' } };
    const shown = (answer.body as { value: readonly unknown[] }).value;
    expect(shown).toContainEqual(expect.objectContaining({ id: reader.id }));
    expect((await arm.send('GET', `${reader.id}?api-version=2022-04-01`, { as })).body).toMatchObject(reader);
    expect((await arm.send('GET', `${subscription}${list}?api-version=2022-04-01`, { as })).status).toBe(403);
  });

  it('ClassicAdministrators_List: there are none', async () => {
    const path = `${subscription}/providers/Microsoft.Authorization/classicAdministrators?api-version=2015-06-01`;
    expect(await arm.send('GET', path)).toMatchObject({ status: 200, body: { value: [] } });
  });

  it('RoleAssignments_Create: tells who changed it last, and leaves who made it to the next answer', async () => {
    const user = arm.addPrincipal('assigned');
    const path = await assignRole(arm, 'Reader', user.objectId, subscription);
    const { body } = await arm.send('GET', path);
    const { properties } = body as { properties: { roleDefinitionId: string } };
    const by = arm.owner.objectId;
    expect(properties).toMatchObject({ createdBy: by, updatedBy: by });
    const { roleDefinitionId } = properties;
    const again = await arm.send('PUT', path, {
      body: { properties: { roleDefinitionId, principalId: user.objectId } },
    });
    expect(again.body).toMatchObject({ properties: { createdBy: null, updatedBy: by } });
  });

  it('RoleAssignments_Create, RoleAssignments_Get, RoleAssignments_Delete: give and take a data role on a vault', async () => {
    const user = arm.addPrincipal('crypto user');
    const vault = `${subscription}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/rbac-vault`;
    const wrap = () =>
      createAuthorizer(arm.state).decide(
        user,
        'dataAction',
        'Microsoft.KeyVault/vaults/keys/wrap/action',
        `${vault.toUpperCase()}/keys/k`,
      );
    expect((await wrap()).allowed).toBe(false);
    const path = await assignRole(arm, 'Key Vault Crypto Service Encryption User', user.objectId, vault);
    expect((await wrap()).allowed).toBe(true);
    expect((await arm.send('GET', path)).body).toMatchObject({
      type: 'Microsoft.Authorization/roleAssignments',
      properties: {
        roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/e147488a-f6f5-4113-8e2d-b22465e65bf6`,
        principalId: user.objectId,
        principalType: 'ServicePrincipal',
        scope: vault,
      },
    });
    expect((await arm.send('DELETE', path)).status).toBe(200);
    expect((await wrap()).allowed).toBe(false);
    expect((await arm.send('DELETE', path)).status).toBe(204);
    expect((await arm.send('GET', path)).body).toMatchObject({ error: { code: 'RoleAssignmentNotFound' } });
  });

  it('RoleAssignments_Create: Owner gives no data access', async () => {
    const decision = await createAuthorizer(arm.state).decide(
      arm.owner,
      'dataAction',
      'Microsoft.KeyVault/vaults/keys/read',
      `${subscription}/resourceGroups/rg`,
    );
    expect(decision).toEqual({ allowed: false, reason: 'notInRole' });
  });

  it('RoleAssignments_Create: refuses doubles, changes, unknown principals, roles and scopes, and conditions', async () => {
    const user = arm.addPrincipal('user');
    const path = await assignRole(arm, 'Reader', user.objectId, subscription);
    const role = (id: string) => `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${id}`;
    const reader = role('acdd72a7-3385-48ef-bd42-f606fba81ae7');
    const owner = role('8e3af657-a8ff-443c-a75c-2fe8c4bcb635');
    const at = (scope: string) =>
      `${scope}/providers/Microsoft.Authorization/roleAssignments/${fresh()}?api-version=2022-04-01`;
    const put = async (to: string, properties: object) => {
      const { status, body } = await arm.send('PUT', to, { body: { properties } });
      return `${status} ${(body as { error?: { code: string } }).error?.code ?? 'ok'}`;
    };
    const principalId = user.objectId;
    expect(await put(path, { roleDefinitionId: reader, principalId })).toBe('200 ok');
    expect(await put(at(subscription), { roleDefinitionId: reader, principalId })).toBe('409 RoleAssignmentExists');
    expect(await put(path, { roleDefinitionId: owner, principalId })).toBe('409 RoleAssignmentUpdateNotPermitted');
    expect(await put(at(subscription), { roleDefinitionId: reader, principalId: arm.tenantId })).toBe(
      '400 PrincipalNotFound',
    );
    expect(await put(at(subscription), { roleDefinitionId: role(arm.tenantId), principalId })).toBe(
      '404 RoleDefinitionDoesNotExist',
    );
    expect(await put(at(subscription), { roleDefinitionId: owner, principalId, principalType: 'User' })).toBe(
      '400 UnmatchedPrincipalType',
    );
    const sub = "SubOperationMatches{'Blob.List'}";
    expect(await put(at(subscription), { roleDefinitionId: owner, principalId, condition: sub })).toBe(
      '501 NotImplemented',
    );
    expect(await put(at(`${subscription}/resourceGroups/none`), { roleDefinitionId: owner, principalId })).toBe(
      '404 ResourceGroupNotFound',
    );
    const vault = `${subscription}/resourceGroups/rg/providers/Microsoft.KeyVault/vaults/none`;
    expect(await put(at(vault), { roleDefinitionId: owner, principalId })).toBe('404 ResourceNotFound');
    const named = `${subscription}/providers/Microsoft.Authorization/roleAssignments/not-a-guid?api-version=2022-04-01`;
    expect(await put(named, { roleDefinitionId: owner, principalId })).toBe('400 InvalidRoleAssignmentId');
  });

  it('RoleAssignments_ListForScope: lists at, above and below a scope, and filters', async () => {
    const user = arm.addPrincipal('listed');
    await assignRole(arm, 'Reader', user.objectId, `${subscription}/resourceGroups/rg`);
    const list = async (scope: string, filter: string) => {
      const query = filter === '' ? '' : `$filter=${encodeURIComponent(filter)}&`;
      const answer = await arm.send(
        'GET',
        `${scope}/providers/Microsoft.Authorization/roleAssignments?${query}api-version=2022-04-01`,
      );
      return answer.text;
    };
    expect(await list(subscription, '')).toContain(user.objectId);
    expect(await list(subscription, 'atScope()')).not.toContain(user.objectId);
    const inGroup = await list(`${subscription}/resourceGroups/rg`, 'atScope()');
    expect(inGroup).toContain(user.objectId);
    expect(inGroup).toContain(`"principalId":"${arm.owner.objectId}"`);
    expect(await list(subscription, `principalId eq '${user.objectId}'`)).not.toContain(
      `"principalId":"${arm.owner.objectId}"`,
    );
    expect(await list(subscription, `assignedTo('${user.objectId}')`)).toContain(user.objectId);
    expect(await list(subscription, 'nonsense()')).toContain('InvalidFilterInQueryString');
  });

  it('Operations_List: names the actions of the provider', async () => {
    const answer = await arm.send('GET', '/providers/Microsoft.Authorization/operations?api-version=2022-04-01');
    expect(answer.text).toContain('Microsoft.Authorization/roleAssignments/write');
  });
});
