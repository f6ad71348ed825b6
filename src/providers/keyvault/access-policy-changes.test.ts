import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessPolicy } from '../../authz/access-policies.ts';
import { newGuid } from '../../base/new-guid.ts';
import { systemRandomBytes } from '../../base/random.ts';
import { changedPolicies } from './access-policy-changes.ts';
import { policyKey } from './access-policy-input.ts';

const tenantId = newGuid(systemRandomBytes);
const ids = Array.from({ length: 3 }, () => newGuid(systemRandomBytes));
const words = ['get', 'Get', 'list', 'wrapKey', 'unwrapKey'];

const policies = fc
  .uniqueArray(
    fc.record({
      objectId: fc.constantFrom(...ids),
      keys: fc.uniqueArray(fc.constantFrom(...words), { minLength: 1, selector: (word) => word.toLowerCase() }),
    }),
    { selector: (entry) => entry.objectId },
  )
  .map((entries): AccessPolicy[] =>
    entries.map(({ objectId, keys }) => ({ tenantId, objectId, permissions: { keys } })),
  );

const rights = (list: readonly AccessPolicy[]): Set<string> =>
  new Set(
    list.flatMap((policy) =>
      (policy.permissions.keys ?? []).map((word) => `${policyKey(policy)} ${word.toLowerCase()}`),
    ),
  );

describe('changedPolicies', () => {
  it('add is the union, remove the difference, replace the sent entries over the held ones', () => {
    fc.assert(
      fc.property(policies, policies, (held, sent) => {
        expect(rights(changedPolicies(held, 'add', sent))).toEqual(new Set([...rights(held), ...rights(sent)]));
        expect(rights(changedPolicies(held, 'remove', sent))).toEqual(
          new Set([...rights(held)].filter((right) => !rights(sent).has(right))),
        );
        const others = held.filter((policy) => !sent.some((other) => policyKey(other) === policyKey(policy)));
        expect(rights(changedPolicies(held, 'replace', sent))).toEqual(rights([...others, ...sent]));
      }),
    );
  });

  it('keeps one entry per principal, and none that is empty', () => {
    fc.assert(
      fc.property(policies, policies, fc.constantFrom('add', 'replace', 'remove'), (held, sent, change) => {
        const after = changedPolicies(held, change, sent);
        expect(new Set(after.map(policyKey)).size).toBe(after.length);
        expect(after.every((policy) => (policy.permissions.keys ?? []).length > 0)).toBe(true);
      }),
    );
  });

  it('removing all leaves nothing of the kind', () => {
    const [objectId] = ids;
    if (objectId === undefined) throw new Error('there are ids');
    const held: AccessPolicy = { tenantId, objectId, permissions: { keys: ['get', 'all'], secrets: ['get'] } };
    const after = changedPolicies([held], 'remove', [{ tenantId, objectId, permissions: { keys: ['ALL'] } }]);
    expect(after).toEqual([{ tenantId, objectId, permissions: { keys: [], secrets: ['get'] } }]);
  });
});
