import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import { templateLimits } from '../../../templates/template.ts';
import { deploymentErrors } from './deployment-errors.ts';
import type { PlanningContext } from './planned-deployment.ts';

/** The parameters with the secrets that they refer to (`reference`) as their values. The reference stays beside the value: it is what is
 * shown and kept.
 * @throws ArmError when one is not to be had, or a reference is none */
export async function withSecrets(
  { deps, caller, correlationId }: PlanningContext,
  parameters: JsonObject,
): Promise<JsonObject> {
  const given = Object.entries(parameters);
  // More than these are refused as soon as the template is read.
  if (given.length > templateLimits.parameters) return parameters;
  const read: [string, Json][] = [];
  for (const [parameter, sent = null] of given) {
    if (!isJsonObject(sent) || sent['reference'] === undefined) {
      read.push([parameter, sent]);
      continue;
    }
    const reference = referenceIn(sent, parameter);
    const value = await deps.readSecret({ parameter, ...reference, caller, correlationId });
    read.push([parameter, { value, reference: sent['reference'] }]);
  }
  return Object.fromEntries(read);
}

function referenceIn(
  sent: JsonObject,
  parameter: string,
): { readonly vaultId: string; readonly secretName: string; readonly secretVersion?: string } {
  const { keyVault, secretName, secretVersion } = isJsonObject(sent['reference']) ? sent['reference'] : {};
  const vaultId = isJsonObject(keyVault) ? keyVault['id'] : undefined;
  const isVersion = secretVersion === undefined || secretVersion === null || typeof secretVersion === 'string';
  const isVault =
    typeof vaultId === 'string' &&
    /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.KeyVault\/vaults\/[^/]+$/i.test(vaultId);
  if (!isVault || typeof secretName !== 'string' || secretName === '' || !isVersion || sent['value'] !== undefined)
    throw deploymentErrors.InvalidSecretReference(parameter.slice(0, 100));
  return {
    ...{ vaultId, secretName },
    ...(typeof secretVersion === 'string' && secretVersion !== '' ? { secretVersion } : {}),
  };
}
