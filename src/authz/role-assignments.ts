import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { Soon } from '../base/soon.ts';
import { soon } from '../base/soon.ts';
import { listAll } from '../state/list-all.ts';
import type { State, StateWrite, Table, Versioned } from '../state/state.ts';
import { writeRecord } from '../state/state.ts';
import { WhileUnchanged } from '../state/while-unchanged.ts';
import { AssignmentIndex } from './assignment-index.ts';
import type { Caller } from './caller.ts';
import { customRoles, rolesOf } from './custom-roles.ts';
import type { AccessQuestion, Decision, RoleAssignment, RoleLookup } from './decide.ts';
import { decide, isScopeWithin } from './decide.ts';
import { builtInRole } from './role-definitions.ts';

/** Record id: `{principalId}/{assignmentId}`, so that the assignments of one principal are one range. */
export const roleAssignments: Table<RoleAssignment> = {
  name: 'role-assignments',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['scope'] === 'string', 'a role assignment has a scope');
    return value as unknown as RoleAssignment;
  },
};

export const roleAssignmentRecordId = (assignment: Pick<RoleAssignment, 'principalId' | 'assignmentId'>): string =>
  `${assignment.principalId}/${assignment.assignmentId}`;

/** What planes ask. A decision is kept for a caller, as an object, until any record beside the assignments changes. */
export interface Authorizer {
  decide(
    caller: Caller,
    kind: AccessQuestion['kind'],
    action: string,
    scope: string,
    attributes?: AccessQuestion['attributes'],
  ): Soon<Decision>;
  /** The same for many scopes and actions of one caller, with one reading of the assignments. */
  decider(
    caller: Caller,
  ): Promise<
    (kind: AccessQuestion['kind'], action: string, scope: string, attributes?: AccessQuestion['attributes']) => Decision
  >;
  /** Every assignment of the caller and its groups. */
  assignmentsOf(caller: Caller): Promise<readonly RoleAssignment[]>;
}

/** Some 500 bytes each. */
const decisionsMax = 10_000;
/** Callers whose assignments are kept as they were read: as many as Azure allows in a subscription take 2 MB. */
const callersMax = 32;

/** What decisions on a caller come from. */
interface Held {
  readonly assignments: AssignmentIndex;
  readonly roleOf: RoleLookup;
}

export function createAuthorizer(state: State): Authorizer {
  const kept = new WhileUnchanged<string, Decision>(decisionsMax, () => state.markOfAll?.());
  const numbers = new WeakMap<Caller, number>();
  let counted = 0;
  /** Of the caller as verified: the same principal with other groups is another. */
  const numberOf = (caller: Caller): number => {
    const number = numbers.get(caller) ?? (counted += 1);
    numbers.set(caller, number);
    return number;
  };
  const held = new WhileUnchanged<string, Held>(callersMax, () => state.markOfAll?.());
  const marksOf = (caller: Caller) => [
    ...principalsOf(caller).map((id) => state.markOf?.(roleAssignments, `${id}/`)),
    state.markOf?.(customRoles, `${caller.tenantId}/`),
  ];
  const read = async (caller: Caller): Promise<Held> => {
    const lists = await Promise.all(principalsOf(caller).map((id) => listAll(state, roleAssignments, `${id}/`)));
    const assignments = new AssignmentIndex(lists.flat().map((record) => record.value));
    const ids = assignments.all.map(({ roleDefinitionId }) => roleDefinitionId);
    return { assignments, roleOf: await rolesOf(state, caller.tenantId, ids) };
  };
  /** By the principals, since a caller is another object with each token. */
  const heldBy = (caller: Caller): Soon<Held> => {
    const key = [caller.tenantId, ...principalsOf(caller)].join(' ');
    const known = held.get(key, () => marksOf(caller));
    if (known !== undefined) return known;
    const before = marksOf(caller);
    return read(caller).then((found) => {
      held.keep(key, before, found);
      return found;
    });
  };
  const deciderOver =
    (caller: Caller, { assignments, roleOf }: Held): Awaited<ReturnType<Authorizer['decider']>> =>
    (kind, action, scope, attributes) =>
      decide(
        {
          ...{ principalIds: principalsOf(caller), kind, action, scope },
          ...(attributes === undefined ? {} : { attributes }),
        },
        assignments.at(scope),
        roleOf,
      );
  return {
    assignmentsOf: async (caller) => (await heldBy(caller)).assignments.all,
    decider: async (caller) => deciderOver(caller, await heldBy(caller)),
    decide: (caller, kind, action, scope, attributes) => {
      const decideNow = (): Soon<Decision> =>
        soon(heldBy(caller), (found) => deciderOver(caller, found)(kind, action, scope, attributes));
      // What is asked with attributes is asked once, and by requests of any length.
      if (typeof attributes === 'object') return decideNow();
      const key = `${numberOf(caller)} ${kind} ${action} ${scope} ${attributes ?? ''}`;
      const known = kept.get(key, () => marksOf(caller));
      if (known !== undefined) return known;
      const before = marksOf(caller);
      return soon(decideNow(), (decision) => {
        kept.keep(key, before, decision);
        return decision;
      });
    },
  };
}

const principalsOf = (caller: Caller): readonly Guid[] => [caller.objectId, ...caller.groupIds];

/** The write that makes a principal Owner of a subscription: part of the first commit of a data directory. */
export function ownerAssignment(owner: {
  readonly assignmentId: Guid;
  readonly subscriptionId: Guid;
  readonly principalId: Guid;
  /** An application unless said otherwise. */
  readonly principalType?: RoleAssignment['principalType'];
  /** ISO time on the Kustody clock. */
  readonly at: string;
}): StateWrite {
  const record: RoleAssignment = {
    assignmentId: owner.assignmentId,
    scope: `/subscriptions/${owner.subscriptionId}`,
    roleDefinitionId: builtInRole('Owner').roleDefinitionId,
    principalId: owner.principalId,
    principalType: owner.principalType ?? 'ServicePrincipal',
    createdOn: owner.at,
    updatedOn: owner.at,
    createdBy: '',
  };
  return writeRecord(roleAssignments, roleAssignmentRecordId(record), null, record);
}

/** The assignments at a scope and everywhere below it. */
export async function assignmentsWithin(state: State, scope: string): Promise<readonly Versioned<RoleAssignment>[]> {
  const all = await listAll(state, roleAssignments);
  return all.filter((record) => isScopeWithin(record.value.scope, scope));
}

/** The deletes that take all assignments of a resource or group away with it. */
export async function dropAssignmentsWithin(state: State, scope: string): Promise<readonly StateWrite[]> {
  const found = await assignmentsWithin(state, scope);
  return found.map((record) => writeRecord(roleAssignments, record.id, record.version, null));
}
