import { setTimeout as pause } from 'node:timers/promises';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { callLocal, localToken } from '../../server/local-client.ts';
import { UserError } from '../user-error.ts';
import { errorText } from './error-text.ts';

export interface Deployment {
  readonly resourceGroup: string;
  /** Makes the group when it is not there yet. */
  readonly location?: string;
  readonly name: string;
  readonly template: JsonObject;
  /** As the resource manager takes them: `{ name: { value } }`. */
  readonly parameters: JsonObject;
}

const deploymentsVersion = '2021-04-01';
const pollMs = 250;

/** Deploys a template as the data directory's own application, and waits for its end.
 * @param say hears a line for every resource that has ended
 * @returns the outputs
 * @throws UserError with code, target and details of what was refused */
export async function deploy(
  environment: InstanceEnvironment,
  { resourceGroup, location, name, template, parameters }: Deployment,
  say: (line: string) => void,
): Promise<JsonObject> {
  const token = await localToken(environment, 'https://management.azure.com');
  const group = `/subscriptions/${environment.subscriptionId}/resourcegroups/${encodeURIComponent(resourceGroup)}`;
  const deployment = `${group}/providers/Microsoft.Resources/deployments/${encodeURIComponent(name)}`;
  const send = async (method: string, path: string, body?: Json): Promise<JsonObject> => {
    const answer = await callLocal(environment, {
      ...{ host: 'management.azure.com', method, token, answerBytesMax: 64 * 1024 * 1024 },
      path: `${path}?api-version=${deploymentsVersion}`,
      ...(body === undefined ? {} : { body }),
    });
    const value = isJsonObject(answer.value) ? answer.value : {};
    if (answer.status < 300) return value;
    throw new UserError(errorText(value['error'], answer.status));
  };
  if (location !== undefined) await send('PUT', group, { location });
  await send('PUT', deployment, { properties: { mode: 'Incremental', template, parameters } });
  const told = new Set<string>();
  for (;;) {
    const properties = memberOf(await send('GET', deployment), 'properties');
    const state = textMember(properties, 'provisioningState');
    const hasEnded = ['Succeeded', 'Failed', 'Canceled'].includes(state);
    for (const line of endedIn(await send('GET', `${deployment}/operations`))) {
      if (!told.has(line)) say(line);
      told.add(line);
    }
    if (state === 'Succeeded') return memberOf(properties, 'outputs');
    if (hasEnded) throw new UserError(errorText(properties['error'], state));
    await pause(pollMs);
  }
}

/** `Succeeded Microsoft.KeyVault/vaults contoso-keys` */
function endedIn({ value }: JsonObject): readonly string[] {
  const operations = Array.isArray(value) ? (value as readonly Json[]).filter(isJsonObject) : [];
  return operations.flatMap((operation) => {
    const properties = memberOf(operation, 'properties');
    const state = textMember(properties, 'provisioningState');
    const target = memberOf(properties, 'targetResource');
    if (!['Succeeded', 'Failed'].includes(state) || textMember(target, 'resourceType') === '') return [];
    return [`${state} ${textMember(target, 'resourceType')} ${textMember(target, 'resourceName')}`];
  });
}

function memberOf(object: JsonObject, name: string): JsonObject {
  const value = object[name];
  return isJsonObject(value) ? value : {};
}
