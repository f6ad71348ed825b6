import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { assignRole } from '../../support/arm-assignments.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';

/** Shapes as recorded from Azure in 2021 and 2023; `ScopeLocked` as public issues quote it. */
describe('management locks', () => {
  let arm: ArmFixture;
  let nth = 0;
  let group: string;
  let identity: string;
  const subscription = () => `/subscriptions/${arm.subscriptionId}`;
  const lockAt = (scope: string, name: string) => `${scope}/providers/Microsoft.Authorization/locks/${name}`;
  const versions: Readonly<Record<string, string>> = {
    'Microsoft.Authorization/locks': '2016-09-01',
    'Microsoft.ManagedIdentity': '2023-01-31',
  };
  const send = (method: string, path: string, body?: unknown, version = versionOf(path)) => {
    const [plain = '', query] = path.split('?');
    const rest = query === undefined ? '' : `&${query}`;
    return arm.send(method, `${plain}?api-version=${version}${rest}`, body === undefined ? {} : { body });
  };
  const versionOf = (path: string): string =>
    Object.entries(versions).find(([part]) => path.includes(part))?.[1] ?? '2022-09-01';
  const lock = (scope: string, level: string, name = 'l') =>
    send('PUT', lockAt(scope, name), { properties: { level } });
  const identityBody = { location: 'eastus', tags: { a: 'b' } };

  beforeAll(async () => {
    arm = await startArm();
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  beforeEach(async () => {
    nth++;
    group = `${subscription()}/resourceGroups/rg-${nth}`;
    identity = `${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/one`;
    expect(await send('PUT', group, { location: 'eastus' })).toMatchObject({ status: 201 });
    expect(await send('PUT', identity, identityBody)).toMatchObject({ status: 201 });
  });

  it('ManagementLocks_CreateOrUpdateByScope, ManagementLocks_GetByScope, ManagementLocks_ListByScope, ManagementLocks_DeleteByScope: one from its making to its end', async () => {
    const path = lockAt(group, 'mine');
    const made = await send('PUT', path, { properties: { level: 'CanNotDelete' } });
    expect(made).toMatchObject({ status: 201 });
    expect(made.body).toEqual({
      properties: { level: 'CanNotDelete' },
      id: path,
      type: 'Microsoft.Authorization/locks',
      name: 'mine',
    });
    const changed = await send('PUT', path, { properties: { level: 'ReadOnly', notes: 'why' } });
    expect(changed).toMatchObject({ status: 200, body: { properties: { level: 'ReadOnly', notes: 'why' } } });
    expect((await send('GET', path)).body).toEqual(changed.body);
    expect((await send('GET', path, undefined, '2020-05-01')).body).toMatchObject({
      systemData: { createdByType: 'Application' },
    });
    expect((await send('GET', lockAt(group, '').slice(0, -1))).body).toEqual({ value: [changed.body] });
    expect((await send('GET', lockAt(subscription(), '').slice(0, -1))).body).toEqual({ value: [changed.body] });
    const above = `${lockAt(identity, '').slice(0, -1)}?$filter=atScope()`;
    expect((await send('GET', above)).body).toEqual({ value: [changed.body] });
    expect(await send('DELETE', path)).toMatchObject({ status: 200, text: '' });
    expect(await send('DELETE', path)).toMatchObject({ status: 204 });
    expect(await send('GET', path)).toMatchObject({ status: 404, body: { error: { code: 'LockNotFound' } } });
  });

  it('CanNotDelete keeps the scope, what is above it and what is below it, and lets it change', async () => {
    await lock(identity, 'CanNotDelete');
    for (const path of [identity, group]) {
      expect(await send('DELETE', path), path).toMatchObject({
        status: 409,
        body: {
          error: {
            code: 'ScopeLocked',
            message: `The scope '${path}' cannot perform delete operation because following scope(s) are locked: '${identity}'. Please remove the lock and try again.`,
          },
        },
      });
    }
    expect(await send('PUT', identity, identityBody)).toMatchObject({ status: 200 });
    await send('DELETE', lockAt(identity, 'l'));
    await lock(group, 'CanNotDelete');
    expect(await send('DELETE', identity)).toMatchObject({ status: 409 });
    await send('DELETE', lockAt(group, 'l'));
    expect(await send('DELETE', group)).toMatchObject({ status: 202 });
  });

  it('CanNotDelete keeps the role assignments, too', async () => {
    const assignment = await assignRole(arm, 'Reader', arm.addPrincipal('reader').objectId, identity);
    await lock(group, 'CanNotDelete');
    expect(await arm.send('DELETE', assignment)).toMatchObject({ status: 409 });
  });

  it('ReadOnly refuses every change and action at the scope and below it, and reads go on', async () => {
    await lock(group, 'ReadOnly');
    const tags = `${group}/providers/Microsoft.Resources/tags/default`;
    const refused = [
      await send('PUT', identity, identityBody),
      await send('PATCH', identity, { tags: {} }),
      await send('PATCH', group, { tags: {} }),
      await send('PUT', tags, { properties: { tags: {} } }),
      await send('POST', `${identity}/listAssociatedResources`, undefined, '2022-01-31-preview'),
      await send('DELETE', identity),
    ];
    for (const answer of refused) {
      expect(answer).toMatchObject({ status: 409, body: { error: { code: 'ScopeLocked' } } });
    }
    expect(await send('GET', identity)).toMatchObject({ status: 200 });
    expect(await lock(identity, 'CanNotDelete', 'another')).toMatchObject({ status: 201 });
    const other = `${subscription()}/resourceGroups/other-${nth}`;
    expect(await send('PUT', other, { location: 'eastus' })).toMatchObject({ status: 201 });
    await send('DELETE', lockAt(group, 'l'));
    expect(await send('PUT', identity, identityBody)).toMatchObject({ status: 200 });
  });

  it('NotSpecified holds nothing', async () => {
    await lock(group, 'NotSpecified');
    expect(await send('DELETE', identity)).toMatchObject({ status: 200 });
  });

  it('ManagementLocks_CreateOrUpdateByScope: refuses what is not there, unknown levels and the 21st', async () => {
    const missing = identity.replace(/one$/, 'missing');
    expect(await lock(missing, 'ReadOnly')).toMatchObject({
      status: 404,
      body: { error: { code: 'ResourceNotFound' } },
    });
    expect(await lock(`${identity}/federatedIdentityCredentials/none`, 'ReadOnly')).toMatchObject({ status: 404 });
    expect(await lock(group, 'Everything')).toMatchObject({
      status: 400,
      body: { error: { code: 'InvalidLockLevel' } },
    });
    for (let at = 0; at < 20; at++) {
      expect(await lock(identity, 'CanNotDelete', `l${at}`)).toMatchObject({ status: 201 });
    }
    expect(await lock(identity, 'CanNotDelete', 'l20')).toMatchObject({ status: 409 });
  });

  it('are for owners, not for contributors', async () => {
    const contributor = arm.addPrincipal('contributor');
    await assignRole(arm, 'Contributor', contributor.objectId, group);
    const refused = await arm.send('PUT', `${lockAt(group, 'l')}?api-version=2016-09-01`, {
      as: contributor,
      body: { properties: { level: 'ReadOnly' } },
    });
    expect(refused).toMatchObject({ status: 403 });
  });
});
