import { dirname, join } from 'node:path';
import { AuditLog } from '../audit/audit-log.ts';
import { createArmAudit } from '../arm/arm-audit.ts';
import { createArmPlane } from '../arm/plane.ts';
import { idleMs } from '../clock/host-time.ts';
import { createClusterContents } from '../cluster/supervisor/cluster-contents.ts';
import { createHibernation } from '../cluster/supervisor/hibernation.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { ServedCluster } from '../cluster/supervisor/served-clusters.ts';
import { createKustoPlane } from '../cluster/supervisor/plane/kusto-plane.ts';
import type { Guid } from '../base/guid.ts';
import { soon } from '../base/soon.ts';
import { createEntraPlane } from '../identity/entra/plane.ts';
import { createGraphPlane } from '../identity/graph/plane.ts';
import type { Plane } from '../http/plane.ts';
import { blobsAt } from '../storage/places/blob-place.ts';
import type { BlobSnapshots } from '../storage/placed-blobs.ts';
import { RsaThreads } from '../vault/rsa/rsa-threads.ts';
import { createVaultPlane } from '../vault/plane/plane.ts';
import type { VaultPlane } from '../vault/plane/plane.ts';
import { auditRoutes } from './audit-routes.ts';
import { startAuditUpkeep } from './audit-upkeep.ts';
import { createBackups } from './backup-routes.ts';
import type { Clocks } from './clocks.ts';
import { checkKeys } from './check-keys.ts';
import { createClusterInventory } from './cluster-inventory.ts';
import { trustOfIdentity } from '../providers/managed-identity/federated-credentials.ts';
import type { ScriptRun } from '../providers/kusto/ports.ts';
import { createControlPlane } from './control-plane.ts';
import type { CheckedKey } from './control-plane.ts';
import type { InstanceEnvironment } from './instance-environment.ts';
import { placeOf } from './blobs-owner.ts';
import { snapshotDirectoryName } from './data-directory-names.ts';
import type { Faults } from './faults.ts';
import { createIdentityEndpoints } from '../identity/managed/identity-endpoints.ts';
import { identityEndpointRoutes } from './identity-endpoint-routes.ts';
import { createOwnPrincipals } from './own-principals.ts';
import { inventoryRoutes } from './inventory-routes.ts';
import { openOutsideVaults } from './open-outside-vaults.ts';
import { openPortal } from './portal.ts';
import { proofRoutes } from './proof-routes.ts';
import { createProviders } from './providers.ts';
import { createContentReader } from './content-reader.ts';
import type { ServerParts } from './server-parts.ts';
import { trustChanges } from './trust-changes.ts';
import { startDiagnostics } from './diagnostics.ts';
import { describeEnvironment } from './describe-environment.ts';
import { serviceVaultName, serviceVaultSettings } from './service-vault.ts';
import { listSeededPrincipals, seededPrincipalRoutes } from './seeded-principals.ts';
import { queueRoutes } from './queue-routes.ts';
import type { TakeMetrics } from './metrics-routes.ts';
import { metricsOf, metricsRoutes } from './metrics-routes.ts';
import { drillRoutes } from './drill-routes.ts';
import { createDrillRuns } from './drill-runs.ts';
import { trafficRoutes } from './traffic-routes.ts';
import { snapshotRoutes } from './snapshot-routes.ts';
import type { Snapshots } from './snapshots.ts';
import { createSnapshots } from './snapshots.ts';
import { defaultClusterIdleMs, defaultStopGraceMs, deletionsTakeMs } from './settings.ts';
import { upgradeRoutes } from './upgrade-routes.ts';
import { upkeepRoutes } from './upkeep-routes.ts';
import { controlRows } from './control-rows.ts';
import { createDiskScan } from './disk-scan.ts';
import { rewrapRoutes } from './rewrap-routes.ts';
import { runScript } from './run-script.ts';
import { listedVaults } from './vault-inventory.ts';
import { productVersion } from './product-version.ts';
import { common, createKeys } from './plane-keys.ts';
import { version } from './version.ts';
import { createExportRecords } from '../cluster/supervisor/export-records.ts';
import { findOutwardHost } from '../http/outward-host.ts';
import { startSystemTimer } from '../http/timer.ts';
import { extentPagesFormat } from '../state/formats/state-formats.ts';
import { TemplateEvaluator } from '../templates/thread/template-evaluator.ts';

export interface Planes {
  readonly all: readonly Plane[];
  /** Has a port of its own. */
  readonly kustoOnLocalhost: Plane;
  /** Of programs that act as a managed identity. */
  readonly managedIdentity: Plane;
  readonly environment: () => Promise<InstanceEnvironment>;
  /** The seed is made. @param variables what programs are told of it */
  readonly tellSeeded: (variables: Readonly<Record<string, string>>) => void;
  readonly controls: Controls;
  readonly openReader: ReturnType<typeof createKustoPlane>['openReader'];
  readonly metrics: TakeMetrics;
  /** What runs by itself: key checks, retention, interrupted deletions. Call when the edge listens. */
  start(): Promise<void>;
  /** Says that it is not ready, and lets queries under way come to their end. The edge listens: they need their keys. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** What the control API and test programs can do with a server. */
export interface Controls {
  readonly clocks: Clocks;
  readonly faults: Faults;
  readonly checkKeys: () => Promise<readonly CheckedKey[]>;
  /** After purges are no longer held, or the clock was moved. */
  readonly clockMoved: () => Promise<void>;
  readonly snapshots: Snapshots;
}

/** Builds every plane over the parts of one data directory. */
export function createPlanes(parts: ServerParts): Planes {
  const outside = openOutsideVaults(parts);
  const rsaThreads = new RsaThreads(parts.settings.scripts.rsaThread);
  const { sealed, clocks, tellCommit: tell } = parts;
  const audit = new AuditLog(sealed, clocks.clock, { tell, computed: rsaThreads, idleMs });
  const armAudit = createArmAudit({ ...common(parts), audit, clock: parts.clocks.clock });
  const keys: SupervisedClusterKeys = createKeys(
    parts,
    outside,
    () => vault,
    (...call) => kusto.serveProcess(...call),
    (clusterId) => providers.clusterResourceId(clusterId),
  );
  const contents = createClusterContents({
    ...common(parts),
    ...{ keys, clock: parts.clocks.clock, ...placeOf(parts.settings) },
    destructionHeld: () => parts.clocks.destructionHeld(),
    packsExtents: () => parts.format.written >= extentPagesFormat,
  });
  const openable = {
    ...contents,
    open: async (cluster: ServedCluster) => {
      if ((await kusto.processServing(cluster)) !== undefined)
        await contents.upkeepOf(cluster.clusterId, cluster.databases);
    },
    runScript: (cluster: ServedCluster, run: ScriptRun) =>
      runScript(
        { keys, clock: parts.clocks.clock, processServing: (served) => kusto.processServing(served) },
        cluster,
        run,
      ),
  };
  const { allowedHosts, scripts } = parts.settings;
  const templates = new TemplateEvaluator({ script: scripts.templateThread, after: startSystemTimer });
  const providers = createProviders(
    ...([
      { ...parts, audit, armAudit, templates, readContent: createContentReader({ allowedHosts }) },
      keys,
      openable,
      outside,
    ] as const),
    {
      purgeVaultContents: (vaultId) => vault.purgeVaultContents(vaultId),
      manageVault: (call) => vault.manage(call),
    },
    (error) => parts.log.failure('deployment-stopped', error),
  );
  const identityEndpoints = createIdentityEndpoints({
    ...{ mintToken: parts.identity.mintToken, randomBytes: parts.randomBytes, log: parts.log },
    wallClock: () => parts.clocks.wallClock.now(),
  });
  const vault: VaultPlane = createVaultPlane({
    ...{ ...common(parts), audit },
    clock: parts.clocks.clock,
    directory: {
      find: (name) => (name === serviceVaultName ? serviceVaultSettings(parts.instance) : providers.vaults.find(name)),
    },
    verifyToken: parts.identity.verifyToken,
    allowedByRole: (caller, dataAction, resourceId) =>
      soon(parts.authorizer.decide(caller, 'dataAction', dataAction, resourceId), (decision) =>
        decision.allowed ? { allowed: true, assignmentId: decision.assignment.assignmentId } : { allowed: false },
      ),
    isOurOwn: createOwnPrincipals({ state: parts.state, principals: parts.identity.principals }, (objectId) =>
      identityEndpoints.wasGivenAway(objectId),
    ),
    fault: (name, operation) => (name === serviceVaultName ? undefined : parts.faults.ofVault(name, operation)),
    purgesHeld: () => parts.clocks.destructionHeld(),
    limits: { areOn: () => parts.faults.vaultLimits(), monotonic: parts.clocks.monotonic },
    deletionsTake: { milliseconds: deletionsTakeMs, monotonic: parts.clocks.monotonic },
    ...{ compact: parts.compact, keyPool: parts.keyPool, rsaThreads },
  });
  const arm = createArmPlane({
    ...common(parts),
    providers: providers.all,
    verifyToken: parts.identity.verifyToken,
    authorizer: parts.authorizer,
    audit: armAudit,
    tenantId: parts.instance.tenantId,
    wallClock: () => parts.clocks.wallClock.now(),
  });
  const entra = createEntraPlane({
    ...common(parts),
    ...parts.identity,
    findUnmetPolicy: parts.faults.unmetPolicy,
    issuerKeys: identityEndpoints.issuerKeys(parts.identity.issuerKeys),
    trustOfIdentity: async (resourceId) => [
      ...(await trustOfIdentity(parts.state, resourceId)),
      ...identityEndpoints.trustOf(resourceId),
    ],
    identityProved: (objectId) => identityEndpoints.giveAway(objectId),
    wallClock: () => parts.clocks.wallClock.now(),
  });
  const graph = createGraphPlane({
    ...{ ...common(parts), ...parts.identity },
    wallClock: () => parts.clocks.wallClock.now(),
  });
  let seeded: Readonly<Record<string, string>> | undefined;
  const environment = async (): Promise<InstanceEnvironment> => ({
    ...(await describeEnvironment(parts, () => providers.names())),
    ...(seeded === undefined ? {} : { seeded }),
    seededPrincipals: await listSeededPrincipals(parts.state),
  });
  let ready = false;
  const watches: (() => void)[] = [];
  /** Their processes end when it is written that they are held. */
  const holdFollowers = async (leaderId?: Guid): Promise<void> => {
    try {
      const held = await providers.holdFollowers(leaderId);
      for (const { clusterId, reason } of held) void keys.processOf(clusterId)?.end({ kind: 'suspended', reason });
    } catch (error) {
      parts.log.failure('followers-not-held', error);
    }
  };
  const clockMoved = async (): Promise<void> => {
    await providers.purgeDue();
    await vault.startRetention();
    await keys.checkAll();
  };
  const controls: Controls = {
    clocks: parts.clocks,
    faults: parts.faults,
    checkKeys: () => checkKeys(keys, inventory),
    clockMoved,
    snapshots: createSnapshots({ ...parts, keys, clockMoved, blobs: blobSnapshots(parts) }),
  };
  const kusto = createKustoPlane({
    ...common(parts),
    ...{ keys, clusters: providers.clusters, verifyToken: parts.identity.verifyToken },
    ...{ findCaller: parts.identity.findCaller, mintToken: parts.identity.mintToken },
    mintOnBehalf: parts.identity.mintOnBehalf,
    changeOverrides: (at, change) => providers.changeOverrides(at, change),
    changeRoles: (clusterId, request, change) => providers.changeRoles(clusterId, request, change),
    ...{ clock: parts.clocks.clock, authority: parts.authority },
    ...{ parserScript: parts.settings.scripts.kqlProcess, parserSnapshots: parts.settings.scripts.startUpFiles },
    ...{ geoipDatabase: parts.settings.geoipDatabase, memoryDirectory: parts.settings.memoryDirectory },
    storageAccounts: parts.settings.storageAccounts ?? [],
    exports: createExportRecords({
      ...{ state: parts.state, audit, keys, clusters: providers.clusters, clock: parts.clocks.clock },
      resourceId: (clusterId) => providers.clusterResourceId(clusterId),
    }),
    outwardHost: (host, port) => findOutwardHost({ allowedHosts, refusedHosts: parts.refusedHosts }, host, port),
    ...(parts.settings.localhostCluster === undefined ? {} : { localhostCluster: parts.settings.localhostCluster }),
    version: productVersion(parts.settings.scripts.kqlProcess),
  });
  const inventory = createClusterInventory({
    state: parts.state,
    clock: parts.clocks.clock,
    clusters: providers.clusters,
    isOutside: (host) => outside.resolve(host) !== undefined,
    resourceId: (clusterId) => providers.clusterResourceId(clusterId),
    processServing: (cluster) => kusto.processServing(cluster),
  });
  const hibernation = createHibernation({
    ...{ state: parts.state, log: parts.log, keys, contents, clusters: providers.clusters },
    processServing: (cluster) => kusto.processServing(cluster),
    clock: parts.clocks.clock,
    monotonic: parts.clocks.monotonic,
    idleMs: parts.settings.clusterIdleMs ?? defaultClusterIdleMs,
  });
  const portal = openPortal(parts, environment);
  const drills = createDrillRuns(join(dirname(parts.settings.scripts.kqlProcess), 'main.cjs'), parts.clocks.monotonic);
  const metrics = metricsOf(parts, providers.clusters, (id) => keys.processOf(id) !== undefined);
  const backups = createBackups(parts, audit);
  const control = createControlPlane({
    ...controls,
    ...{ admits: portal.admits, rows: controlRows },
    ...{ token: parts.controlToken, version, log: parts.log, environment, checkState: parts.checkState },
    ...{ refusedHosts: parts.refusedHosts, stateShown: parts.stateShown, ports: parts.ports },
    blobs: parts.blobs,
    serves: () => ready && (seeded !== undefined || parts.settings.seeds !== true),
    routes: [
      seededPrincipalRoutes(parts.state),
      identityEndpointRoutes(identityEndpoints, parts.identity.principals, parts.instance.tenantId),
      auditRoutes(parts.state, audit),
      trafficRoutes(parts.recentRequests),
      metricsRoutes(metrics),
      drillRoutes(drills),
      snapshotRoutes(controls.snapshots),
      queueRoutes({ clusters: providers.clusters, processServing: (cluster) => kusto.processServing(cluster) }),
      proofRoutes(parts.state, parts.randomBytes, createDiskScan(parts.settings)),
      ...[backups.routes, parts.rootKeyRotation.routes({ ...parts, backups, audit })],
      rewrapRoutes({ keys, audit, instance: parts.instance, clock: parts.clocks.clock }),
      inventoryRoutes(inventory, () => listedVaults(parts), parts),
      upgradeRoutes(parts),
      upkeepRoutes(contents, parts.settings.memoryDirectory),
      portal.routes,
    ],
  });
  return {
    kustoOnLocalhost: kusto.localPlane,
    all: [entra, graph, arm, vault.plane, kusto.plane, portal.beside(control)],
    managedIdentity: identityEndpoints.plane,
    environment,
    tellSeeded: (variables) => {
      seeded = variables;
    },
    ...{ controls, metrics, openReader: (host, port) => kusto.openReader(host, port) },
    async start() {
      watches.push(
        parts.onCommit(async (write) => {
          try {
            await keys.checkConcerned(trustChanges(write));
          } catch (error) {
            parts.log.failure('key-checks-failed', error);
          }
        }),
      );
      await vault.startRetention();
      await providers.resume();
      watches.push(keys.onChange((clusterId) => void holdFollowers(clusterId)));
      await holdFollowers();
      keys.start();
      contents.start();
      watches.push(await startAuditUpkeep(parts, audit));
      watches.push(
        startDiagnostics({
          ...parts,
          clusters: providers.clusters,
          processServing: (cluster) => kusto.processServing(cluster),
          processOf: (clusterId) => keys.processOf(clusterId),
        }),
      );
      hibernation.start();
      watches.push(
        parts.clocks.onStep(() => {
          keys.checkAll().catch((error: unknown) => parts.log.failure('key-checks-failed', error));
        }),
      );
      ready = true;
    },
    async drain() {
      ready = false;
      const cutOff = await keys.drain(parts.settings.stopGraceMs ?? defaultStopGraceMs);
      if (cutOff > 0) parts.log.warning('queries-cut-off', { clusters: cutOff });
    },
    async close() {
      ready = false;
      await backups.close();
      await drills.close();
      for (const stop of watches.splice(0)) stop();
      contents.close();
      hibernation.close();
      templates.close();
      await keys.close();
      await vault.close();
    },
  };
}

const blobSnapshots = (parts: ServerParts): BlobSnapshots | undefined =>
  blobsAt(placeOf(parts.settings).blobs).snapshotsIn?.(join(parts.settings.dataDirectory, snapshotDirectoryName));
