import type { Guid } from '../../base/guid.ts';
import type { Json } from '../../base/json.ts';
import { recordFields } from '../record-fields.ts';
import { guidsOf } from './principal.ts';

/** What an application lets be assigned to users, groups and applications; `roles` of tokens for it. */
export interface AppRole {
  readonly id: Guid;
  readonly value: string | undefined;
  readonly displayName: string;
  readonly description: string;
  readonly isEnabled: boolean;
  /** `User` (with groups), `Application`, or both. */
  readonly allowedMemberTypes: readonly string[];
}

/** What an application lets other applications do for a user; `scp` of tokens for it. */
export interface PermissionScope {
  readonly id: Guid;
  readonly value: string;
  /** `User`: users may consent; `Admin`: administrators alone. */
  readonly type: string;
  readonly isEnabled: boolean;
  /** Shown when consent is asked for: by Graph's names of them. */
  readonly texts: Readonly<Record<string, string>>;
}

/** Needs nobody's consent for these scopes. */
export interface PreAuthorizedApplication {
  readonly appId: Guid;
  readonly permissionIds: readonly Guid[];
}

export interface ExposedPermissions {
  readonly appRoles: readonly AppRole[];
  readonly permissionScopes: readonly PermissionScope[];
  readonly preAuthorized: readonly PreAuthorizedApplication[];
  /** Which groups of a user tokens for it name: `SecurityGroup`, `All`, `ApplicationGroup`, `DirectoryRole`, `None`, joined by commas. */
  readonly groupMembershipClaims: string | undefined;
}

export const scopeTextNames = [
  ...(['adminConsentDescription', 'adminConsentDisplayName'] as const),
  ...(['userConsentDescription', 'userConsentDisplayName'] as const),
] as const;

/** @param value a record of an application; older ones have none of it */
export function parseExposedPermissions(value: Json): ExposedPermissions {
  const fields = recordFields(value, 'application');
  return {
    appRoles: fields.optionalList('appRoles').map((item) => {
      const role = recordFields(item, 'application (app role)');
      return {
        id: role.guid('id'),
        value: role.optionalText('value'),
        displayName: role.text('displayName'),
        description: role.text('description'),
        isEnabled: role.flag('isEnabled'),
        allowedMemberTypes: role.list('allowedMemberTypes').map(String),
      };
    }),
    permissionScopes: fields.optionalList('permissionScopes').map((item) => {
      const scope = recordFields(item, 'application (permission scope)');
      const texts = recordFields(scope.member('texts'), 'application (permission scope)');
      return {
        id: scope.guid('id'),
        value: scope.text('value'),
        type: scope.text('type'),
        isEnabled: scope.flag('isEnabled'),
        texts: Object.fromEntries(
          scopeTextNames.flatMap((name) => {
            const text = texts.optionalText(name);
            return text === undefined ? [] : [[name, text]];
          }),
        ),
      };
    }),
    preAuthorized: fields.optionalList('preAuthorized').map((item) => {
      const one = recordFields(item, 'application (preauthorized)');
      return { appId: one.guid('appId'), permissionIds: guidsOf(one.list('permissionIds')) };
    }),
    groupMembershipClaims: fields.optionalText('groupMembershipClaims'),
  };
}
