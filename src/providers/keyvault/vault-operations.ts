import { Type } from '@sinclair/typebox';
import type { ArmOperation, ArmReply, ArmRequest, LinkedProperty } from '../../arm/arm-operation.ts';
import { pageOf, sortedById } from '../../arm/paging.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { retryOnConflict } from '../../arm/retry.ts';
import { systemData } from '../../arm/system-data.ts';
import type { Json } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseVaultName } from '../../base/names.ts';
import { toIso } from '../../clock/clock.ts';
import { listIntact } from '../../state/list-all.ts';
import { writeRecord } from '../../state/state.ts';
import { changedPolicies } from './access-policy-changes.ts';
import { accessPoliciesMax, readAccessPolicies } from './access-policy-input.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { keyVaultErrors, vaultAlreadyExistsText, vaultNameNotValidText } from './keyvault-errors.ts';
import { oneOf } from './network-acls-input.ts';
import { deleteVault } from './vault-deletion.ts';
import { patchVaultBody, putVaultBody } from './vault-input.ts';
import { findVaultName, isRetentionOver } from './vault-names.ts';
import type { VaultRetention } from './vault-purge.ts';
import type { Vault } from './vault-record.ts';
import { asResource, asVault, vaultType } from './vault-record.ts';
import { showPolicies, showVault } from './vault-view.ts';
import { addressOf, changeVault, putVault, requireVault } from './vault-writes.ts';

const links: readonly LinkedProperty[] = [
  {
    property: 'properties.networkAcls.virtualNetworkRules[].id',
    action: 'Microsoft.Network/virtualNetworks/subnets/joinViaServiceEndpoint/action',
  },
];

export function vaultOperations(deps: KeyVaultDependencies, retention: VaultRetention): readonly ArmOperation[] {
  const inSubscription = '/subscriptions/{subscriptionId}/providers/Microsoft.KeyVault';
  const inGroup = '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.KeyVault';
  const path = `${inGroup}/vaults/{vaultName}`;
  const action = (verb: string): string => `Microsoft.KeyVault/vaults/${verb}`;
  return [
    {
      id: 'Vaults_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putVaultBody, required: true },
      links,
      handle: (request) => retryOnConflict(() => putVault(deps, request)),
    },
    {
      id: 'Vaults_Update',
      method: 'PATCH',
      path,
      action: action('write'),
      body: { schema: patchVaultBody, required: true },
      links,
      handle: (request) =>
        retryOnConflict(async () =>
          changeVault(deps, request, await requireVault(deps, addressOf(request)), { replaceTags: false }),
        ),
    },
    {
      id: 'Vaults_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => ({
        status: 200,
        body: showVault((await requireVault(deps, addressOf(request))).value),
      }),
    },
    {
      id: 'Vaults_Delete',
      method: 'DELETE',
      path,
      action: action('delete'),
      handle: (request) => deleteVault(deps, retention, addressOf(request)),
    },
    {
      id: 'Vaults_ListByResourceGroup',
      method: 'GET',
      path: `${inGroup}/vaults`,
      action: action('read'),
      handle: (request) => {
        const { subscriptionId = '', resourceGroupName = '' } = request.params;
        return listVaults(deps, request, resourceGroupId(subscriptionId, resourceGroupName));
      },
    },
    {
      id: 'Vaults_ListBySubscription',
      method: 'GET',
      path: `${inSubscription}/vaults`,
      action: action('read'),
      handle: (request) => listVaults(deps, request, `/subscriptions/${request.params['subscriptionId'] ?? ''}`),
    },
    {
      id: 'Vaults_UpdateAccessPolicy',
      method: 'PUT',
      path: `${path}/accessPolicies/{operationKind}`,
      action: action('accessPolicies/write'),
      body: { schema: Type.Object({ properties: Type.Object({}) }), required: true },
      handle: (request) => retryOnConflict(() => updateAccessPolicy(deps, request)),
    },
    {
      id: 'Vaults_CheckNameAvailability',
      method: 'POST',
      path: `${inSubscription}/checkNameAvailability`,
      action: 'Microsoft.KeyVault/checkNameAvailability/read',
      body: { schema: Type.Object({ name: Type.String(), type: Type.String() }), required: true },
      handle: (request) => checkName(deps, request),
    },
  ];
}

async function listVaults(deps: KeyVaultDependencies, request: ArmRequest, scope: string): Promise<ArmReply> {
  const records = await listIntact(deps.state, armResources, `${scope.toLowerCase()}/`);
  const vaults = records.flatMap((record) => asVault(record.value) ?? []);
  const idOf = (vault: Vault): string => vault.id.toLowerCase();
  const page = pageOf(request, sortedById(vaults, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map(showVault) } };
}

async function updateAccessPolicy(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const change = oneOf(request.params['operationKind'], ['add', 'replace', 'remove'], 'add', 'operationKind');
  const held = await requireVault(deps, addressOf(request));
  const { properties } = held.value;
  const sent = readAccessPolicies(sentPolicies(request.body), properties.tenantId);
  const accessPolicies = changedPolicies(properties.accessPolicies, change, sent);
  if (accessPolicies.length > accessPoliciesMax) throw keyVaultErrors.TooManyAccessPolicies(accessPoliciesMax);
  const now = toIso(deps.clock.now());
  const vault: Vault = {
    ...held.value,
    properties: { ...properties, accessPolicies, systemData: systemData(request.caller, now, properties.systemData) },
    changedAt: now,
  };
  await deps.state.commit({
    write: [writeRecord(armResources, resourceRecordId(vault.id), held.version, asResource(vault))],
  });
  return {
    status: 200,
    body: {
      id: `${vault.id}/accessPolicies/`,
      type: 'Microsoft.KeyVault/vaults/accessPolicies',
      location: vault.location,
      properties: { accessPolicies: showPolicies(accessPolicies) },
    },
  };
}

function sentPolicies(body: Json | undefined): Json | undefined {
  const properties = isJsonObject(body) ? body['properties'] : undefined;
  return isJsonObject(properties) ? properties['accessPolicies'] : undefined;
}

async function checkName(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const body = isJsonObject(request.body) ? request.body : {};
  const sent = typeof body['name'] === 'string' ? body['name'] : '';
  const type = typeof body['type'] === 'string' ? body['type'] : '';
  if (type.toLowerCase() !== vaultType.toLowerCase()) throw keyVaultErrors.InvalidValue('type');
  const name = parseVaultName(sent);
  if (name === undefined) {
    return {
      status: 200,
      body: { nameAvailable: false, reason: 'AccountNameInvalid', message: vaultNameNotValidText },
    };
  }
  const holder = (await findVaultName(deps.state, name))?.value;
  const isGone = holder?.state === 'deleted' && isRetentionOver(holder, deps.clock, deps.purgesHeld);
  if (deps.isReservedName(name) || (holder !== undefined && !isGone)) {
    return {
      status: 200,
      body: { nameAvailable: false, reason: 'AlreadyExists', message: vaultAlreadyExistsText(sent) },
    };
  }
  return { status: 200, body: { nameAvailable: true } };
}
