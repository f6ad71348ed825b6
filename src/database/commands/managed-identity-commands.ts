import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import { dataError } from '../catalog/data-error.ts';
import type { ClusterIdentity, ManagedIdentityPolicy } from '../catalog/managed-identity.ts';
import { everyUsage, identityPoliciesOf, identityUsages, usagesOf } from '../catalog/managed-identity.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { oneDatabase } from './database-commands.ts';
import { policyText } from './policy-json.ts';

type Policies = readonly ManagedIdentityPolicy[];

const columns = 'PolicyName: string, EntityName: string, Policy: string, ChildEntities: string, EntityType: string';
const invalid = (text: string): Error => dataError('InvalidPolicy', text);
const isMerge = (command: Command): boolean => command.kind.startsWith('AlterMerge');

const clusterRow = (policies: Policies | undefined): Row => [
  ...['ManagedIdentityPolicy', '', policyText(policies), '', 'Cluster'],
];
const databaseRow = (name: string, policies: Policies | undefined): Row => [
  ...['ManagedIdentityPolicy', `[${name}]`, policyText(policies), '', 'Database'],
];

const ofCluster = ({ data }: CommandContext): Policies | undefined => {
  const settings = data.clusterSettings();
  return settings.policies['managed_identity'] === undefined ? undefined : identityPoliciesOf(settings);
};

interface SentPolicy {
  /** An object id in lower case, or `system`. */
  readonly objectId: string;
  readonly usages: readonly string[];
}

const policiesMax = 100;
/** What commands show beside what is set: sent back it says nothing. */
const shownMembers = ['ClientId', 'TenantId', 'DisplayName', 'IsSystem'];

/** @throws DataError `InvalidPolicy` */
function readSent(command: Command): readonly SentPolicy[] {
  const text = command.optional('ManagedIdentityPolicy') ?? command.required('Policy');
  let value: Json;
  try {
    value = parseAnyJson(text);
  } catch {
    throw invalid('The policy is not JSON.');
  }
  if (!Array.isArray(value) || value.length > policiesMax || !value.every((one) => isJsonObject(one)))
    throw invalid(`The policy is not an array of at most ${policiesMax} objects.`);
  const sent = (value as readonly JsonObject[]).map(readOne);
  if (new Set(sent.map(({ objectId }) => objectId)).size !== sent.length)
    throw invalid('The policy names a managed identity twice.');
  return sent;
}

function readOne(policy: JsonObject): SentPolicy {
  const unknown = Object.keys(policy).find(
    (name) => name !== 'ObjectId' && name !== 'AllowedUsages' && !shownMembers.includes(name),
  );
  if (unknown !== undefined) throw invalid(`A managed identity policy has no property '${unknown.slice(0, 100)}'.`);
  const { ObjectId, AllowedUsages } = policy;
  if (typeof ObjectId !== 'string' || typeof AllowedUsages !== 'string')
    throw invalid('A managed identity policy has an ObjectId and AllowedUsages.');
  return { objectId: ObjectId.trim().toLowerCase(), usages: AllowedUsages.split(',').map(usageNamed) };
}

function usageNamed(text: string): string {
  const lower = text.trim().toLowerCase();
  const found = [everyUsage, ...identityUsages].find((usage) => usage.toLowerCase() === lower);
  if (found === undefined) throw invalid(`'${text.trim().slice(0, 100)}' is no usage of a managed identity.`);
  return found;
}

const shown = (identity: ClusterIdentity, usages: readonly string[]): ManagedIdentityPolicy => ({
  ObjectId: identity.objectId,
  ClientId: identity.clientId,
  TenantId: identity.tenantId,
  DisplayName: identity.displayName,
  IsSystem: identity.isSystem,
  AllowedUsages: [...new Set(usages)].join(', '),
});

/** @throws DataError `InvalidPolicy` for an identity that is not the cluster's */
async function readPolicies(
  command: Command,
  context: CommandContext,
): Promise<(held: Policies | undefined) => Policies> {
  const sent = readSent(command);
  const identities = (await context.identities?.()) ?? [];
  const named = sent.map(({ objectId, usages }) => {
    const identity = identities.find((one) => (objectId === 'system' ? one.isSystem : one.objectId === objectId));
    if (identity === undefined)
      throw invalid(`The managed identity '${objectId.slice(0, 100)}' is not assigned to the cluster.`);
    return { identity, usages };
  });
  if (!isMerge(command)) return () => named.map(({ identity, usages }) => shown(identity, usages));
  return (held = []) => {
    const others = held.filter(({ ObjectId }) => !named.some(({ identity }) => identity.objectId === ObjectId));
    const merged = named.map(({ identity, usages }) => {
      const before = held.find(({ ObjectId }) => ObjectId === identity.objectId);
      return shown(identity, [...(before === undefined ? [] : usagesOf(before)), ...usages]);
    });
    return [...others, ...merged];
  };
}

const value = `'[{"ObjectId": "system", "AllowedUsages": "NativeIngestion, ExternalTable"}]'`;

const onCluster: readonly CommandRow[] = [
  {
    kinds: { ShowClusterPolicyManagedIdentity: '.show cluster policy managed_identity' },
    permission: 'clusterMonitor',
    columns,
    run: (_command, context) => [clusterRow(ofCluster(context))],
  },
  {
    kinds: {
      AlterClusterPolicyManagedIdentity: `.alter cluster policy managed_identity ${value}`,
      AlterMergeClusterPolicyManagedIdentity: `.alter-merge cluster policy managed_identity ${value}`,
    },
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const change = await readPolicies(command, context);
      await context.data.changeClusterSettings((held) => {
        const next = change(identityPoliciesOf(held)).map((one): Json => ({ ...one }));
        return { ...held, policies: { ...held.policies, managed_identity: next } };
      });
      return [clusterRow(ofCluster(context))];
    },
  },
  {
    kinds: { DeleteClusterPolicyManagedIdentity: '.delete cluster policy managed_identity' },
    permission: 'clusterAdmin',
    columns,
    run: async (_command, context) => {
      await context.data.changeClusterSettings(({ policies, ...held }) => ({
        ...held,
        policies: Object.fromEntries(Object.entries(policies).filter(([name]) => name !== 'managed_identity')),
      }));
      return [clusterRow(undefined)];
    },
  },
];

const onDatabase: readonly CommandRow[] = [
  {
    kinds: { ShowDatabasePolicyManagedIdentity: '.show database D policy managed_identity' },
    permission: 'metadata',
    columns,
    run: (command, context) => {
      const { name, policies } = oneDatabase(command, context);
      return [databaseRow(name, policies.managed_identity)];
    },
  },
  {
    kinds: {
      AlterDatabasePolicyManagedIdentity: `.alter database D policy managed_identity ${value}`,
      AlterMergeDatabasePolicyManagedIdentity: `.alter-merge database D policy managed_identity ${value}`,
    },
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const { name, policies } = oneDatabase(command, context);
      const next = (await readPolicies(command, context))(policies.managed_identity);
      await context.data.setPolicy(name, undefined, 'managed_identity', next);
      return [databaseRow(name, next)];
    },
  },
  {
    kinds: { DeleteDatabasePolicyManagedIdentity: '.delete database D policy managed_identity' },
    permission: 'clusterAdmin',
    columns,
    run: async (command, context) => {
      const { name } = oneDatabase(command, context);
      await context.data.setPolicy(name, undefined, 'managed_identity', null);
      return [databaseRow(name, undefined)];
    },
  },
];

/** @see Kusto "Managed identity policy" and the pages of these commands */
export const managedIdentityCommands: readonly CommandRow[] = [...onCluster, ...onDatabase];
