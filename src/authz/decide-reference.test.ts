import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fuzz } from '../../tests/support/fuzz.ts';
import type { Guid } from '../base/guid.ts';
import { AssignmentIndex } from './assignment-index.ts';
import { isAssignableAt } from './custom-roles.ts';
import type { AccessQuestion, RoleAssignment } from './decide.ts';
import { decide } from './decide.ts';
import type { RoleDefinition } from './role-definitions.ts';

/** The rules once more, as the documentation tells them, over sets and regular expressions and without a shortcut. */
function referenceAllows(question: AccessQuestion, assignments: readonly RoleAssignment[], roles: readonly Role[]) {
  const segmentsOf = (scope: string): readonly string[] => scope.toLowerCase().split('/').filter(Boolean);
  const isAbove = (outer: string, inner: string): boolean =>
    segmentsOf(outer).every((segment, at) => segment === segmentsOf(inner)[at]);
  const matches = (pattern: string): boolean =>
    new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`, 'i').test(question.action);
  for (const assignment of assignments) {
    const role = roles.find(({ roleDefinitionId }) => roleDefinitionId === assignment.roleDefinitionId);
    if (role === undefined || !question.principalIds.includes(assignment.principalId)) continue;
    if (!isAbove(assignment.scope, question.scope)) continue;
    if (!role.assignableScopes.some((scope) => isAbove(scope, assignment.scope))) continue;
    for (const { actions, notActions, dataActions, notDataActions, condition } of role.permissions) {
      const [granted, taken] = question.kind === 'action' ? [actions, notActions] : [dataActions, notDataActions];
      if (condition === undefined && granted.some(matches) && !taken.some(matches)) return true;
    }
  }
  return false;
}

type Role = RoleDefinition & { readonly assignableScopes: readonly string[] };

/** So many decisions in CI, and each set of roles and assignments is asked so often. */
const [casesOfCi, questionsEach] = [100_000, 20];

const ids = ['a', 'b', 'c'] as unknown as readonly Guid[];
const scope = fc.constantFrom(
  '/',
  '/s/1',
  '/s/2',
  '/s/1/g/x',
  '/S/1/G/X/',
  '/s/1/g/xy',
  '/s/1/g/x/p/v',
  '/s/1/g/x/p/v/k',
);
const segment = fc.constantFrom('m.v', 'keys', 'wrap', 'read', 'write');
const action = fc.array(segment, { minLength: 1, maxLength: 3 }).map((all) => all.join('/'));
const pattern = fc.oneof(
  action,
  fc.constantFrom('*', '*/read', 'm.v/*', 'M.V/keys/*', '*/keys', 'm.v/*/read', '*wr*', 'mxv/*'),
);
const granted = fc.array(pattern, { minLength: 1, maxLength: 5, size: 'max' });
const taken = fc.array(pattern, { maxLength: 1 });
const permission = fc.record(
  {
    ...{ actions: granted, notActions: taken, dataActions: granted, notDataActions: taken },
    condition: fc.constant('(unknown)'),
  },
  { requiredKeys: ['actions', 'notActions', 'dataActions', 'notDataActions'] },
);
const role: fc.Arbitrary<Role> = fc.record({
  roleDefinitionId: fc.constantFrom(...ids),
  ...{ roleName: fc.constant('r'), description: fc.constant('') },
  permissions: fc.array(permission, { minLength: 1, maxLength: 3 }),
  assignableScopes: fc.oneof(fc.constant(['/']), fc.array(scope, { maxLength: 2 })),
});
const assignment: fc.Arbitrary<RoleAssignment> = fc.record({
  ...{ assignmentId: fc.constantFrom(...ids), scope, principalId: fc.constantFrom(...ids) },
  ...{ roleDefinitionId: fc.constantFrom(...ids), principalType: fc.constant('User' as const) },
  ...{ createdOn: fc.constant(''), updatedOn: fc.constant(''), createdBy: fc.constant('') },
});
const question: fc.Arbitrary<AccessQuestion> = fc.record({
  principalIds: fc.subarray([...ids], { minLength: 1 }),
  kind: fc.constantFrom('action' as const, 'dataAction' as const),
  action,
  scope: fc.oneof(scope, fc.constantFrom('/s/1/g/x/p/v', '/s/1/G/X/p/v/k')),
});

describe('decide', () => {
  it('decides as a reference evaluator of the rules', () => {
    const seen = { allowed: 0, refused: 0 };
    fc.assert(
      fc.property(
        fc.array(question, { minLength: questionsEach, maxLength: questionsEach }),
        fc.array(assignment, { minLength: 1, maxLength: 8, size: 'max' }),
        fc.uniqueArray(role, { minLength: 2, selector: ({ roleDefinitionId }) => roleDefinitionId }),
        (questions, assignments, roles) => {
          const roleOf = (id: Guid, at: string): RoleDefinition | undefined =>
            roles.find((one) => one.roleDefinitionId === id && isAssignableAt(one, at));
          // `…/*/…` also stands for no segment, which the documentation does not tell.
          const plain = roles.map((one) => ({ ...one, permissions: one.permissions.map(withoutGaps) }));
          const index = new AssignmentIndex(assignments);
          for (const asked of questions) {
            const decision = decide(asked, assignments, roleOf);
            const { allowed } = decision;
            seen[allowed ? 'allowed' : 'refused'] += 1;
            expect(allowed).toBe(referenceAllows(asked, assignments, plain));
            // Looked up by where they hold, it is the same assignment that allows it.
            expect(decide(asked, index.at(asked.scope), roleOf)).toEqual(decision);
          }
        },
      ),
      fuzz(casesOfCi / questionsEach, casesOfCi / questionsEach / 10),
    );
    expect(Math.min(seen.allowed, seen.refused)).toBeGreaterThan(800);
  });
});

const withoutGaps = (one: RoleDefinition['permissions'][number]): RoleDefinition['permissions'][number] => {
  const widened = (all: readonly string[]): readonly string[] =>
    all.flatMap((text) => [text, text.replace('/*/', '/')]);
  return {
    ...one,
    ...{ actions: widened(one.actions), notActions: widened(one.notActions) },
    ...{ dataActions: widened(one.dataActions), notDataActions: widened(one.notDataActions) },
  };
};
