import type { Json, JsonObject } from '../../../base/json.ts';
import { instant, toIso } from '../../../clock/clock.ts';
import type { DeploymentOperation, DeploymentRecord } from './deployment-record.ts';
import { shownLinks } from './linked-content.ts';

export function showDeployment(deployment: DeploymentRecord): JsonObject {
  const { id, name, location, tags, outputs, outputResources, error } = deployment;
  return {
    ...{ id, name, type: 'Microsoft.Resources/deployments' },
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties: {
      ...commonProperties(deployment),
      ...(outputs === undefined ? {} : { outputs }),
      ...(outputResources === undefined
        ? {}
        : { outputResources: outputResources.map((resource) => ({ id: resource })) }),
      ...(error === undefined ? {} : { error }),
    },
  };
}

/** The answer to a validation: nothing has begun. */
export function showValidated(deployment: DeploymentRecord, resources: readonly string[]): JsonObject {
  const { id, name, location, tags } = deployment;
  return {
    ...{ id, name, type: 'Microsoft.Resources/deployments' },
    ...(location === undefined ? {} : { location }),
    ...(tags === undefined ? {} : { tags }),
    properties: {
      ...commonProperties({ ...deployment, state: 'Succeeded' }),
      ...{ timestamp: '0001-01-01T00:00:00Z', duration: 'PT0S' },
      validatedResources: resources.map((resource) => ({ id: resource })),
    },
  };
}

function commonProperties(deployment: DeploymentRecord): JsonObject {
  const { templateHash, parameters, mode, state, startedAt, changedAt, correlationId } = deployment;
  const { providers, dependencies, onError, links = {} } = deployment;
  return {
    ...shownLinks(links),
    templateHash,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
    ...{
      mode,
      provisioningState: state,
      timestamp: toIso(instant(changedAt)),
      duration: durationText(changedAt - startedAt),
    },
    ...{ correlationId, providers, dependencies },
    ...(onError === undefined ? {} : { onErrorDeployment: { ...onError } }),
  };
}

export function showOperation(deploymentId: string, operation: DeploymentOperation): JsonObject {
  const { operationId, provisioningOperation, state, startedAt, changedAt, trackingId, statusCode, error, target } =
    operation;
  return {
    id: `${deploymentId}/operations/${operationId}`,
    operationId,
    properties: {
      ...{ provisioningOperation, provisioningState: state, timestamp: toIso(instant(changedAt)) },
      ...{ duration: durationText(changedAt - startedAt), trackingId },
      ...(statusCode === undefined ? {} : { statusCode }),
      ...(error === undefined ? {} : { statusMessage: { status: 'Failed', error } }),
      ...(target === undefined ? {} : { targetResource: { ...target } }),
    },
  };
}

/** ISO 8601, in seconds and above. */
function durationText(milliseconds: number): string {
  const [hours, minutes] = [Math.floor(milliseconds / 3_600_000), Math.floor(milliseconds / 60_000) % 60];
  const seconds = (milliseconds % 60_000) / 1000;
  return `PT${hours > 0 ? `${hours}H` : ''}${minutes > 0 ? `${minutes}M` : ''}${seconds}S`;
}

/** Names of parameters and outputs, as answers show them: capitals at the start become small, the last of several before a small
 * letter excepted. */
function shownName(name: string): string {
  const capitals = /^[A-Z]+/.exec(name)?.[0].length ?? 0;
  const lowered =
    capitals > 1 && capitals < name.length && /^[a-z]/.test(name.slice(capitals)) ? capitals - 1 : capitals;
  return name.slice(0, lowered).toLowerCase() + name.slice(lowered);
}

interface NamedValue {
  readonly name: string;
  readonly type: string;
  readonly isSecure: boolean;
  readonly value: Json;
  readonly reference?: Json;
}

/** `{ "name": { "type", "value" } }`; what is secure keeps its value to itself, and shows where it came from. */
export function shownValues(values: Iterable<NamedValue>): JsonObject {
  const shown = [...values].map(({ name, type, isSecure, value, reference }) => [
    shownName(name),
    isSecure ? { type, ...(reference === undefined ? {} : { reference }) } : { type, value },
  ]);
  return Object.fromEntries(shown) as JsonObject;
}
