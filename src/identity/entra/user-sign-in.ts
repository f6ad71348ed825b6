import type { Guid } from '../../base/guid.ts';
import { parseGuid, zeroGuid } from '../../base/guid.ts';
import type { Directory } from '../principals/directory.ts';
import { isPassword } from '../principals/password.ts';
import type { User } from '../principals/user.ts';
import type { Tenant, Tenants } from '../tenants.ts';
import { requireTenant, sharedTenantNames } from './client-credentials.ts';
import { entraError } from './entra-error.ts';
import { findPublicClient } from './public-clients.ts';
import type { PublicClient } from './public-clients.ts';

/** As Entra ID's smart lockout: so many wrong passwords, then a pause. */
const failuresMax = 10;
const lockMs = 60_000;

export interface UserSignInOptions {
  readonly tenants: Tenants;
  readonly directory: Directory;
  readonly monotonicMs: () => number;
}

export interface SignedIn {
  readonly user: User;
  readonly tenant: Tenant;
}

/** Checks names and passwords of users. */
export interface UserSignIn {
  /** @param tenantName as in the URL; with `common` and `organizations` the name's own domain says which
   * @throws EntraError */
  withPassword(tenantName: string, name: string, password: string): Promise<SignedIn>;
  /** Whether somebody who signed in before still may. @throws EntraError */
  again(tenantName: string, tenantId: Guid, userId: Guid): Promise<SignedIn>;
}

export function createUserSignIn({ tenants, directory, monotonicMs }: UserSignInOptions): UserSignIn {
  // Of users that exist only: as many as there are.
  const failures = new Map<Guid, { count: number; lastMs: number }>();
  const requireUnlocked = (user: User): void => {
    const found = failures.get(user.objectId);
    if (found === undefined || found.count < failuresMax) return;
    if (monotonicMs() - found.lastMs < lockMs) throw entraError('UserLocked');
    failures.delete(user.objectId);
  };
  return {
    async withPassword(tenantName, name, password) {
      const tenant = await tenantOfUser(tenantName, name, tenants);
      const user = await directory.users.findByName(tenant.tenantId, name);
      if (user === undefined) throw entraError('UserNotFound', tenant.displayName);
      requireUnlocked(user);
      // Counted before the slow check, so that many at once are no way around the bound.
      const count = (failures.get(user.objectId)?.count ?? 0) + 1;
      failures.set(user.objectId, { count, lastMs: monotonicMs() });
      if (!(await isPassword(password, user.password))) throw entraError('PasswordInvalid');
      failures.delete(user.objectId);
      if (!user.enabled) throw entraError('UserDisabled');
      if (user.mustChangePassword) throw entraError('PasswordExpired');
      return { user, tenant };
    },
    async again(tenantName, tenantId, userId) {
      const isShared = sharedTenantNames.includes(tenantName.toLowerCase());
      const tenant = isShared ? await tenants.get(tenantId) : await requireTenant(tenantName, tenants);
      const user = await directory.users.get(userId);
      if (tenant === undefined || user?.tenantId !== tenant.tenantId)
        throw entraError('UserNotFound', tenant?.displayName ?? '');
      if (!user.enabled) throw entraError('UserDisabled');
      return { user, tenant };
    },
  };
}

async function tenantOfUser(tenantName: string, name: string, tenants: Tenants): Promise<Tenant> {
  if (!sharedTenantNames.includes(tenantName.toLowerCase())) return requireTenant(tenantName, tenants);
  const tenant = await tenants.find(name.split('@')[1] ?? '');
  if (tenant === undefined) throw entraError('NoTenant');
  return tenant;
}

/** The public client with this id. Applications of a tenant get no token for a user: that needs consent, which is not built.
 * @throws EntraError */
export async function requirePublicClient(
  clientId: string,
  tenant: Tenant | undefined,
  directory: Directory,
): Promise<PublicClient> {
  const appId = parseGuid(clientId);
  if (appId === zeroGuid) throw entraError('ApplicationInvalid', clientId);
  const known = appId && findPublicClient(appId);
  if (known !== undefined) return known;
  const own = appId && tenant && (await directory.applications.findByName(tenant.tenantId, appId));
  if (own !== undefined) throw entraError('ConsentMissing', own.appId, own.displayName);
  throw entraError('ApplicationNotFound', clientId, tenant?.displayName ?? 'Kustody');
}
