import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

describe('deny assignments and privileged identity management', () => {
  let arm: ArmFixture;
  let at: (path: string) => string;
  beforeAll(async () => {
    arm = await startArm();
    at = (path) =>
      `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/${path}?api-version=2022-04-01`;
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const id = '11111111-1111-4111-8111-111111111111';

  it('DenyAssignments_ListForScope, DenyAssignments_Get: there are none, for whoever may read them', async () => {
    expect(await arm.send('GET', at('denyAssignments'))).toMatchObject({ status: 200, body: { value: [] } });
    expect(await arm.send('GET', at(`denyAssignments/${id}`))).toMatchObject({
      status: 404,
      body: { error: { code: 'DenyAssignmentNotFound' } },
    });
    const as = arm.addPrincipal('without a role');
    expect((await arm.send('GET', at('denyAssignments'), { as })).status).toBe(403);
  });

  it.each([
    ['PUT', `denyAssignments/${id}`, 'DenyAssignments_Create'],
    ['PUT', `roleAssignmentScheduleRequests/${id}`, 'RoleAssignmentScheduleRequests_Create'],
    ['PUT', `roleEligibilityScheduleRequests/${id}`, 'RoleEligibilityScheduleRequests_Create'],
    ['GET', 'roleAssignmentSchedules', 'RoleAssignmentSchedules_ListForScope'],
    ['GET', 'roleEligibilityScheduleInstances', 'RoleEligibilityScheduleInstances_ListForScope'],
    ['GET', 'roleManagementPolicies', 'RoleManagementPolicies_ListForScope'],
  ] as const)('%s %s is refused by name', async (method, path, operation) => {
    const answer = await arm.send(method, at(path), method === 'PUT' ? { body: { properties: {} } } : {});
    expect(answer).toMatchObject({ status: 501, body: { error: { code: 'NotImplemented' } } });
    expect(answer.text).toContain(operation);
  });
});
