import type { ArmIdentity } from '../../arm/resource.ts';
import type { Guid } from '../../base/guid.ts';
import { identityType } from './cluster-identity.ts';
import type { IdentityPlan } from './cluster-identity.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts, UserAssignedIdentity } from './ports.ts';

/** What carrying out an identity plan did and has still to do. A principal made for a change that is not committed has to go again. */
export interface CarriedOutIdentity {
  readonly identity: ArmIdentity | undefined;
  readonly created: Guid | undefined;
  readonly toRemove: Guid | undefined;
}

/** Makes the system-assigned principal when the plan wants one and looks the user-assigned ones up; removes nothing yet.
 * @throws ArmError `FailedIdentityOperation` for a user-assigned identity that does not exist */
export async function carryOutIdentity(
  ports: Pick<KustoPorts, 'identities' | 'userAssignedIdentity'>,
  plan: IdentityPlan | undefined,
  cluster: { readonly id: string; readonly name: string; readonly identity?: ArmIdentity },
  tenantId: Guid,
): Promise<CarriedOutIdentity> {
  const held = cluster.identity;
  if (plan === undefined) return { identity: held, created: undefined, toRemove: undefined };
  const userAssigned = await lookUp(ports, plan.userAssigned, cluster.id, held);
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

async function lookUp(
  ports: Pick<KustoPorts, 'userAssignedIdentity'>,
  ids: readonly string[],
  clusterId: string,
  held: ArmIdentity | undefined,
): Promise<Record<string, UserAssignedIdentity>> {
  const found: Record<string, UserAssignedIdentity> = {};
  for (const id of ids) {
    // An identity that the cluster has and that was deleted meanwhile stays listed; its principal opens nothing any more.
    const identity = (await ports.userAssignedIdentity(id)) ?? held?.userAssignedIdentities?.[id];
    if (identity === undefined) throw kustoError('FailedIdentityOperation', clusterId, id);
    found[id] = { principalId: identity.principalId, clientId: identity.clientId };
  }
  return found;
}
