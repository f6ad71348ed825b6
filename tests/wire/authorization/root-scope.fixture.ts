import { expect } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';

export const elevation = '/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01';
export const assignments = '/providers/Microsoft.Authorization/roleAssignments';
export const version = 'api-version=2022-04-01';

export interface ShownAssignment {
  readonly id: string;
  readonly name: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

/** A Global Administrator, who has no role yet. */
export function administrator(arm: ArmFixture, name: string, inTenant = arm.tenantId): Caller {
  const user = arm.addUser(name, inTenant);
  arm.administrators.add(user.objectId);
  return user;
}

export async function elevated(arm: ArmFixture, name: string, inTenant = arm.tenantId): Promise<Caller> {
  const as = administrator(arm, name, inTenant);
  expect(await arm.send('POST', elevation, { as })).toMatchObject({ status: 200, text: '' });
  return as;
}

/** What a list answers at a scope: empty text for `/`. */
export async function listed(
  arm: ArmFixture,
  as: Caller,
  filter = '',
  scope = '',
): Promise<readonly ShownAssignment[]> {
  const query = filter === '' ? version : `$filter=${encodeURIComponent(filter)}&${version}`;
  const { status, body, text } = await arm.send('GET', `${scope}${assignments}?${query}`, { as });
  expect(status, text).toBe(200);
  return (body as { value: readonly ShownAssignment[] }).value;
}

/** @returns the status, and the path of the assignment with its api-version */
export async function give(
  arm: ArmFixture,
  as: Caller,
  roleName: string,
  to: Caller,
): Promise<{ readonly status: number; readonly path: string }> {
  const path = `${assignments}/${newGuid(systemRandomBytes)}?${version}`;
  const { roleDefinitionId } = builtInRole(roleName);
  const { status } = await arm.send('PUT', path, {
    as,
    body: { properties: { roleDefinitionId, principalId: to.objectId } },
  });
  return { status, path };
}
