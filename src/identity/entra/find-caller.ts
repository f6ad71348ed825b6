import type { FindCaller } from '../../authz/caller.ts';
import type { Directory } from '../principals/directory.ts';
import { issuerV1 } from './claims.ts';

/** Looks a principal up in whose name something goes on that was begun with a token. */
export function createFindCaller(directory: Pick<Directory, 'principals' | 'users' | 'memberships'>): FindCaller {
  return async (objectId, tenantId, isUser) => {
    const user = isUser ? await directory.users.get(objectId) : undefined;
    const principal = isUser ? undefined : await directory.principals.get(objectId);
    const found = user ?? principal;
    if (!found?.enabled || found.tenantId !== tenantId) return undefined;
    return {
      ...{ objectId, tenantId, issuer: issuerV1(tenantId), displayName: found.displayName },
      appId: principal?.appId,
      groupIds: await directory.memberships.groupsOf(objectId),
      ...(user === undefined ? {} : { user: { principalName: user.userPrincipalName, scopes: [] } }),
    };
  };
}
