import { describe, expect, it } from 'vitest';
import type { Caller } from '../authz/caller.ts';
import { createAuthorizer, roleAssignmentRecordId, roleAssignments } from '../authz/role-assignments.ts';
import { builtInRole } from '../authz/role-definitions.ts';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import type { Json } from '../base/json.ts';
import { systemRandomBytes } from '../base/random.ts';
import { MemoryStateStore } from '../state/memory/memory-state-store.ts';
import { RootKey } from '../state/root-key.ts';
import { SealedState } from '../state/sealed/sealed-state.ts';
import { writeRecord } from '../state/state.ts';
import type { ArmOperation, LinkedProperty } from './arm-operation.ts';
import { requireLinkedAccess } from './linked-access.ts';
import { newSubscription } from './subscriptions.ts';

const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';
const join = 'Microsoft.Network/virtualNetworks/subnets/join/action';
const newId = (): Guid => newGuid(systemRandomBytes);
const [tenantId, mine, theirs] = [newId(), newId(), newId()];
const caller: Caller = {
  ...{ objectId: newId(), appId: newId(), tenantId, issuer: '', groupIds: [], displayName: '' },
};
const identity = (name: string, group = 'mine', subscription = mine): string =>
  `/subscriptions/${subscription}/resourcegroups/${group}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const scope = `/subscriptions/${mine}/resourceGroups/g/providers/N/t/r`;

/** The caller may assign all identities of the group `mine`. */
async function ask(links: readonly LinkedProperty[], body: Json | undefined): Promise<string> {
  const state = await SealedState.open({
    ...{ store: new MemoryStateStore(), rootKey: new RootKey(systemRandomBytes(32)), randomBytes: systemRandomBytes },
  });
  const assignment = {
    ...{ assignmentId: newId(), scope: `/subscriptions/${mine}/resourceGroups/mine`, principalId: caller.objectId },
    ...{ principalType: 'ServicePrincipal', createdOn: '', updatedOn: '', createdBy: '' },
    roleDefinitionId: builtInRole('Managed Identity Operator').roleDefinitionId,
  } as const;
  await state.commit({
    write: [
      newSubscription({ subscriptionId: mine, displayName: 'mine', tenantId }),
      newSubscription({ subscriptionId: theirs, displayName: 'theirs', tenantId: newId() }),
      writeRecord(roleAssignments, roleAssignmentRecordId(assignment), null, assignment),
    ],
  });
  const operation: ArmOperation = {
    ...{ id: 'X', method: 'PUT', path: '/', action: 'N/t/write', links },
    handle: () => Promise.reject(new Error('not asked')),
  };
  const request = { caller, operation, scope, body };
  return requireLinkedAccess({ authorizer: createAuthorizer(state), state }, request).then(
    () => 'allowed',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
}

const members: readonly LinkedProperty[] = [{ property: 'identity.ids{}', action: assign, invalidPath: '' }];
const one: readonly LinkedProperty[] = [{ property: 'properties.key.identity', action: assign }];
const list: readonly LinkedProperty[] = [{ property: 'properties.rules[].id', action: join }];
const refusal = (actions: string, ids: string): string =>
  `The client '${caller.appId ?? ''}' with object id '${caller.objectId}' has permission to perform action 'N/t/write' on scope '${scope}'; ` +
  `however, it does not have permission to perform action(s) '${actions}' on the linked scope(s) '${ids}' (respectively) or the linked scope(s) are invalid.`;

describe('requireLinkedAccess', () => {
  it.each<[string, readonly LinkedProperty[], Json | undefined]>([
    ['no body', members, undefined],
    ['no such member', members, { identity: null }],
    ['an identity that may be assigned', members, { identity: { ids: { [identity('a')]: {} } } }],
    ['the same in other letters', members, { identity: { ids: { [identity('a').toUpperCase()]: {} } } }],
    ['an identity that is taken away', members, { identity: { ids: { [identity('a', 'other')]: null } } }],
    ['a list where an object is meant', members, { identity: { ids: [identity('a', 'other')] } }],
    ['a text that is no id, left to the provider', one, { properties: { key: { identity: 'a' } } }],
    ['an empty text', one, { properties: { key: { identity: '' } } }],
  ])('allows %s', async (_, links, body) => {
    expect(await ask(links, body)).toBe('allowed');
  });

  it.each<[string, readonly LinkedProperty[], Json]>([
    ['a member', members, { identity: { ids: { [identity('a')]: {}, [identity('x', 'other')]: {} } } }],
    ['a value', one, { properties: { key: { identity: identity('x', 'other') } } }],
  ])('refuses %s that is not allowed', async (_, links, body) => {
    expect(await ask(links, body)).toBe(refusal(assign, identity('x', 'other')));
  });

  it('names each resource that is not allowed once, whatever its letters', async () => {
    const [x, y] = [identity('x', 'other'), identity('y', 'other')];
    const body = { identity: { ids: { [x]: {}, [y]: {}, [`${x.toUpperCase()}/`]: {} } } };
    expect(await ask(members, body)).toBe(refusal(assign, `${x.toUpperCase()}/,${y}`));
  });

  it('names an action for each resource where they differ', async () => {
    const [x, subnet] = [identity('x', 'other'), `/subscriptions/${mine}/resourceGroups/mine/subnet`];
    const body = { identity: { ids: { [x]: {} } }, properties: { rules: [{ id: subnet }, { id: 1 }, 2] } };
    expect(await ask([...members, ...list], body)).toBe(refusal(`${assign},${join}`, `${x},${subnet}`));
  });

  it.each([theirs, newId(), 'nobody'])(
    'refuses what lies in a subscription of another tenant or of nobody',
    async (id) => {
      const body = { identity: { ids: { [identity('a', 'mine', id as Guid)]: {} } } };
      expect(await ask(members, body)).toBe(
        `The client has permission to perform action '${assign}' on scope '${scope}', however the current tenant '${tenantId}' is not authorized to access linked subscription '${id}'.`,
      );
    },
  );

  it('refuses what is no id where the resource manager itself looks', async () => {
    expect(await ask(members, { identity: { ids: { a: {} } } })).toBe(
      "Property id 'a' at path '' is invalid. Expect fully qualified resource Id that start with '/subscriptions/{subscriptionId}' or '/providers/{resourceProviderNamespace}/'.",
    );
  });

  it('has a bound', async () => {
    const ids = Object.fromEntries(Array.from({ length: 1001 }, (_, at) => [identity(`a${at}`), {}]));
    expect(await ask(members, { identity: { ids } })).toContain('more than 1000 other resources');
  });
});
