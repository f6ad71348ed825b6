import { Type } from '@sinclair/typebox';
import type { ArmOperation, ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import type { JsonObject } from '../../base/json.ts';
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

const secretType = 'Microsoft.KeyVault/vaults/secrets';

const secretBody = Type.Object({
  tags: Type.Optional(Type.Union([Type.Record(Type.String(), Type.String()), Type.Null()])),
  properties: Type.Object({}),
});

const patchBody = Type.Partial(secretBody);

/** Secrets as resources: templates write them so. No answer has the value. */
export function vaultSecretOperations(deps: KeyVaultDependencies): readonly ArmOperation[] {
  const list = `/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.KeyVault/vaults/{vaultName}/secrets`;
  const path = `${list}/{secretName}`;
  const action = (verb: string): string => `${secretType}/${verb}`;
  return [
    {
      id: 'Secrets_CreateOrUpdate',
      method: 'PUT',
      path,
      action: action('write'),
      body: { schema: secretBody, required: true },
      handle: (request) => putSecret(deps, request),
    },
    {
      id: 'Secrets_Update',
      method: 'PATCH',
      path,
      action: action('write'),
      body: { schema: patchBody, required: true },
      handle: (request) => patchSecret(deps, request),
    },
    {
      id: 'Secrets_Get',
      method: 'GET',
      path,
      action: action('read'),
      handle: async (request) => {
        const { value: vault } = await requireVault(deps, addressOf(request));
        return { status: 200, body: showSecret(vault, await askVault(deps, request, 'GetSecret', named(request))) };
      },
    },
    {
      id: 'Secrets_List',
      method: 'GET',
      path: list,
      action: action('read'),
      handle: (request) => listVaultObjects(deps, request, { operation: 'GetSecrets' }, showSecret),
    },
  ];
}

const named = (request: ArmRequest): { readonly name: string } => ({ name: request.params['secretName'] ?? '' });

/** A new version each time, as everywhere where a value is set. */
async function putSecret(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const vault = await requireParentVault(deps, request, 'vaults/secrets');
  const versions = await askVaultFor(deps, request, 'GetSecretVersions', named(request));
  const isNew = !Array.isArray(versions?.['value']) || versions['value'].length === 0;
  const made = await askVault(deps, request, 'SetSecret', { ...named(request), body: sentIn(request) });
  return { status: isNew ? 201 : 200, body: showSecret(vault, made) };
}

/** With a value it is a new version; without one the current version changes. */
async function patchSecret(deps: KeyVaultDependencies, request: ArmRequest): Promise<ArmReply> {
  const vault = await requireParentVault(deps, request, 'vaults/secrets');
  const body = sentIn(request);
  const held = await askVault(deps, request, 'GetSecret', named(request));
  const { version } = partsOfObjectId(held['id']);
  const changed =
    body['value'] === undefined
      ? await askVault(deps, request, 'UpdateSecret', {
          ...named(request),
          ...(version === undefined ? {} : { version }),
          body,
        })
      : await askVault(deps, request, 'SetSecret', { ...named(request), body });
  return { status: 200, body: showSecret(vault, changed) };
}

function sentIn(request: ArmRequest): JsonObject {
  const body = isJsonObject(request.body) ? request.body : {};
  const { value, contentType, attributes } = isJsonObject(body['properties']) ? body['properties'] : {};
  return given({ value, contentType, attributes, tags: body['tags'] });
}

/** @param secret an answer of the data plane, of which the value is left out */
function showSecret(vault: Vault, { id, attributes, contentType, tags }: JsonObject): JsonObject {
  const { uri, name, version } = partsOfObjectId(id);
  return {
    id: `${vault.id}/secrets/${name}`,
    name,
    type: secretType,
    location: vault.location,
    ...(isJsonObject(tags) ? { tags } : {}),
    properties: {
      ...given({ contentType }),
      attributes: someAttributes(attributes, ['enabled', 'nbf', 'exp', 'created', 'updated']),
      secretUri: uri,
      ...(version === undefined ? {} : { secretUriWithVersion: `${uri}/${version}` }),
    },
  };
}
