import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { administrator, assignments, elevated, elevation, give, listed, version } from './root-scope.fixture.ts';

describe('elevated access', () => {
  let arm: ArmFixture;
  beforeAll(async () => {
    arm = await startArm();
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const heldBy = (as: Caller) => listed(arm, as, `principalId eq '${as.objectId}'`);
  const deniedText = (as: Caller, action: string) =>
    `The client '${as.user?.principalName ?? as.appId ?? ''}' with object id '${as.objectId}' does not have authorization to perform action ` +
    `'Microsoft.Authorization/${action}' over scope '/providers/Microsoft.Authorization' or the scope is invalid. ` +
    'If access was recently granted, please refresh your credentials.';
  const refused = (as: Caller, action: string) => ({
    status: 403,
    body: { error: { code: 'AuthorizationFailed', message: deniedText(as, action) } },
  });

  it('GlobalAdministrator_ElevateAccess: gives User Access Administrator at /, once, by every api-version', async () => {
    const as = administrator(arm, 'admin');
    const before = await arm.send('GET', `${assignments}?${version}`, { as });
    expect(before).toMatchObject(refused(as, 'roleAssignments/read'));
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
    const got = await arm.send('GET', `${only?.id ?? ''}?${version}`, { as });
    expect(got).toMatchObject({ status: 200, body: only });
  });

  it('GlobalAdministrator_ElevateAccess: makes one assignment of many requests at once', async () => {
    const as = administrator(arm, 'hasty');
    const answers = await Promise.all(Array.from({ length: 8 }, () => arm.send('POST', elevation, { as })));
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(await heldBy(as)).toHaveLength(1);
  });

  it('GlobalAdministrator_ElevateAccess: refuses everybody else in the words of the service', async () => {
    const action = 'elevateAccess/action';
    const elevate = (as: Caller) => arm.send('POST', elevation, { as });
    expect(await elevate(arm.owner)).toMatchObject(refused(arm.owner, action));
    const nobody = arm.addUser('nobody');
    expect(await elevate(nobody)).toMatchObject(refused(nobody, action));
    const application = arm.addPrincipal('application with the role');
    arm.administrators.add(application.objectId);
    expect(await elevate(application)).toMatchObject(refused(application, action));
    // Nor does a role of the resource manager, however high.
    const giver = await elevated(arm, 'giver');
    for (const role of ['Owner', 'User Access Administrator', 'Contributor']) {
      const holder = arm.addUser(`${role} of all`);
      expect((await give(arm, giver, role, holder)).status).toBe(201);
      expect(await elevate(holder)).toMatchObject(refused(holder, action));
    }
    expect(await arm.send('POST', elevation, { as: null })).toMatchObject({ status: 401 });
    expect(await arm.send('GET', elevation, { as: giver })).toMatchObject({ status: 405 });
  });

  it('GlobalAdministrator_ElevateAccess: what it gave outlasts the role of the directory, and is not given again', async () => {
    const as = await elevated(arm, 'former');
    arm.administrators.delete(as.objectId);
    const [held] = await heldBy(as);
    expect(held).toBeDefined();
    expect((await arm.send('DELETE', `${held?.id ?? ''}?${version}`, { as })).status).toBe(200);
    expect(await arm.send('POST', elevation, { as })).toMatchObject(refused(as, 'elevateAccess/action'));
  });

  it('RoleAssignments_Delete: takes what it opened away with its answer, by whoever has the role there', async () => {
    const as = await elevated(arm, 'first');
    const other = await elevated(arm, 'second');
    const group = `/subscriptions/${arm.subscriptionId}/resourceGroups/shown?api-version=2021-04-01`;
    expect((await arm.send('PUT', group, { body: { location: 'eastus' } })).status).toBe(201);
    expect((await arm.send('GET', group, { as })).status).toBe(200);
    const [held] = await heldBy(as);
    // It is not there at any other scope, also where it holds.
    const below = `/subscriptions/${arm.subscriptionId}${held?.id ?? ''}?${version}`;
    expect((await arm.send('GET', below, { as: other })).status).toBe(404);
    expect((await arm.send('DELETE', below, { as: other })).status).toBe(204);
    expect((await arm.send('GET', group, { as })).status).toBe(200);
    expect((await arm.send('DELETE', `${held?.id ?? ''}?${version}`, { as: other })).status).toBe(200);
    expect((await arm.send('GET', group, { as })).status).toBe(403);
    expect(await arm.send('GET', `${assignments}?${version}`, { as })).toMatchObject(
      refused(as, 'roleAssignments/read'),
    );
    // And again, as often as it is asked for.
    expect((await arm.send('POST', elevation, { as })).status).toBe(200);
    expect((await arm.send('GET', group, { as })).status).toBe(200);
  });

  it('TenantActivityLogs_List: says who elevated, who was refused, and shows nothing of a subscription', async () => {
    const as = await elevated(arm, 'logged');
    const nobody = arm.addUser('tried');
    await arm.send('POST', elevation, { as: nobody });
    const from = new Date(arm.clock.now() - 60_000).toISOString();
    const log = '/providers/Microsoft.Insights/eventtypes/management/values';
    const query = `api-version=2015-04-01&$filter=${encodeURIComponent(`eventTimestamp ge '${from}'`)}`;
    const read = (at: string, by: Caller) => arm.send('GET', `${at}${log}?${query}`, { as: by });
    expect((await read('', nobody)).status).toBe(403);
    expect((await read('', arm.owner)).status).toBe(403);
    const answer = await read('', as);
    interface Event {
      readonly caller: string;
      readonly status: { readonly value: string };
      readonly authorization: { readonly scope: string };
    }
    const events = (answer.body as { value: readonly Event[] }).value;
    const of = ({ user }: Caller) => events.filter(({ caller }) => caller === user?.principalName);
    expect(of(as)).toMatchObject([
      {
        authorization: {
          action: 'Microsoft.Authorization/elevateAccess/action',
          scope: '/providers/Microsoft.Authorization',
        },
        ...{ status: { value: 'Succeeded' }, resourceProviderName: { value: 'Microsoft.Authorization' } },
        properties: { entity: '/providers/Microsoft.Authorization', statusCode: 'OK' },
      },
      { status: { value: 'Started' } },
    ]);
    expect(of(nobody)).toMatchObject([{ status: { value: 'Failed' }, subStatus: { value: 'Forbidden' } }]);
    expect(events.filter(({ authorization }) => authorization.scope.startsWith('/subscriptions/'))).toEqual([]);
    const below = await read(`/subscriptions/${arm.subscriptionId}`, as);
    expect(below.status).toBe(200);
    expect(below.text).not.toContain('elevateAccess');
  });
});
