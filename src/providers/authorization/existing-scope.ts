import { armErrors } from '../../arm/arm-errors.ts';
import { resourceGroupId } from '../../arm/resource-groups.ts';
import { parseResourceId } from '../../arm/resource-path.ts';
import { armResources, resourceRecordId } from '../../arm/resource.ts';
import type { State } from '../../state/state.ts';

/** Resource groups and subscriptions were checked on the way here; a resource must be there, too. What it holds (`…/vaults/v/keys/k`)
 * is not looked up.
 * @throws ArmError 404 `ResourceNotFound` */
export async function requireTopResource(state: State, scope: string): Promise<void> {
  const parsed = parseResourceId(scope);
  if (parsed === undefined) return;
  const [namespace = '', type = ''] = parsed.type.split('/');
  const [name = ''] = parsed.name.split('/');
  const id = `${resourceGroupId(parsed.subscriptionId, parsed.resourceGroupName)}/providers/${namespace}/${type}/${name}`;
  if ((await state.get(armResources, resourceRecordId(id))) !== undefined) return;
  throw armErrors.ResourceNotFound(`${namespace}/${type}`, name, parsed.resourceGroupName);
}

/** The same, and what is not looked up there is not there.
 * @throws ArmError 404 `ResourceNotFound` */
export async function requireResourceAt(state: State, scope: string): Promise<void> {
  const parsed = parseResourceId(scope);
  if (parsed === undefined || (await state.get(armResources, resourceRecordId(scope))) !== undefined) return;
  const [namespace = '', ...types] = parsed.type.split('/');
  const names = parsed.name.split('/');
  // As the resource manager names what is inside of something: `clusters/c/databases/d`.
  const last = types.map((type, at) => (at === 0 ? type : `${names[at - 1] ?? ''}/${type}`)).join('/');
  throw armErrors.ResourceNotFound(`${namespace}/${last}`, names.at(-1) ?? '', parsed.resourceGroupName);
}
