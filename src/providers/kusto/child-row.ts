import type { ArmMethod, ArmReply, ArmRequest, LinkedProperty } from '../../arm/arm-operation.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { isKnownIn } from './cluster-settings.ts';
import { kustoNamespace } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

export type ChildHandler = (ports: KustoPorts, request: ArmRequest) => Promise<ArmReply>;

/** An operation on something that belongs to a cluster. */
export type ChildRow = readonly [
  id: string,
  method: ArmMethod,
  path: string,
  action: string,
  handler: ChildHandler,
  /** What else its body makes use of. */
  links?: readonly LinkedProperty[],
];

export const clusterPath =
  '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kusto/clusters/{clusterName}';
export const databasePath = `${clusterPath}/databases/{databaseName}`;
export const clusterAction = 'Microsoft.Kusto/clusters';
export const databaseAction = `${clusterAction}/databases`;

/** A POST below a cluster or a database, in the api-versions that have it.
 * @throws ArmError 404 `InvalidResourceType` from its handler in older ones */
export function postRow(
  id: string,
  parent: 'cluster' | 'database',
  verb: string,
  since: string | undefined,
  handler: ChildHandler,
): ChildRow {
  const [base, action] = parent === 'cluster' ? [clusterPath, clusterAction] : [databasePath, databaseAction];
  return [id, 'POST', `${base}/${verb}`, `${action}/${verb}/action`, sinceVersion(since, verb, handler)];
}

export const sinceVersion =
  (since: string | undefined, verb: string, handler: ChildHandler): ChildHandler =>
  (ports, request) =>
    isKnownIn(request.apiVersion, since)
      ? handler(ports, request)
      : Promise.reject(armErrors.InvalidResourceType(`clusters/${verb}`, kustoNamespace, request.apiVersion));

/** Something that is kept and shown as in Azure, and has no effect here: every answer about it says so, in a header that clients pass over. */
export const notActing = (why: string): Readonly<Record<string, string>> => ({
  warning: `199 kustody "not acting here: ${why}"`,
});
