import { beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import type { Part } from './deployments.fixture.ts';
import { bodyOf, identity, template, useDeployments } from './deployments.fixture.ts';

/** Its resources are made; then it fails. */
const failing = (resources: readonly Part[]): Part => ({
  resources,
  outputs: { o: { type: 'string', value: "[fail('by design')]" } },
});
const onLast = { onErrorDeployment: { type: 'LastSuccessful' } };
const onNamed = (deploymentName: string) => ({ onErrorDeployment: { type: 'SpecificDeployment', deploymentName } });

describe('deployments with onErrorDeployment', () => {
  const fixture = useDeployments();
  const { path, deploy } = fixture;
  let arm: ArmFixture;
  beforeAll(() => {
    arm = fixture.arm;
  });
  const names = async (): Promise<readonly string[]> => {
    const all = await arm.send(
      'GET',
      `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/resources?api-version=2022-09-01`,
    );
    return (all.body as { value: { name: string }[] }).value.map(({ name }) => name).toSorted();
  };

  it('have nothing to go back to before one has succeeded, and none that is not there or has not', async () => {
    const refused = async (more: Part) => (await arm.send('PUT', path('early'), { body: bodyOf({}, {}, more) })).body;
    expect(await refused(onLast)).toMatchObject({ error: { code: 'DeploymentNotFound' } });
    expect(await refused(onNamed('nowhere'))).toMatchObject({
      error: { code: 'DeploymentNotFound', message: "Deployment 'nowhere' could not be found." },
    });
    await deploy('never-good', failing([]));
    expect(await refused(onNamed('never-good'))).toMatchObject({ error: { code: 'InvalidOnErrorDeployment' } });
    for (const onErrorDeployment of [
      {},
      'x',
      { type: 'SpecificDeployment' },
      { type: 'LastSuccessful', deploymentName: 'x' },
    ])
      expect(await refused({ onErrorDeployment })).toMatchObject({ error: { code: 'InvalidRequestContent' } });
    const path2 = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Resources/deployments/sub?api-version=2022-09-01`;
    const body = { location: 'eastus', ...bodyOf({}, {}, onLast) };
    expect((await arm.send('PUT', path2, { body })).body).toMatchObject({ error: { code: 'InvalidDeployment' } });
  });

  it('deploy the last that succeeded once more, in complete mode and with the values of then', async () => {
    const good = { parameters: { name: { type: 'string' }, id: { type: 'string', defaultValue: '[newGuid()]' } } };
    const resources = [identity("[parameters('name')]", { tags: { id: "[parameters('id')]" } })];
    await deploy('good', { ...good, resources }, { name: { value: 'kept' } });
    const kept = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/kept?api-version=2023-01-31`;
    const before = await arm.send('GET', kept);
    const { first, last } = await deploy('bad', failing([identity('made-in-vain')]), {}, onLast);
    expect(first).toMatchObject({
      status: 201,
      body: { properties: { onErrorDeployment: { type: 'LastSuccessful', deploymentName: 'good' } } },
    });
    expect(last.body, last.text).toMatchObject({
      properties: {
        provisioningState: 'Failed',
        error: { code: 'DeploymentOutputEvaluationFailed' },
        onErrorDeployment: { type: 'LastSuccessful', deploymentName: 'good', provisioningState: 'Succeeded' },
      },
    });
    expect((await arm.send('GET', path('good'))).body).toMatchObject({
      properties: { mode: 'Complete', provisioningState: 'Succeeded', parameters: { name: { value: 'kept' } } },
    });
    expect(await names()).toEqual(['kept']);
    expect((await arm.send('GET', kept)).body).toEqual(before.body);
  });

  it('change nothing more when they succeed, and say what they would have gone back to', async () => {
    const { last } = await deploy('better', { resources: [identity('more')] }, {}, onNamed('good'));
    expect(last.body).toMatchObject({
      properties: { onErrorDeployment: { type: 'SpecificDeployment', deploymentName: 'good' } },
    });
    expect(last.text).not.toContain('"provisioningState":"Running"');
    expect(await names()).toEqual(['kept', 'more']);
  });

  it('go back to none that another has made, and are none in another', async () => {
    const nested = (more: Part): Part => ({
      type: 'Microsoft.Resources/deployments',
      apiVersion: '2022-09-01',
      name: 'inside',
      properties: { mode: 'Incremental', template: template({}), ...more },
    });
    await arm.clock.advance(1000);
    await deploy('around', { resources: [nested({})] });
    const inside = await arm.send('PUT', path('x'), { body: bodyOf({}, {}, onNamed('inside')) });
    expect(inside.body).toMatchObject({ error: { code: 'DeploymentNotFound' } });
    const last = await arm.send('POST', path('x', '/validate'), { body: bodyOf({}, {}, onLast) });
    expect(last.body).toMatchObject({ properties: { onErrorDeployment: { deploymentName: 'around' } } });
    const within = await arm.send('POST', path('x', '/validate'), { body: bodyOf({ resources: [nested(onLast)] }) });
    expect(within.body).toMatchObject({ error: { code: 'InvalidDeployment' } });
  });

  it('are refused by name when the earlier one had a secret, and delete nothing that the caller may not', async () => {
    const secretive = { parameters: { s: { type: 'secureString' } } };
    await deploy('secretive', secretive, { s: { value: 'hidden' } });
    const refused = await arm.send('PUT', path('x'), { body: bodyOf({}, {}, onNamed('secretive')) });
    expect(refused).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    await arm.clock.advance(1000);
    await deploy('empty', {});
    const who = arm.addPrincipal('deployer');
    const group = `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`;
    // Managed Identity Operator: may deploy, and may not delete identities.
    const roleDefinitionId = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/f1a07417-d97a-45cb-824c-7a7467783830`;
    await arm.send(
      'PUT',
      `${group}/providers/Microsoft.Authorization/roleAssignments/${crypto.randomUUID()}?api-version=2022-04-01`,
      { body: { properties: { principalId: who.objectId, roleDefinitionId } } },
    );
    await arm.send('PUT', path('theirs'), { body: bodyOf(failing([]), {}, onLast), as: who });
    await arm.deployments.quiet();
    const last = await arm.send('GET', path('theirs'));
    expect(last.body, last.text).toMatchObject({
      properties: {
        provisioningState: 'Failed',
        onErrorDeployment: { deploymentName: 'empty', provisioningState: 'Failed' },
      },
    });
    expect(await names()).toEqual(['kept', 'more']);
  });
});
