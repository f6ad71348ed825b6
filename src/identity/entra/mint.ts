import type { MintOnBehalf, MintToken } from '../../authz/caller.ts';
import { parseGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { Directory } from '../principals/directory.ts';
import type { Tenants } from '../tenants.ts';
import { grantScope, scopeOfResource } from './delegated-scope.ts';
import { rolesOfPrincipal } from './granted-permissions.ts';
import { audienceOf, findResource } from './resources.ts';
import type { IssueToken, IssueUserToken } from './token-service.ts';

export interface MintOptions {
  readonly tenants: Tenants;
  readonly directory: Directory;
  readonly issueToken: IssueToken;
}

/** Tokens for managed identities and Kustody's own principals, which have no secret to ask with. Fresh each time, and
 * refused from the moment the principal is gone. `expiresOn` is in milliseconds since 1970. */
export function createMintToken({ tenants, directory, issueToken }: MintOptions): MintToken {
  return async (objectId, audience, usedBy) => {
    const principal = await directory.principals.get(objectId);
    if (principal === undefined) return refused(`There is no principal ${objectId}.`);
    if (!principal.enabled) return refused(`Principal ${objectId} is disabled.`);
    const tenant = await tenants.get(principal.tenantId);
    if (tenant === undefined) return refused(`The tenant of principal ${objectId} does not exist.`);
    const resource = await findResource(audience, tenant.tenantId, directory);
    if (resource === undefined) return refused(`The resource principal named ${audience} was not found in the tenant.`);
    const roles = await rolesOfPrincipal(directory, objectId, resource);
    const subject = { principal, tenant, resource, audience: audienceOf(resource, audience), roles, usedBy };
    const issued = await issueToken(subject);
    return { outcome: 'token', token: issued.token, expiresOn: issued.expires * 1000 };
  };
}

const dataExplorer = parseGuid('2746ea77-4702-4b45-80ca-3c97e680e8b7');
invariant(dataExplorer !== undefined, 'an application id is a GUID');

/** What Data Explorer may do at other services for a user whose token it was given. */
const itself = {
  ...{ appId: dataExplorer, displayName: 'Azure Data Explorer' },
  permissions: new Map([['e406a681-f3d4-42a8-90b6-c2b029497af1', ['user_impersonation']]]),
};

/** Tokens with which Data Explorer asks another service on behalf of who asked it: of a user one that was given to it and says so; an application
 * gets its own, since nobody stands behind it. Fresh each time. Whoever asks for one has checked the token that Data Explorer was given.
 * @see Microsoft identity platform "OAuth 2.0 On-Behalf-Of flow"; Kusto "Storage connection strings", impersonation */
export function createMintOnBehalf({
  tenants,
  directory,
  mintToken,
  issueUserToken,
}: Pick<MintOptions, 'tenants' | 'directory'> & {
  readonly mintToken: MintToken;
  readonly issueUserToken: IssueUserToken;
}): MintOnBehalf {
  return async ({ objectId, isUser }, audience) => {
    if (!isUser) return mintToken(objectId, audience);
    const user = await directory.users.get(objectId);
    if (user === undefined) return refused(`There is no user ${objectId}.`);
    if (!user.enabled) return refused(`User ${objectId} is disabled.`);
    const tenant = await tenants.get(user.tenantId);
    if (tenant === undefined) return refused(`The tenant of user ${objectId} does not exist.`);
    const scope = await grantScope(scopeOfResource(audience), itself, user, directory);
    const subject = { user, tenant, clientId: itself.appId, clientClass: '2', scope } as const;
    const issued = await issueUserToken(subject, { version: 1, nonce: undefined, idTokenFor: 'none' });
    return { outcome: 'token', token: issued.token, expiresOn: issued.expires * 1000 };
  };
}

const refused = (reason: string) => ({ outcome: 'refused', reason }) as const;
