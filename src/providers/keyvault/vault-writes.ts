import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { findLocation, isSameLocation, locationDisplayNames } from '../../arm/locations.ts';
import { retryAfterSeconds } from '../../arm/long-running.ts';
import { requireResourceGroup, resourceGroups } from '../../arm/resource-groups.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import { requireSubscription } from '../../arm/subscriptions.ts';
import { systemData } from '../../arm/system-data.ts';
import { readTags } from '../../arm/tags.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { VaultName } from '../../base/names.ts';
import { parseVaultName } from '../../base/names.ts';
import { toIso } from '../../clock/clock.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import { keyVaultErrors } from './keyvault-errors.ts';
import { changedVaultProperties, newVaultProperties } from './vault-input.ts';
import { findVaultName, isRetentionOver } from './vault-names.ts';
import { finishPurge, purgeDeletedVault } from './vault-purge.ts';
import type { DeletedVault, Vault, VaultNameRecord } from './vault-record.ts';
import { asResource, asVault, vaultNames, vaultType } from './vault-record.ts';
import { showNewVault, showVault } from './vault-view.ts';

export interface VaultAddress {
  readonly subscriptionId: string;
  readonly resourceGroupName: string;
  /** As sent. */
  readonly vaultName: string;
}

export const addressOf = (request: ArmRequest): VaultAddress => ({
  subscriptionId: request.params['subscriptionId'] ?? '',
  resourceGroupName: request.params['resourceGroupName'] ?? '',
  vaultName: request.params['vaultName'] ?? '',
});

export async function findVault(
  deps: KeyVaultDependencies,
  address: VaultAddress,
): Promise<Versioned<Vault> | undefined> {
  const { subscriptionId, resourceGroupName, vaultName } = address;
  const id = `/subscriptions/${subscriptionId}/resourceGroups/${resourceGroupName}/providers/${vaultType}/${vaultName}`;
  const found = await deps.state.get(armResources, resourceRecordId(id));
  const vault = found === undefined ? undefined : asVault(found.value);
  return found === undefined || vault === undefined ? undefined : { ...found, value: vault };
}

/** @throws ArmError 404 */
export async function requireVault(deps: KeyVaultDependencies, address: VaultAddress): Promise<Versioned<Vault>> {
  const found = await findVault(deps, address);
  if (found === undefined) throw armErrors.ResourceNotFound(vaultType, address.vaultName, address.resourceGroupName);
  return found;
}

const bodyOf = (request: ArmRequest): JsonObject => (isJsonObject(request.body) ? request.body : {});

const propertiesOf = (request: ArmRequest): JsonObject => {
  const { properties } = bodyOf(request);
  return isJsonObject(properties) ? properties : {};
};

/** PUT: creates, recovers (`createMode`) or changes. Resource, name and group are checked and written in one commit. */
export async function putVault(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const address = addressOf(request);
  const name = parseVaultName(address.vaultName);
  if (name === undefined) throw keyVaultErrors.VaultNameNotValid();
  const createMode = readCreateMode(propertiesOf(request));
  const held = await findVault(deps, address);
  if (held !== undefined) {
    if (createMode === 'recover') throw keyVaultErrors.VaultAlreadyExists(held.value.name);
    return changeVault(deps, request, held, { replaceTags: true });
  }
  const holder = await nameHolder(deps, name);
  if (createMode === 'recover') return recoverVault(deps, request, holder);
  if (holder !== undefined) throw nameTaken(holder.value, address);
  if (deps.isReservedName(name)) throw keyVaultErrors.VaultAlreadyExists(address.vaultName);
  return createVault(deps, request, name);
}

function readCreateMode(properties: JsonObject): 'default' | 'recover' {
  const mode = properties['createMode'];
  if (mode === undefined || mode === null) return 'default';
  const lower = typeof mode === 'string' ? mode.toLowerCase() : '';
  if (lower !== 'default' && lower !== 'recover') throw keyVaultErrors.InvalidValue('createMode');
  return lower;
}

/** Who has the name now; a deleted vault whose time is over, and an interrupted purge, are cleared away first. */
async function nameHolder(
  deps: KeyVaultDependencies,
  name: VaultName,
): Promise<Versioned<VaultNameRecord> | undefined> {
  const found = await findVaultName(deps.state, name);
  if (found?.value.state === 'purging') await finishPurge(deps, name);
  else if (found?.value.state === 'deleted' && isRetentionOver(found.value, deps.clock, deps.purgesHeld)) {
    await purgeDeletedVault(deps, name, (record) => isRetentionOver(record, deps.clock, deps.purgesHeld));
  } else return found;
  return findVaultName(deps.state, name);
}

/** Only the subscription that had the vault may know that it is deleted. */
function nameTaken(holder: VaultNameRecord, address: VaultAddress): Error {
  const isOurs = isInSubscription(holder, address.subscriptionId);
  return holder.state === 'deleted' && isOurs
    ? keyVaultErrors.ConflictError()
    : keyVaultErrors.VaultAlreadyExists(address.vaultName);
}

const isInSubscription = (record: VaultNameRecord, subscriptionId: string): boolean =>
  record.resourceId.toLowerCase().startsWith(`/subscriptions/${subscriptionId.toLowerCase()}/`);

async function createVault(deps: KeyVaultDependencies, request: ArmRequest, name: VaultName): Promise<ArmReply> {
  const { subscriptionId, resourceGroupName, vaultName } = addressOf(request);
  const location = readLocation(bodyOf(request));
  const { value: subscription } = await requireSubscription(deps.state, subscriptionId);
  const group = await requireResourceGroup(deps.state, subscriptionId, resourceGroupName);
  const settings = newVaultProperties(propertiesOf(request), {
    apiVersion: request.apiVersion,
    subscriptionTenantId: subscription.tenantId,
  });
  const now = toIso(deps.clock.now());
  const tags = readTags(bodyOf(request)['tags']);
  const vaultId = newGuid(deps.randomBytes);
  const vault: Vault = {
    id: `${group.value.id}/providers/${vaultType}/${vaultName}`,
    name: vaultName,
    type: vaultType,
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { vaultId, systemData: systemData(request.caller, now), ...settings },
    createdAt: now,
    changedAt: now,
  };
  const holder: VaultNameRecord = { name, vaultId, resourceId: vault.id, state: 'live' };
  await deps.state.commit({
    expect: [expectRecord(resourceGroups, group.id, group.version)],
    write: [vaultWrite(vault, null), writeRecord(vaultNames, name, null, holder)],
  });
  return { status: 200, headers: { 'retry-after': String(retryAfterSeconds) }, body: showNewVault(vault) };
}

const vaultWrite = (vault: Vault, expect: number | null): StateWrite =>
  writeRecord(armResources, resourceRecordId(vault.id), expect, asResource(vault));

function readLocation(body: JsonObject): string {
  const sent = typeof body['location'] === 'string' ? body['location'] : '';
  if (sent.trim() === '') throw armErrors.LocationRequired();
  const location = findLocation(sent);
  if (location === undefined)
    throw armErrors.LocationNotAvailableForResourceType(sent, vaultType, locationDisplayNames);
  return location.name;
}

/** PATCH, and PUT on a vault that is there. */
export async function changeVault(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  held: Versioned<Vault>,
  { replaceTags }: { readonly replaceTags: boolean },
): Promise<ArmReply> {
  const body = bodyOf(request);
  const { subscriptionId, resourceGroupName } = addressOf(request);
  if (replaceTags) requireSameLocation(held.value, body, resourceGroupName);
  const { value: subscription } = await requireSubscription(deps.state, subscriptionId);
  const now = toIso(deps.clock.now());
  const sentTags = readTags(body['tags']);
  const tags = sentTags ?? (replaceTags ? undefined : held.value.tags);
  const properties = changedVaultProperties(held.value.properties, propertiesOf(request), {
    apiVersion: request.apiVersion,
    subscriptionTenantId: subscription.tenantId,
  });
  const { id, name, type, location, createdAt } = held.value;
  const vault: Vault = {
    id,
    name,
    type,
    location,
    ...(tags === undefined ? {} : { tags }),
    properties: { ...properties, systemData: systemData(request.caller, now, properties.systemData) },
    createdAt,
    changedAt: now,
  };
  await deps.state.commit({ write: [vaultWrite(vault, held.version)] });
  return { status: 200, body: showVault(vault) };
}

function requireSameLocation(held: Vault, body: JsonObject, groupName: string): void {
  const sent = readLocation(body);
  if (!isSameLocation(held.location, sent)) {
    throw armErrors.InvalidResourceLocation(held.name, held.location, groupName, sent);
  }
}

/** Brings a deleted vault back as it was, with its keys; role assignments do not come back. */
async function recoverVault(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  holder: Versioned<VaultNameRecord> | undefined,
): Promise<ArmReply> {
  const { subscriptionId, resourceGroupName } = addressOf(request);
  const deleted = holder?.value.state === 'deleted' ? holder.value : undefined;
  const sentLocation = readLocation(bodyOf(request));
  if (
    holder === undefined ||
    deleted === undefined ||
    !isHere(deleted, subscriptionId, resourceGroupName, sentLocation)
  ) {
    throw keyVaultErrors.SoftDeletedVaultDoesNotExist();
  }
  const group = await requireResourceGroup(deps.state, subscriptionId, resourceGroupName);
  const now = toIso(deps.clock.now());
  const { properties } = deleted.vault;
  const vault: Vault = {
    ...deleted.vault,
    properties: { ...properties, systemData: systemData(request.caller, now, properties.systemData) },
    changedAt: now,
  };
  const { name, vaultId, resourceId } = deleted;
  await deps.state.commit({
    expect: [expectRecord(resourceGroups, group.id, group.version)],
    write: [
      vaultWrite(vault, null),
      writeRecord<VaultNameRecord>(vaultNames, holder.id, holder.version, { name, vaultId, resourceId, state: 'live' }),
    ],
  });
  return { status: 200, body: showVault(vault) };
}

/** A vault comes back only where it was. */
const isHere = (deleted: DeletedVault, subscriptionId: string, groupName: string, location: string): boolean =>
  deleted.vault.id
    .toLowerCase()
    .startsWith(`/subscriptions/${subscriptionId}/resourceGroups/${groupName}/`.toLowerCase()) &&
  isSameLocation(deleted.vault.location, location);
