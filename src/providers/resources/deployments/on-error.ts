import { armErrors } from '../../../arm/arm-errors.ts';
import { ArmError } from '../../../arm/arm-error.ts';
import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors, detailOf } from './deployment-errors.ts';
import type { DeploymentRecord, OnErrorDeployment } from './deployment-record.ts';
import {
  deploymentId,
  deploymentRecordId,
  deployments,
  deploymentsIn,
  deploymentTemplates,
} from './deployment-record.ts';
import type { DeploymentAddress, WantedDeployment } from './deployment-request.ts';
import type { CallingContext } from './resource-calls.ts';
import { callAndWait } from './resource-calls.ts';

/** Of the request that deploys again. */
const apiVersion = '2024-11-01';

/** Which earlier deployment is deployed again when this one fails: never itself, and none that another has made.
 * @throws ArmError when there is none; 501 when it had secure parameters, as their values are not kept */
export async function onErrorOf(
  deps: Pick<DeploymentDependencies, 'state'>,
  { scope, id }: DeploymentAddress,
  { onError }: WantedDeployment,
): Promise<OnErrorDeployment | undefined> {
  if (onError === undefined) return undefined;
  const { type, deploymentName } = onError;
  const earlier = deploymentName === undefined ? await lastSuccessful(deps, scope.id, id) : undefined;
  const found = deploymentName === undefined ? earlier : await named(deps, scope.id, deploymentName);
  if (found === undefined) throw deploymentErrors.NoSuccessfulDeployment();
  const hasSecrets = Object.values(found.parameters).some(
    (each) => isJsonObject(each) && !('value' in each || 'reference' in each),
  );
  if (hasSecrets) throw armErrors.NotImplemented('onErrorDeployment to a deployment that had secure parameters');
  return { type, deploymentName: found.name };
}

async function lastSuccessful(
  { state }: Pick<DeploymentDependencies, 'state'>,
  scopeId: string,
  ownId: string,
): Promise<DeploymentRecord | undefined> {
  const all = (await deploymentsIn(state, scopeId)).map(({ value }) => value);
  return all
    .filter((each) => each.state === 'Succeeded' && each.isNested !== true)
    .filter((each) => each.id.toLowerCase() !== ownId.toLowerCase())
    .toSorted((left, right) => left.changedAt - right.changedAt || (left.operationId < right.operationId ? 1 : -1))
    .at(-1);
}

async function named(
  { state }: Pick<DeploymentDependencies, 'state'>,
  scopeId: string,
  name: string,
): Promise<DeploymentRecord> {
  const found = (await state.get(deployments, deploymentRecordId(deploymentId(scopeId, name))))?.value;
  if (found === undefined || found.isNested === true) throw deploymentErrors.DeploymentNotFound(name.slice(0, 100));
  if (found.state !== 'Succeeded') throw deploymentErrors.OnErrorNotSucceeded(found.name, found.state);
  return found;
}

/** Deploys it again, in complete mode as the service does, with the template and the values of then and the rights of who asked now.
 * @returns what went wrong */
export async function deployAgain(
  context: CallingContext & { readonly deps: Pick<DeploymentDependencies, 'state'> },
  scopeId: string,
  { deploymentName }: OnErrorDeployment,
): Promise<ArmErrorDetail | undefined> {
  const path = deploymentId(scopeId, deploymentName);
  const { state } = context.deps;
  const found = await state.get(deployments, deploymentRecordId(path));
  const template = await state.get(deploymentTemplates, deploymentRecordId(path));
  try {
    if (found === undefined || template === undefined) throw deploymentErrors.DeploymentNotFound(deploymentName);
    const { parameters } = found.value;
    const body = { properties: { mode: 'Complete', template: template.value.template, parameters } };
    await callAndWait(context, { method: 'PUT', path, apiVersion, body });
    return undefined;
  } catch (error) {
    if (error instanceof ArmError) return detailOf(error);
    throw error;
  }
}
