import type { ArmIdentity } from '../../arm/resource.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { kustoError } from './kusto-errors.ts';

/** What a request wants the identities of a cluster to be; principals are made and removed by whoever carries it out. */
export interface IdentityPlan {
  readonly system: 'absent' | 'keep' | 'create' | 'remove';
  /** Resource ids of all user-assigned identities afterwards, in the casing in which they were first sent. */
  readonly userAssigned: readonly string[];
}

const types = new Map<string, { readonly system: boolean; readonly user: boolean }>([
  ['none', { system: false, user: false }],
  ['systemassigned', { system: true, user: false }],
  ['userassigned', { system: false, user: true }],
  ['systemassigned,userassigned', { system: true, user: true }],
]);

const identityIdPattern =
  /^\/subscriptions\/[^/]+\/resourcegroups\/[^/]+\/providers\/microsoft\.managedidentity\/userassignedidentities\/[^/]+\/?$/i;
const identitiesMax = 100;

/** @param sent the request's `identity`; the type may come with or without the space
 * @param mode `merge` (PATCH): named user-assigned identities are added, one sent as null is removed; `replace` (PUT): those named are all.
 * A type that includes UserAssigned without a list keeps what is there.
 * @returns undefined when the request says nothing of identities
 * @throws ArmError `InvalidIdentity` */
export function planIdentity(
  sent: Json | undefined,
  held: ArmIdentity | undefined,
  mode: 'merge' | 'replace',
): IdentityPlan | undefined {
  if (sent === undefined || sent === null) return undefined;
  if (!isJsonObject(sent) || typeof sent['type'] !== 'string')
    throw kustoError('InvalidIdentity', 'The identity must be an object with a type.');
  const wanted = types.get(sent['type'].replaceAll(' ', '').toLowerCase());
  if (wanted === undefined) {
    throw kustoError(
      'InvalidIdentity',
      "The identity type must be 'None', 'SystemAssigned', 'UserAssigned' or 'SystemAssigned, UserAssigned'.",
    );
  }
  const before = Object.keys(held?.userAssignedIdentities ?? {});
  const userAssigned = wanted.user ? readUserAssigned(sent, before, mode) : [];
  if (wanted.user && userAssigned.length === 0 && !wanted.system) {
    throw kustoError('InvalidIdentity', "The identity type 'UserAssigned' needs at least one user-assigned identity.");
  }
  const hasSystem = held?.principalId !== undefined;
  const system = wanted.system ? (hasSystem ? 'keep' : 'create') : hasSystem ? 'remove' : 'absent';
  return { system, userAssigned };
}

function readUserAssigned(sent: JsonObject, before: readonly string[], mode: 'merge' | 'replace'): readonly string[] {
  const list = sent['userAssignedIdentities'];
  if (list === undefined || list === null) return before;
  if (!isJsonObject(list))
    throw kustoError('InvalidIdentity', 'userAssignedIdentities must be an object whose members are resource ids.');
  const byLowerId = new Map<string, string>();
  if (mode === 'merge') for (const id of before) byLowerId.set(id.toLowerCase(), id);
  for (const [id, value] of Object.entries(list)) {
    if (!identityIdPattern.test(id))
      throw kustoError('InvalidIdentity', `'${id.slice(0, 300)}' is not the resource id of a user-assigned identity.`);
    const lower = comparable(id);
    if (value === null) byLowerId.delete(lower);
    else byLowerId.set(lower, before.find((known) => known.toLowerCase() === lower) ?? id.replace(/\/$/, ''));
  }
  if (byLowerId.size > identitiesMax)
    throw kustoError('InvalidIdentity', `A cluster can have at most ${identitiesMax} user-assigned identities.`);
  return [...byLowerId.values()];
}

const comparable = (id: string): string => id.replace(/\/$/, '').toLowerCase();

/** The user-assigned identities that a request gives by name, in lower case. */
export function namedIdentities(sent: Json | undefined): ReadonlySet<string> {
  const list = isJsonObject(sent) ? sent['userAssignedIdentities'] : undefined;
  if (!isJsonObject(list)) return new Set();
  return new Set(Object.keys(list).flatMap((id) => (list[id] === null ? [] : [comparable(id)])));
}

/** The type that answers show for what there is. */
export function identityType(hasSystem: boolean, userAssignedCount: number): ArmIdentity['type'] {
  if (hasSystem) return userAssignedCount > 0 ? 'SystemAssigned, UserAssigned' : 'SystemAssigned';
  return userAssignedCount > 0 ? 'UserAssigned' : 'None';
}
