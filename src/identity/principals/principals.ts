import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
import { invariant } from '../../base/invariant.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { State } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { newClientSecret } from './client-secret.ts';
import type { Principal, PrincipalKind } from './principal.ts';
import { fromRecord, principalByAppTable, principalTable, toRecord } from './principal.ts';

interface NewPrincipal {
  readonly tenantId: Guid;
  readonly displayName: string;
  readonly kind: PrincipalKind;
  readonly resourceId?: string;
  readonly accessTokenVersion?: 1 | 2;
}

/** The service principals of all tenants. */
export interface Principals {
  /** Enabled, without secrets, object id and app id random. */
  create(principal: NewPrincipal): Promise<Principal>;
  get(objectId: Guid): Promise<Principal | undefined>;
  findByAppId(tenantId: Guid, appId: Guid): Promise<Principal | undefined>;
  /** @returns `secret`, which is kept nowhere: the caller shows it once; undefined when there is no such application */
  addSecret(
    objectId: Guid,
    endDateTime: Instant,
  ): Promise<{ readonly keyId: Guid; readonly secret: string } | undefined>;
  removeSecret(objectId: Guid, keyId: Guid): Promise<void>;
  /** A disabled principal gets no token, and tokens it already has stop working. */
  setEnabled(objectId: Guid, enabled: boolean): Promise<void>;
  /** Deleting what is not there is no error. */
  delete(objectId: Guid): Promise<void>;
}

export function openPrincipals(state: State, randomBytes: RandomBytes): Principals {
  /** Writes what `change` makes of the present record; again from the start when somebody else was faster. */
  async function update(objectId: Guid, change: (principal: Principal) => Principal): Promise<boolean> {
    for (;;) {
      const found = await state.get(principalTable, objectId);
      if (found === undefined) return false;
      const changed = toRecord(change(fromRecord(found.value)));
      if (await committed(state.commit({ write: [writeRecord(principalTable, objectId, found.version, changed)] })))
        return true;
    }
  }

  const get = async (objectId: Guid): Promise<Principal | undefined> => {
    const found = await state.get(principalTable, objectId);
    return found && fromRecord(found.value);
  };

  return {
    get,
    async create(wanted) {
      invariant(
        wanted.kind !== 'managedIdentity' || wanted.resourceId !== undefined,
        'a managed identity belongs to a resource',
      );
      const principal: Principal = {
        objectId: newGuid(randomBytes),
        appId: newGuid(randomBytes),
        tenantId: wanted.tenantId,
        displayName: wanted.displayName,
        kind: wanted.kind,
        resourceId: wanted.resourceId,
        enabled: true,
        accessTokenVersion: wanted.accessTokenVersion ?? 1,
        secrets: [],
      };
      const { objectId } = principal;
      await state.commit({
        write: [
          writeRecord(principalTable, objectId, null, toRecord(principal)),
          writeRecord(principalByAppTable, appKey(principal), null, { objectId }),
        ],
      });
      return principal;
    },
    async findByAppId(tenantId, appId) {
      const found = await state.get(principalByAppTable, appKey({ tenantId, appId }));
      return found && get(found.value.objectId);
    },
    async addSecret(objectId, endDateTime) {
      const { text, stored } = newClientSecret(randomBytes, endDateTime);
      const known = await update(objectId, (principal) => {
        invariant(principal.kind === 'application', 'only applications have client secrets');
        return { ...principal, secrets: [...principal.secrets, stored] };
      });
      return known ? { keyId: stored.keyId, secret: text } : undefined;
    },
    async removeSecret(objectId, keyId) {
      await update(objectId, (principal) => ({
        ...principal,
        secrets: principal.secrets.filter((secret) => secret.keyId !== keyId),
      }));
    },
    async setEnabled(objectId, enabled) {
      await update(objectId, (principal) => ({ ...principal, enabled }));
    },
    async delete(objectId) {
      for (;;) {
        const found = await state.get(principalTable, objectId);
        if (found === undefined) return;
        const key = appKey(found.value);
        const byApp = await state.get(principalByAppTable, key);
        const write = [writeRecord(principalTable, objectId, found.version, null)];
        if (byApp !== undefined) write.push(writeRecord(principalByAppTable, key, byApp.version, null));
        if (await committed(state.commit({ write }))) return;
      }
    },
  };
}

const appKey = (of: { readonly tenantId: Guid; readonly appId: Guid }): string => `${of.tenantId}/${of.appId}`;

/** @returns false when a record had changed meanwhile */
async function committed(commit: Promise<void>): Promise<boolean> {
  try {
    await commit;
    return true;
  } catch (error) {
    if (error instanceof StateConflictError) return false;
    throw error;
  }
}
