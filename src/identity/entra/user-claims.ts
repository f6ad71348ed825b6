import { createHash } from 'node:crypto';
import { toBase64Url } from '../../base/base64url.ts';
import { utf8 } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { toUnixSeconds } from '../../clock/clock.ts';
import type { Application } from '../principals/application.ts';
import type { User } from '../principals/user.ts';
import type { Tenant } from '../tenants.ts';
import type { Lifetime } from './claims.ts';
import { issuerV1, issuerV2, newTokenId, opaqueState, refreshHint, rolesClaim } from './claims.ts';
import type { GrantedScope } from './delegated-scope.ts';
import { optionalClaimsOf } from './optional-claims.ts';

/** A user, and the application that acts for it. */
export interface UserSubject {
  readonly user: User;
  readonly tenant: Tenant;
  readonly clientId: Guid;
  /** `appidacr`, `azpacr`: how the application proved itself; 0 for one that has nothing to prove itself with. */
  readonly clientClass: '0' | '1' | '2';
  readonly scope: GrantedScope;
}

/** The claims of an access token that an application got for a user; every resource of Microsoft's takes version 1.
 * @see Microsoft identity platform "Access token claims reference" */
export function userAccessTokenClaims(
  subject: UserSubject,
  lifetime: Lifetime,
  now: Instant,
  randomBytes: RandomBytes,
): JsonObject {
  const { resource } = subject.scope;
  const claims =
    resource.tokenVersion === 1
      ? claimsV1(subject, lifetime, now, randomBytes)
      : claimsV2(subject, lifetime, now, randomBytes);
  return { ...claims, ...optionalClaimsOf(resource.application?.optionalClaims?.accessToken, subject.user) };
}

function claimsV2(
  { user, tenant, clientId, clientClass, scope }: UserSubject,
  lifetime: Lifetime,
  now: Instant,
  randomBytes: RandomBytes,
): JsonObject {
  return {
    aud: scope.audience,
    iss: issuerV2(tenant.tenantId),
    iat: lifetime.notBefore,
    nbf: lifetime.notBefore,
    exp: lifetime.expires,
    ...scope.groups,
    aio: opaqueState(randomBytes),
    azp: clientId,
    azpacr: clientClass,
    name: user.displayName,
    oid: user.objectId,
    preferred_username: user.userPrincipalName,
    rh: refreshHint(tenant.tenantId, scope.resource.appId),
    ...rolesClaim(scope.roles),
    scp: scope.permissions.join(' '),
    sub: pairwiseSubject(user.objectId, scope.resource.appId),
    tid: tenant.tenantId,
    uti: newTokenId(now, randomBytes),
    ver: '2.0',
  };
}

function claimsV1(
  { user, tenant, clientId, clientClass, scope }: UserSubject,
  lifetime: Lifetime,
  now: Instant,
  randomBytes: RandomBytes,
): JsonObject {
  const directory = scope.resource.extraClaims === 'directory';
  return {
    aud: scope.audience,
    iss: issuerV1(tenant.tenantId),
    iat: lifetime.notBefore,
    nbf: lifetime.notBefore,
    exp: lifetime.expires,
    ...scope.groups,
    acr: '1',
    aio: opaqueState(randomBytes),
    amr: ['pwd'],
    appid: clientId,
    appidacr: clientClass,
    ...(user.texts.surname === undefined ? {} : { family_name: user.texts.surname }),
    ...(user.texts.givenName === undefined ? {} : { given_name: user.texts.givenName }),
    ...(scope.resource.firstParty ? { idtyp: 'user' } : {}),
    ipaddr: '127.0.0.1',
    name: user.displayName,
    oid: user.objectId,
    puid: puidOf(user.objectId),
    rh: refreshHint(tenant.tenantId, scope.resource.appId),
    ...rolesClaim(scope.roles),
    scp: scope.permissions.join(' '),
    sub: pairwiseSubject(user.objectId, scope.resource.appId),
    ...(directory ? { tenant_region_scope: 'WW' } : {}),
    tid: tenant.tenantId,
    unique_name: user.userPrincipalName,
    upn: user.userPrincipalName,
    uti: newTokenId(now, randomBytes),
    ver: '1.0',
    wids: [...user.directoryRoles, templateOfMembers],
    xms_tcdt: toUnixSeconds(tenant.createdAt),
  };
}

/** In `wids` of everybody who has no other role, and of those who have. */
const templateOfMembers = 'b79fbf4d-3ef9-4689-8143-76b194e85509';

/** What the application itself learns of the user. */
export function idTokenClaims(
  version: 1 | 2,
  { user, tenant, clientId }: UserSubject,
  lifetime: Lifetime,
  now: Instant,
  more: {
    readonly randomBytes: RandomBytes;
    readonly nonce: string | undefined;
    readonly client: Application | undefined;
  },
): JsonObject {
  const { nonce, randomBytes, client } = more;
  const optional = optionalClaimsOf(client?.optionalClaims?.idToken, user);
  const shared = {
    aud: clientId,
    iss: version === 1 ? issuerV1(tenant.tenantId) : issuerV2(tenant.tenantId),
    iat: lifetime.notBefore,
    nbf: lifetime.notBefore,
    exp: lifetime.expires,
    name: user.displayName,
    ...(nonce === undefined ? {} : { nonce }),
    oid: user.objectId,
    rh: refreshHint(tenant.tenantId, clientId),
    sub: pairwiseSubject(user.objectId, clientId),
    tid: tenant.tenantId,
    uti: newTokenId(now, randomBytes),
  };
  return version === 1
    ? {
        ...shared,
        amr: ['pwd'],
        unique_name: user.userPrincipalName,
        upn: user.userPrincipalName,
        ver: '1.0',
        ...optional,
      }
    : { ...shared, preferred_username: user.userPrincipalName, ver: '2.0', ...optional };
}

/** `client_info`: by what MSAL keeps accounts. */
export const clientInfoOf = ({ user, tenant }: Pick<UserSubject, 'user' | 'tenant'>): string =>
  toBase64Url(utf8(JSON.stringify({ uid: user.objectId, utid: tenant.tenantId })));

/** `sub`: the same user under another name for each application. */
const pairwiseSubject = (objectId: Guid, appId: Guid): string =>
  toBase64Url(createHash('sha256').update(`${objectId} ${appId}`).digest());

const puidOf = (objectId: Guid): string => `1003${objectId.replaceAll('-', '').slice(0, 12).toUpperCase()}`;
