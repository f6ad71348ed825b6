import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';

const elevation = '/providers/Microsoft.Authorization/elevateAccess?api-version=2016-07-01';
const assignments = '/providers/Microsoft.Authorization/roleAssignments';
const version = 'api-version=2022-04-01';

describe('elevated access', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const administrator = (name: string): Caller => {
    const user = arm.addUser(name);
    arm.administrators.add(user.objectId);
    return user;
  };
  interface Shown {
    readonly id: string;
    readonly name: string;
    readonly properties: Readonly<Record<string, unknown>>;
  }
  const heldBy = async (as: Caller): Promise<readonly Shown[]> => {
    const filter = encodeURIComponent(`principalId eq '${as.objectId}'`);
    const { body } = await arm.send('GET', `${assignments}?$filter=${filter}&${version}`, { as });
    return (body as { value: readonly Shown[] }).value;
  };

  it('GlobalAdministrator_ElevateAccess: gives User Access Administrator at /, once, by every api-version', async () => {
    const as = administrator('admin');
    const before = await arm.send('GET', `${assignments}?${version}`, { as });
    expect(before.status).toBe(403);
    for (const apiVersion of ['2015-07-01', '2016-07-01', '2017-05-01', '2016-07-01']) {
      const path = elevation.replace('2016-07-01', apiVersion);
      expect(await arm.send('POST', path, { as })).toMatchObject({ status: 200, text: '' });
    }
    const [only, ...more] = await heldBy(as);
    expect(more).toEqual([]);
    const role = builtInRole('User Access Administrator').roleDefinitionId;
    expect(only).toMatchObject({
      id: `${assignments}/${only?.name ?? ''}`,
      type: 'Microsoft.Authorization/roleAssignments',
      properties: {
        ...{ scope: '/', principalId: as.objectId, principalType: 'User', createdBy: as.objectId },
        roleDefinitionId: `/providers/Microsoft.Authorization/roleDefinitions/${role}`,
      },
    });
  });

  it('GlobalAdministrator_ElevateAccess: refuses everybody else in the words of the service', async () => {
    const refused = async (as: Caller): Promise<void> => {
      const answer = await arm.send('POST', elevation, { as });
      const client = as.user?.principalName ?? as.appId ?? '';
      expect(answer).toMatchObject({
        status: 403,
        body: {
          error: {
            code: 'AuthorizationFailed',
            message:
              `The client '${client}' with object id '${as.objectId}' does not have authorization to perform action ` +
              "'Microsoft.Authorization/elevateAccess/action' over scope '/providers/Microsoft.Authorization' or the scope is invalid. " +
              'If access was recently granted, please refresh your credentials.',
          },
        },
      });
    };
    await refused(arm.owner);
    await refused(arm.addUser('nobody'));
    const application = arm.addPrincipal('application with the role');
    arm.administrators.add(application.objectId);
    await refused(application);
  });
});
