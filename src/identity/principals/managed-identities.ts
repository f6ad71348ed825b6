import type { ManagedIdentities } from '../../authz/caller.ts';
import type { Guid } from '../../base/guid.ts';
import type { Principals } from './principals.ts';

/** Identities of resources, as principals of the tenant that the resources' subscription trusts. */
export function createManagedIdentities(principals: Principals, tenantId: Guid): ManagedIdentities {
  return {
    async create(displayName, resourceId) {
      const { objectId, appId } = await principals.create({
        tenantId,
        displayName,
        resourceId,
        kind: 'managedIdentity',
      });
      return { objectId, clientId: appId };
    },
    async find(objectId) {
      const found = await principals.get(objectId);
      return found?.kind === 'managedIdentity' ? { clientId: found.appId } : undefined;
    },
    delete: (objectId) => principals.delete(objectId),
  };
}
