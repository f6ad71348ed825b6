import { armResources, resourceRecordId } from '../arm/resource.ts';
import type { Caller } from '../authz/caller.ts';
import type { Guid } from '../base/guid.ts';
import type { Soon } from '../base/soon.ts';
import type { Principals } from '../identity/principals/principals.ts';
import { isUserAssigned, principalTable } from '../identity/principals/principal.ts';
import { trustOfIdentity } from '../providers/managed-identity/federated-credentials.ts';
import type { State } from '../state/state.ts';
import { WhileUnchanged } from '../state/while-unchanged.ts';

interface Known {
  readonly isOwn: boolean;
  /** Of an identity that others may be trusted with. */
  readonly resourceId: string | undefined;
}

const keptMax = 1_000;

/** Whether nobody but this server gets tokens of a caller: what it does is then the server's own doing. Identities that have a federated
 * credential are had by others, and so are those that somebody has had since the start.
 * @param wasGivenAway somebody has got tokens of it, or the means to */
export function createOwnPrincipals(
  { state, principals }: { readonly state: State; readonly principals: Pick<Principals, 'get'> },
  wasGivenAway: (objectId: Guid) => boolean,
): (caller: Pick<Caller, 'objectId'>) => Soon<boolean> {
  const kept = new WhileUnchanged<Guid, Known>(keptMax, () => state.markOfAll?.());
  const markOfPrincipal = (objectId: Guid) => state.markOf?.(principalTable, objectId);
  const markOfTrust = (resourceId: string) => state.markOf?.(armResources, resourceRecordId(resourceId));
  const marksOf = (objectId: Guid, { resourceId }: Known) => [
    markOfPrincipal(objectId),
    ...(resourceId === undefined ? [] : [markOfTrust(resourceId)]),
  ];
  const read = async (objectId: Guid): Promise<boolean> => {
    const principalMark = markOfPrincipal(objectId);
    const principal = await principals.get(objectId);
    const isManaged = principal !== undefined && principal.kind !== 'application';
    const resourceId = principal !== undefined && isUserAssigned(principal) ? principal.resourceId : undefined;
    if (resourceId === undefined) {
      kept.keep(objectId, [principalMark], { isOwn: isManaged, resourceId });
      return isManaged;
    }
    const trustMark = markOfTrust(resourceId);
    const isOwn = isManaged && (await trustOfIdentity(state, resourceId)).length === 0;
    kept.keep(objectId, [principalMark, trustMark], { isOwn, resourceId });
    return isOwn;
  };
  return ({ objectId }) =>
    !wasGivenAway(objectId) && (kept.get(objectId, (known) => marksOf(objectId, known))?.isOwn ?? read(objectId));
}
