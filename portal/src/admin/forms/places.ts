import { textMember } from '../../../../src/base/json.ts';
import type { BaseLists } from '../resources.ts';
import { groupOf, idOf, nameOf, partOf } from '../resources.ts';
import type { Choice, Field, Values } from '../form.ts';
import { choice, text, valueOf } from '../form.ts';

/** In which group something new goes. */
export interface Place {
  readonly subscription: string;
  readonly tenantId: string;
  readonly group: string;
  readonly groupId: string;
  readonly name: string;
  readonly region: string;
}

export const groupChoices = ({ groups }: BaseLists): readonly Choice[] =>
  groups.map((group) => ({ value: idOf(group), label: nameOf(group) }));

export const clusterChoices = ({ clusters }: BaseLists): readonly Choice[] =>
  clusters.map((cluster) => ({ value: idOf(cluster), label: `${nameOf(cluster)} in ${groupOf(cluster)}` }));

export const vaultChoices = ({ vaults }: BaseLists): readonly Choice[] =>
  vaults.map((vault) => ({ value: idOf(vault), label: `${nameOf(vault)} in ${groupOf(vault)}` }));

export const identityChoices = ({ identities }: BaseLists): readonly Choice[] =>
  identities.map((one) => ({ value: idOf(one), label: `${nameOf(one)} in ${groupOf(one)}` }));

/** Fields of all that lies in a resource group. */
export const placeFields = (base: BaseLists, hint?: string): readonly Field[] => [
  choice('group', 'Resource group', groupChoices(base)),
  text('name', 'Name', '', hint),
  text('region', 'Region', textMember(base.groups[0], 'location')),
];

export function placeOfValues(values: Values, { subscriptions }: BaseLists): Place {
  const groupId = valueOf(values, 'group');
  const subscription = partOf(groupId, 'subscriptions');
  return {
    ...{ subscription, groupId, group: partOf(groupId, 'resourceGroups') },
    ...{ name: valueOf(values, 'name'), region: valueOf(values, 'region') },
    tenantId: subscriptions.find(({ id }) => id === subscription)?.tenantId ?? '',
  };
}
