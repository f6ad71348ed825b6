import { Type } from '@sinclair/typebox';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import type { KeyVaultDependencies } from './keyvault-dependencies.ts';
import {
  askVault,
  askVaultFor,
  given,
  listVaultObjects,
  partsOfObjectId,
  requireParentVault,
  someAttributes,
} from './vault-objects.ts';
import type { Vault } from './vault-record.ts';
import { addressOf, requireVault } from './vault-writes.ts';

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
      handle: (request) => listVaultObjects(deps, request, { operation: 'GetKeys' }, showKeyItem),
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
      handle: (request) => {
        const wanted = { operation: 'GetKeyVersions', name: request.params['keyName'] ?? '' };
        return listVaultObjects(deps, request, wanted, (vault, item) => asVersion(showKeyItem(vault, item)));
      },
    },
  ];
}

type Asked = Parameters<typeof askVault>[3];

const ask = (deps: KeyVaultDependencies, request: ArmRequest, operation: string, more: Asked = {}) =>
  askVault(deps, request, operation, { name: request.params['keyName'] ?? '', ...more });

async function createIfNotExist(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const vault = await requireParentVault(deps, request, 'vaults/keys');
  const held = await askVaultFor(deps, request, 'GetKey', { name: request.params['keyName'] ?? '' });
  if (held !== undefined) return { status: 200, body: showKey(vault, held, await policyOf(deps, request)) };
  const body = isJsonObject(request.body) ? request.body : {};
  const properties = isJsonObject(body['properties']) ? body['properties'] : {};
  const made = await ask(deps, request, 'CreateKey', { body: createBodyOf(properties, body['tags']) });
  const policy = properties['rotationPolicy'];
  if (isJsonObject(policy)) await ask(deps, request, 'UpdateKeyRotationPolicy', { body: policy });
  return { status: 200, body: showKey(vault, made, await policyOf(deps, request)) };
}

/** The names that the data plane has for them. A size is for RSA keys and a curve for EC keys: templates give both, and an
 * empty release policy, to every key. */
function createBodyOf(properties: JsonObject, tags: Json | undefined): JsonObject {
  const { kty, keySize, curveName, keyOps, attributes, release_policy } = properties;
  const type = typeof kty === 'string' ? kty.toUpperCase() : '';
  const shape = {
    ...(type.startsWith('RSA') ? {} : { crv: curveName }),
    ...(type.startsWith('EC') ? {} : { key_size: keySize }),
  };
  const isReleased = !isJsonObject(release_policy) || Object.keys(release_policy).length > 0;
  return given({ kty, ...shape, key_ops: keyOps, attributes, tags, ...(isReleased ? { release_policy } : {}) });
}

/** Only what somebody has set is shown. */
async function policyOf(deps: KeyVaultDependencies, request: ArmRequest): Promise<JsonObject | undefined> {
  const policy = await ask(deps, request, 'GetKeyRotationPolicy');
  const { attributes, lifetimeActions } = policy;
  const isSet = isJsonObject(attributes) && attributes['created'] !== undefined && attributes['created'] !== null;
  return isSet ? { attributes, lifetimeActions } : undefined;
}

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
  const { uri, name, version } = partsOfObjectId(kid);
  return {
    id: `${vault.id}/keys/${name}`,
    name,
    type: keyType,
    location: vault.location,
    ...(isJsonObject(tags) ? { tags } : {}),
    properties: {
      attributes: someAttributes(attributes, shownAttributes),
      keyUri: uri,
      ...(version === undefined ? {} : { keyUriWithVersion: `${uri}/${version}` }),
    },
  };
}

const shownAttributes = ['enabled', 'nbf', 'exp', 'created', 'updated', 'recoveryLevel', 'exportable'];

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
