import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseVaultName } from '../../base/names.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import type { Vault } from './vault-record.ts';
import { vaultType } from './vault-record.ts';
import { addressOf, findVault, requireVault } from './vault-writes.ts';

interface Asked {
  readonly name?: string;
  readonly version?: string;
  readonly body?: JsonObject;
  readonly query?: ReadonlyMap<string, string>;
}

/** Has an operation of the data plane done in the request's vault.
 * @throws ArmError with the code and text of the vault's own answer */
export async function askVault(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  operation: string,
  asked: Asked,
): Promise<JsonObject> {
  const { vaultName, resourceGroupName } = addressOf(request);
  const vault = parseVaultName(vaultName.toLowerCase());
  if (vault === undefined) throw armErrors.ResourceNotFound(vaultType, vaultName, resourceGroupName);
  try {
    const { caller, correlationId } = request;
    return await deps.manageVault({ vault, operation, caller, correlationId, ...asked });
  } catch (error) {
    if (error instanceof VaultError) throw new ArmError(error.status, error.code, error.message);
    throw error;
  }
}

/** The same, for what may not be there. */
export async function askVaultFor(...call: Parameters<typeof askVault>): Promise<JsonObject | undefined> {
  try {
    return await askVault(...call);
  } catch (error) {
    if (error instanceof ArmError && error.status === 404) return undefined;
    throw error;
  }
}

/** @param type of what is to be written: `vaults/keys`
 * @throws ArmError 404 `ParentResourceNotFound` */
export async function requireParentVault(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  type: string,
): Promise<Vault> {
  const address = addressOf(request);
  const found = await findVault(deps, address);
  if (found !== undefined) return found.value;
  const group = resourceGroupId(address.subscriptionId, address.resourceGroupName);
  const parent = `${group}/providers/${vaultType}/${address.vaultName}`;
  throw armErrors.ParentResourceNotFound('write', type, parent);
}

/** One page of a list of the data plane, as resources. */
export async function listVaultObjects(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  { operation, name }: { readonly operation: string; readonly name?: string },
  show: (vault: Vault, item: JsonObject) => JsonObject,
): Promise<ArmReply> {
  const { value: vault } = await requireVault(deps, addressOf(request));
  const skipToken = request.query.get('$skiptoken');
  const query = new Map(skipToken === undefined ? [] : [['$skiptoken', skipToken]]);
  const page = await askVault(deps, request, operation, { query, ...(name === undefined ? {} : { name }) });
  const items = Array.isArray(page['value']) ? (page['value'] as readonly Json[]).filter(isJsonObject) : [];
  const { nextLink } = page;
  const next = typeof nextLink === 'string' ? new URL(nextLink).searchParams.get('$skiptoken') : null;
  return {
    status: 200,
    body: {
      value: items.map((item) => show(vault, item)),
      ...(next === null ? {} : { nextLink: nextPage(request, next) }),
    },
  };
}

function nextPage(request: ArmRequest, skipToken: string): string {
  const url = new URL(request.url, request.origin);
  url.searchParams.set('$skiptoken', skipToken);
  return url.href;
}

/** `https://v.vault.azure.net/keys/k/0123…`, taken apart. */
export function partsOfObjectId(id: Json | undefined): {
  readonly uri: string;
  readonly name: string;
  readonly version: string | undefined;
} {
  const pattern = /^(https:\/\/[^/]+\/[a-z]+\/([^/]+))(?:\/([0-9a-f]{32}))?$/;
  const [, uri = '', name = '', version] = pattern.exec(typeof id === 'string' ? id : '') ?? [];
  return { uri, name, version };
}

/** Those of the attributes that the resource manager shows. */
export function someAttributes(attributes: Json | undefined, names: readonly string[]): JsonObject {
  const held = isJsonObject(attributes) ? attributes : {};
  return Object.fromEntries(names.filter((name) => name in held).map((name) => [name, held[name]]));
}

/** Without what is absent or null. */
export const given = (members: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined && value !== null));
