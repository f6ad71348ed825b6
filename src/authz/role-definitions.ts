import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';

/** What a role allows: actions on the resource manager, data actions on what resources hold. `not…` takes away from this role only. */
export interface RoleDefinition {
  readonly roleDefinitionId: Guid;
  readonly roleName: string;
  readonly description: string;
  readonly actions: readonly string[];
  readonly notActions: readonly string[];
  readonly dataActions: readonly string[];
  readonly notDataActions: readonly string[];
}

interface RoleRow {
  readonly id: string;
  readonly description: string;
  readonly actions?: readonly string[];
  readonly notActions?: readonly string[];
  readonly dataActions?: readonly string[];
}

const vault = (...suffixes: readonly string[]): readonly string[] =>
  suffixes.map((suffix) => `Microsoft.KeyVault/vaults/${suffix}`);

/** What the Key Vault data roles may do on the resource manager. */
const vaultReading: readonly string[] = [
  'Microsoft.Authorization/*/read',
  'Microsoft.KeyVault/checkNameAvailability/read',
  'Microsoft.KeyVault/deletedVaults/read',
  'Microsoft.KeyVault/locations/*/read',
  'Microsoft.KeyVault/vaults/*/read',
  'Microsoft.KeyVault/operations/read',
];

const vaultAdministration: readonly string[] = [
  ...vaultReading,
  'Microsoft.Resources/deployments/*',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
];

/** What roles that manage one kind of resource may do besides. */
const managing: readonly string[] = [
  'Microsoft.Authorization/*/read',
  'Microsoft.Insights/alertRules/*',
  'Microsoft.Resources/subscriptions/resourceGroups/read',
  'Microsoft.Resources/deployments/*',
  'Microsoft.Support/*',
];

/** Built-in roles, as the Azure documentation lists them. */
const builtInRoles: Readonly<Record<string, RoleRow>> = {
  Owner: {
    id: '8e3af657-a8ff-443c-a75c-2fe8c4bcb635',
    description: 'Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.',
    actions: ['*'],
  },
  Contributor: {
    id: 'b24988ac-6180-42a0-ab88-20f7382dd24c',
    description: 'Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC.',
    actions: ['*'],
    notActions: [
      'Microsoft.Authorization/*/Delete',
      'Microsoft.Authorization/*/Write',
      'Microsoft.Authorization/elevateAccess/Action',
      'Microsoft.Blueprint/blueprintAssignments/write',
      'Microsoft.Blueprint/blueprintAssignments/delete',
      'Microsoft.Compute/galleries/share/action',
      'Microsoft.Purview/consents/write',
      'Microsoft.Purview/consents/delete',
    ],
  },
  Reader: {
    id: 'acdd72a7-3385-48ef-bd42-f606fba81ae7',
    description: 'View all resources, but does not allow you to make any changes.',
    actions: ['*/read'],
  },
  'User Access Administrator': {
    id: '18d7d88d-d35e-4fb5-a5c3-7773c20a72d9',
    description: 'Lets you manage user access to Azure resources.',
    actions: ['*/read', 'Microsoft.Authorization/*', 'Microsoft.Support/*'],
  },
  'Managed Identity Operator': {
    id: 'f1a07417-d97a-45cb-824c-7a7467783830',
    description: 'Read and Assign User Assigned Identity',
    actions: [
      'Microsoft.ManagedIdentity/userAssignedIdentities/*/read',
      'Microsoft.ManagedIdentity/userAssignedIdentities/*/assign/action',
      ...managing,
    ],
  },
  'Managed Identity Contributor': {
    id: 'e40ec5ca-96e0-45a2-b4ff-59039f2c2b59',
    description: 'Create, Read, Update, and Delete User Assigned Identity',
    actions: [
      'Microsoft.ManagedIdentity/userAssignedIdentities/read',
      'Microsoft.ManagedIdentity/userAssignedIdentities/write',
      'Microsoft.ManagedIdentity/userAssignedIdentities/delete',
      'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/read',
      'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/write',
      'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials/delete',
      'Microsoft.ManagedIdentity/userAssignedIdentities/revokeTokens/action',
      ...managing,
    ],
  },
  'Key Vault Administrator': {
    id: '00482a5a-887f-4fb3-b363-3b7fe8e74483',
    description:
      'Perform all data plane operations on a key vault and all objects in it, including certificates, keys, and secrets.',
    actions: vaultAdministration,
    dataActions: vault('*'),
  },
  'Key Vault Crypto Officer': {
    id: '14b46e9e-c2b7-41b4-b07b-48a6ebf60603',
    description: 'Perform any action on the keys of a key vault, except manage permissions.',
    actions: vaultAdministration,
    dataActions: vault('keys/*', 'keyrotationpolicies/*'),
  },
  'Key Vault Crypto User': {
    id: '12338af0-0e69-4776-bea7-57ae8d297424',
    description: 'Perform cryptographic operations using keys.',
    dataActions: vault(
      'keys/read',
      'keys/update/action',
      'keys/backup/action',
      'keys/encrypt/action',
      'keys/decrypt/action',
      'keys/wrap/action',
      'keys/unwrap/action',
      'keys/sign/action',
      'keys/verify/action',
    ),
  },
  'Key Vault Crypto Service Encryption User': {
    id: 'e147488a-f6f5-4113-8e2d-b22465e65bf6',
    description: 'Read metadata of keys and perform wrap/unwrap operations.',
    actions: [
      'Microsoft.EventGrid/eventSubscriptions/write',
      'Microsoft.EventGrid/eventSubscriptions/read',
      'Microsoft.EventGrid/eventSubscriptions/delete',
    ],
    dataActions: vault('keys/read', 'keys/wrap/action', 'keys/unwrap/action'),
  },
  'Key Vault Crypto Service Release User': {
    id: '08bbd89e-9f13-488c-ac41-acfcb10c90ab',
    description: 'Release keys.',
    dataActions: vault('keys/release/action'),
  },
  'Key Vault Reader': {
    id: '21090545-7ca7-4776-b22c-e363652d74d2',
    description: 'Read metadata of key vaults and its certificates, keys, and secrets.',
    actions: vaultReading,
    dataActions: vault('*/read', 'secrets/readMetadata/action'),
  },
  'Key Vault Secrets Officer': {
    id: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7',
    description: 'Perform any action on the secrets of a key vault, except manage permissions.',
    actions: vaultAdministration,
    dataActions: vault('secrets/*'),
  },
  'Key Vault Secrets User': {
    id: '4633458b-17de-408a-b874-0445c86b69e6',
    description: 'Read secret contents.',
    dataActions: vault('secrets/getSecret/action', 'secrets/readMetadata/action'),
  },
  'Key Vault Certificates Officer': {
    id: 'a4417e6f-fecd-4de8-b567-7b0420556985',
    description: 'Perform any action on the certificates of a key vault, except manage permissions.',
    actions: vaultAdministration,
    dataActions: vault('certificatecas/*', 'certificates/*', 'certificatecontacts/write'),
  },
  'Key Vault Certificate User': {
    id: 'db79e9a7-68ee-4b58-9aeb-b90e7c24fcba',
    description: 'Read certificate contents.',
    dataActions: vault('certificates/read', 'secrets/getSecret/action', 'secrets/readMetadata/action', 'keys/read'),
  },
  'Key Vault Contributor': {
    id: 'f25e0fa2-a7c8-4377-a976-54943a77a395',
    description: 'Lets you manage key vaults, but not access to them.',
    actions: ['Microsoft.Authorization/*/read', 'Microsoft.KeyVault/*', ...vaultAdministration.slice(-2)],
    notActions: [
      'Microsoft.KeyVault/locations/deletedVaults/purge/action',
      'Microsoft.KeyVault/hsmPools/*',
      'Microsoft.KeyVault/managedHsms/*',
    ],
  },
  'Key Vault Purge Operator': {
    id: 'a68e7c17-0ab2-4c09-9a58-125dae29748c',
    description: 'Allows permanent deletion of soft-deleted vaults.',
    actions: [
      'Microsoft.KeyVault/locations/deletedVaults/read',
      'Microsoft.KeyVault/locations/deletedVaults/purge/action',
      'Microsoft.KeyVault/locations/operationResults/read',
    ],
  },
};

export const roleDefinitions: readonly RoleDefinition[] = Object.entries(builtInRoles).map(([roleName, row]) => {
  const roleDefinitionId = parseGuid(row.id);
  invariant(roleDefinitionId !== undefined, 'a role definition is named by a GUID');
  return {
    roleDefinitionId,
    roleName,
    description: row.description,
    actions: row.actions ?? [],
    notActions: row.notActions ?? [],
    dataActions: row.dataActions ?? [],
    notDataActions: [],
  };
});

const definitionById = new Map(roleDefinitions.map((definition) => [definition.roleDefinitionId, definition]));

export const findRoleDefinition = (id: Guid): RoleDefinition | undefined => definitionById.get(id);

const definitionByName = new Map(roleDefinitions.map((definition) => [definition.roleName.toLowerCase(), definition]));

/** Without regard to case. */
export const builtInRoleNamed = (roleName: string): RoleDefinition | undefined =>
  definitionByName.get(roleName.toLowerCase());

/** For code that names a built-in role. */
export function builtInRole(roleName: string): RoleDefinition {
  const found = builtInRoleNamed(roleName);
  invariant(found !== undefined, `${roleName} is a built-in role`);
  return found;
}
