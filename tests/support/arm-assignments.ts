import { expect } from 'vitest';
import { builtInRole } from '../../src/authz/role-definitions.ts';
import type { Guid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { ArmFixture } from './arm-fixture.ts';

/** Gives a role through the API, as the fixture's owner.
 * @returns the assignment's path with api-version */
export async function assignRole(arm: ArmFixture, roleName: string, principalId: Guid, scope: string): Promise<string> {
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments/${newGuid(systemRandomBytes)}?api-version=2022-04-01`;
  const roleDefinitionId = `/subscriptions/${arm.subscriptionId}/providers/Microsoft.Authorization/roleDefinitions/${builtInRole(roleName).roleDefinitionId}`;
  const answer = await arm.send('PUT', path, {
    body: { properties: { roleDefinitionId, principalId, principalType: 'ServicePrincipal' } },
  });
  expect(answer.status).toBe(201);
  return path;
}
