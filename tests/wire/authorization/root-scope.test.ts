import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Caller } from '../../../src/authz/caller.ts';
import { createAuthorizer, roleAssignmentRecordId, roleAssignments } from '../../../src/authz/role-assignments.ts';
import { builtInRole } from '../../../src/authz/role-definitions.ts';
import type { Guid } from '../../../src/base/guid.ts';
import { newGuid } from '../../../src/base/new-guid.ts';
import { systemRandomBytes } from '../../../src/base/random.ts';
import { writeRecord } from '../../../src/state/state.ts';
import type { ArmFixture } from '../../support/arm-fixture.ts';
import { startArm } from '../../support/arm-fixture.ts';
import { administrator, assignments, elevated, give, listed, version } from './root-scope.fixture.ts';

// What a role at `/` opens, and what it does not.

describe('a role at /', () => {
  let arm: ArmFixture;
  let other: { readonly tenantId: Guid; readonly subscriptionId: Guid; readonly as: Caller };
  let as: Caller;
  beforeAll(async () => {
    arm = await startArm();
    as = await elevated(arm, 'administrator');
    const tenantId = newGuid(systemRandomBytes);
    const subscriptionId = await arm.addSubscription('of another tenant', undefined, tenantId);
    other = { tenantId, subscriptionId, as: await elevated(arm, 'foreigner', tenantId) };
  });
  afterAll(() => arm[Symbol.asyncDispose]());

  const own = () => `/subscriptions/${arm.subscriptionId}`;
  const foreign = () => `/subscriptions/${other.subscriptionId}`;
  const allowed = async (who: Caller, kind: 'action' | 'dataAction', action: string, scope: string) =>
    (await createAuthorizer(arm.state).decide(who, kind, action, scope)).allowed;
  const vaultIn = (subscription: string) => `${subscription}/resourceGroups/g/providers/Microsoft.KeyVault/vaults/v`;

  it('holds in everything of its tenant, and in nothing of another', async () => {
    const reader = arm.addUser('reader');
    expect((await give(arm, as, 'Reader', reader)).status).toBe(201);
    expect((await give(arm, as, 'Owner', as)).status).toBe(201);
    for (const who of [reader, as]) {
      for (const scope of ['/', own(), vaultIn(own()), `${vaultIn(own())}/keys/k`, own().toUpperCase()])
        expect(await allowed(who, 'action', 'Microsoft.KeyVault/vaults/read', scope), scope).toBe(true);
      for (const scope of [foreign(), vaultIn(foreign()), foreign().toUpperCase(), `/subscriptions/${arm.tenantId}`])
        expect(await allowed(who, 'action', 'Microsoft.KeyVault/vaults/read', scope), scope).toBe(false);
      const subscriptions = await arm.send('GET', '/subscriptions?api-version=2021-04-01', { as: who });
      const shown = (subscriptions.body as { value: readonly { subscriptionId: string }[] }).value;
      expect(shown.map(({ subscriptionId }) => subscriptionId)).toEqual([arm.subscriptionId]);
      const wrong = { status: 401, body: { error: { code: 'InvalidAuthenticationTokenTenant' } } };
      expect(await arm.send('GET', `${foreign()}?api-version=2021-04-01`, { as: who })).toMatchObject(wrong);
    }
    expect((await arm.send('GET', `${own()}?api-version=2021-04-01`, { as: reader })).status).toBe(200);
    const group = `${own()}/resourceGroups/not-hers?api-version=2021-04-01`;
    expect((await arm.send('PUT', group, { as: reader, body: { location: 'eastus' } })).status).toBe(403);
  });

  it('counts for nothing where its record does not say whose / it is', async () => {
    const holder = arm.addUser('holder of nothing');
    const at = '2026-01-01T00:00:00Z';
    const assignment = {
      ...{ assignmentId: newGuid(systemRandomBytes), scope: '/', principalId: holder.objectId },
      ...{ roleDefinitionId: builtInRole('Owner').roleDefinitionId, principalType: 'User' as const },
      ...{ createdOn: at, updatedOn: at, createdBy: '' },
    };
    const write = (tenantId?: Guid) => {
      const record = { ...assignment, ...(tenantId === undefined ? {} : { tenantId }) };
      const id = roleAssignmentRecordId(assignment);
      return arm.state
        .get(roleAssignments, id)
        .then((held) => arm.state.commit({ write: [writeRecord(roleAssignments, id, held?.version ?? null, record)] }));
    };
    const reads = () => allowed(holder, 'action', 'Microsoft.KeyVault/vaults/read', own());
    await write();
    expect(await reads()).toBe(false);
    await write(other.tenantId);
    expect(await reads()).toBe(false);
    await write(arm.tenantId);
    expect(await reads()).toBe(true);
  });

  it('in another tenant is not shown, got or deleted', async () => {
    const [theirs] = await listed(arm, other.as, `principalId eq '${other.as.objectId}'`);
    expect(theirs).toMatchObject({ properties: { principalId: other.as.objectId, scope: '/' } });
    const shown = (await listed(arm, as)).map(({ properties }) => properties['principalId']);
    expect(shown).toContain(as.objectId);
    expect(shown).not.toContain(other.as.objectId);
    // Of the owner of both subscriptions each tenant sees what it has in its own.
    const scopes = (await listed(arm, as, `principalId eq '${arm.owner.objectId}'`)).map(
      ({ properties }) => properties['scope'],
    );
    expect(scopes).toEqual([own()]);
    const path = `${theirs?.id ?? ''}?${version}`;
    expect((await arm.send('GET', path, { as })).status).toBe(404);
    expect((await arm.send('DELETE', path, { as })).status).toBe(204);
    expect((await arm.send('GET', path, { as: other.as })).status).toBe(200);
    const stranger = await arm.send('PUT', `${assignments}/${newGuid(systemRandomBytes)}?${version}`, {
      as,
      body: {
        properties: { roleDefinitionId: theirs?.properties['roleDefinitionId'], principalId: other.as.objectId },
      },
    });
    expect(stranger).toMatchObject({ status: 400, body: { error: { code: 'PrincipalNotFound' } } });
  });

  it('gives what its role gives and no more: data to roles of data, roles to who may give them', async () => {
    const role = async (name: string): Promise<Caller> => {
      const holder = arm.addUser(name);
      expect((await give(arm, as, name, holder)).status).toBe(201);
      return holder;
    };
    const [owner, contributor, officer] = [
      await role('Owner'),
      await role('Contributor'),
      await role('Key Vault Crypto Officer'),
    ];
    const wrap = 'Microsoft.KeyVault/vaults/keys/wrap/action';
    const key = `${vaultIn(own())}/keys/k`;
    expect(await allowed(officer, 'dataAction', wrap, key)).toBe(true);
    expect(await allowed(officer, 'dataAction', wrap, `${vaultIn(foreign())}/keys/k`)).toBe(false);
    for (const beside of ['/kustody/vaults/kustody-service-keys', '/kustody', '/subscriptions'])
      expect(await allowed(officer, 'dataAction', wrap, beside), beside).toBe(false);
    for (const who of [owner, contributor, as]) expect(await allowed(who, 'dataAction', wrap, key)).toBe(false);
    const target = arm.addUser('target');
    expect((await give(arm, contributor, 'Reader', target)).status).toBe(403);
    expect((await give(arm, officer, 'Reader', target)).status).toBe(403);
    expect((await give(arm, owner, 'Reader', target)).status).toBe(201);
    // Who gives roles alone does nothing else: not in any subscription either.
    const giver = await elevated(arm, 'giver of roles');
    const group = `${own()}/resourceGroups/taken?api-version=2021-04-01`;
    expect((await arm.send('PUT', group, { as: giver, body: { location: 'eastus' } })).status).toBe(403);
    expect((await arm.send('GET', group, { as: giver })).status).toBe(404);
  });

  it('RoleAssignments_ListForScope: is inherited where it holds, and found by each filter', async () => {
    const user = arm.addUser('listed');
    expect((await give(arm, as, 'Reader', user)).status).toBe(201);
    const group = `${own()}/resourceGroups/inherits`;
    await arm.send('PUT', `${group}?api-version=2021-04-01`, { body: { location: 'eastus' } });
    const reader = await elevated(arm, 'who looks');
    for (const scope of ['', own(), group])
      for (const filter of [
        'atScope()',
        `assignedTo('${user.objectId}')`,
        `principalId eq '${user.objectId}'`,
        `atScope() and assignedTo('${user.objectId}')`,
      ]) {
        const found = await listed(arm, reader, filter, scope);
        const own_ = found.filter(({ properties }) => properties['principalId'] === user.objectId);
        expect(own_, `${scope} ${filter}`).toMatchObject([
          { id: expect.stringMatching(/^\/providers\/Microsoft\.Authorization/) as string, properties: { scope: '/' } },
        ]);
      }
    const above = await listed(arm, reader, 'atScope()');
    expect(new Set(above.map(({ properties }) => properties['scope']))).toEqual(new Set(['/']));
  });

  it('ManagementLocks_CreateOrUpdateByScope: locks nothing above subscriptions, and shows no lock of another tenant', async () => {
    const locks = '/providers/Microsoft.Authorization/locks';
    const lockVersion = 'api-version=2020-05-01';
    const body = { properties: { level: 'ReadOnly' } };
    const put = (scope: string, who: Caller) =>
      arm.send('PUT', `${scope}${locks}/mine?${lockVersion}`, { as: who, body });
    for (const scope of ['', '/providers/Microsoft.Resources/deployments/d'])
      expect(await put(scope, as), scope).toMatchObject({
        status: 400,
        body: { error: { code: 'InvalidRequestUri' } },
      });
    expect((await put(foreign(), other.as)).status).toBe(201);
    expect((await put(own(), as)).status).toBe(201);
    const shown = await arm.send('GET', `${locks}?${lockVersion}`, { as });
    expect((shown.body as { value: readonly { id: string }[] }).value.map(({ id }) => id)).toEqual([
      `${own()}${locks}/mine`,
    ]);
    expect((await arm.send('DELETE', `${own()}${locks}/mine?${lockVersion}`, { as })).status).toBe(200);
  });

  it('every operation of any scope answers at /, and leaves subscriptions as they are', async () => {
    const all = administrator(arm, 'owner of all');
    expect((await give(arm, as, 'Owner', all)).status).toBe(201);
    const versions = new Map(
      arm.resources.providers
        .flatMap(({ namespace, resourceTypes }) =>
          resourceTypes.map(
            ({ resourceType, apiVersions }) => [`${namespace}/${resourceType}`, apiVersions[0]] as const,
          ),
        )
        .map(([type, first]) => [type.toLowerCase(), first ?? '']),
    );
    const rows = arm.operations.filter(({ path }) => path.startsWith('{scope}'));
    expect(rows.length).toBeGreaterThan(20);
    const before = await arm.send('GET', `${own()}?api-version=2021-04-01`);
    for (const { id, method, path, notBuilt } of rows) {
      const [, namespace = '', type = ''] = path.slice('{scope}/'.length).split('/');
      const at = path.slice('{scope}'.length).replaceAll(/\{[^}]+\}/g, newGuid(systemRandomBytes));
      const apiVersion = versions.get(`${namespace}/${type}`.toLowerCase()) ?? '2021-04-01';
      const sent = method === 'PUT' || method === 'PATCH' ? { body: { properties: {} } } : {};
      const { status, text } = await arm.send(method, `${at}?api-version=${apiVersion}`, { as: all, ...sent });
      const isRefusedByName = status === 501 && notBuilt === true;
      expect(isRefusedByName || (status >= 200 && status < 500), `${id} ${status} ${text}`).toBe(true);
    }
    expect((await arm.send('GET', `${own()}?api-version=2021-04-01`)).body).toEqual(before.body);
  });
});
