import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import type { Part } from './deployments.fixture.ts';
import { bodyOf, identity, template, useDeployments, vault, version } from './deployments.fixture.ts';

const nested = (name: string, inner: Part): Part => ({
  type: 'Microsoft.Resources/deployments',
  apiVersion: '2022-09-01',
  name,
  properties: { mode: 'Incremental', template: template({ resources: [inner] }) },
});

describe('deployments that mean harm', () => {
  const fixture = useDeployments();
  const { path, deploy } = fixture;
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });
  const group = () => `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`;

  /** Somebody new who may deploy, and read and assign identities: Managed Identity Operator of the group. */
  const somebody = async () => {
    const who = arm.addPrincipal(`somebody-${crypto.randomUUID()}`);
    const role = 'f1a07417-d97a-45cb-824c-7a7467783830';
    const roleDefinitionId = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
    const assignment = `${group()}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}`;
    const given = await arm.send('PUT', `${assignment}?api-version=2022-04-01`, {
      body: { properties: { principalId: who.objectId, roleDefinitionId } },
    });
    expect(given.status, given.text).toBe(201);
    return who;
  };
  const deployAs = async (who: Caller, name: string, parts: Part, more: Part = {}) => {
    const sent = await arm.send('PUT', path(name), { body: bodyOf(parts, {}, more), as: who });
    expect(sent.status, sent.text).toBe(201);
    await arm.deployments.quiet();
    return arm.send('GET', path(name));
  };

  it('read nothing that the caller may not read', async () => {
    await deploy('first', { resources: [vault('kv-unread')] });
    const who = await somebody();
    const id = `${group()}/providers/Microsoft.KeyVault/vaults/kv-unread`;
    const outputs = { o: { type: 'object', value: `[reference('${id}', '2023-07-01')]` } };
    const answer = await deployAs(who, 'reading', { outputs });
    expect(answer).toMatchObject({
      body: { properties: { provisioningState: 'Failed', error: { details: [{ code: 'AuthorizationFailed' }] } } },
    });
    expect(answer.text).not.toContain('vaultUri');
  });

  it('delete nothing in complete mode that the caller may not delete', async () => {
    await deploy('second', { resources: [identity('kept')] });
    const who = await somebody();
    const answer = await deployAs(who, 'emptying', {}, { mode: 'Complete' });
    const details = [{ code: 'AuthorizationFailed' }, { code: 'AuthorizationFailed' }];
    expect(answer).toMatchObject({ body: { properties: { provisioningState: 'Failed', error: { details } } } });
    const id = `${group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/kept`;
    expect((await arm.send('GET', `${id}?api-version=2023-01-31`)).status).toBe(200);
  });

  it('give no roles that the caller may not give', async () => {
    const who = await somebody();
    const roleDefinitionId = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635`;
    const assignment = {
      type: 'Microsoft.Authorization/roleAssignments',
      apiVersion: '2022-04-01',
      name: crypto.randomUUID(),
      properties: { principalId: who.objectId, roleDefinitionId },
    };
    for (const resource of [assignment, nested('inner', assignment)]) {
      const refused = await arm.send('PUT', path('giving'), { body: bodyOf({ resources: [resource] }), as: who });
      expect(refused, refused.text).toMatchObject({ status: 403 });
      expect(refused.text).toContain('Microsoft.Authorization/roleAssignments/write');
    }
  });

  it('go no deeper than five levels', async () => {
    const levels = (count: number): Part =>
      count === 0 ? identity('deepest') : nested(`level-${count}`, levels(count - 1));
    const answer = await arm.send('POST', path('deep', '/validate'), { body: bodyOf({ resources: [levels(5)] }) });
    expect(answer).toMatchObject({ status: 400, body: { error: { code: 'InvalidTemplate' } } });
    expect(answer.text).toContain('deeper than 5 levels');
    const fewer = await arm.send('POST', path('deep', '/validate'), { body: bodyOf({ resources: [levels(4)] }) });
    expect(fewer.status, fewer.text).toBe(200);
  });

  it('with names of no Unicode are mistakes of the client', async () => {
    const answer = await arm.send('POST', path('odd', '/validate'), {
      body: bodyOf({ resources: [identity('[json(\'"\\ud800"\')]')] }),
    });
    expect(answer, answer.text).toMatchObject({ status: 400 });
  });

  it('put nothing into the export of a group that another deployment would evaluate', async () => {
    const tags = { plain: '[x', code: "[[fail('by a tag')]", "[[concat('a', 'b')]": 'named' };
    const { last } = await deploy('tagged', { resources: [identity('tagged', { tags })] });
    expect(last.text).toContain('"Succeeded"');
    const id = `${group()}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/tagged`;
    const held = await arm.send('GET', `${id}?api-version=2023-01-31`);
    expect(held.body).toMatchObject({
      tags: { plain: '[x', code: "[fail('by a tag')]", "[concat('a', 'b')]": 'named' },
    });
    const exported = await arm.send('POST', `${group()}/exportTemplate?${version}`, { body: { resources: [id] } });
    expect(exported.body).toMatchObject({ template: { resources: [{ tags }] } });
  });
});

describe('a deployment in which something went wrong that nobody foresaw', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    const path =
      '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Test.Broken/things/{name}';
    arm = await startArm(() => [
      {
        namespace: 'Test.Broken',
        resourceTypes: [{ resourceType: 'things', apiVersions: ['2024-01-01'], locations: [] }],
        operations: [
          {
            id: 'Things_Put',
            method: 'PUT',
            path,
            action: 'Test.Broken/things/write',
            handle: () => Promise.reject(new Error('unforeseen, with a secret')),
          },
        ],
      },
    ]);
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('has failed, tells its owner and not its readers, and can be deployed again', async () => {
    const path = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.Resources/deployments/d?${version}`;
    const thing = (name: string) => ({ type: 'Test.Broken/things', apiVersion: '2024-01-01', name });
    await arm.send('PUT', path, { body: bodyOf({ resources: [thing('x'), thing('y')] }) });
    await arm.deployments.quiet();
    expect(arm.deploymentErrors).toEqual([new Error('unforeseen, with a secret')]);
    const answer = await arm.send('GET', path);
    expect(answer).toMatchObject({ body: { properties: { provisioningState: 'Failed' } } });
    expect(answer.text).not.toContain('unforeseen');
    expect((await arm.send('PUT', path, { body: bodyOf({}) })).status).toBe(200);
    await arm.deployments.quiet();
  });
});
