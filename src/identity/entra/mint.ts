import type { MintToken } from '../../authz/caller.ts';
import type { Directory } from '../principals/directory.ts';
import type { Tenants } from '../tenants.ts';
import { rolesOfPrincipal } from './granted-permissions.ts';
import { audienceOf, findResource } from './resources.ts';
import type { IssueToken } from './token-service.ts';

export interface MintOptions {
  readonly tenants: Tenants;
  readonly directory: Directory;
  readonly issueToken: IssueToken;
}

/** Tokens for managed identities and Kustody's own principals, which have no secret to ask with. Fresh each time, and
 * refused from the moment the principal is gone. `expiresOn` is in milliseconds since 1970. */
export function createMintToken({ tenants, directory, issueToken }: MintOptions): MintToken {
  return async (objectId, audience) => {
    const principal = await directory.principals.get(objectId);
    if (principal === undefined) return refused(`There is no principal ${objectId}.`);
    if (!principal.enabled) return refused(`Principal ${objectId} is disabled.`);
    const tenant = await tenants.get(principal.tenantId);
    if (tenant === undefined) return refused(`The tenant of principal ${objectId} does not exist.`);
    const resource = await findResource(audience, tenant.tenantId, directory);
    if (resource === undefined) return refused(`The resource principal named ${audience} was not found in the tenant.`);
    const roles = await rolesOfPrincipal(directory, objectId, resource);
    const issued = await issueToken({ principal, tenant, resource, audience: audienceOf(resource, audience), roles });
    return { outcome: 'token', token: issued.token, expiresOn: issued.expires * 1000 };
  };
}

const refused = (reason: string) => ({ outcome: 'refused', reason }) as const;
