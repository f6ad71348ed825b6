import type { Soon } from '../base/soon.ts';
import type { Guid } from '../base/guid.ts';

/** Who sent a request, as a verified token says. */
export interface Caller {
  /** `oid`: the principal's object id. */
  readonly objectId: Guid;
  /** `appid` (v1) or `azp` (v2): the application the token was given to. */
  readonly appId: Guid | undefined;
  readonly tenantId: Guid;
  /** `iss` as in the token. */
  readonly issuer: string;
  readonly groupIds: readonly Guid[];
  /** Set when a user stands behind the token, which the application uses on the user's behalf. */
  readonly user?: {
    readonly principalName: string;
    /** `scp`: what the application may do there. */
    readonly scopes: readonly string[];
  };
  /** Shown in systemData and audit records; never a secret. */
  readonly displayName: string;
  /** Set when the principal is a managed identity, as the token tells it. */
  readonly managedIdentity?: ManagedIdentityClaims;
}

/** Whose a managed identity is: ids of resources. */
export interface ManagedIdentityClaims {
  /** `xms_mirid`: the identity itself, or for a system-assigned one the resource that has it. */
  readonly resourceId: string;
  /** `xms_az_rid`: the resource that uses a user-assigned one, where that is known. */
  readonly usedBy?: string;
}

export type TokenVerdict =
  | { readonly outcome: 'valid'; readonly caller: Caller }
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'malformed' }
  | { readonly outcome: 'badSignature' }
  | { readonly outcome: 'expired' }
  | { readonly outcome: 'wrongAudience'; readonly found: string }
  | { readonly outcome: 'wrongIssuer'; readonly found: string }
  /** The principal was deleted or disabled after the token was issued. */
  | { readonly outcome: 'unknownPrincipal' };

/** Checks the value of an Authorization header. Audiences are compared exactly, except that callers list every form they take. */
export type VerifyToken = (authorization: string | undefined, audiences: readonly string[]) => Soon<TokenVerdict>;

/** A principal as a token of it would say, and its groups; undefined: there is none, or it is disabled. */
export type FindCaller = (objectId: Guid, tenantId: Guid, isUser: boolean) => Promise<Caller | undefined>;

/** A fresh token for a managed identity or another principal of ours, or why there is none.
 * @param usedBy id of the resource that asks with an identity of the user's, for `xms_az_rid` */
export type MintToken = (
  objectId: Guid,
  audience: string,
  usedBy?: string,
) => Promise<
  | { readonly outcome: 'token'; readonly token: string; readonly expiresOn: number }
  | { readonly outcome: 'refused'; readonly reason: string }
>;

/** As `MintToken`, for the sender of a request, whom the next service is asked as: a user stays one. */
export type MintOnBehalf = (
  sender: { readonly objectId: Guid; readonly isUser: boolean },
  audience: string,
) => ReturnType<MintToken>;

/** What identity offers to providers that give resources an identity of their own (system- or user-assigned). */
export interface ManagedIdentities {
  /** Makes a service principal for a resource. */
  create(displayName: string, resourceId: string): Promise<{ readonly objectId: Guid; readonly clientId: Guid }>;
  /** @returns undefined for what is no principal of a resource */
  find(objectId: Guid): Promise<{ readonly clientId: Guid } | undefined>;
  /** Gone at once: no new token, and tokens already issued stop working. Deleting what is not there is no error. */
  delete(objectId: Guid): Promise<void>;
}
