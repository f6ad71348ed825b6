import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmOperation } from '../../../src/arm/arm-operation.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

/** Parts of paths, and the api-version that they take. */
const versions: readonly (readonly [string, string])[] = [
  ['Microsoft.KeyVault/', '2023-02-01'],
  ['Microsoft.ManagedIdentity/', '2023-01-31'],
  ['Microsoft.Authorization/locks/', '2016-09-01'],
  ['Microsoft.Authorization/', '2022-04-01'],
  ['Microsoft.Insights/eventtypes/', '2015-04-01'],
  ['Microsoft.Insights/', '2021-05-01-preview'],
];

describe('what Kustody has not built', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
    await arm.resourcesClient().resourceGroups.createOrUpdate('rg', { location: 'eastus' });
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  it('is refused by its name, with a status that clients do not repeat', async () => {
    const rows = arm.operations.filter(({ notBuilt }) => notBuilt === true);
    expect(rows.map(({ id }) => id)).toContain('RoleEligibilityScheduleRequests_Create');
    for (const row of rows) {
      const answer = await arm.send(row.method, pathOf(row), row.method === 'GET' ? {} : { body: {} });
      const message = `Kustody has not built the operation '${row.id}'. Azure would have accepted this request.`;
      expect(answer, row.id).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented', message } } });
    }
  });

  it('is hidden from those who could not use it', async () => {
    const row = arm.operations.find((operation) => operation.id === 'Keys_Get');
    const answer = await arm.send('GET', pathOf(row), { as: arm.addPrincipal('stranger') });
    expect(answer).toMatchObject({ status: 403, body: { error: { code: 'AuthorizationFailed' } } });
  });

  function pathOf(row: ArmOperation | undefined): string {
    if (row === undefined) throw new Error('no such row');
    const path = row.path
      .replace('{scope}', `/subscriptions/${arm.subscriptionId}/resourceGroups/rg`)
      .replace('{subscriptionId}', arm.subscriptionId)
      .replace('{resourceGroupName}', 'rg')
      .replaceAll(/\{[^}]+\}/g, 'name');
    const version = versions.find(([part]) => path.includes(part))?.[1] ?? '2024-11-01';
    return `${path}?api-version=${version}`;
  }
});
