import type { ArmIdentity } from '../../arm/resource.ts';
import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { identityType, namedIdentities } from './cluster-identity.ts';
import type { IdentityPlan } from './cluster-identity.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts, UserAssignedIdentity } from './ports.ts';

/** What carrying out an identity plan did and has still to do. A principal made for a change that is not committed has to go again. */
export interface CarriedOutIdentity {
  readonly identity: ArmIdentity | undefined;
  readonly created: Guid | undefined;
  readonly toRemove: Guid | undefined;
}

/** Makes the system-assigned principal when the plan wants one and looks up the user-assigned ones that the request names; removes nothing
 * yet. One that the cluster has and that nobody names keeps its principal: an identity made anew under the same id is another one, which the
 * caller has to be allowed to assign.
 * @param sent the request's `identity`
 * @throws ArmError `FailedIdentityOperation` for a user-assigned identity that does not exist */
export async function carryOutIdentity(
  ports: Pick<KustoPorts, 'identities' | 'userAssignedIdentity'>,
  plan: IdentityPlan | undefined,
  sent: Json | undefined,
  cluster: { readonly id: string; readonly name: string; readonly identity?: ArmIdentity },
  tenantId: Guid,
): Promise<CarriedOutIdentity> {
  const held = cluster.identity;
  if (plan === undefined) return { identity: held, created: undefined, toRemove: undefined };
  const named = namedIdentities(sent);
  const kept = (id: string): UserAssignedIdentity | undefined => held?.userAssignedIdentities?.[id];
  const userAssigned: Record<string, UserAssignedIdentity> = {};
  for (const id of plan.userAssigned) {
    const isNamed = named.has(id.toLowerCase());
    // One that was deleted meanwhile stays listed; its principal opens nothing any more.
    const identity = (isNamed ? await ports.userAssignedIdentity(id) : undefined) ?? kept(id);
    if (identity === undefined) throw kustoError('FailedIdentityOperation', cluster.id, id);
    userAssigned[id] = { principalId: identity.principalId, clientId: identity.clientId };
  }
  const created =
    plan.system === 'create' ? (await ports.identities.create(cluster.name, cluster.id)).objectId : undefined;
  const principalId = created ?? (plan.system === 'keep' ? held?.principalId : undefined);
  const count = Object.keys(userAssigned).length;
  const type = identityType(principalId !== undefined, count);
  return {
    created,
    toRemove: plan.system === 'remove' ? held?.principalId : undefined,
    identity: {
      type,
      ...(principalId === undefined ? {} : { principalId, tenantId: held?.tenantId ?? tenantId }),
      ...(count === 0 ? {} : { userAssignedIdentities: userAssigned }),
    },
  };
}
