import type { Guid } from '../../base/guid.ts';
import type { Principal } from '../principals/principal.ts';
import type { Principals } from '../principals/principals.ts';

/** Managed identities of a tenant by the name of their resource, its id, their client id or their object id, without case.
 * @returns all that the text names */
export async function namedIdentities(
  principals: Pick<Principals, 'store'>,
  tenantId: Guid,
  text: string,
): Promise<readonly Principal[]> {
  const wanted = text.toLowerCase();
  const all = await principals.store.list(tenantId);
  return all.filter(
    ({ kind, displayName, resourceId, appId, objectId }) =>
      kind === 'managedIdentity' &&
      [displayName, resourceId, appId, objectId].some((name) => name?.toLowerCase() === wanted),
  );
}
