import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { isSameLocation } from '../../arm/locations.ts';
import type { OperationRecord } from '../../arm/long-running.ts';
import { findOperation, operationHeaders, startOperation, statusOf } from '../../arm/long-running.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import type { JsonObject } from '../../base/json.ts';
import type { VaultName } from '../../base/names.ts';
import { parseVaultName } from '../../base/names.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { keyVaultErrors } from './keyvault-errors.ts';
import { deletedVaultsOf, findVaultName, isRetentionOver } from './vault-names.ts';
import { purgeDeletedVault } from './vault-purge.ts';
import type { DeletedVault } from './vault-record.ts';
import { showDeletedVault, toWholeSeconds } from './vault-view.ts';

const namespace = 'Microsoft.KeyVault';

export function deletedVaultOperations(deps: KeyVaultDependencies): readonly ArmOperation[] {
  const base = `/subscriptions/{subscriptionId}/providers/${namespace}`;
  const deletedVault = `${base}/locations/{location}/deletedVaults/{vaultName}`;
  const action = (suffix: string): string => `${namespace}/${suffix}`;
  return [
    {
      id: 'Vaults_ListDeleted',
      method: 'GET',
      path: `${base}/deletedVaults`,
      action: action('deletedVaults/read'),
      handle: (request) => listDeleted(deps, request),
    },
    {
      id: 'Vaults_GetDeleted',
      method: 'GET',
      path: deletedVault,
      action: action('locations/deletedVaults/read'),
      handle: async (request) => {
        const { deleted } = await requireDeleted(deps, request);
        return { status: 200, body: showDeletedVault(deleted, request.params['subscriptionId'] ?? '') };
      },
    },
    {
      id: 'Vaults_PurgeDeleted',
      method: 'POST',
      path: `${deletedVault}/purge`,
      action: action('locations/deletedVaults/purge/action'),
      handle: (request) => purge(deps, request),
    },
    {
      id: 'Vaults_PurgeResult',
      method: 'GET',
      path: `${base}/locations/{location}/operationResults/{operationId}`,
      action: action('locations/operationResults/read'),
      handle: (request) => purgeResult(deps, request),
    },
  ];
}

const isOver =
  (deps: KeyVaultDependencies) =>
  (deleted: DeletedVault): boolean =>
    isRetentionOver(deleted, deps.clock, deps.purgesHeld);

async function listDeleted(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const subscriptionId = request.params['subscriptionId'] ?? '';
  const deleted = await deletedVaultsOf(deps.state, subscriptionId, isOver(deps));
  const idOf = (vault: DeletedVault): string => vault.name;
  const page = pageOf(request, sortedById(deleted, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map((vault) => showDeletedVault(vault, subscriptionId)) } };
}

/** @throws ArmError 404 unless the vault was deleted in this subscription and location */
async function requireDeleted(
  deps: KeyVaultDependencies,
  request: ArmRequest,
): Promise<{ readonly name: VaultName; readonly deleted: DeletedVault }> {
  const { subscriptionId = '', location = '', vaultName = '' } = request.params;
  const name = parseVaultName(vaultName);
  const found = name === undefined ? undefined : (await findVaultName(deps.state, name))?.value;
  const isHere =
    found?.state === 'deleted' &&
    found.resourceId.toLowerCase().startsWith(`/subscriptions/${subscriptionId.toLowerCase()}/`) &&
    isSameLocation(found.vault.location, location);
  if (name === undefined || !isHere || isOver(deps)(found)) throw keyVaultErrors.DeletedVaultNotFound(vaultName);
  return { name, deleted: found };
}

async function purge(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const { name, deleted } = await requireDeleted(deps, request);
  if (deleted.vault.properties.enablePurgeProtection) throw keyVaultErrors.PurgeNotAllowed();
  const isSame = (record: DeletedVault): boolean => record.vaultId === deleted.vaultId;
  if (!(await purgeDeletedVault(deps, name, isSame))) throw keyVaultErrors.DeletedVaultNotFound(deleted.vault.name);
  const { operation, write } = startOperation(deps.randomBytes, {
    kind: 'DeletedVaultPurge',
    provider: namespace,
    subscriptionId: (request.params['subscriptionId'] ?? '').toLowerCase(),
    location: deleted.vault.location,
    resourceId: deleted.vault.id,
    startedAt: deps.clock.now(),
    outcome: { status: 'Succeeded' },
  });
  await deps.state.commit({ write: [write] });
  return { status: 202, headers: operationHeaders(request, statusPath(operation), { location: true }) };
}

const statusPath = (operation: OperationRecord): string =>
  `/subscriptions/${operation.subscriptionId}/providers/${namespace}/locations/${operation.location ?? ''}/operationResults/${operation.operationId}`;

/** As recorded: `2023-05-15 15:47:30Z`. @param time in milliseconds */
const spaced = (time: number): string => toWholeSeconds(time).replace('T', ' ');

/** 200 when done: the JavaScript client takes 204 for a failure. */
async function purgeResult(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const { subscriptionId = '', operationId = '' } = request.params;
  const found = await findOperation(deps.state, operationId, { provider: namespace, subscriptionId });
  if (found === undefined) throw armErrors.OperationNotFound(operationId);
  const { status } = statusOf(found.value, deps.clock.now());
  const { startedAt, completesAt } = found.value;
  const body = (last: number, said: string): JsonObject => ({
    createdDateTime: spaced(startedAt),
    lastActionDateTime: spaced(last),
    status: said,
  });
  if (status !== 'Running') return { status: 200, body: body(completesAt, status) };
  const headers = operationHeaders(request, statusPath(found.value), { location: true });
  return { status: 202, headers, body: body(startedAt, 'NotStarted') };
}
