import { startOperation } from '../../arm/long-running.ts';
import type { OperationRecord } from '../../arm/long-running.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { JsonObject } from '../../base/json.ts';
import type { RandomBytes } from '../../base/random.ts';
import { instant } from '../../clock/clock.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import type { StateWrite } from '../../state/state.ts';

export const kustoNamespace = 'Microsoft.Kusto';

/** `properties.operationKind` of an operation result, all observed but DatabaseDropPrincipals, which is named after its opposite, and those of
 * Cosmos DB connections, dropped images and what POSTs ask for, named after their like. A database that is changed has that of one that is made. */
export type OperationKind =
  | 'ClusterCreateExternal'
  | 'ServiceConfigurationAlter'
  | 'ClusterDelete'
  | 'ClusterResume'
  | 'ClusterSuspend'
  | 'DatabaseCreate'
  | 'DatabaseDelete'
  | 'ServicePrincipalAssignmentsAdd'
  | 'ServicePrincipalAssignmentsDrop'
  | 'DatabaseAddPrincipals'
  | 'DatabaseDropPrincipals'
  | 'ManagedPrivateEndpointCreateOrUpdate'
  | 'ManagedPrivateEndpointDelete'
  | 'SandboxCustomImageCreateOrUpdateCommand'
  | 'SandboxCustomImageDeleteCommand'
  | 'DmServiceEventHubObtainerAdd'
  | 'DmServiceEventGridIngestionSourceAdd'
  | 'DmServiceCosmosDbObtainerAdd'
  | 'DmServiceDataObtainerDrop'
  | 'FollowerDatabaseCreate'
  | 'FollowerDatabaseDetach'
  | 'DatabaseScriptCreateOrUpdate'
  | 'DatabaseScriptDelete'
  | 'DataConnectionValidate'
  | 'VirtualNetworkDiagnose'
  | 'ClusterMigrate';

/** As in errors of the resource manager. */
type Detail = { readonly code: string; readonly message: string; readonly target?: string };

export type OperationFailure = {
  readonly code: string;
  readonly message: string;
  readonly details?: readonly Detail[];
};

/** The last operation of a resource, kept with it: whether it is under way follows from the clock. */
export type ResourceOperation = {
  readonly operationId: Guid;
  readonly kind: OperationKind;
  /** The resource was there before. */
  readonly changes?: true;
  /** Milliseconds on the Kustody clock; the time of its start, unless a fault makes operations slow. */
  readonly completesAt: number;
  readonly failure?: OperationFailure;
};

/** What an operation does besides its work, when the user has asked for trouble. */
export interface OperationFault {
  /** How long it takes on the Kustody clock. */
  readonly takesMs: number;
  /** It ends as the real service ends one whose vault access does not work: code `Failed`, text `Internal Server Error`, nothing changed. */
  readonly fails: boolean;
}

export type OperationFaults = (kind: OperationKind, resourceId: string) => Promise<OperationFault>;

const bareFailure: OperationFailure = { code: 'Failed', message: 'Internal Server Error' };

export interface StartedOperation {
  readonly record: OperationRecord;
  /** Goes into the same commit as the change. */
  readonly write: StateWrite;
  /** Goes into the resource's own record. */
  readonly kept: ResourceOperation;
}

export function beginOperation(
  ports: { readonly clock: Clock; readonly randomBytes: RandomBytes },
  about: {
    readonly kind: OperationKind;
    readonly subscriptionId: string;
    readonly location: string;
    readonly resourceId: string;
    readonly changes?: true;
    /** What a client that asked for something finds at the end. */
    readonly result?: JsonObject;
  },
  fault: OperationFault,
  failure: OperationFailure | undefined = fault.fails ? bareFailure : undefined,
): StartedOperation {
  const startedAt = ports.clock.now();
  const completesAt = instant(startedAt + Math.max(0, fault.takesMs));
  const { changes, result, ...operation } = about;
  const { operation: record, write } = startOperation(ports.randomBytes, {
    ...operation,
    detail: { rootActivityId: newGuid(ports.randomBytes), ...(result === undefined ? {} : { result }) },
    provider: kustoNamespace,
    startedAt,
    completesAt,
    outcome: failure === undefined ? { status: 'Succeeded' } : { status: 'Failed', error: failure },
  });
  const kept = {
    operationId: record.operationId,
    kind: about.kind,
    ...(changes === undefined ? {} : { changes }),
    completesAt,
    ...(failure === undefined ? {} : { failure }),
  };
  return { record, write, kept };
}

export const isUnderWay = (operation: ResourceOperation | undefined, now: Instant): boolean =>
  operation !== undefined && now < instant(operation.completesAt);
