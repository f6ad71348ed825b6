import type { Guid } from '../base/guid.ts';
import { invariant } from '../base/invariant.ts';
import { isJsonObject } from '../base/json.ts';
import type { State, Table, Versioned } from '../state/state.ts';
import { armErrors } from './arm-errors.ts';

export interface ResourceGroup {
  /** `/subscriptions/{guid}/resourceGroups/{name}`, in the casing that answers show. */
  readonly id: string;
  readonly name: string;
  /** Short form. */
  readonly location: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly managedBy?: string;
  readonly provisioningState: 'Succeeded' | 'Deleting';
  /** The deletion under way, or the last one that failed. */
  readonly deletionOperationId?: Guid;
  /** ISO times on the Kustody clock. */
  readonly createdAt: string;
  readonly changedAt: string;
}

/** Record id: the group's id in lower case. */
export const resourceGroups: Table<ResourceGroup> = {
  name: 'arm-resource-groups',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['id'] === 'string', 'a resource group has an id');
    return value as unknown as ResourceGroup;
  },
};

export const resourceGroupId = (subscriptionId: string, name: string): string =>
  `/subscriptions/${subscriptionId.toLowerCase()}/resourceGroups/${name}`;

export const findResourceGroup = (
  state: State,
  subscriptionId: string,
  name: string,
): Promise<Versioned<ResourceGroup> | undefined> =>
  state.get(resourceGroups, resourceGroupId(subscriptionId, name).toLowerCase());

/** A provider that creates a resource names this record in `expect` of its commit (`expectRecord(resourceGroups, found.id, found.version)`),
 * so that nothing is left behind in a group that is being deleted at the same time.
 * @throws ArmError 404 */
export async function requireResourceGroup(
  state: State,
  subscriptionId: string,
  name: string,
): Promise<Versioned<ResourceGroup>> {
  const found = await findResourceGroup(state, subscriptionId, name);
  if (found === undefined) throw armErrors.ResourceGroupNotFound(name);
  return found;
}
