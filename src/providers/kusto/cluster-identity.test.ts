import { describe, expect, it } from 'vitest';
import type { ArmIdentity } from '../../arm/resource.ts';
import { parseGuid } from '../../base/guid.ts';
import { identityType, planIdentity } from './cluster-identity.ts';

const guid = parseGuid('11111111-1111-4111-8111-111111111111');
if (guid === undefined) throw new Error('a GUID');
const id = (name: string): string =>
  `/subscriptions/s/resourceGroups/rg/providers/Microsoft.ManagedIdentity/userAssignedIdentities/${name}`;
const held = (system: boolean, ...names: readonly string[]): ArmIdentity => ({
  type: identityType(system, names.length),
  ...(system ? { principalId: guid, tenantId: guid } : {}),
  userAssignedIdentities: Object.fromEntries(names.map((name) => [id(name), { principalId: guid, clientId: guid }])),
});

describe('identity changes', () => {
  it.each([
    // what is there, what is sent, how, what comes of it
    [undefined, { type: 'SystemAssigned' }, 'merge', 'create', []],
    [held(true), { type: 'SystemAssigned' }, 'merge', 'keep', []],
    [held(true), { type: 'None' }, 'merge', 'remove', []],
    [held(true, 'a'), { type: 'None' }, 'merge', 'remove', []],
    [held(true, 'a'), { type: 'UserAssigned' }, 'merge', 'remove', ['a']],
    [held(true, 'a'), { type: 'SystemAssigned' }, 'merge', 'keep', []],
    [held(false, 'a'), { type: 'SystemAssigned,UserAssigned' }, 'merge', 'create', ['a']],
    [
      held(true, 'a'),
      { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [id('b')]: {} } },
      'merge',
      'keep',
      ['a', 'b'],
    ],
    [
      held(true, 'a'),
      { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [id('b')]: {} } },
      'replace',
      'keep',
      ['b'],
    ],
    [
      held(true, 'a', 'b'),
      { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [id('A').toUpperCase()]: null } },
      'merge',
      'keep',
      ['b'],
    ],
    [
      held(true, 'a'),
      { type: 'SystemAssigned, UserAssigned', userAssignedIdentities: { [id('a')]: null } },
      'merge',
      'keep',
      [],
    ],
    [held(false, 'a'), { type: 'userassigned', userAssignedIdentities: { [id('A')]: {} } }, 'merge', 'absent', ['a']],
  ] as const)('%#: %j and %j by %s', (before, sent, mode, system, names) => {
    expect(planIdentity(sent, before, mode)).toEqual({ system, userAssigned: names.map(id) });
  });

  it.each([
    [{ type: 'Robot' }],
    [{}],
    ['SystemAssigned'],
    [{ type: 'UserAssigned' }],
    [{ type: 'UserAssigned', userAssignedIdentities: { nonsense: {} } }],
    [{ type: 'UserAssigned', userAssignedIdentities: [] }],
  ])('refuses %j', (sent) => {
    expect(() => planIdentity(sent, undefined, 'merge')).toThrow(
      expect.objectContaining({ status: 400, code: 'InvalidIdentity' }) as Error,
    );
  });

  it('a request that says nothing of identities plans nothing', () => {
    expect(planIdentity(undefined, held(true), 'replace')).toBeUndefined();
    expect(planIdentity(null, held(true), 'merge')).toBeUndefined();
  });
});
