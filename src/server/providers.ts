import type { ArmAudit } from '../arm/arm-audit.ts';
import type { AuditLog } from '../audit/audit-log.ts';
import { createArmCalls } from '../arm/arm-calls.ts';
import type { ArmProvider } from '../arm/arm-operation.ts';
import { pruneOperations } from '../arm/long-running.ts';
import type { ArmPipeline } from '../arm/pipeline.ts';
import { createArmPipeline } from '../arm/pipeline.ts';
import type { Guid } from '../base/guid.ts';
import { parseGuid } from '../base/guid.ts';
import type { FollowerChange } from '../authz/follower-overrides.ts';
import type { ClusterName, VaultName } from '../base/names.ts';
import { storageHosts } from '../database/queued/storage-accounts.ts';
import type { ClusterKeys } from '../encryption/cluster-keys.ts';
import { globalAdministrator } from '../identity/principals/directory-roles.ts';
import { createManagedIdentities } from '../identity/principals/managed-identities.ts';
import { createAuthorizationProvider } from '../providers/authorization/authorization-provider.ts';
import { findDatabase } from '../providers/kusto/find-database.ts';
import { createDeploymentSecrets } from '../providers/keyvault/deployment-secrets.ts';
import type { KeyVaultDependencies } from '../providers/keyvault/keyvault-dependencies.ts';
import { createInsightsProvider } from '../providers/insights/insights-provider.ts';
import { createKeyVaultProvider } from '../providers/keyvault/keyvault-provider.ts';
import { createVaultDirectory } from '../providers/keyvault/vault-directory.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import { clusterNames, clusterResources } from '../providers/kusto/cluster-record.ts';
import { createClusterAccess } from '../providers/kusto/cluster-access.ts';
import type {
  ClusterContents,
  KnownPrincipal,
  KustoPorts,
  PrincipalType,
  ScriptOutcome,
  ScriptRun,
} from '../providers/kusto/ports.ts';
import { changeOverrides } from '../providers/kusto/follower-overrides.ts';
import type { OverrideAddress } from '../providers/kusto/follower-overrides.ts';
import type { PrincipalChange } from '../authz/role-changes.ts';
import type { RoleOutcome, RoleRequest } from '../providers/kusto/command-roles.ts';
import { changeRoles } from '../providers/kusto/command-roles.ts';
import { holdFollowers } from '../providers/kusto/hold-followers.ts';
import type { HeldFollower } from '../providers/kusto/hold-followers.ts';
import type { ServerSettings } from './settings.ts';
import { createKustoProvider } from '../providers/kusto/provider.ts';
import { createManagedIdentityProvider } from '../providers/managed-identity/managed-identity-provider.ts';
import { findUserAssignedIdentity } from '../providers/managed-identity/user-assigned-identities.ts';
import type { DeploymentDependencies } from '../providers/resources/deployments/deployment-dependencies.ts';
import { newResultCache } from '../providers/resources/deployments/deployment-dependencies.ts';
import { resumeGroupDeletions } from '../providers/resources/group-deletion.ts';
import { createResourcesProvider } from '../providers/resources/resources-provider.ts';
import type { OutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import type { ServedCluster, ServedClusters } from '../cluster/supervisor/served-clusters.ts';
import type { VaultDirectory } from '../vault/vault-directory.ts';
import { createServedClusters } from './kusto-clusters.ts';
import type { NamedCluster } from './instance-environment.ts';
import { vaultHostOf } from './outside-names.ts';
import type { ServerParts } from './server-parts.ts';
import { listIntact, unlessDamaged } from '../state/list-all.ts';
import { serviceVaultName } from './service-vault.ts';

export interface Providers {
  readonly all: readonly ArmProvider[];
  readonly vaults: VaultDirectory;
  readonly clusters: ServedClusters;
  /** Finishes what a crash interrupted and starts what runs by itself. */
  resume(): Promise<void>;
  /** Purges what is over now: the clock has moved, or purges are no longer held. */
  purgeDue(): Promise<void>;
  /** Suspends the followers of a cluster that is suspended; absent: of every one. */
  holdFollowers(leaderId?: Guid): Promise<readonly HeldFollower[]>;
  /** @returns why what a follower has set was not changed; undefined: it was */
  changeOverrides(at: OverrideAddress, change: FollowerChange): Promise<string | undefined>;
  /** Changes a role by a command of the data plane. */
  changeRoles(
    clusterId: Guid,
    request: Omit<RoleRequest, 'clusterResourceId'>,
    change: PrincipalChange,
  ): Promise<RoleOutcome>;
  clusterResourceId(clusterId: Guid): Promise<string | undefined>;
  names(): Promise<{
    readonly vaults: readonly VaultName[];
    readonly clusters: readonly NamedCluster[];
  }>;
}

/** What the providers are made of. */
export type ProviderParts = Pick<
  ServerParts,
  'state' | 'randomBytes' | 'clocks' | 'identity' | 'instance' | 'authorizer' | 'faults'
> &
  Pick<DeploymentDependencies, 'readContent' | 'templates'> & {
    readonly audit: Pick<AuditLog, 'commit'>;
    readonly armAudit: ArmAudit;
    /** Which accounts of storage the user mapped. Absent: none. */
    readonly settings?: Pick<ServerSettings, 'storageAccounts'>;
  };

export interface OpenableContents extends ClusterContents {
  /** Has the data of a cluster opened that serves; what keeps it from that is not told. */
  readonly open: (cluster: ServedCluster) => Promise<void>;
  /** Has the engine of a cluster run a script. */
  readonly runScript: (cluster: ServedCluster, run: ScriptRun) => Promise<ScriptOutcome>;
}

/** What a database takes at rest: whoever asks first, before anybody needs its data, has it opened. */
async function databaseBytes(
  contents: OpenableContents,
  clusters: ServedClusters,
  { clusterId, databaseId }: { readonly clusterId: Guid; readonly databaseId: Guid },
): Promise<number | undefined> {
  const known = await contents.databaseBytes(clusterId, databaseId);
  if (known !== undefined) return known;
  const cluster = await clusters.byId(clusterId);
  if (cluster?.serves !== true) return undefined;
  await contents.open(cluster);
  return contents.databaseBytes(clusterId, databaseId);
}

/** All resource providers, each given what it needs of the others. */
export function createProviders(
  parts: ProviderParts,
  keys: ClusterKeys,
  contents: OpenableContents,
  outside: OutsideVaults,
  vaultContents: Pick<KeyVaultDependencies, 'purgeVaultContents' | 'manageVault'>,
  onError: (error: unknown) => void,
): Providers {
  const { state, randomBytes, clocks, identity, instance } = parts;
  const { clock } = clocks;
  const identities = createManagedIdentities(identity.principals, instance.tenantId);
  const keyVault = createKeyVaultProvider({
    ...{ state, clock, randomBytes, ...vaultContents },
    // A name outside is taken, as it is in Azure.
    isReservedName: (name) => name === serviceVaultName || outside.resolve(vaultHostOf(name)) !== undefined,
    purgesHeld: () => clocks.destructionHeld(),
  });
  const managedIdentity = createManagedIdentityProvider({
    ...{ state, clock, identities },
    authorizer: parts.authorizer,
  });
  const kustoPorts: KustoPorts = {
    ...{ state, clock, machineNow: clocks.machineNow, randomBytes, keys, identities },
    userAssignedIdentity: (resourceId) => findUserAssignedIdentity(state, resourceId),
    findPrincipal: principalFinder(parts),
    findTenant: async (idOrDomain) => (await identity.tenants.find(idOrDomain))?.tenantId,
    outsideAccount: (vault, principal) => outside.accountOf(vault, principal),
    isMappedAccount: (name) => parts.settings?.storageAccounts?.some((account) => account.name === name) === true,
    contents: {
      ...contents,
      databaseBytes: (clusterId, databaseId) => databaseBytes(contents, clusters, { clusterId, databaseId }),
    },
    runScript: async (run) => {
      const cluster = await clusters.byId(run.clusterId);
      return cluster === undefined ? { outcome: 'unavailable' } : contents.runScript(cluster, run);
    },
    faults: () => Promise.resolve(parts.faults.ofOperation()),
  };
  const clusters = createServedClusters(createClusterAccess(kustoPorts), instance.tenantId);
  const kusto = createKustoProvider(kustoPorts);
  const authorization = createAuthorizationProvider({
    ...{ state, clock, authorizer: parts.authorizer },
    principalType: async (objectId, tenantId) => {
      const found = await identity.directory.find(tenantId, objectId);
      return found && principalTypes[found.kind];
    },
    isGlobalAdministrator: async (objectId, tenantId) => {
      const found = await identity.directory.find(tenantId, objectId);
      return found?.kind === 'user' && found.object.directoryRoles.some((role) => role === globalAdministrator);
    },
  });
  const insights = createInsightsProvider({
    ...{ state, clock, randomBytes },
    moment: () => clocks.monotonic.moment(),
    findDatabase: (resourceId) => findDatabase(state, resourceId),
  });
  const others = [kusto, keyVault.provider, managedIdentity, authorization, insights];
  const resourcesDependencies = {
    ...{ state, clock, randomBytes },
    authorizer: parts.authorizer,
    mainSubscriptionId: instance.subscriptionIds[0],
    describeTenant: (tenantId: Guid) => identity.tenants.get(tenantId),
    providers: others,
    calls: createArmCalls(() => (pipeline ??= createArmPipeline({ ...parts, audit: parts.armAudit, providers: all }))),
    results: newResultCache(),
    ...{ readContent: parts.readContent, templates: parts.templates },
    readSecret: createDeploymentSecrets({
      state,
      authorizer: parts.authorizer,
      manageVault: vaultContents.manageVault,
    }),
    onError,
  };
  const resourceIdOf = async (clusterId: Guid): Promise<string | undefined> => {
    for (const { value } of await listIntact(state, clusterNames)) {
      const cluster = await state.get(clusterResources, value.resourceId.toLowerCase());
      if (cluster?.value.properties.clusterId === clusterId) return cluster.value.id;
    }
    return undefined;
  };
  let pipeline: ArmPipeline | undefined;
  const resources = createResourcesProvider(resourcesDependencies);
  const all = [resources, ...others];
  return {
    all,
    vaults: createVaultDirectory(state),
    clusters,
    async resume() {
      await resources.deployments.failInterrupted();
      await resumeGroupDeletions(resourcesDependencies);
      await keyVault.retention.start();
      await pruneOperations(state, clock.now());
    },
    purgeDue: () => keyVault.retention.start(),
    holdFollowers: (leaderId) => holdFollowers(kustoPorts, leaderId),
    changeOverrides: (at, change) => changeOverrides(kustoPorts, at, change),
    changeRoles: async (clusterId, request, change) => {
      const clusterResourceId = await resourceIdOf(clusterId);
      if (clusterResourceId === undefined)
        return { outcome: 'refused', message: 'The cluster does not exist any more.' };
      return changeRoles({ ...kustoPorts, audit: parts.audit }, { ...request, clusterResourceId }, change);
    },
    clusterResourceId: resourceIdOf,
    async names() {
      const vaults = await listIntact(state, vaultNames);
      const clusters = await listIntact(state, clusterNames);
      const named = clusters
        .filter(({ value }) => value.blockedUntil === undefined)
        .map(async ({ id, value }): Promise<NamedCluster> => {
          const found = await unlessDamaged(() => state.get(clusterResources, value.resourceId.toLowerCase()));
          const storage = found === undefined ? [] : storageHosts(found.value.properties.clusterId);
          return { name: id as ClusterName, region: value.region, storageHosts: storage };
        });
      return {
        vaults: vaults.filter(({ value }) => value.state === 'live').map(({ value }) => value.name),
        clusters: await Promise.all(named),
      };
    },
  };
}

const principalTypes = {
  user: 'User',
  group: 'Group',
  servicePrincipal: 'ServicePrincipal',
  application: undefined,
} as const;

/** Applications by application or object id, users by name or object id, groups by object id or the name that one alone has. */
function principalFinder({ identity }: ProviderParts): KustoPorts['findPrincipal'] {
  const { users, groups, principals } = identity.directory;
  const byId = { App: principals.store, User: users, Group: groups } as const;
  const byName = async (type: PrincipalType, text: string, tenantId: Guid) => {
    if (type === 'User') return users.findByName(tenantId, text);
    const id = parseGuid(text);
    if (type === 'App') return id && principals.findByAppId(tenantId, id);
    const named = (await groups.list(tenantId)).filter((group) => group.displayName === text);
    return named.length === 1 ? named[0] : undefined;
  };
  return async (type, text, tenantId): Promise<KnownPrincipal | undefined> => {
    const id = parseGuid(text);
    const found = (await byName(type, text, tenantId)) ?? (id && (await byId[type].get(id)));
    if (found?.tenantId !== tenantId) return undefined;
    const { objectId, displayName } = found;
    const tenant = await identity.tenants.get(tenantId);
    const known = { objectId, displayName, tenantId, tenantName: tenant?.displayName ?? '' };
    return 'appId' in found ? { ...known, appId: found.appId } : known;
  };
}
