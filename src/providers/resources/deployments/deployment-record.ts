import type { ArmErrorDetail } from '../../../arm/arm-error.ts';
import { invariant } from '../../../base/invariant.ts';
import type { Json, JsonObject } from '../../../base/json.ts';
import { isJsonObject } from '../../../base/json.ts';
import type { State, StateWrite, Table, Versioned } from '../../../state/state.ts';
import { listIntact } from '../../../state/list-all.ts';
import { writeRecord } from '../../../state/state.ts';
import type { ContentLinks } from './linked-content.ts';

type DeploymentState = 'Accepted' | 'Running' | 'Succeeded' | 'Failed' | 'Canceled';

/** A deployment as it is shown: no value of a secure parameter or output is in it. */
export interface DeploymentRecord {
  /** In the casing that answers show. */
  readonly id: string;
  readonly name: string;
  /** `/subscriptions/…/resourceGroups/…`, `/subscriptions/…`, or empty for the tenant. */
  readonly scopeId: string;
  readonly location?: string;
  readonly tags?: Readonly<Record<string, string>>;
  /** Twenty digits, smaller for later ones. */
  readonly operationId: string;
  readonly templateHash: string;
  readonly parameters: JsonObject;
  readonly mode: 'Incremental' | 'Complete';
  readonly state: DeploymentState;
  /** Milliseconds on the Kustody clock: when it began, and when it last changed. */
  readonly startedAt: number;
  readonly changedAt: number;
  readonly correlationId: string;
  readonly providers: Json;
  readonly dependencies: Json;
  readonly outputs?: JsonObject;
  readonly outputResources?: readonly string[];
  readonly error?: ArmErrorDetail;
  readonly links?: ContentLinks;
  /** Another deployment has made it. */
  readonly isNested?: true;
  /** What is deployed again when it fails. */
  readonly onError?: OnErrorDeployment;
}

export interface OnErrorDeployment {
  readonly type: 'LastSuccessful' | 'SpecificDeployment';
  readonly deploymentName: string;
  /** How far that has come. */
  readonly provisioningState?: 'Running' | 'Succeeded' | 'Failed';
}

/** Record id: the deployment's id in lower case. */
export const deployments: Table<DeploymentRecord> = {
  name: 'arm-deployments',
  parse: (value) => {
    invariant(isJsonObject(value) && typeof value['operationId'] === 'string', 'a deployment has an operation id');
    return value as unknown as DeploymentRecord;
  },
};

/** The templates of deployments, as they were sent: apart, because lists do not need them. Record id: the deployment's. */
export const deploymentTemplates: Table<{ readonly template: JsonObject }> = {
  name: 'arm-deployment-templates',
  parse: (value) => value as unknown as { readonly template: JsonObject },
};

/** What a deployment has done for one resource. */
export interface DeploymentOperation {
  readonly operationId: string;
  readonly provisioningOperation: 'Create' | 'Delete' | 'EvaluateDeploymentOutput';
  readonly state: 'Running' | 'Succeeded' | 'Failed' | 'Canceled';
  readonly startedAt: number;
  readonly changedAt: number;
  readonly trackingId: string;
  readonly statusCode?: string;
  readonly error?: ArmErrorDetail;
  readonly target?: { readonly id: string; readonly resourceType: string; readonly resourceName: string };
}

/** Record id: the deployment's, `/operations/` and the operation's id. */
export const deploymentOperations: Table<DeploymentOperation> = {
  name: 'arm-deployment-operations',
  parse: (value) => value as unknown as DeploymentOperation,
};

export const deploymentRecordId = (id: string): string => id.toLowerCase();
export const operationsPrefix = (id: string): string => `${id.toLowerCase()}/operations/`;

export const isActive = ({ state }: DeploymentRecord): boolean => state === 'Accepted' || state === 'Running';

export const deploymentId = (scopeId: string, name: string): string =>
  `${scopeId}/providers/Microsoft.Resources/deployments/${name}`;

/** @returns those of one scope, and of no scope within */
export const deploymentsIn = (state: State, scopeId: string): Promise<readonly Versioned<DeploymentRecord>[]> =>
  listIntact(state, deployments, deploymentId(scopeId, '').toLowerCase());

/** The writes that remove a deployment with all that belongs to it. */
export async function removalOf(state: State, { id, version }: Versioned<unknown>): Promise<readonly StateWrite[]> {
  const template = await state.get(deploymentTemplates, id);
  return [
    writeRecord(deployments, id, version, null),
    ...(template === undefined ? [] : [writeRecord(deploymentTemplates, id, template.version, null)]),
    ...(await operationRemovals(state, id)),
  ];
}

export async function operationRemovals(state: State, id: string): Promise<readonly StateWrite[]> {
  const operations = await listIntact(state, deploymentOperations, operationsPrefix(id));
  return operations.map((each) => writeRecord(deploymentOperations, each.id, each.version, null));
}

/** What a resource group leaves behind when it is deleted. */
export async function removeDeploymentsWithin(state: State, groupId: string): Promise<void> {
  for (const found of await deploymentsIn(state, groupId)) {
    await state.commit({ write: await removalOf(state, found) });
  }
}
