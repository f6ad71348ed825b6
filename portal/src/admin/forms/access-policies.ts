import type { JsonObject } from '../../../../src/base/json.ts';
import { isJsonObject, textMember } from '../../../../src/base/json.ts';
import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { idOf, nameOf, objectMember, partOf, propertiesOf, versionOf } from '../resources.ts';
import type { Form } from '../form.ts';
import { choice, text, valueOf } from '../form.ts';
import { armRequest, bicepOf, existingOf, placeOf, placeWords, resourceOf } from '../written.ts';
import { vaultChoices } from './places.ts';

const type = 'Microsoft.KeyVault/vaults/accessPolicies';

const permissionSets: Readonly<Record<string, readonly string[]>> = {
  'a cluster needs to open its key': ['get', 'wrapKey', 'unwrapKey'],
  'reads keys': ['get', 'list'],
  'makes, changes and deletes keys': ['get', 'list', 'create', 'update', 'import', 'rotate', 'delete', 'recover'],
};

const policyModule = (vault: JsonObject, verb: 'add' | 'remove', properties: JsonObject): string => {
  const { group, name } = placeOf(vault);
  const start = `vaults.updateAccessPolicy(${[group, name, verb].map(literalText).join(', ')}`;
  return moduleText({
    client: 'vaults',
    lines: [managing('vaults', partOf(idOf(vault), 'subscriptions')), ...call(start, { properties })],
  });
};

const policyWords = (vault: JsonObject): readonly string[] => {
  const { group, name } = placeOf(vault);
  return placeWords(partOf(idOf(vault), 'subscriptions'), group, name);
};

export const addPolicy: Form = {
  ...{ id: 'make-policy', title: 'Add an access policy' },
  fields: (base) => [
    choice('vault', 'Vault', vaultChoices(base)),
    text('principal', 'For (object id)'),
    choice(
      ...(['keys', 'With what'] as const),
      Object.entries(permissionSets).map(([what, names]) => ({
        value: names.join(' '),
        label: `${what}: ${names.join(', ')}`,
      })),
    ),
  ],
  deed: (values, { vaults }) => {
    const vault = vaults.find((one) => idOf(one) === valueOf(values, 'vault')) ?? {};
    const keys = valueOf(values, 'keys').split(' ');
    const objectId = valueOf(values, 'principal');
    const properties = {
      accessPolicies: [{ tenantId: textMember(propertiesOf(vault), 'tenantId'), objectId, permissions: { keys } }],
    };
    const around = existingOf('Microsoft.KeyVault/vaults', 'vault', [nameOf(vault)]);
    return {
      steps: [armRequest('PUT', `${idOf(vault)}/accessPolicies/add`, versionOf(type), { properties })],
      az: [
        command(
          'az',
          'keyvault',
          'set-policy',
          ...policyWords(vault),
          '--object-id',
          objectId,
          '--key-permissions',
          ...keys,
        ),
      ],
      bicep: bicepOf(resourceOf(type, 'vault', [nameOf(vault), 'add'], { properties }, { parent: around.symbol }), {
        existing: [around],
      }),
      typescript: policyModule(vault, 'add', properties),
    };
  },
};

export const removePolicy: Form = {
  ...{ id: 'delete', title: 'Remove the access policy' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const vault = objectMember(resource, 'vault');
    const { tenantId, objectId, permissions } = resource;
    const properties = {
      accessPolicies: [{ tenantId, objectId, permissions: isJsonObject(permissions) ? permissions : {} }],
    };
    return {
      steps: [armRequest('PUT', `${idOf(vault)}/accessPolicies/remove`, versionOf(type), { properties })],
      az: [
        command(
          'az',
          'keyvault',
          'delete-policy',
          ...policyWords(vault),
          '--object-id',
          textMember(resource, 'objectId'),
        ),
      ],
      typescript: policyModule(vault, 'remove', properties),
    };
  },
};
