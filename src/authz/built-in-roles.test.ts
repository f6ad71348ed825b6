import { describe, expect, it } from 'vitest';
import { parseCondition } from './conditions/parse.ts';
import { roleDescriptions } from './role-descriptions.ts';
import { builtInRole, findRoleDefinition, roleDefinitions } from './role-definitions.ts';

describe('built-in roles', () => {
  it('are all there, each with an id and a name of its own', () => {
    expect(roleDefinitions.length).toBeGreaterThan(900);
    expect(new Set(roleDefinitions.map((role) => role.roleDefinitionId)).size).toBe(roleDefinitions.length);
    expect(new Set(roleDefinitions.map((role) => role.roleName.toLowerCase())).size).toBe(roleDefinitions.length);
    expect(builtInRole('AcrPush').roleDefinitionId).toBe('8311e382-0749-4cb8-b61a-304f252e45ec');
  });

  it('name nothing but patterns of actions', () => {
    const patterns = roleDefinitions.flatMap(({ permissions }) =>
      permissions.flatMap((one) => [...one.actions, ...one.notActions, ...one.dataActions, ...one.notDataActions]),
    );
    expect(patterns.length).toBeGreaterThan(5000);
    expect(patterns.filter((pattern) => !/^[\w.*/:{}-]+ ?$/.test(pattern))).toEqual([]);
  });

  it.each(Object.keys(roleDescriptions))('what is said of %s is said of a role', (id) => {
    expect(roleDefinitions.some((role) => role.roleDefinitionId === id)).toBe(true);
  });

  it('know what only some of their permissions allow under a condition', () => {
    const { permissions } = builtInRole('Key Vault Data Access Administrator');
    expect(permissions.some(({ condition }) => condition?.includes('ActionMatches'))).toBe(true);
    expect(findRoleDefinition(builtInRole('Reader').roleDefinitionId)?.permissions).toHaveLength(1);
  });

  it('have conditions that are understood, but for those of services that are not here', () => {
    const all = roleDefinitions.flatMap(({ permissions }) => permissions.flatMap(({ condition }) => condition ?? []));
    const isOurs = (text: string): boolean =>
      [...text.matchAll(/@\w+\[([^\]]+)\]/g)].every(
        ([, name]) => name?.startsWith('Microsoft.Authorization/') === true,
      );
    const ours = all.filter(isOurs);
    expect(ours.length).toBeGreaterThan(3);
    for (const text of ours) expect(parseCondition(text).outcome, text).toBe('parsed');
  });
});
