import type { AccessPolicy, VaultObjectKind } from '../../authz/access-policies.ts';
import type { Guid } from '../../base/guid.ts';
import { parseGuid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { keyVaultErrors } from './keyvault-errors.ts';

/** Every permission there is, in lower case. */
const permissionsByKind: { readonly [Kind in VaultObjectKind]: ReadonlySet<string> } = {
  keys: words(
    'all encrypt decrypt wrapkey unwrapkey sign verify get list create update import delete backup restore recover purge release rotate ' +
      'getrotationpolicy setrotationpolicy',
  ),
  secrets: words('all get list set delete backup restore recover purge'),
  certificates: words(
    'all get list delete create import update managecontacts getissuers listissuers setissuers deleteissuers manageissuers recover purge backup restore',
  ),
  storage: words(
    'all get list delete set update regeneratekey recover purge backup restore setsas listsas getsas deletesas',
  ),
};

export const accessPoliciesMax = 1024;

function words(text: string): ReadonlySet<string> {
  return new Set(text.split(' '));
}

/** @param vaultTenantId every entry must name it
 * @throws ArmError 400 for anything a vault cannot have as its list of policies */
export function readAccessPolicies(value: Json | undefined, vaultTenantId: Guid): readonly AccessPolicy[] {
  if (!Array.isArray(value)) throw keyVaultErrors.InvalidAccessPolicies();
  if (value.length > accessPoliciesMax) throw keyVaultErrors.TooManyAccessPolicies(accessPoliciesMax);
  const policies = value.map((entry: Json) => readAccessPolicy(entry, vaultTenantId));
  if (new Set(policies.map(policyKey)).size < policies.length) throw keyVaultErrors.InvalidAccessPolicies();
  return policies;
}

/** Entries are one per principal and application. */
export const policyKey = (policy: AccessPolicy): string => `${policy.objectId}/${policy.applicationId ?? ''}`;

function readAccessPolicy(entry: Json, vaultTenantId: Guid): AccessPolicy {
  if (!isJsonObject(entry) || !isJsonObject(entry['permissions'])) throw keyVaultErrors.InvalidAccessPolicies();
  const tenantId = readGuid(entry['tenantId']);
  const objectId = readGuid(entry['objectId']);
  // Templates send an empty text where there is none.
  const application = entry['applicationId'] === '' ? undefined : entry['applicationId'];
  if (tenantId !== vaultTenantId || objectId === undefined) throw keyVaultErrors.InvalidAccessPolicies();
  const applicationId = readGuid(application);
  if (application !== undefined && application !== null && applicationId === undefined) {
    throw keyVaultErrors.InvalidAccessPolicies();
  }
  const { permissions } = entry;
  return {
    tenantId,
    objectId,
    ...(applicationId === undefined ? {} : { applicationId }),
    permissions: {
      ...readPermissions('keys', permissions['keys']),
      ...readPermissions('secrets', permissions['secrets']),
      ...readPermissions('certificates', permissions['certificates']),
      ...readPermissions('storage', permissions['storage']),
    },
  };
}

function readPermissions(kind: VaultObjectKind, value: Json | undefined): AccessPolicy['permissions'] {
  if (value === undefined || value === null) return {};
  if (!Array.isArray(value)) throw keyVaultErrors.InvalidAccessPolicies();
  const permissions = value.map((permission: Json) => {
    if (typeof permission !== 'string' || !permissionsByKind[kind].has(permission.toLowerCase())) {
      throw keyVaultErrors.InvalidAccessPolicies();
    }
    return permission;
  });
  return { [kind]: permissions };
}

const readGuid = (value: Json | undefined): Guid | undefined =>
  typeof value === 'string' ? parseGuid(value) : undefined;
