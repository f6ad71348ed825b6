import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import { armResources } from '../../../arm/resource.ts';
import type { ArmResource } from '../../../arm/resource.ts';
import { newGuid } from '../../../base/new-guid.ts';
import { listIntact } from '../../../state/list-all.ts';
import { templateHash64 } from '../../../templates/expressions/unique-string.ts';
import type { PlannedResource } from '../../../templates/plan.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { detailOf } from './deployment-errors.ts';
import type { DeploymentOperation, DeploymentRecord } from './deployment-record.ts';
import type { CallingContext } from './resource-calls.ts';
import { callAndWait } from './resource-calls.ts';

interface CompleteContext extends CallingContext {
  readonly deps: DeploymentDependencies;
  readonly plan: { readonly resources: readonly PlannedResource[] };
}

/** The resources of a group that a template does not name, clusters before the identities that they may use. */
export async function resourcesBeside(
  deps: DeploymentDependencies,
  groupId: string,
  named: readonly { readonly id: string; readonly isDeployed: boolean }[],
): Promise<readonly ArmResource[]> {
  const kept = new Set(named.filter(({ isDeployed }) => isDeployed).map(({ id }) => id.toLowerCase()));
  const all = await listIntact(deps.state, armResources, `${groupId.toLowerCase()}/`);
  return all
    .map(({ value }) => value)
    .filter(({ type, id }) => type.split('/').length === 2 && !kept.has(id.toLowerCase()))
    .toSorted((left, right) => orderOf(left) - orderOf(right));
}

const orderOf = ({ type }: ArmResource): number => (/^microsoft\.kusto\//i.test(type) ? 0 : 1);

/** What depends on another resource that goes, too, is tried again once that is gone: a cluster whose followers are deleted with it.
 * @returns what could not be deleted */
export async function removeOthers(
  context: CompleteContext,
  { scopeId }: DeploymentRecord,
  record: (operation: DeploymentOperation) => Promise<void>,
): Promise<readonly ArmErrorDetail[]> {
  let left = await resourcesBeside(context.deps, scopeId, context.plan.resources);
  for (;;) {
    const failures: { readonly resource: ArmResource; readonly detail: ArmErrorDetail }[] = [];
    for (const resource of left) {
      const detail = await removeOne(context, resource, record);
      if (detail !== undefined) failures.push({ resource, detail });
    }
    if (failures.length === 0 || failures.length === left.length) return failures.map(({ detail }) => detail);
    left = failures.map(({ resource }) => resource);
  }
}

/** @returns why it could not be deleted */
async function removeOne(
  context: CompleteContext,
  { id, type, name }: ArmResource,
  record: (operation: DeploymentOperation) => Promise<void>,
): Promise<ArmErrorDetail | undefined> {
  const { clock, randomBytes } = context.deps;
  const begun: DeploymentOperation = {
    operationId: templateHash64(Buffer.from(`delete ${id.toLowerCase()}`))
      .toString(16)
      .toUpperCase()
      .padStart(16, '0'),
    ...{ provisioningOperation: 'Delete', state: 'Running', startedAt: clock.now(), changedAt: clock.now() },
    trackingId: newGuid(randomBytes),
    target: { id, resourceType: type, resourceName: name },
  };
  await record(begun);
  try {
    await callAndWait(context, { method: 'DELETE', path: id, apiVersion: newestApiVersion(context.deps, type) });
    await record({ ...begun, changedAt: clock.now(), state: 'Succeeded', statusCode: 'OK' });
    return undefined;
  } catch (error) {
    if (!(error instanceof ArmError)) throw error;
    const detail = detailOf(error);
    await record({ ...begun, changedAt: clock.now(), state: 'Failed', error: detail });
    return detail;
  }
}

/** The newest that is no preview, as clients choose it. */
export function newestApiVersion(deps: Pick<DeploymentDependencies, 'providers'>, type: string): string {
  const [namespace = '', ...rest] = type.toLowerCase().split('/');
  const provider = deps.providers.find((each) => each.namespace.toLowerCase() === namespace);
  const found = provider?.resourceTypes.find(({ resourceType }) => resourceType.toLowerCase() === rest.join('/'));
  return found?.apiVersions.find((version) => /^[\d-]+$/.test(version)) ?? found?.apiVersions[0] ?? '';
}
