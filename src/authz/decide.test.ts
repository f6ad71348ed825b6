import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Guid } from '../base/guid.ts';
import { newGuid } from '../base/new-guid.ts';
import { systemRandomBytes } from '../base/random.ts';
import type { RoleAssignment } from './decide.ts';
import { decide, isScopeWithin } from './decide.ts';
import { matchesAction } from './conditions/match-action.ts';
import { builtInRole, roleDefinitions } from './role-definitions.ts';

const me = newGuid(systemRandomBytes);
const myGroup = newGuid(systemRandomBytes);
const other = newGuid(systemRandomBytes);
const group = '/subscriptions/s/resourceGroups/rg';
const vault = `${group}/providers/Microsoft.KeyVault/vaults/v`;

const assign = 'Microsoft.ManagedIdentity/userAssignedIdentities/assign/action';

const assigned = (roleName: string, scope: string, principalId: Guid = me): RoleAssignment => ({
  assignmentId: newGuid(systemRandomBytes),
  scope,
  roleDefinitionId: builtInRole(roleName).roleDefinitionId,
  principalId,
  principalType: 'ServicePrincipal',
  createdOn: '',
  updatedOn: '',
  createdBy: '',
});

const allowed = (
  action: string,
  scope: string,
  assignments: readonly RoleAssignment[],
  kind: 'action' | 'dataAction' = 'action',
) => decide({ principalIds: [me, myGroup], kind, action, scope }, assignments).allowed;

describe('decide', () => {
  it.each([
    ['Owner', '/subscriptions/s', 'Microsoft.Authorization/roleAssignments/write', true],
    ['Owner', '/', 'Microsoft.KeyVault/vaults/write', true],
    ['Contributor', '/subscriptions/S', 'Microsoft.KeyVault/vaults/write', true],
    ['Contributor', '/subscriptions/s', 'Microsoft.Authorization/roleAssignments/Write', false],
    ['Contributor', '/subscriptions/s', 'Microsoft.Authorization/roleAssignments/read', true],
    ['Reader', group, 'Microsoft.KeyVault/vaults/read', true],
    ['Reader', group, 'Microsoft.KeyVault/vaults/write', false],
    ['Reader', group.toUpperCase(), 'microsoft.keyvault/VAULTS/READ', true],
    ['Reader', `${group}2`, 'Microsoft.KeyVault/vaults/read', false],
    ['Reader', '/subscriptions/s/resourceGroups/r', 'Microsoft.KeyVault/vaults/read', false],
    ['Reader', `${vault}/keys/k`, 'Microsoft.KeyVault/vaults/read', false],
    ['User Access Administrator', group, 'Microsoft.Authorization/roleAssignments/write', true],
    ['User Access Administrator', group, 'Microsoft.KeyVault/vaults/write', false],
    ['Key Vault Contributor', group, 'Microsoft.KeyVault/vaults/write', true],
    ['Key Vault Contributor', group, 'Microsoft.KeyVault/locations/deletedVaults/purge/action', false],
    ['Key Vault Purge Operator', group, 'Microsoft.KeyVault/locations/deletedVaults/purge/action', true],
    ['Key Vault Purge Operator', group, 'Microsoft.KeyVault/vaults/delete', false],
    ['Key Vault Crypto User', group, 'Microsoft.KeyVault/vaults/read', false],
    ['Managed Identity Operator', group, assign, true],
    ['Managed Identity Operator', group, 'Microsoft.ManagedIdentity/userAssignedIdentities/read', true],
    ['Managed Identity Operator', group, 'Microsoft.ManagedIdentity/userAssignedIdentities/write', false],
    ['Managed Identity Contributor', group, assign, false],
    ['Managed Identity Contributor', group, 'Microsoft.ManagedIdentity/userAssignedIdentities/write', true],
    ['Contributor', group, assign, true],
    ['Owner', group, assign, true],
    ['Reader', group, assign, false],
    ['User Access Administrator', group, assign, false],
    ['Key Vault Contributor', group, assign, false],
  ])('%s at %s: %s is %s', (roleName, scope, action, expected) => {
    expect(allowed(action, vault, [assigned(roleName, scope)])).toBe(expected);
  });

  it.each([
    ['Key Vault Administrator', 'secrets/getSecret/action', true],
    ['Key Vault Crypto Officer', 'keys/create/action', true],
    ['Key Vault Crypto Officer', 'secrets/getSecret/action', false],
    ['Key Vault Crypto User', 'keys/wrap/action', true],
    ['Key Vault Crypto User', 'keys/delete', false],
    ['Key Vault Crypto Service Encryption User', 'keys/unwrap/action', true],
    ['Key Vault Crypto Service Encryption User', 'keys/encrypt/action', false],
    ['Key Vault Reader', 'keys/read', true],
    ['Key Vault Reader', 'keys/wrap/action', false],
    ['Owner', 'keys/read', false],
    ['Contributor', 'keys/read', false],
    ['Key Vault Contributor', 'keys/read', false],
  ])('%s: data action %s is %s', (roleName, action, expected) => {
    const full = `Microsoft.KeyVault/vaults/${action}`;
    expect(allowed(full, `${vault}/keys/k`, [assigned(roleName, vault)], 'dataAction')).toBe(expected);
  });

  it('counts the roles of groups, of nobody else, and says why not', () => {
    expect(allowed('x/read', vault, [assigned('Reader', group, myGroup)])).toBe(true);
    expect(allowed('x/read', vault, [assigned('Reader', group, other)])).toBe(false);
    const ask = (assignments: readonly RoleAssignment[]) =>
      decide({ principalIds: [me], kind: 'action', action: 'x/write', scope: vault }, assignments);
    expect(ask([])).toEqual({ allowed: false, reason: 'noAssignment' });
    expect(ask([assigned('Reader', group)])).toEqual({ allowed: false, reason: 'notInRole' });
  });

  it('takes away with notActions only from the same role', () => {
    const roles = [assigned('Contributor', group), assigned('User Access Administrator', group)];
    expect(allowed('Microsoft.Authorization/roleAssignments/write', vault, roles)).toBe(true);
  });

  it('never allows more with fewer assignments', () => {
    const names = roleDefinitions.map((role) => role.roleName);
    const assignment = fc.record({
      name: fc.constantFrom(...names),
      scope: fc.constantFrom('/', '/subscriptions/s', group, vault),
    });
    const action = fc.constantFrom(
      'Microsoft.KeyVault/vaults/write',
      'Microsoft.Authorization/roleAssignments/write',
      'x/read',
    );
    fc.assert(
      fc.property(fc.array(assignment, { maxLength: 5 }), action, (list, asked) => {
        const all = list.map(({ name, scope }) => assigned(name, scope));
        if (allowed(asked, vault, all.slice(1))) expect(allowed(asked, vault, all)).toBe(true);
      }),
    );
  });
});

describe('matchesAction', () => {
  it('agrees with the same pattern as a regular expression', () => {
    const text = fc.stringMatching(/^[ab/]{0,8}$/);
    const pattern = fc.stringMatching(/^[ab/*]{0,6}$/);
    fc.assert(
      fc.property(pattern, text, (wild, action) => {
        const expression = new RegExp(`^${wild.replaceAll('*', '.*')}$`);
        expect(matchesAction(wild, action)).toBe(expression.test(action));
      }),
      { numRuns: 2000 },
    );
  });
});

describe('isScopeWithin', () => {
  it('compares whole segments without case', () => {
    expect(isScopeWithin('/a/B', '/A')).toBe(true);
    expect(isScopeWithin('/ab', '/a')).toBe(false);
    expect(isScopeWithin('/a', '/a/b')).toBe(false);
    expect(isScopeWithin('/a/', '/a')).toBe(true);
    expect(isScopeWithin('/anything', '/')).toBe(true);
  });
});
