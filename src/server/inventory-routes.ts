import type { FastifyInstance } from 'fastify';
import { Readable } from 'node:stream';
import { parseGuid } from '../base/guid.ts';
import type { ClusterInventory } from './cluster-inventory.ts';
import { ControlError } from './control-plane.ts';
import { encryptionDataHeader } from './encryption-data-header.ts';
import type { ExtentsParts } from './extents-of.ts';
import { extentsOf } from './extents-of.ts';
import type { ListedVaults } from './vault-inventory.ts';

/** `GET /clusters`: every cluster with its key and, unless `?contents=false`, what it holds. `GET /vaults`: every vault with its keys, and the hosts of those outside. `GET /clusters/{name or id}/extents/{id}`: the sealed bytes of one extent. */
export const inventoryRoutes =
  (inventory: ClusterInventory, vaults: () => Promise<ListedVaults>, parts: ExtentsParts) =>
  (app: FastifyInstance): void => {
    app.get<{ Querystring: { readonly contents?: string } }>('/clusters', async ({ query }) => ({
      clusters: await inventory.list(query.contents !== 'false'),
    }));
    app.get('/vaults', () => vaults());
    app.get<{ Params: { readonly cluster: string; readonly extent: string } }>(
      '/clusters/:cluster/extents/:extent',
      async (request, reply) => {
        const { cluster, extent } = request.params;
        const extentId = parseGuid(extent);
        if (extentId === undefined) throw new ControlError(400, 'InvalidExtentId', 'An extent id is a GUID.');
        const found = await inventory.findExtent(cluster, extentId);
        switch (found.outcome) {
          case 'noCluster':
            throw new ControlError(404, 'ClusterNotFound', `There is no cluster '${cluster.slice(0, 60)}'.`);
          case 'missing':
            throw new ControlError(404, 'ExtentNotFound', `The cluster has no extent ${extentId}.`);
          case 'unavailable':
            throw new ControlError(409, 'ClusterNotServing', 'The cluster may not use its key now, or is stopped.');
          case 'found': {
            const reader = await extentsOf(parts, found.clusterId);
            return reply
              .header('content-type', 'application/octet-stream')
              .header('content-length', String(found.sealedBytes))
              .header(encryptionDataHeader, found.encryptionData)
              .send(Readable.from(reader.read(found.blob)));
          }
        }
      },
    );
  };
