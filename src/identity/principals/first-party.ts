import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import { guidOfName } from '../../base/name-guid.ts';
import { RecentMap } from '../../base/recent-map.ts';
import type { Principal } from './principal.ts';

const impersonation = ['user_impersonation'];

/** Services of Microsoft's that have a service principal in every tenant, so that consents can name them. */
const rows = {
  '797f4846-ba00-4fd7-ba43-dac1f8f63013': {
    displayName: 'Windows Azure Service Management API',
    scopes: impersonation,
  },
  '00000003-0000-0000-c000-000000000000': {
    displayName: 'Microsoft Graph',
    scopes: [
      ...['Application.ReadWrite.All', 'AppRoleAssignment.ReadWrite.All', 'DelegatedPermissionGrant.ReadWrite.All'],
      ...['Directory.AccessAsUser.All', 'Directory.Read.All', 'Directory.ReadWrite.All', 'Group.ReadWrite.All'],
      ...['User.Read', 'User.Read.All', 'User.ReadWrite.All'],
    ],
  },
  'cfa8b339-82a2-471a-a3c9-0fc0be7a4093': { displayName: 'Azure Key Vault', scopes: impersonation },
  '2746ea77-4702-4b45-80ca-3c97e680e8b7': { displayName: 'Azure Data Explorer', scopes: impersonation },
} as const satisfies Record<string, { readonly displayName: string; readonly scopes: readonly string[] }>;

/** Each token for such a service asks for one. */
const ids = new RecentMap<string, Guid>(1_000);

/** Not random as in Azure: nothing is kept of it. */
export function firstPartyId(tenantId: Guid, appId: Guid): Guid {
  const name = `first party ${tenantId} ${appId}`;
  const known = ids.get(name);
  if (known !== undefined) return known;
  const id = guidOfName(name);
  ids.set(name, id);
  return id;
}

export const firstPartyPrincipals = (tenantId: Guid): readonly Principal[] =>
  Object.entries(rows).map(([id, { displayName }]) => {
    const appId = parseGuid(id);
    invariant(appId !== undefined, 'the table holds application ids');
    return {
      ...{ objectId: firstPartyId(tenantId, appId), appId, tenantId, displayName, kind: 'service' },
      ...{ resourceId: undefined, enabled: true, accessTokenVersion: 1, createdAt: undefined },
      ...{ secrets: [], tags: [], owners: [], directoryRoles: [] },
    };
  });

/** What applications can be let do there for a user. */
export const firstPartyScopes = (appId: string): readonly string[] =>
  Object.entries(rows).find(([id]) => id === appId)?.[1].scopes ?? [];
