import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State } from '../../state/state.ts';
import type { SecretOptions } from './client-secret.ts';
import { newClientSecret } from './client-secret.ts';
import type { DirectoryStore } from './directory-store.ts';
import { openDirectoryStore } from './directory-store.ts';
import type { Principal, PrincipalKind } from './principal.ts';
import { fromRecord, principalByAppTable, principalTable, toRecord } from './principal.ts';

export interface NewPrincipal {
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly kind: PrincipalKind;
  readonly resourceId?: string;
  readonly accessTokenVersion?: 1 | 2;
  /** Of an application that exists; a random one without it. */
  readonly appId?: Guid;
  readonly enabled?: boolean;
  readonly tags?: readonly string[];
  readonly owners?: readonly Guid[];
  readonly createdAt?: Instant;
  readonly directoryRoles?: readonly Guid[];
}

/** The service principals of all tenants. */
export interface Principals {
  readonly store: DirectoryStore<Principal>;
  /** Enabled and without secrets, object id random. Its application id is not taken yet. */
  create(principal: NewPrincipal): Promise<Principal>;
  get(objectId: Guid): Promise<Principal | undefined>;
  findByAppId(tenantId: Guid, appId: Guid): Promise<Principal | undefined>;
  /** @returns `secret`, which is kept nowhere: the caller shows it once; undefined when there is no such application */
  addSecret(
    objectId: Guid,
    endDateTime: Instant,
    options?: SecretOptions,
  ): Promise<{ readonly keyId: Guid; readonly secret: string } | undefined>;
  removeSecret(objectId: Guid, keyId: Guid): Promise<void>;
  /** A disabled principal gets no token, and tokens it already has stop working. */
  setEnabled(objectId: Guid, enabled: boolean): Promise<void>;
  /** Deleting what is not there is no error. */
  delete(objectId: Guid): Promise<void>;
}

export function openPrincipals(state: State, randomBytes: RandomBytes): Principals {
  const store = openDirectoryStore({
    state,
    table: principalTable,
    names: { table: principalByAppTable, nameOf: ({ appId }: Principal) => appId },
    toRecord,
    fromRecord,
  });
  return {
    store,
    get: (objectId) => store.get(objectId),
    async create(wanted) {
      invariant(
        wanted.kind !== 'managedIdentity' || wanted.resourceId !== undefined,
        'a managed identity belongs to a resource',
      );
      const principal: Principal = {
        objectId: newGuid(randomBytes),
        appId: wanted.appId ?? newGuid(randomBytes),
        tenantId: wanted.tenantId,
        displayName: wanted.displayName,
        kind: wanted.kind,
        resourceId: wanted.resourceId,
        enabled: wanted.enabled ?? true,
        accessTokenVersion: wanted.accessTokenVersion ?? 1,
        secrets: [],
        tags: wanted.tags ?? [],
        owners: wanted.owners ?? [],
        directoryRoles: wanted.directoryRoles ?? [],
        createdAt: wanted.createdAt,
      };
      const created = await store.create(principal);
      invariant(created, 'an application has one service principal in a tenant');
      return principal;
    },
    findByAppId: (tenantId, appId) => store.findByName(tenantId, appId),
    async addSecret(objectId, endDateTime, options) {
      const { text, stored } = newClientSecret(randomBytes, endDateTime, options);
      const outcome = await store.update(objectId, (principal) => {
        invariant(principal.kind === 'application', 'only applications have client secrets');
        return { ...principal, secrets: [...principal.secrets, stored] };
      });
      return outcome === 'updated' ? { keyId: stored.keyId, secret: text } : undefined;
    },
    async removeSecret(objectId, keyId) {
      await store.update(objectId, (principal) => ({
        ...principal,
        secrets: principal.secrets.filter((secret) => secret.keyId !== keyId),
      }));
    },
    async setEnabled(objectId, enabled) {
      await store.update(objectId, (principal) => ({ ...principal, enabled }));
    },
    async delete(objectId) {
      for (;;) {
        const write = await store.removalOf(objectId);
        if (write.length === 0) return;
        try {
          await state.commit({ write });
          return;
        } catch (error) {
          if (!(error instanceof StateConflictError)) throw error;
        }
      }
    },
  };
}
