import type { ArmOperation, ArmReply } from '../../arm/arm-operation.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { findLocation, locations } from '../../arm/locations.ts';
import type { Location } from '../../arm/locations.ts';
import { requireCluster } from './cluster-lookup.ts';
import { addressOf } from './cluster-store.ts';
import type { KustoPorts } from './ports.ts';
import { skuRows } from './skus.ts';
import type { SkuRow } from './skus.ts';

const subscription = '/subscriptions/{subscriptionId}/providers/Microsoft.Kusto';

export function skuListRows(ports: KustoPorts): readonly ArmOperation[] {
  return [
    {
      id: 'Clusters_ListSkus',
      method: 'GET',
      path: `${subscription}/skus`,
      action: 'Microsoft.Kusto/skus/read',
      handle: () => Promise.resolve(regionalSkus(locations)),
    },
    {
      id: 'Skus_List',
      method: 'GET',
      path: `${subscription}/locations/{location}/skus`,
      action: 'Microsoft.Kusto/locations/skus/read',
      handle: (request) => {
        const { location = '' } = request.params;
        const found = findLocation(location);
        if (found !== undefined) return Promise.resolve(regionalSkus([found]));
        return Promise.reject(
          armErrors.LocationNotAvailableForResourceType(
            location.slice(0, 100),
            'Microsoft.Kusto/skus',
            locations.map(({ name }) => name),
          ),
        );
      },
    },
    {
      id: 'Clusters_ListSkusByResource',
      method: 'GET',
      path: '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kusto/clusters/{clusterName}/skus',
      action: 'Microsoft.Kusto/clusters/skus/read',
      handle: async (request) => {
        const { value: cluster } = await requireCluster(ports, addressOf(request));
        return { status: 200, body: { value: skuRows.map((row) => clusterSku(row, cluster.location)) } };
      },
    },
  ];
}

/** One entry for each size and region, as recorded. */
function regionalSkus(regions: readonly Location[]): ArmReply {
  const value = skuRows.flatMap(({ name, tier }) =>
    regions.map((region) => ({
      resourceType: 'clusters',
      name,
      tier,
      locations: [region.name],
      locationInfo: [{ location: region.name, zones: [], zoneDetails: [] }],
      restrictions: [],
    })),
  );
  return { status: 200, body: { value } };
}

const clusterSku = (row: SkuRow, location: string): Record<string, unknown> => ({
  resourceType: 'Microsoft.Kusto/Clusters',
  sku: { name: row.name, tier: row.tier, locationInfo: [{ location, zones: [] }] },
  capacity: {
    minimum: row.minimum,
    maximum: row.maximum,
    default: row.minimum,
    scaleType: row.scaleType === 'none' ? 'None' : 'Automatic',
  },
});
