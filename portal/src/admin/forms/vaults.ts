import { textMember } from '../../../../src/base/json.ts';
import { az, command } from '../../../../src/cmk/commands.ts';
import { mendByTypeScript } from '../../../../src/cmk/mend-typescript.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { idOf, nameOf, partOf, propertiesOf, versionOf } from '../resources.ts';
import type { Deed, Form } from '../form.ts';
import { check, choice, text, valueOf } from '../form.ts';
import type { Thing } from '../thing-kind.ts';
import { armRequest, bicepOf, changedBody, deleteOf, placeOf, placeWords, putOf, resourceOf } from '../written.ts';
import { placeFields, placeOfValues } from './places.ts';

const type = 'Microsoft.KeyVault/vaults';
const rights = [
  { value: 'true', label: 'Roles of the resource manager' },
  { value: 'false', label: 'Access policies' },
];

export const makeVault: Form = {
  ...{ id: 'make', title: 'Make a vault' },
  fields: (base) => [
    ...placeFields(base, '3 to 24 letters, digits and hyphens; unique in the world'),
    choice('roles', 'Rights are given by', rights),
    text('days', 'Days that deleted things are kept', '90'),
    check('purge', 'Purge protection', true),
  ],
  deed: (values, base) => {
    const { subscription, group, groupId, name, region, tenantId } = placeOfValues(values, base);
    const isByRoles = valueOf(values, 'roles') === 'true';
    const isProtected = valueOf(values, 'purge') === 'true';
    const days = Number(valueOf(values, 'days'));
    const body = {
      location: region,
      properties: {
        tenantId,
        sku: { family: 'A', name: 'standard' },
        softDeleteRetentionInDays: days,
        enableRbacAuthorization: isByRoles,
        // Once it is on it stays on, so that a vault without it does not speak of it.
        ...(isProtected ? { enablePurgeProtection: true } : {}),
        accessPolicies: [],
      },
    };
    return {
      steps: [putOf(`${groupId}/providers/${type}/${encodeURIComponent(name)}`, type, body)],
      az: [
        command(
          ...['az', 'keyvault', 'create', ...placeWords(subscription, group, name), '--location', region],
          ...['--retention-days', String(days), '--enable-rbac-authorization', String(isByRoles)],
          ...(isProtected ? ['--enable-purge-protection', 'true'] : []),
          // Else it gives whoever calls it all permissions.
          ...(isByRoles ? [] : ['--no-self-perms', 'true']),
        ),
      ],
      bicep: bicepOf(resourceOf(type, 'vault', [name], body)),
      typescript: vaultModule(
        subscription,
        call(`vaults.createOrUpdate(${literalText(group)}, ${literalText(name)}`, body),
      ),
    };
  },
};

const vaultModule = (subscription: string, lines: readonly string[]): string =>
  moduleText({ client: 'vaults', lines: [managing('vaults', subscription), ...lines] });

export const changeVault: Form = {
  ...{ id: 'change', title: 'Change how rights are given, and protection' },
  fields: (_, { resource }) => {
    const { enableRbacAuthorization, enablePurgeProtection } = propertiesOf(resource);
    return [
      choice('roles', 'Rights are given by', rights, String(enableRbacAuthorization === true)),
      check('purge', 'Purge protection (it cannot be taken back)', enablePurgeProtection === true),
    ];
  },
  deed: (values, _, { resource }) => {
    const id = idOf(resource);
    const { group, name } = placeOf(resource);
    const { tenantId, accessPolicies } = propertiesOf(resource);
    const isByRoles = valueOf(values, 'roles') === 'true';
    const isProtected = valueOf(values, 'purge') === 'true';
    const properties = {
      enableRbacAuthorization: isByRoles,
      ...(isProtected ? { enablePurgeProtection: true } : {}),
    };
    return {
      steps: [armRequest('PATCH', id, versionOf(type), { properties })],
      az: [
        command(
          ...['az', 'keyvault', 'update', ...placeWords(partOf(id, 'subscriptions'), group, name)],
          ...['--enable-rbac-authorization', String(isByRoles)],
          ...(isProtected ? ['--enable-purge-protection', 'true'] : []),
        ),
      ],
      bicep: bicepOf(
        resourceOf(
          ...([type, 'vault', [name]] as const),
          changedBody(type, resource, { properties: { ...properties, tenantId, accessPolicies } }),
        ),
      ),
      typescript: vaultModule(
        partOf(id, 'subscriptions'),
        call(`vaults.update(${literalText(group)}, ${literalText(name)}`, { properties }),
      ),
    };
  },
};

export const deleteVault: Form = {
  ...{ id: 'delete', title: 'Delete the vault' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const { group, name } = placeOf(resource);
    const subscription = partOf(idOf(resource), 'subscriptions');
    return {
      steps: [deleteOf(idOf(resource), type)],
      az: [command('az', 'keyvault', 'delete', ...placeWords(subscription, group, name))],
      typescript: vaultModule(subscription, [
        `await client.vaults.delete(${literalText(group)}, ${literalText(name)});`,
      ]),
    };
  },
};

/** What a deleted vault was. */
function former({ resource }: Thing): Readonly<Record<'id' | 'subscription' | 'location' | 'name', string>> {
  const properties = propertiesOf(resource);
  const id = textMember(properties, 'vaultId');
  return {
    ...{ id, subscription: partOf(id, 'subscriptions') },
    ...{ location: textMember(properties, 'location'), name: nameOf(resource) },
  };
}

export const recoverVault: Form = {
  ...{ id: 'recover', title: 'Recover the vault' },
  fields: () => [],
  deed: (_, { subscriptions }, thing): Deed => {
    const { id, subscription, location, name } = former(thing);
    const tenantId = subscriptions.find((one) => one.id === subscription)?.tenantId ?? '';
    const properties = { tenantId, sku: { family: 'A', name: 'standard' }, createMode: 'recover' };
    return {
      steps: [putOf(id, type, { location, properties })],
      az: [az.recoverVault(name)],
      bicep: bicepOf(resourceOf(type, 'vault', [name], { location, properties })),
      typescript: mendByTypeScript({
        ...{ kind: 'recoverVault', vault: { subscriptionId: subscription, name }, location, tenantId },
      }),
    };
  },
};

export const purgeVault: Form = {
  ...{ id: 'purge', title: 'Purge the vault, for good' },
  fields: () => [],
  deed: (_, __, thing): Deed => {
    const { subscription, location, name } = former(thing);
    const id = `/subscriptions/${subscription}/providers/Microsoft.KeyVault/locations/${location}/deletedVaults/${name}`;
    return {
      steps: [armRequest('POST', `${id}/purge`, versionOf(type))],
      az: [command('az', 'keyvault', 'purge', '--subscription', subscription, '--name', name, '--location', location)],
      typescript: vaultModule(subscription, [
        `await client.vaults.beginPurgeDeletedAndWait(${literalText(name)}, ${literalText(location)});`,
      ]),
    };
  },
};
