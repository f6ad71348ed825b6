import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { Directory } from '../principals/directory.ts';
import type { User } from '../principals/user.ts';
import { entraError } from './entra-error.ts';
import { grantedScopes, groupClaims, rolesOfUser } from './granted-permissions.ts';
import type { PublicClient } from './public-clients.ts';
import type { Resource } from './resources.ts';
import { audienceOf, findResource } from './resources.ts';

/** Scopes of OpenID Connect: they belong to no resource. */
const openIdScopes = ['openid', 'profile', 'email', 'offline_access'];
const graphUri = 'https://graph.microsoft.com';

/** What an application asks for in a user's name, before it is known to be allowed. */
export interface AskedScope {
  /** As the client wrote it, with or without a trailing slash. */
  readonly resource: string;
  /** Empty: everything that the application may do there (`/.default`). */
  readonly permissions: readonly string[];
  readonly offline: boolean;
  readonly openId: boolean;
}

/** `https://management.core.windows.net//.default offline_access openid profile`. Without any resource: Graph's.
 * @throws EntraError */
export function parseDelegatedScope(text: string | undefined): AskedScope {
  const scopes = (text ?? '').split(/\s+/).filter((scope) => scope !== '');
  if (scopes.length === 0) throw entraError('ScopeMissing');
  const asked = scopes.filter((scope) => !openIdScopes.includes(scope.toLowerCase()));
  const parts = asked.map((scope) => {
    const at = scope.lastIndexOf('/');
    return at < 0 ? { resource: graphUri, name: scope } : { resource: scope.slice(0, at), name: scope.slice(at + 1) };
  });
  const resources = new Set(parts.map((part) => part.resource));
  if (resources.size > 1) throw entraError('ScopeOfManyResources', scopes.join(' '));
  const names = parts.map((part) => part.name);
  const isDefault = names.includes('.default');
  if (isDefault && names.length > 1) throw entraError('ScopeFormat', scopes.join(' '));
  return {
    resource: [...resources][0] ?? graphUri,
    permissions: isDefault ? [] : asked.length === 0 ? ['User.Read'] : names,
    offline: scopes.includes('offline_access'),
    openId: scopes.includes('openid'),
  };
}

/** Of a version 1 request, which names a resource. */
export const scopeOfResource = (resource: string): AskedScope => ({
  resource,
  permissions: [],
  offline: true,
  openId: true,
});

export interface GrantedScope {
  readonly resource: Resource;
  readonly audience: string;
  /** `scp` of the token. */
  readonly permissions: readonly string[];
  /** Values of app roles of the resource that the user has. */
  readonly roles: readonly string[];
  /** Claims that tell the user's groups. */
  readonly groups: JsonObject;
  /** `scope` of a version 2 answer: what was granted, as the client names it, and the default that it can ask for again. */
  readonly shown: string;
}

/** For a public client of Microsoft's: at services of Microsoft's what its maker was given, at applications of the tenant what these have
 * preauthorized. @throws EntraError when there is no such resource, or the client may not do there what it asks for */
export async function grantScope(
  asked: AskedScope,
  client: PublicClient,
  user: User,
  directory: Directory,
): Promise<GrantedScope> {
  const resource = await requireResource(asked, user, directory);
  if (!resource.firstParty) return grantOf(asked, client, user, resource, directory);
  const allowed = client.permissions.get(resource.appId) ?? [];
  const permissions = permitted(asked, allowed);
  if (permissions === undefined) throw entraError('PreauthorizationMissing', client.appId, resource.appId);
  return granted(asked, resource, permissions, { roles: [], groups: {} });
}

/** For an application of the tenant, which needs consent everywhere. @throws EntraError */
export async function grantConsentedScope(
  asked: AskedScope,
  client: Consenting,
  user: User,
  directory: Directory,
): Promise<GrantedScope> {
  return grantOf(asked, client, user, await requireResource(asked, user, directory), directory);
}

type Consenting = { readonly appId: Guid; readonly displayName: string };

async function grantOf(
  asked: AskedScope,
  client: Consenting,
  user: User,
  resource: Resource,
  directory: Directory,
): Promise<GrantedScope> {
  const { tenantId, objectId } = user;
  const allowed = await grantedScopes(directory, { appId: client.appId, tenantId }, objectId, resource);
  const permissions = permitted(asked, allowed);
  if (permissions === undefined) throw entraError('ConsentMissing', client.appId, client.displayName);
  const roles = await rolesOfUser(directory, user, resource);
  return granted(asked, resource, permissions, { roles, groups: await groupClaims(directory, user, resource) });
}

async function requireResource(asked: AskedScope, { tenantId }: User, directory: Directory): Promise<Resource> {
  const resource = await findResource(asked.resource, tenantId, directory);
  if (resource === undefined) throw entraError('ResourceNotFound', asked.resource, tenantId);
  return resource;
}

/** @returns undefined when nothing is allowed, or not all that is asked for */
function permitted({ permissions }: AskedScope, allowed: readonly string[]): readonly string[] | undefined {
  const wanted = permissions.length === 0 ? allowed : permissions;
  const isAllowed = (name: string): boolean => allowed.some((one) => one.toLowerCase() === name.toLowerCase());
  return wanted.length > 0 && wanted.every(isAllowed) ? wanted : undefined;
}

function granted(
  asked: AskedScope,
  resource: Resource,
  permissions: readonly string[],
  more: Pick<GrantedScope, 'roles' | 'groups'>,
): GrantedScope {
  const shown = [...permissions, '.default'].map((name) => `${asked.resource}/${name}`).join(' ');
  return { resource, audience: audienceOf(resource, asked.resource), permissions, shown, ...more };
}
