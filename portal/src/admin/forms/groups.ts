import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { groupsVersion, idOf, nameOf, partOf } from '../resources.ts';
import type { Form } from '../form.ts';
import { choice, text, valueOf } from '../form.ts';
import { armRequest, bicepOfGroup } from '../written.ts';

export const makeGroup: Form = {
  ...{ id: 'make', title: 'Make a resource group' },
  fields: ({ subscriptions }) => [
    choice(
      'subscription',
      'Subscription',
      subscriptions.map(({ id, name }) => ({ value: id, label: name })),
    ),
    text('name', 'Name'),
    text('region', 'Region', 'eastus'),
  ],
  deed: (values) => {
    const [subscription, name, location] = ['subscription', 'name', 'region'].map((id) => valueOf(values, id)) as [
      string,
      string,
      string,
    ];
    return {
      steps: [
        armRequest('PUT', `/subscriptions/${subscription}/resourcegroups/${encodeURIComponent(name)}`, groupsVersion, {
          location,
        }),
      ],
      az: [
        command(...['az', 'group', 'create', '--subscription', subscription, '--name', name, '--location', location]),
      ],
      bicep: bicepOfGroup(name, location),
      typescript: moduleText({
        client: 'resources',
        lines: [
          managing('resources', subscription),
          ...call(`resourceGroups.createOrUpdate(${literalText(name)}`, { location }),
        ],
      }),
    };
  },
};

export const deleteGroup: Form = {
  ...{ id: 'delete', title: 'Delete the resource group, and all that is in it' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const subscription = partOf(idOf(resource), 'subscriptions');
    const name = nameOf(resource);
    return {
      steps: [armRequest('DELETE', idOf(resource), groupsVersion)],
      az: [command('az', 'group', 'delete', '--subscription', subscription, '--name', name, '--yes')],
      typescript: moduleText({
        client: 'resources',
        lines: [
          managing('resources', subscription),
          `await client.resourceGroups.beginDeleteAndWait(${literalText(name)});`,
        ],
      }),
    };
  },
};
