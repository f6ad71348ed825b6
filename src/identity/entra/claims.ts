import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { concatBytes } from '../../base/bytes.ts';
import type { Guid } from '../../base/guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import type { Principal } from '../principals/principal.ts';
import { isUserAssigned } from '../principals/principal.ts';
import type { Tenant } from '../tenants.ts';
import { optionalClaimsOf } from './optional-claims.ts';
import type { Resource } from './resources.ts';

/** Tokens are valid from five minutes before they are issued, for clocks that run late. */
const backdatedSeconds = 300;
/** What clients are told is a second less: `expires_in` 3599, for managed identities 86399. */
const lifetimeSeconds = { application: 3600, managedIdentity: 86_400, service: 3600 } as const;

/** In directory claims: the role that every application has, known by this template id. */
const directoryRoleOfEveryApplication = '0997a1d0-0d1d-4acb-b408-d5ca73121e90';

/** By what a client proved itself: a shared secret, or a token that somebody signed. */
export type ClientProof = 'secret' | 'assertion';

export interface TokenSubject {
  readonly principal: Principal;
  readonly tenant: Tenant;
  readonly resource: Resource;
  readonly audience: string;
  /** Missing where nobody signed in: tokens that are minted inside. */
  readonly provedBy?: ClientProof;
  /** Values of app roles of the resource. */
  readonly roles?: readonly string[];
  /** Id of the resource that uses a user-assigned identity. */
  readonly usedBy?: string | undefined;
}

export interface Lifetime {
  readonly notBefore: number;
  readonly expires: number;
}

/** Unix seconds. */
export function lifetimeOf(principal: Principal, now: Instant): Lifetime {
  const seconds = toUnixSeconds(now);
  return { notBefore: seconds - backdatedSeconds, expires: seconds + lifetimeSeconds[principal.kind] };
}

export const issuerV1 = (tenantId: Guid | '{tenantid}'): string => `https://sts.windows.net/${tenantId}/`;
export const issuerV2 = (tenantId: Guid | '{tenantid}'): string => `https://login.microsoftonline.com/${tenantId}/v2.0`;

/** The claims of an application's own access token, in the order in which Entra ID writes them.
 * @see Microsoft identity platform "Access token claims reference" */
export function accessTokenClaims(
  subject: TokenSubject,
  lifetime: Lifetime,
  now: Instant,
  randomBytes: RandomBytes,
): JsonObject {
  const asked = subject.resource.application?.optionalClaims?.accessToken;
  const claims =
    subject.resource.tokenVersion === 1
      ? claimsV1(subject, lifetime, now, randomBytes)
      : claimsV2(subject, lifetime, now, randomBytes);
  return { ...claims, ...optionalClaimsOf(asked, undefined) };
}

function claimsV1(subject: TokenSubject, lifetime: Lifetime, now: Instant, randomBytes: RandomBytes): JsonObject {
  const { principal, tenant, resource } = subject;
  const directory = resource.extraClaims === 'directory';
  return {
    aud: subject.audience,
    iss: issuerV1(tenant.tenantId),
    iat: lifetime.notBefore,
    nbf: lifetime.notBefore,
    exp: lifetime.expires,
    aio: opaqueState(randomBytes),
    ...(directory ? { app_displayname: principal.displayName } : {}),
    appid: principal.appId,
    appidacr: authenticationClass(subject),
    idp: issuerV1(tenant.tenantId),
    ...(resource.firstParty ? { idtyp: 'app' } : {}),
    oid: principal.objectId,
    rh: refreshHint(tenant.tenantId, resource.appId),
    ...rolesClaim(subject.roles),
    sub: principal.objectId,
    ...(directory ? { tenant_region_scope: 'WW' } : {}),
    tid: tenant.tenantId,
    uti: newTokenId(now, randomBytes),
    ver: '1.0',
    ...(directory ? { wids: [...principal.directoryRoles, directoryRoleOfEveryApplication] } : {}),
    ...managedIdentityClaims(subject),
    ...(resource.extraClaims === 'none' ? {} : { xms_tcdt: toUnixSeconds(tenant.createdAt) }),
  };
}

function claimsV2(subject: TokenSubject, lifetime: Lifetime, now: Instant, randomBytes: RandomBytes): JsonObject {
  const { principal, tenant, resource } = subject;
  return {
    aud: subject.audience,
    iss: issuerV2(tenant.tenantId),
    iat: lifetime.notBefore,
    nbf: lifetime.notBefore,
    exp: lifetime.expires,
    aio: opaqueState(randomBytes),
    azp: principal.appId,
    azpacr: authenticationClass(subject),
    ...(resource.firstParty ? { idtyp: 'app' } : {}),
    oid: principal.objectId,
    rh: refreshHint(tenant.tenantId, resource.appId),
    ...rolesClaim(subject.roles),
    sub: principal.objectId,
    tid: tenant.tenantId,
    uti: newTokenId(now, randomBytes),
    ver: '2.0',
    ...managedIdentityClaims(subject),
  };
}

export const rolesClaim = (roles: readonly string[] = []): JsonObject => (roles.length === 0 ? {} : { roles });

/** `appidacr`, `azpacr`: 1 for a client secret, 2 for a certificate, which is what managed identities have. */
const authenticationClass = ({ principal, provedBy }: TokenSubject): string =>
  principal.kind === 'application' && provedBy !== 'assertion' ? '1' : '2';

/** A system-assigned identity is named by its resource alone. */
function managedIdentityClaims({ principal, usedBy }: TokenSubject): JsonObject {
  if (principal.resourceId === undefined) return {};
  const by = usedBy !== undefined && isUserAssigned(principal) ? { xms_az_rid: usedBy } : {};
  return { ...by, xms_mirid: principal.resourceId };
}

const [stateBytes, idBytes, timeBytes] = [23, 16, 6];

/** What chance has in one token: `aio` and `uti`. */
export const randomBytesOfToken = stateBytes + idBytes - timeBytes;

/** `aio` is opaque and of no use to anyone but Entra ID. */
export const opaqueState = (randomBytes: RandomBytes): string =>
  Buffer.from(randomBytes(stateBytes)).toString('base64');

/** `rh` is opaque as well; real ones hold tenant and resource. */
export function refreshHint(tenantId: Guid, resourceAppId: Guid): string {
  const mark = Buffer.from([1, 1, 0]);
  return `1.${toBase64Url(concatBytes(mark, guidBytes(tenantId), guidBytes(resourceAppId), mark))}.`;
}

/** As .NET writes a GUID: the first three groups little-endian. */
function guidBytes(guid: Guid): Buffer {
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  bytes.subarray(0, 4).reverse();
  bytes.subarray(4, 6).reverse();
  bytes.subarray(6, 8).reverse();
  return bytes;
}

/** `uti`, the id of a token: 128 bits that begin with the millisecond of issue. `iat` cannot tell it: it is backdated. */
export function newTokenId(now: Instant, randomBytes: RandomBytes): string {
  const time = Buffer.alloc(timeBytes);
  time.writeUIntBE(now, 0, timeBytes);
  return toBase64Url(concatBytes(time, randomBytes(idBytes - timeBytes)));
}

/** @returns undefined when it is no token id of ours */
export function issueInstantOf(tokenId: string): Instant | undefined {
  const bytes = fromBase64Url(tokenId);
  return bytes?.byteLength === idBytes ? instant(bytes.readUIntBE(0, timeBytes)) : undefined;
}
