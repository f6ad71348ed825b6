import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

const version = 'api-version=2022-04-01';
const reading = 'Microsoft.Resources/subscriptions/resourceGroups/read';

describe('custom roles', () => {
  let arm: ArmFixture;
  let subscription: string;
  let group: string;
  beforeAll(async () => {
    arm = await startArm();
    subscription = `/subscriptions/${arm.subscriptionId}`;
    group = `${subscription}/resourceGroups/rg`;
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
    await arm.resourcesClient().resourceGroups.createOrUpdate('other', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const fresh = (): string => arm.addPrincipal('x').objectId; // any new GUID does as an id
  const at = (scope: string, id = ''): string =>
    `${scope}/providers/Microsoft.Authorization/roleDefinitions${id && `/${id}`}?${version}`;
  const properties = (more: object = {}) => ({
    ...{ roleName: `role ${fresh()}`, type: 'customRole', assignableScopes: [group] },
    ...{ permissions: [{ actions: [reading] }], ...more },
  });
  const put = (scope: string, id: string, sent: object, as = arm.owner) =>
    arm.send('PUT', at(scope, id), { as, body: { name: id, properties: sent } });
  const said = ({ status, body }: { status: number; body: unknown }): string =>
    `${status} ${(body as { error?: { code: string } } | undefined)?.error?.code ?? 'ok'}`;
  const assign = (scope: string, role: string, principalId: string) =>
    arm.send('PUT', `${scope}/providers/Microsoft.Authorization/roleAssignments/${fresh()}?${version}`, {
      body: { properties: { principalId, roleDefinitionId: at(subscription, role).split('?')[0] } },
    });
  const names = async (path: string): Promise<readonly string[]> => {
    const { body } = await arm.send('GET', path);
    return (body as { value: readonly { name: string }[] }).value.map(({ name }) => name);
  };

  it('RoleDefinitions_CreateOrUpdate, RoleDefinitions_Delete: makes one that is got, listed, assigned, counts, and is deleted when nobody has it', async () => {
    const id = fresh();
    const sent = properties();
    const made = await put(group, id, sent);
    const shown = {
      id: at(subscription, id).split('?')[0],
      name: id,
      type: 'Microsoft.Authorization/roleDefinitions',
      properties: {
        ...{ ...sent, type: 'CustomRole', description: null, updatedBy: arm.owner.objectId },
        permissions: [{ actions: [reading], notActions: [], dataActions: [], notDataActions: [] }],
      },
    };
    expect(made).toMatchObject({
      status: 201,
      body: { ...shown, properties: { ...shown.properties, createdBy: null } },
    });
    const got = { ...shown, properties: { ...shown.properties, createdBy: arm.owner.objectId } };
    expect(await arm.send('GET', at(group, id))).toMatchObject({ status: 200, body: got });

    const user = arm.addPrincipal('reader of groups');
    const readGroup = async () => (await arm.send('GET', `${group}?api-version=2021-04-01`, { as: user })).status;
    expect(await readGroup()).toBe(403);
    expect(said(await assign(`${subscription}/resourceGroups/other`, id, user.objectId))).toBe(
      '400 RoleAssignmentScopeNotAssignableToRoleDefinition',
    );
    const assigned = await assign(group, id, user.objectId);
    expect(assigned.status).toBe(201);
    expect(await readGroup()).toBe(200);
    expect(said(await arm.send('DELETE', at(group, id)))).toBe('400 RoleDefinitionHasAssignments');

    expect((await put(group, id, { ...sent, permissions: [{ actions: ['*'], notActions: ['*/read'] }] })).status).toBe(
      201,
    );
    expect(await readGroup()).toBe(403);
    expect((await put(group, id, sent)).status).toBe(201);
    expect(await readGroup()).toBe(200);
    expect((await put(group, id, { ...sent, assignableScopes: [`${subscription}/resourceGroups/other`] })).status).toBe(
      400,
    );

    await arm.send('DELETE', `${(assigned.body as { id: string }).id}?${version}`);
    expect(await arm.send('DELETE', at(group, id))).toMatchObject({ status: 200, body: got });
    expect((await arm.send('DELETE', at(group, id))).status).toBe(204);
    expect(said(await arm.send('GET', at(subscription, id)))).toBe('404 RoleDefinitionDoesNotExist');
    expect(await readGroup()).toBe(403);
  });

  it('counts only where it can be assigned, also after its scopes have changed', async () => {
    const id = fresh();
    const sent = properties({ assignableScopes: [subscription] });
    await put(subscription, id, sent);
    const user = arm.addPrincipal('scoped');
    await assign(group, id, user.objectId);
    const status = async () => (await arm.send('GET', `${group}?api-version=2021-04-01`, { as: user })).status;
    expect(await status()).toBe(200);
    await put(subscription, id, { ...sent, assignableScopes: [`${subscription}/resourceGroups/other`] });
    expect(await status()).toBe(403);
  });

  it('RoleDefinitions_List: by type and name, at the scope, and with atScopeAndBelow() below it', async () => {
    const id = fresh();
    const sent = properties();
    await put(group, id, sent);
    const filtered = (scope: string, filter: string) => names(`${at(scope)}&$filter=${encodeURIComponent(filter)}`);
    const named = `roleName eq '${sent.roleName.toUpperCase()}'`;
    expect(await filtered(group, named)).toEqual([id]);
    expect(await filtered(`${group}/providers/Microsoft.KeyVault/vaults/v`, named)).toEqual([id]);
    expect(await filtered(subscription, named)).toEqual([]);
    expect(await filtered(subscription, `${named} and atScopeAndBelow()`)).toEqual([id]);
    expect(await filtered(group, "type eq 'CustomRole'")).toContain(id);
    expect(await filtered(group, "type eq 'CustomRole'")).not.toContain('8e3af657-a8ff-443c-a75c-2fe8c4bcb635');
    expect(await filtered(group, "type eq 'BuiltInRole'")).not.toContain(id);
    expect(await names(at('', ''))).toContain(id);
    const as = arm.addPrincipal('without a role');
    expect((await arm.send('GET', at(''), { as })).text).not.toContain(id);
    expect((await arm.send('GET', at('', id), { as })).status).toBe(404);
  });

  it('RoleDefinitions_CreateOrUpdate: must be allowed at every scope where the role can be assigned', async () => {
    const user = arm.addPrincipal('administrator of a group');
    await assignRole(arm, 'User Access Administrator', user.objectId, group);
    const id = fresh();
    const both = properties({ assignableScopes: [group, subscription] });
    expect(said(await put(group, id, both, user))).toBe('403 LinkedAuthorizationFailed');
    expect((await put(group, id, both)).status).toBe(201);
    expect(said(await put(group, id, { ...both, assignableScopes: [group] }, user))).toBe(
      '403 LinkedAuthorizationFailed',
    );
    expect(said(await arm.send('DELETE', at(group, id), { as: user }))).toBe('403 LinkedAuthorizationFailed');
    expect((await put(group, fresh(), properties(), user)).status).toBe(201);
    expect(said(await put(subscription, fresh(), properties(), user))).toBe('403 AuthorizationFailed');
  });

  it.each([
    ['no GUID', 'x', {}, '400 InvalidRoleDefinitionId'],
    ['the id of a built-in role', 'acdd72a7-3385-48ef-bd42-f606fba81ae7', {}, '409 RoleDefinitionExists'],
    ['the name of a built-in role', '', { roleName: 'reader' }, '409 RoleDefinitionWithSameNameExists'],
    ['no name', '', { roleName: null }, '400 RoleDefinitionNameNullOrEmpty'],
    ['another type', '', { type: 'BuiltInRole' }, '400 InvalidRoleDefinitionType'],
    ['no scopes', '', { assignableScopes: [] }, '400 MissingAssignableScopes'],
    ['what is no scope', '', { assignableScopes: ['Invalid_Scope'] }, '400 LinkedInvalidPropertyId'],
    ['the root', '', { assignableScopes: ['/'] }, '400 LinkedInvalidPropertyId'],
    ['a wrong action', '', { permissions: [{ actions: ['read'] }] }, '400 InvalidActionOrNotAction'],
    ['two permissions', '', { permissions: [{}, {}] }, '400 InvalidRequestContent'],
    ['a long name', '', { roleName: 'x'.repeat(513) }, '400 InvalidRequestContent'],
  ])('RoleDefinitions_CreateOrUpdate: refuses %s', async (_what, id, more, expected) => {
    expect(said(await put(group, id === '' ? fresh() : id, properties(more)))).toBe(expected);
  });

  it('RoleDefinitions_CreateOrUpdate: refuses a name twice, another group’s scopes, and deleting what is built in', async () => {
    const sent = properties();
    expect((await put(group, fresh(), sent)).status).toBe(201);
    expect(said(await put(group, fresh(), sent))).toBe('409 RoleDefinitionWithSameNameExists');
    const elsewhere = properties({ assignableScopes: [`${subscription}/resourceGroups/other`] });
    expect(said(await put(group, fresh(), elsewhere))).toBe('400 AssignableScopeNotUnderSubscriptionScope');
    const reader = 'acdd72a7-3385-48ef-bd42-f606fba81ae7';
    expect(said(await arm.send('DELETE', at(group, reader)))).toBe('400 InvalidRoleDefinitionType');
  });
});
