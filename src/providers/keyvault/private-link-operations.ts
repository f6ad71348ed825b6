import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmMethod, ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import type { Vault } from './vault-record.ts';
import { vaultType } from './vault-record.ts';
import { addressOf, requireVault } from './vault-writes.ts';

/** Connections begin at endpoints of Microsoft.Network, which is not here: no vault has one, and none can be approved. */
export function privateLinkOperations(deps: KeyVaultDependencies): readonly ArmOperation[] {
  const vault = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/${vaultType}/{vaultName}`;
  const connections = `${vault}/privateEndpointConnections`;
  const connection = `${connections}/{privateEndpointConnectionName}`;
  const row = (
    [id, method, path, action]: readonly [string, ArmMethod, string, string],
    answer: (vault: Vault, request: ArmRequest) => ArmReply,
  ): ArmOperation => ({
    ...{ id, method, path, action: `${vaultType}/${action}` },
    handle: async (request) => answer((await requireVault(deps, addressOf(request))).value, request),
  });
  const noSuch = (_: Vault, { params }: ArmRequest): never => {
    const name = `${params['vaultName'] ?? ''}/privateEndpointConnections/${params['privateEndpointConnectionName'] ?? ''}`;
    throw armErrors.ResourceNotFound(vaultType, name, params['resourceGroupName'] ?? '');
  };
  const read = 'privateEndpointConnections/read';
  return [
    row(['PrivateEndpointConnections_ListByResource', 'GET', connections, read], () => ({
      status: 200,
      body: { value: [] },
    })),
    row(['PrivateEndpointConnections_Get', 'GET', connection, read], noSuch),
    row(['PrivateEndpointConnections_Put', 'PUT', connection, 'privateEndpointConnections/write'], noSuch),
    row(['PrivateEndpointConnections_Delete', 'DELETE', connection, 'privateEndpointConnections/delete'], () => ({
      status: 204,
    })),
    row(
      ['PrivateLinkResources_ListByVault', 'GET', `${vault}/privateLinkResources`, 'privateLinkResources/read'],
      ({ id }) => ({
        status: 200,
        body: {
          value: [
            {
              id: `${id}/privateLinkResources/vault`,
              name: 'vault',
              type: `${vaultType}/privateLinkResources`,
              properties: {
                groupId: 'vault',
                requiredMembers: ['default'],
                requiredZoneNames: ['privatelink.vaultcore.azure.net'],
              },
            },
          ],
        },
      }),
    ),
  ];
}
