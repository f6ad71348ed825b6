import { allowedByAccessPolicies } from '../authz/access-policies.ts';
import type { Caller } from '../authz/caller.ts';
import type { Soon } from '../base/soon.ts';
import { soon } from '../base/soon.ts';
import type { VaultSettings } from './vault-directory.ts';
import { vaultError } from './vault-error.ts';

/** Whether a role assignment lets the caller do `dataAction` (such as `Microsoft.KeyVault/vaults/keys/read`) on a resource,
 * and which assignment it was. */
export type AllowedByRole = (
  caller: Caller,
  dataAction: string,
  resourceId: string,
) => Soon<{ readonly allowed: true; readonly assignmentId?: string } | { readonly allowed: false }>;

export interface NeededRight {
  readonly collection: 'keys' | 'secrets' | 'certificates';
  readonly permission: string;
  readonly dataAction: string;
  readonly orDataAction?: string;
}

/** Access policies or roles decide, never both.
 * @returns the role assignment that let the caller in, on RBAC vaults
 * @throws VaultError 403 */
export function authorize(
  allowedByRole: AllowedByRole,
  vault: VaultSettings,
  caller: Caller,
  right: NeededRight,
  name: string | undefined,
): Soon<{ readonly assignmentId?: string }> {
  if (!vault.enableRbacAuthorization) {
    if (allowedByAccessPolicies(vault.accessPolicies, caller, right.collection, right.permission)) return {};
    throw vaultError('byPolicy', right.collection, right.permission, caller, vault);
  }
  const resource = name === undefined ? vault.resourceId : `${vault.resourceId}/${right.collection}/${name}`;
  const ask = (action: string, other: string | undefined): Soon<{ readonly assignmentId?: string }> =>
    soon(allowedByRole(caller, fullAction(action), resource), (verdict) => {
      if (verdict.allowed) return verdict.assignmentId === undefined ? {} : { assignmentId: verdict.assignmentId };
      if (other !== undefined) return ask(other, undefined);
      throw vaultError('byRbac', fullAction(right.dataAction), resource.toLowerCase(), caller, vault);
    });
  return ask(right.dataAction, right.orDataAction);
}

const fullAction = (action: string): string => `Microsoft.KeyVault/vaults/${action}`;
