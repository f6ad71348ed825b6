import { Type } from '@sinclair/typebox';
import { ArmError } from '../../arm/arm-error.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseVaultName } from '../../base/names.ts';
import { VaultError } from '../../vault/vault-error.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import type { Vault } from './vault-record.ts';
import { addressOf, findVault, requireVault } from './vault-writes.ts';

const keyType = 'Microsoft.KeyVault/vaults/keys';

const putBody = Type.Object({
  tags: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  properties: Type.Object({}),
});

/** Keys as resources: made once and then only read. What a key may be is for the vault to say, and it is asked as by its own clients,
 * save that access policies, data actions and the firewall are not: the action at the resource manager has decided. */
export function vaultKeyOperations(deps: KeyVaultDependencies): readonly ArmOperation[] {
  const list = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.KeyVault/vaults/{vaultName}/keys`;
  const path = `${list}/{keyName}`;
  const action = (verb: string): string => `${keyType}/${verb}`;
  return [
    {
      id: 'Keys_CreateIfNotExist',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: putBody, required: true },
      handle: (request) => createIfNotExist(deps, request),
    },
    {
      id: 'Keys_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const { value: vault } = await requireVault(deps, addressOf(request));
        const bundle = await ask(deps, request, 'GetKey');
        return { status: 200, body: showKey(vault, bundle, await policyOf(deps, request)) };
      },
    },
    {
      id: 'Keys_List',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (request) => listKeys(deps, request, 'GetKeys', showKeyItem),
    },
    {
      id: 'Keys_GetVersion',
      method: 'GET',
      path: `${path}/versions/{keyVersion}`,
      action: action('versions/read'),
      handle: async (request) => {
        const { value: vault } = await requireVault(deps, addressOf(request));
        const bundle = await ask(deps, request, 'GetKey', { version: request.params['keyVersion'] ?? '' });
        return { status: 200, body: asVersion(showKey(vault, bundle)) };
      },
    },
    {
      id: 'Keys_ListVersions',
      method: 'GET',
      path: `${path}/versions`,
      action: action('versions/read'),
      handle: (request) =>
        listKeys(deps, request, 'GetKeyVersions', (vault, item) => asVersion(showKeyItem(vault, item))),
    },
  ];
}

/** @throws ArmError with the code and text of the vault's own answer */
async function ask(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  operation: string,
  more: { readonly version?: string; readonly body?: JsonObject; readonly query?: ReadonlyMap<string, string> } = {},
): Promise<JsonObject> {
  const vault = parseVaultName((request.params['vaultName'] ?? '').toLowerCase());
  const { vaultName = '', resourceGroupName = '', keyName } = request.params;
  if (vault === undefined) throw armErrors.ResourceNotFound('Microsoft.KeyVault/vaults', vaultName, resourceGroupName);
  try {
    return await deps.manageVault({
      ...{ vault, operation, caller: request.caller, correlationId: request.correlationId },
      ...(keyName === undefined ? {} : { name: keyName }),
      ...more,
    });
  } catch (error) {
    if (error instanceof VaultError) throw new ArmError(error.status, error.code, error.message);
    throw error;
  }
}

async function createIfNotExist(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const address = addressOf(request);
  const found = await findVault(deps, address);
  if (found === undefined) {
    const group = resourceGroupId(address.subscriptionId, address.resourceGroupName);
    const parent = `${group}/providers/Microsoft.KeyVault/vaults/${address.vaultName}`;
    throw armErrors.ParentResourceNotFound('write', 'vaults/keys', parent);
  }
  const held = await current(deps, request);
  if (held !== undefined) {
    return { status: 200, body: showKey(found.value, held, await policyOf(deps, request)) };
  }
  const body = isJsonObject(request.body) ? request.body : {};
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  const made = await ask(deps, request, 'CreateKey', { body: createBodyOf(properties, body['tags']) });
  const policy = properties['rotationPolicy'];
  if (isJsonObject(policy)) await ask(deps, request, 'UpdateKeyRotationPolicy', { body: policy });
  return { status: 200, body: showKey(found.value, made, await policyOf(deps, request)) };
}

async function current(deps: KeyVaultDependencies, request: ArmRequest): Promise<JsonObject | undefined> {
  try {
    return await ask(deps, request, 'GetKey');
  } catch (error) {
    if (error instanceof ArmError && error.status === 404) return undefined;
    throw error;
  }
}

/** The names that the data plane has for them. */
function createBodyOf(properties: JsonObject, tags: Json | undefined): JsonObject {
  const { kty, keySize, curveName, keyOps, attributes, release_policy } = properties;
  const sent = { kty, key_size: keySize, crv: curveName, key_ops: keyOps, attributes, tags, release_policy };
  return Object.fromEntries(Object.entries(sent).filter(([, value]) => value !== undefined && value !== null));
}

/** Only what somebody has set is shown. */
async function policyOf(deps: KeyVaultDependencies, request: ArmRequest): Promise<JsonObject | undefined> {
  const policy = await ask(deps, request, 'GetKeyRotationPolicy');
  const { attributes, lifetimeActions } = policy;
  const isSet = isJsonObject(attributes) && attributes['created'] !== undefined && attributes['created'] !== null;
  return isSet ? { attributes, lifetimeActions } : undefined;
}

async function listKeys(
  deps: KeyVaultDependencies,
  request: ArmRequest,
  operation: 'GetKeys' | 'GetKeyVersions',
  show: (vault: Vault, item: JsonObject) => JsonObject,
): Promise<ArmReply> {
  const { value: vault } = await requireVault(deps, addressOf(request));
  const skipToken = request.query.get('$skiptoken');
  const query = new Map(skipToken === undefined ? [] : [['$skiptoken', skipToken]]);
  const { value, nextLink } = await ask(deps, request, operation, { query });
  const items = Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
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

const kidPattern = /^(https:\/\/[^/]+\/keys\/([^/]+))(?:\/([0-9a-f]{32}))?$/;

function showKey(vault: Vault, bundle: JsonObject, rotationPolicy?: JsonObject): JsonObject {
  const key = isJsonObject(bundle['key']) ? bundle['key'] : {};
  const item = showKeyItem(vault, { ...bundle, kid: key['kid'] });
  const numbers =
    typeof key['n'] === 'string'
      ? { keySize: 8 * Buffer.from(key['n'], 'base64url').length }
      : { curveName: key['crv'] };
  const { attributes, ...uris } = isJsonObject(item['properties']) ? item['properties'] : {};
  return {
    ...item,
    properties: {
      attributes,
      kty: key['kty'],
      keyOps: key['key_ops'],
      ...numbers,
      ...uris,
      ...(rotationPolicy === undefined ? {} : { rotationPolicy }),
    },
  };
}

function showKeyItem(vault: Vault, { kid, attributes, tags }: JsonObject): JsonObject {
  const [, uri = '', name = '', version] = kidPattern.exec(typeof kid === 'string' ? kid : '') ?? [];
  return {
    id: `${vault.id}/keys/${name}`,
    name,
    type: keyType,
    location: vault.location,
    ...(isJsonObject(tags) ? { tags } : {}),
    properties: {
      attributes: attributesOf(attributes),
      keyUri: uri,
      ...(version === undefined ? {} : { keyUriWithVersion: `${uri}/${version}` }),
    },
  };
}

const shownAttributes = ['enabled', 'nbf', 'exp', 'created', 'updated', 'recoveryLevel', 'exportable'];

function attributesOf(attributes: Json | undefined): JsonObject {
  const held = isJsonObject(attributes) ? attributes : {};
  return Object.fromEntries(shownAttributes.filter((name) => name in held).map((name) => [name, held[name]]));
}

function asVersion(key: JsonObject): JsonObject {
  const { id } = key;
  const { keyUriWithVersion } = isJsonObject(key['properties']) ? key['properties'] : {};
  const version = typeof keyUriWithVersion === 'string' ? (keyUriWithVersion.split('/').at(-1) ?? '') : '';
  return {
    ...key,
    id: `${typeof id === 'string' ? id : ''}/versions/${version}`,
    name: version,
    type: `${keyType}/versions`,
  };
}
