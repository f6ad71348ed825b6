import { command } from '../../../../src/cmk/commands.ts';
import { mendByTypeScript } from '../../../../src/cmk/mend-typescript.ts';
import { managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { idOf, partOf, versionOf } from '../resources.ts';
import type { Form } from '../form.ts';
import { bicepOf, deleteOf, placeWords, putOf, resourceOf } from '../written.ts';
import { placeFields, placeOfValues } from './places.ts';

const type = 'Microsoft.ManagedIdentity/userAssignedIdentities';

export const makeIdentity: Form = {
  ...{ id: 'make', title: 'Make an identity' },
  fields: (base) => placeFields(base),
  deed: (values, base) => {
    const { subscription, group, groupId, name, region } = placeOfValues(values, base);
    const id = `${groupId}/providers/${type}/${encodeURIComponent(name)}`;
    const identity = { id, subscriptionId: subscription, resourceGroup: group, type, name };
    const body = { location: region };
    return {
      steps: [putOf(id, type, body)],
      az: [command('az', 'identity', 'create', ...placeWords(subscription, group, name), '--location', region)],
      bicep: bicepOf(resourceOf(type, 'identity', [name], body)),
      typescript: mendByTypeScript({ kind: 'createIdentity', identity, location: region }),
    };
  },
};

export const deleteIdentity: Form = {
  ...{ id: 'delete', title: 'Delete the identity' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const id = idOf(resource);
    return {
      steps: [deleteOf(id, type)],
      az: [command('az', 'identity', 'delete', '--ids', id)],
      typescript: moduleText({
        client: 'resources',
        lines: [
          managing('resources', partOf(id, 'subscriptions')),
          `await client.resources.beginDeleteByIdAndWait(${literalText(id)}, ${literalText(versionOf(type))});`,
        ],
      }),
    };
  },
};
