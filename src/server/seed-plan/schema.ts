import { Type } from '@sinclair/typebox';
import type { Static, TSchema } from '@sinclair/typebox';
import { findLocation } from '../../arm/locations.ts';
import { roleDefinitions } from '../../authz/role-definitions.ts';
import { clusterRoles, databaseRoles } from '../../authz/kusto-roles.ts';
import { skuRows } from '../../providers/kusto/skus.ts';

/** Members and list indexes that lead from the top to a value. */
export type PlanPath = readonly (string | number)[];

/** What a value of `kustody.yaml` means, may be and is when missing: for messages and for the reference page. */
export interface MemberNotes {
  readonly means: string;
  /** What the value must be, for messages: `a whole number, 7 to 90`. */
  readonly expected: string;
  /** What counts when it is missing. */
  readonly preset?: string;
  /** Takes what the shape of a text cannot say. */
  readonly isOne?: (text: string) => boolean;
  /** All texts that it can be, for what is near a wrong one. */
  readonly choices?: readonly string[];
}

type Noted<T extends TSchema> = T & MemberNotes;

const noted = <T extends TSchema>(shape: T, notes: MemberNotes): Noted<T> => ({ ...shape, ...notes });

const section = <T extends Record<string, TSchema>>(members: T) =>
  Type.Object(members, { additionalProperties: false });

/** @param what one of them is, for messages */
const listOf = <T extends TSchema>(item: T, means: string, expected: string) =>
  noted(Type.Array(item, { maxItems: entriesMax }), { means, expected });

const text = (means: string, expected = 'a text', more: Partial<MemberNotes> = {}) =>
  noted(Type.String({ minLength: 1, maxLength: 260 }), { means, expected, ...more });

const flag = (means: string, preset: boolean) =>
  noted(Type.Boolean(), { means, expected: 'true or false', preset: String(preset) });

const oneOf = (means: string, choices: readonly string[], expected: string, preset?: string) =>
  noted(Type.String({ minLength: 1, maxLength: 260 }), {
    ...{ means, expected, choices },
    isOne: (value) => choices.includes(value),
    ...(preset === undefined ? {} : { preset }),
  });

const whole = (means: string, minimum: number, maximum: number, preset: string) =>
  noted(Type.Integer({ minimum, maximum }), { means, expected: `a whole number, ${minimum} to ${maximum}`, preset });

/** Entries of one list. */
export const entriesMax = 200;

export const presets = {
  resourceGroup: 'kustody',
  location: 'eastus',
  sku: 'Standard_E8ads_v5',
  keySize: 2048,
} as const;

const location = Type.Optional(
  text('region, in either form: `eastus`, `East US`', 'a region of Azure', {
    preset: '`location` of the file',
    isOne: (value) => findLocation(value) !== undefined,
  }),
);

const user = section({
  name: text('its user principal name is `NAME@` and the domain of the tenant'),
  displayName: Type.Optional(text('as shown', 'a text', { preset: 'the name' })),
  passwordFrom: Type.Optional(
    text(
      'name of an environment variable with its password; without it one is made, which `run` and `env` tell',
      'a name of letters, digits and _',
      {
        isOne: (value) => /^[A-Za-z_][A-Za-z0-9_]*$/.test(value),
      },
    ),
  ),
});

const servicePrincipal = section({
  name: text(
    'name of an application with its service principal; its secret is made by Entra ID, and `run` and `env` tell it',
  ),
});

const group = section({
  name: text('name of a security group'),
  members: Type.Optional(
    listOf(text('a principal of this file'), 'its members, by name', 'a list of names of principals'),
  ),
});

const managedIdentity = section({ name: text('name of a user-assigned managed identity'), location });

const accessPolicy = section({
  principal: text('who: see Who', 'the name of a principal'),
  keys: listOf(
    text('a permission'),
    'permissions for keys, such as `get`, `wrapKey`, `unwrapKey`',
    'a list of permissions',
  ),
});

const key = section({
  name: text('name of the key'),
  kty: Type.Optional(text('type, as Key Vault has it', 'a type of keys', { preset: 'RSA' })),
  keySize: Type.Optional(
    noted(Type.Integer(), {
      means: 'bits: 2048, 3072 or 4096',
      expected: 'a whole number',
      preset: String(presets.keySize),
    }),
  ),
  enabled: Type.Optional(flag('whether it can be used', true)),
  expires: Type.Optional(
    text('when it expires', 'a time such as 2030-01-31T00:00:00Z', {
      isOne: (value) => /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?Z)?$/.test(value) && !Number.isNaN(Date.parse(value)),
      preset: 'never',
    }),
  ),
});

const vault = section({
  name: text('name of the vault, unique in the world'),
  location,
  sku: Type.Optional(oneOf('tier', ['standard', 'premium'], 'standard or premium', 'standard')),
  softDeleteRetentionInDays: Type.Optional(whole('how long what is deleted can be recovered', 7, 90, '90')),
  enablePurgeProtection: Type.Optional(
    flag('whether what is deleted stays until then; a vault with a key of a cluster needs it', false),
  ),
  enableRbacAuthorization: Type.Optional(
    flag('role assignments decide who may use its keys (`roles`); `false`: access policies', true),
  ),
  accessPolicies: Type.Optional(listOf(accessPolicy, 'who may do what without role assignments', 'a list of policies')),
  keys: Type.Optional(listOf(key, 'its keys', 'a list of keys')),
});

const database = section({
  name: text('name of the database'),
  softDeletePeriod: Type.Optional(text('retention', 'a duration such as P365D', { preset: 'none' })),
  hotCachePeriod: Type.Optional(text('hot cache', 'a duration such as P31D', { preset: 'none' })),
});

const clusterKey = section({
  vault: text('name of a vault of this file', 'the name of a vault'),
  name: text('name of a key of that vault', 'the name of a key'),
  followLatest: Type.Optional(
    flag('each new version is taken by itself; `false`: the version that is there now', true),
  ),
  managedIdentity: Type.Optional(
    text('the one of its `managedIdentities` that uses the key', 'the name of a managed identity', {
      preset: 'its system-assigned identity',
    }),
  ),
});

const cluster = section({
  name: text('name of the cluster, unique in its region'),
  location,
  sku: Type.Optional(
    oneOf(
      'size of one machine',
      skuRows.map(({ name }) => name),
      'a size of clusters',
      presets.sku,
    ),
  ),
  capacity: Type.Optional(whole('number of machines', 1, 1000, 'the least that the size takes')),
  systemAssignedIdentity: Type.Optional(flag('whether it has an identity of its own', true)),
  managedIdentities: Type.Optional(
    listOf(
      text('a managed identity'),
      'user-assigned identities of this file that it has',
      'a list of names of managed identities',
    ),
  ),
  enableStreamingIngest: Type.Optional(flag('streaming ingestion, in its databases, too', true)),
  key: Type.Optional(
    noted(clusterKey, {
      means: 'the customer-managed key that it is put under, through its identity',
      expected: 'vault and name of a key',
      preset: 'a Microsoft-managed key',
    }),
  ),
  databases: Type.Optional(listOf(database, 'its databases', 'a list of databases')),
});

export const kustoRoleNames: readonly string[] = [...clusterRoles, ...databaseRoles];
export const isClusterRole = (role: string): boolean => clusterRoles.some((known) => known === role);
export const isKustoRole = (role: string): boolean => kustoRoleNames.includes(role);

const role = section({
  principal: text('who: see Who', 'the name of a principal'),
  role: oneOf(
    'a built-in role of Azure, or a role of a cluster or database in Data Explorer',
    [...roleDefinitions.map(({ roleName }) => roleName), ...kustoRoleNames],
    'the name of a role',
  ),
  scope: text('on what: see On what', 'a scope such as vaults/NAME'),
});

const principals = section({
  users: Type.Optional(listOf(user, 'who signs in with a password', 'a list of users')),
  servicePrincipals: Type.Optional(
    listOf(servicePrincipal, 'applications with a client secret', 'a list of service principals'),
  ),
  managedIdentities: Type.Optional(
    listOf(managedIdentity, 'user-assigned managed identities', 'a list of managed identities'),
  ),
  groups: Type.Optional(listOf(group, 'security groups', 'a list of groups')),
});

/** Everything that `kustody.yaml` can say. */
export const seedPlanSchema = section({
  resourceGroup: Type.Optional(text('the resource group of everything', 'a name', { preset: presets.resourceGroup })),
  location: Type.Optional(
    text('the region of what names none', 'a region of Azure', {
      preset: presets.location,
      isOne: (value) => findLocation(value) !== undefined,
    }),
  ),
  principals: Type.Optional(noted(principals, { means: 'who there is', expected: 'lists of principals by kind' })),
  vaults: Type.Optional(listOf(vault, 'key vaults', 'a list of vaults')),
  clusters: Type.Optional(listOf(cluster, 'clusters', 'a list of clusters')),
  roles: Type.Optional(listOf(role, 'role assignments', 'a list of role assignments')),
});

export type SeedDocument = Static<typeof seedPlanSchema>;
export type VaultEntry = NonNullable<SeedDocument['vaults']>[number];
export type KeyEntry = NonNullable<VaultEntry['keys']>[number];
export type ClusterEntry = NonNullable<SeedDocument['clusters']>[number];
export type RoleEntry = NonNullable<SeedDocument['roles']>[number];
