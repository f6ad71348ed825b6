import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

const attribute = (source: 'Request' | 'Resource', name: string): string =>
  `@${source}[Microsoft.Authorization/roleAssignments:${name}]`;
const idOf = (roleName: string): string => builtInRole(roleName).roleDefinitionId;

/** What a delegate may do: give and take these roles, to applications alone. */
const onlyFor = (roles: readonly string[]): string => {
  const part = (verb: string, source: 'Request' | 'Resource'): string =>
    `((!(ActionMatches{'Microsoft.Authorization/roleAssignments/${verb}'})) OR (${attribute(source, 'RoleDefinitionId')} ` +
    `ForAnyOfAnyValues:GuidEquals {${roles.map(idOf).join(', ')}} AND ${attribute(source, 'PrincipalType')} ` +
    "ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}))";
  return `${part('write', 'Request')} AND ${part('delete', 'Resource')}`;
};

describe('conditions of role assignments', () => {
  let arm: ArmFixture;
  let subscription: string;
  beforeAll(async () => {
    arm = await startArm();
    subscription = `/subscriptions/${arm.subscriptionId}`;
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const fresh = (): string => arm.addPrincipal('x').objectId; // any new GUID does as a name
  const pathOf = (name: string): string =>
    `${subscription}/providers/Microsoft.Authorization/roleAssignments/${name}?api-version=2022-04-01`;

  async function put(
    roleName: string,
    properties: object,
    { as, name = fresh() }: { readonly as?: Caller; readonly name?: string } = {},
  ): Promise<{ readonly outcome: string; readonly path: string; readonly body: unknown }> {
    const path = pathOf(name);
    const roleDefinitionId = `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${idOf(roleName)}`;
    const { status, body } = await arm.send('PUT', path, {
      ...(as === undefined ? {} : { as }),
      body: { properties: { roleDefinitionId, ...properties } },
    });
    const { error } = body as { readonly error?: { readonly code: string } };
    return { outcome: `${status} ${error?.code ?? 'ok'}`, path, body };
  }

  const outcomeOf = async (...args: Parameters<typeof put>): Promise<string> => (await put(...args)).outcome;

  async function delegate(condition: string): Promise<Caller> {
    const caller = arm.addPrincipal('delegate');
    const role = 'Role Based Access Control Administrator';
    expect(await outcomeOf(role, { principalId: caller.objectId, condition, conditionVersion: '2.0' })).toBe('201 ok');
    return caller;
  }

  it('are shown as they were sent, with their version, and can be changed and taken away', async () => {
    const principalId = arm.addPrincipal('shown').objectId;
    const condition = onlyFor(['Reader']);
    const name = fresh();
    const { body, path } = await put('Contributor', { principalId, condition }, { name });
    expect(body).toMatchObject({ properties: { condition, conditionVersion: '2.0' } });
    expect((await arm.send('GET', path)).body).toMatchObject({ properties: { condition, conditionVersion: '2.0' } });
    const changed = await put('Contributor', { principalId }, { name });
    expect(changed.body).toMatchObject({ properties: { condition: null, conditionVersion: null } });
  });

  it('let a delegate give and take the named roles, and no others', async () => {
    const as = await delegate(onlyFor(['Reader', 'Key Vault Reader']));
    const principalId = arm.addPrincipal('target').objectId;
    const principalType = 'ServicePrincipal';
    const given = await put('Reader', { principalId, principalType }, { as });
    expect(given.outcome).toBe('201 ok');
    expect(await outcomeOf('Owner', { principalId, principalType }, { as })).toBe('403 AuthorizationFailed');
    expect(await outcomeOf('Contributor', { principalId: as.objectId, principalType }, { as })).toBe(
      '403 AuthorizationFailed',
    );
    // Who does not say what the principal is cannot meet a condition that asks.
    expect(await outcomeOf('Key Vault Reader', { principalId }, { as })).toBe('403 AuthorizationFailed');
    const others = await assignRole(arm, 'Contributor', principalId, subscription);
    expect((await arm.send('DELETE', others, { as })).status).toBe(403);
    expect((await arm.send('DELETE', given.path, { as })).status).toBe(200);
    expect((await arm.send('DELETE', pathOf(fresh()), { as })).status).toBe(403);
    expect((await arm.send('GET', others, { as })).status).toBe(200);
  });

  it('hold for templates, too', async () => {
    const as = await delegate(onlyFor(['Reader']));
    await assignRole(arm, 'Contributor', as.objectId, subscription);
    const deploy = (roleName: string) => {
      const resource = {
        ...{ type: 'Microsoft.Authorization/roleAssignments', apiVersion: '2022-04-01', name: fresh() },
        properties: {
          roleDefinitionId: `${subscription}/providers/Microsoft.Authorization/roleDefinitions/${idOf(roleName)}`,
          ...{ principalId: fresh(), principalType: 'ServicePrincipal' },
        },
      };
      const template = {
        $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
        ...{ contentVersion: '1.0.0.0', resources: [resource] },
      };
      const path = `${subscription}/resourceGroups/rg/providers/Microsoft.Resources/deployments/${roleName}`;
      return arm.send('PUT', `${path}?api-version=2022-09-01`, {
        ...{ as, body: { properties: { mode: 'Incremental', template } } },
      });
    };
    const stateOf = async (roleName: string): Promise<string> => {
      expect((await deploy(roleName)).status).toBeLessThan(300);
      const path = `${subscription}/resourceGroups/rg/providers/Microsoft.Resources/deployments/${roleName}?api-version=2022-09-01`;
      for (;;) {
        const { body } = await arm.send('GET', path);
        const state = (body as { properties: { provisioningState: string } }).properties.provisioningState;
        if (state !== 'Running' && state !== 'Accepted') return state;
        await arm.clock.advance(1000);
      }
    };
    expect(await stateOf('Reader')).toBe('Succeeded');
    expect(await stateOf('Owner')).toBe('Failed');
  });

  it.each([
    ['x', undefined],
    [onlyFor(['Reader']), '1.0'],
    ["@Request[Microsoft.Authorization/roleAssignments:PrincipalId] GuidEquals 'nobody'", '2.0'],
    [17, '2.0'],
  ])('%.40s with version %s is refused as Azure does', async (condition, conditionVersion) => {
    const { outcome, body } = await put('Reader', { principalId: fresh(), condition, conditionVersion });
    expect(outcome).toMatch(/^400 /);
    expect(body).toMatchObject({ error: { message: 'The given role assignment condition is invalid.' } });
  });

  it('of built-in roles hold, too', async () => {
    const as = arm.addPrincipal('data access administrator');
    await assignRole(arm, 'Key Vault Data Access Administrator', as.objectId, subscription);
    const target = { principalId: fresh(), principalType: 'ServicePrincipal' };
    expect(await outcomeOf('Key Vault Crypto User', target, { as })).toBe('201 ok');
    expect(await outcomeOf('Contributor', target, { as })).toBe('403 AuthorizationFailed');
  });

  it('Permissions_ListForScope: what the caller may do there, with conditions', async () => {
    const condition = onlyFor(['Reader']);
    const as = await delegate(condition);
    await assignRole(arm, 'Reader', as.objectId, `${subscription}/resourceGroups/rg`);
    const list = (scope: string, caller: Caller) =>
      arm.send('GET', `${scope}/providers/Microsoft.Authorization/permissions?api-version=2022-04-01`, { as: caller });
    const own = { condition, conditionVersion: '2.0' };
    expect((await list(subscription, as)).body).toEqual({ value: [expect.objectContaining(own)] });
    const { body } = await list(`${subscription}/resourceGroups/rg`, as);
    const reader = { actions: ['*/read'], notActions: [], dataActions: [], notDataActions: [] };
    expect(body).toEqual({ value: expect.arrayContaining([reader, expect.objectContaining(own)]) as unknown });
    const owner = (await list(subscription, arm.owner)).body;
    expect(owner).toEqual({ value: [{ actions: ['*'], notActions: [], dataActions: [], notDataActions: [] }] });
    expect((await list(subscription, arm.addPrincipal('nobody'))).status).toBe(403);
  });
});
