import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { textMember } from '../../../../src/base/json.ts';
import type { WrittenType } from '../../../../src/cli/export/resource-rows.ts';
import type { BaseLists } from '../resources.ts';
import { groupOf, idOf, nameOf, partOf, propertiesOf, versionOf } from '../resources.ts';
import type { Choice, Form } from '../form.ts';
import { choice, text, valueOf, words } from '../form.ts';
import { bicepOf, deleteOf, existingOf, putOf, resourceOf } from '../written.ts';

const type = 'Microsoft.Authorization/roleAssignments';

function scopeChoices({ subscriptions, groups, vaults, clusters, identities }: BaseLists): readonly Choice[] {
  const of = (kind: string, resources: BaseLists['groups']): readonly Choice[] =>
    resources.map((one) => ({ value: idOf(one), label: `${kind} ${nameOf(one)} in ${groupOf(one)}` }));
  return [
    ...groups.map((group) => ({ value: idOf(group), label: `resource group ${nameOf(group)}` })),
    ...[...of('vault', vaults), ...of('cluster', clusters), ...of('identity', identities)],
    ...subscriptions.map(({ id, name }) => ({ value: `/subscriptions/${id}`, label: `subscription ${name}` })),
  ];
}

/** Kinds of resources that an assignment can be on, and what exports call them. */
const scopeKinds: readonly (readonly [WrittenType, string])[] = [
  ['Microsoft.KeyVault/vaults', 'vault'],
  ['Microsoft.Kusto/clusters', 'cluster'],
  ['Microsoft.ManagedIdentity/userAssignedIdentities', 'identity'],
];

/** @param newName draws the name of the assignment, which is a GUID */
export const giveRole = (newName: () => string): Form => ({
  ...{ id: 'make', title: 'Give a role of the resource manager' },
  fields: (base) => [
    choice('scope', 'On', scopeChoices(base)),
    choice(
      ...(['role', 'Role'] as const),
      base.roles.map((role) => ({ value: nameOf(role), label: textMember(propertiesOf(role), 'roleName') })),
    ),
    text('principal', 'To (object id)'),
    choice('kind', 'Which is a', words('ServicePrincipal', 'User', 'Group')),
    text('name', 'Name of the assignment', newName()),
  ],
  deed: (values) => {
    const [scope, role, principalId] = ['scope', 'role', 'principal'].map((id) => valueOf(values, id)) as [
      string,
      string,
      string,
    ];
    const [principalType, name] = [valueOf(values, 'kind'), valueOf(values, 'name')];
    const subscription = partOf(scope, 'subscriptions');
    const roleDefinitionId = `/subscriptions/${subscription}/providers/Microsoft.Authorization/roleDefinitions/${role}`;
    const body = { properties: { roleDefinitionId, principalId, principalType } };
    const id = `${scope}/providers/${type}/${encodeURIComponent(name)}`;
    return {
      steps: [putOf(id, type, body)],
      az: [
        command(
          ...['az', 'role', 'assignment', 'create', '--name', name, '--role', role],
          ...['--assignee-object-id', principalId, '--assignee-principal-type', principalType, '--scope', scope],
        ),
      ],
      bicep: bicepOfAssignment(scope, name, body),
      typescript: byIdModule(subscription, call(createCall(id), body)),
    };
  },
});

const createCall = (id: string): string =>
  `resources.beginCreateOrUpdateByIdAndWait(${literalText(id)}, ${literalText(versionOf(type))}`;

const byIdModule = (subscription: string, lines: readonly string[]): string =>
  moduleText({ client: 'resources', lines: [managing('resources', subscription), ...lines] });

function bicepOfAssignment(scope: string, name: string, body: Parameters<typeof resourceOf>[3]): string {
  const kind = scopeKinds.find(([known]) => scope.toLowerCase().includes(`/providers/${known.toLowerCase()}/`));
  if (kind === undefined) {
    const targetScope = partOf(scope, 'resourceGroups') === '' ? 'subscription' : 'resourceGroup';
    return bicepOf(resourceOf(type, 'role', [name], body), { targetScope });
  }
  const on = existingOf(kind[0], kind[1], [scope.split('/').at(-1) ?? '']);
  return bicepOf(resourceOf(type, 'role', [name], body, { scope: on.symbol }), { existing: [on] });
}

export const takeRole: Form = {
  ...{ id: 'delete', title: 'Take the role away' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const id = idOf(resource);
    return {
      steps: [deleteOf(id, type)],
      az: [command('az', 'role', 'assignment', 'delete', '--ids', id)],
      typescript: byIdModule(partOf(id, 'subscriptions'), [
        `await client.resources.beginDeleteByIdAndWait(${literalText(id)}, ${literalText(versionOf(type))});`,
      ]),
    };
  },
};
