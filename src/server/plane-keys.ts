import { clusterCatalogTable } from '../cluster/process/remote-catalog-store.ts';
import type { OutsideVaults } from '../cluster/supervisor/outside-vaults/outside-vaults.ts';
import { createClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { SupervisedClusterKeys } from '../cluster/supervisor/cluster-keys.ts';
import type { ClusterKeysOptions } from '../cluster/supervisor/ports.ts';
import type { VaultPlane } from '../vault/plane/plane.ts';
import { placeOf } from './blobs-owner.ts';
import type { ServerParts } from './server-parts.ts';
import { createServiceVault } from './service-vault.ts';

/** What most parts of a server are made of. */
export const common = ({ state, log, randomBytes }: ServerParts) => ({ state, log, randomBytes });

/** Keys of clusters, and the processes that hold them. */
export function createKeys(
  parts: ServerParts,
  outside: OutsideVaults,
  vault: () => VaultPlane,
  serveDataPlane: NonNullable<ClusterKeysOptions['serveDataPlane']>,
  resourceIdOf: NonNullable<ClusterKeysOptions['resourceIdOf']>,
): SupervisedClusterKeys {
  const { settings, clocks, identity, instance } = parts;
  const edge = {
    address: settings.listen.host,
    get port(): number {
      return parts.ports().port;
    },
    ca: parts.certificatePem,
  };
  return createClusterKeys({
    ...{ ...common(parts), resourceIdOf },
    clock: clocks.clock,
    monotonic: clocks.monotonic,
    mintToken: identity.mintToken,
    resolveHost: async (host) =>
      outside.resolve(host) ?? { where: (await vault().plane.claim(host)) === 'serve' ? 'ours' : 'absent' },
    edge,
    serviceVault: createServiceVault({
      instance,
      mintToken: identity.mintToken,
      edge,
      timeoutMs: settings.keys.vaultTimeoutMs,
    }),
    ...{ settings: settings.keys, extraRoots: settings.scripts.extraRoots },
    nodeLeaseMs: () => parts.nodeLease.remainingMs(),
    ...{ processScript: settings.scripts.clusterProcess, startUpFiles: settings.scripts.startUpFiles },
    ...(parts.spareProcess === undefined ? {} : { spareProcess: parts.spareProcess }),
    clusterTables: [clusterCatalogTable.name],
    ...placeOf(settings),
    ...{ serveDataPlane, compact: parts.compact, cacheUsed: parts.cacheMetrics.add },
  });
}
