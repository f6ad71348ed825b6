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
import { decide, isScopeWithin, subscriptionOfScope } from './decide.ts';
import { builtInRole } from './role-definitions.ts';
import { subscriptions } from './subscription-record.ts';

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
  /** Where what is held above all subscriptions counts: in those of the caller's tenant alone. Nothing is read where nothing is. */
  readonly ownSubscriptions: ReadonlySet<string>;
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
    state.markOf?.(subscriptions, ''),
  ];
  const read = async (caller: Caller): Promise<Held> => {
    const lists = await Promise.all(principalsOf(caller).map((id) => listAll(state, roleAssignments, `${id}/`)));
    const all = lists.flat().map((record) => record.value);
    const assignments = new AssignmentIndex(all.filter((one) => !isOfOtherTenant(one, caller.tenantId)));
    const ids = assignments.all.map(({ roleDefinitionId }) => roleDefinitionId);
    const ownSubscriptions = assignments.all.some(isAboveSubscriptions)
      ? await subscriptionsOf(state, caller.tenantId)
      : new Set<string>();
    return { assignments, ownSubscriptions, roleOf: await rolesOf(state, caller.tenantId, ids) };
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
    (caller: Caller, held: Held): Awaited<ReturnType<Authorizer['decider']>> =>
    (kind, action, scope, attributes) =>
      decide(
        {
          ...{ principalIds: principalsOf(caller), kind, action, scope },
          ...(attributes === undefined ? {} : { attributes }),
        },
        applyingAt(held, scope),
        held.roleOf,
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

/** `/` is the root of every tenant; only a record that says whose counts. */
const isAboveSubscriptions = ({ scope }: RoleAssignment): boolean => subscriptionOfScope(scope) === undefined;

const isOfOtherTenant = (assignment: RoleAssignment, tenantId: Guid): boolean =>
  isAboveSubscriptions(assignment) && assignment.tenantId !== tenantId;

/** Their ids, in lower case. */
export async function subscriptionsOf(state: State, tenantId: Guid): Promise<ReadonlySet<string>> {
  const all = await listAll(state, subscriptions);
  return new Set(all.filter(({ value }) => value.tenantId === tenantId).map(({ value }) => value.subscriptionId));
}

/** Kustody's own vault lies beside all of that, and so below nobody's `/`. */
const isOfProviders = (scope: string): boolean => scope === '/' || /^\/providers\//i.test(scope);

function applyingAt({ assignments, ownSubscriptions }: Held, scope: string): readonly RoleAssignment[] {
  const found = assignments.at(scope);
  const subscriptionId = subscriptionOfScope(scope);
  const isOwn = subscriptionId === undefined ? isOfProviders(scope) : ownSubscriptions.has(subscriptionId);
  return isOwn ? found : found.filter((assignment) => !isAboveSubscriptions(assignment));
}

/** Every assignment in a tenant: at its root, and in its subscriptions. */
export async function assignmentsInTenant(
  state: State,
  tenantId: Guid,
  list: typeof listAll = listAll,
): Promise<readonly Versioned<RoleAssignment>[]> {
  const [all, own] = await Promise.all([list(state, roleAssignments), subscriptionsOf(state, tenantId)]);
  return all.filter(({ value }) => {
    const subscriptionId = subscriptionOfScope(value.scope);
    return subscriptionId === undefined ? value.tenantId === tenantId : own.has(subscriptionId);
  });
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
