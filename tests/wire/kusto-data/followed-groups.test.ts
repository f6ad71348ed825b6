import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Followers } from './follower-fixture.ts';
import { rowsOf, startFollowers } from './follower-fixture.ts';

let followers: Followers;
let group: string;
let elsewhere: string;

const resources = '2021-04-01';
const template = {
  $schema: 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
  contentVersion: '1.0.0.0',
  resources: [],
};
const arm = (method: string, path: string, body?: unknown, version?: string) =>
  followers.arm(method, path, body, version);
const deleteGroup = async () => {
  const begun = await arm('DELETE', group, undefined, resources);
  expect(begun.status).toBe(202);
  const { pathname } = new URL(String(begun.headers['location']));
  return arm('GET', pathname, undefined, resources);
};
/** Empties the group. */
const deployNothing = async (name: string) => {
  const path = `${group}/providers/Microsoft.Resources/deployments/${name}`;
  await arm('PUT', path, { properties: { mode: 'Complete', template } }, resources);
  return expect.poll(async () => (await arm('GET', path, undefined, resources)).body);
};
const attached = () => arm('GET', `${elsewhere}/attachedDatabaseConfigurations/adc`);

beforeAll(async () => {
  followers = await startFollowers();
  const subscription = `/subscriptions/${followers.fixture.environment.subscriptionId}`;
  group = `${subscription}/resourceGroups/rg1`;
  await arm('PUT', `${subscription}/resourceGroups/rg2`, { location: 'eastus' }, resources);
  elsewhere = `${subscription}/resourceGroups/rg2/providers/Microsoft.Kusto/clusters/elsewhere`;
  const sku = { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 };
  expect((await arm('PUT', elsewhere, { location: 'eastus', sku })).status).toBe(201);
  const properties = {
    clusterResourceId: `${followers.clusters}/leader`,
    databaseName: 'logs',
    defaultPrincipalsModificationKind: 'Union',
  };
  const made = await arm('PUT', `${elsewhere}/attachedDatabaseConfigurations/adc`, { location: 'eastus', properties });
  expect(made.status).toBe(201);
});
afterAll(() => followers[Symbol.asyncDispose]());

describe('a cluster that one of another group follows', () => {
  it('keeps its group: nothing in it is deleted', async () => {
    const leader = `${followers.clusters}/leader`;
    expect(await deleteGroup()).toMatchObject({
      status: 409,
      body: {
        error: {
          code: 'ResourceGroupDeletionBlocked',
          message: expect.stringContaining("identifiers 'Microsoft.Kusto/clusters/leader'") as string,
          details: [{ code: 'BadRequest', target: expect.stringMatching(/clusters\/leader$/i) as string }],
        },
      },
    });
    for (const path of [leader, `${followers.clusters}/follower`]) expect((await arm('GET', path)).status).toBe(200);
    expect((await arm('GET', group, undefined, resources)).body).toMatchObject({
      properties: { provisioningState: 'Succeeded' },
    });
    expect(rowsOf(await followers.command('leader', 'logs', '.show tables'))).toHaveLength(1);
    expect((await attached()).status).toBe(200);
  });

  it('is not deleted by a deployment in complete mode either', async () => {
    await (
      await deployNothing('refused')
    ).toMatchObject({
      properties: {
        provisioningState: 'Failed',
        error: {
          code: 'DeploymentFailed',
          details: [{ message: expect.stringContaining('is followed by another cluster') as string }],
        },
      },
    });
    expect((await arm('GET', 'leader')).status).toBe(200);
    expect((await arm('GET', 'follower')).status).toBe(404);
  });

  it('goes with its group, and with followers in it, once nothing else follows', async () => {
    const sku = { name: 'Standard_E8ads_v5', tier: 'Standard', capacity: 2 };
    expect((await arm('DELETE', `${elsewhere}/attachedDatabaseConfigurations/adc`)).status).toBe(202);
    await arm('PUT', 'zfollower', { location: 'eastus', sku });
    const properties = {
      clusterResourceId: `${followers.clusters}/leader`,
      databaseName: 'logs',
      defaultPrincipalsModificationKind: 'Union',
    };
    const attach = () => arm('PUT', 'zfollower/attachedDatabaseConfigurations/adc', { location: 'eastus', properties });
    expect((await attach()).status).toBe(201);
    await (await deployNothing('emptied')).toMatchObject({ properties: { provisioningState: 'Succeeded' } });
    expect((await arm('GET', 'leader')).status).toBe(404);
    expect((await deleteGroup()).status).toBe(200);
  });
});
