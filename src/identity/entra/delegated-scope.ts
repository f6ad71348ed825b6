import type { Guid } from '../../base/guid.ts';
import type { Principals } from '../principals/principals.ts';
import { entraError } from './entra-error.ts';
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
  /** `scope` of a version 2 answer: what was granted, as the client names it, and the default that it can ask for again. */
  readonly shown: string;
}

/** @throws EntraError when there is no such resource, or the client may not do there what it asks for */
export async function grantScope(
  asked: AskedScope,
  client: PublicClient,
  tenantId: Guid,
  principals: Principals,
): Promise<GrantedScope> {
  const resource = await findResource(asked.resource, tenantId, principals);
  if (resource === undefined) throw entraError('ResourceNotFound', asked.resource, tenantId);
  const allowed = client.permissions.get(resource.appId);
  const wanted = asked.permissions.length === 0 ? (allowed ?? []) : asked.permissions;
  const isAllowed = (name: string): boolean =>
    allowed?.some((one) => one.toLowerCase() === name.toLowerCase()) === true;
  if (wanted.length === 0 || !wanted.every(isAllowed))
    throw entraError('PreauthorizationMissing', client.appId, resource.appId);
  const shown = [...wanted, '.default'].map((name) => `${asked.resource}/${name}`).join(' ');
  return { resource, audience: audienceOf(resource, asked.resource), permissions: wanted, shown };
}
