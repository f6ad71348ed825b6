import { armErrors } from '../../../arm/arm-errors.ts';
import type { ArmOperation, ArmReply, ArmRequest } from '../../../arm/arm-operation.ts';
import { operationHeaders, retryAfterSeconds } from '../../../arm/long-running.ts';
import { pageOf, sortedById } from '../../../arm/paging.ts';
import type { Json } from '../../../base/json.ts';
import { listIntact } from '../../../state/list-all.ts';
import type { Versioned } from '../../../state/state.ts';
import type { DeploymentDependencies } from './deployment-dependencies.ts';
import { deploymentErrors } from './deployment-errors.ts';
import type { DeploymentOperation, DeploymentRecord } from './deployment-record.ts';
import {
  deploymentOperations,
  deploymentRecordId,
  deployments,
  deploymentsIn,
  deploymentTemplates,
  isActive,
  operationsPrefix,
  removalOf,
} from './deployment-record.ts';
import { addressOf } from './deployment-request.ts';
import type { Deployments } from './deployments.ts';
import { showDeployment, showOperation } from './deployment-view.ts';
import { exportGroup } from './export-group.ts';
import { foretellDeployment } from './what-if.ts';

const action = (verb: string): string => `Microsoft.Resources/deployments/${verb}`;

/** The same operations at each scope, under the ids of the official description. */
const scopes = [
  { path: '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}', suffix: '', list: 'ByResourceGroup' },
  { path: '/subscriptions/{subscriptionId}', suffix: 'AtSubscriptionScope', list: 'AtSubscriptionScope' },
  { path: '', suffix: 'AtTenantScope', list: 'AtTenantScope' },
] as const;

export function deploymentRows(deps: DeploymentDependencies, running: Deployments): readonly ArmOperation[] {
  const group = scopes[0].path;
  return [
    ...scopes.flatMap(({ path, suffix, list }) => [
      ...changingRows(deps, running, path, suffix),
      ...readingRows(deps, path, suffix, list),
    ]),
    // Where the Azure CLI asks.
    ...operationRows(deps, `${group}/deployments/{deploymentName}`, ''),
    {
      id: 'ResourceGroups_ExportTemplate',
      method: 'POST',
      path: `${group}/exportTemplate`,
      action: 'Microsoft.Resources/subscriptions/resourceGroups/exportTemplate/action',
      handle: (request) => exportGroup(deps, request),
    },
  ];
}

function changingRows(
  deps: DeploymentDependencies,
  running: Deployments,
  path: string,
  suffix: string,
): readonly ArmOperation[] {
  const one = `${path}/providers/Microsoft.Resources/deployments/{deploymentName}`;
  return [
    {
      id: `Deployments_CreateOrUpdate${suffix}`,
      method: 'PUT',
      path: one,
      action: action('write'),
      handle: (request) => running.create(request),
    },
    {
      id: `Deployments_Validate${suffix}`,
      method: 'POST',
      path: `${one}/validate`,
      action: action('validate/action'),
      handle: (request) => running.validate(request),
    },
    {
      id: `Deployments_WhatIf${suffix}`,
      method: 'POST',
      path: `${one}/whatIf`,
      action: action('whatIf/action'),
      handle: (request) => foretellDeployment(deps, running, request),
    },
    {
      id: `Deployments_Cancel${suffix}`,
      method: 'POST',
      path: `${one}/cancel`,
      action: action('cancel/action'),
      handle: async (request) => {
        const { value } = await requireDeployment(deps, request);
        running.cancel(value);
        return { status: 204 };
      },
    },
    {
      id: `Deployments_Delete${suffix}`,
      method: 'DELETE',
      path: one,
      action: action('delete'),
      handle: (request) => remove(deps, request),
    },
  ];
}

function readingRows(
  deps: DeploymentDependencies,
  path: string,
  suffix: string,
  list: string,
): readonly ArmOperation[] {
  const all = `${path}/providers/Microsoft.Resources/deployments`;
  const one = `${all}/{deploymentName}`;
  return [
    {
      id: `Deployments_Get${suffix}`,
      method: 'GET',
      path: one,
      action: action('read'),
      handle: async (request) => ({
        status: 200,
        body: showDeployment((await requireDeployment(deps, request)).value),
      }),
    },
    {
      id: `Deployments_CheckExistence${suffix}`,
      method: 'HEAD',
      path: one,
      action: action('read'),
      handle: async (request) => ({ status: (await findDeployment(deps, request)) === undefined ? 404 : 204 }),
    },
    {
      id: `Deployments_List${list}`,
      method: 'GET',
      path: all,
      action: action('read'),
      handle: (request) => listDeployments(deps, request),
    },
    {
      id: `Deployments_ExportTemplate${suffix}`,
      method: 'POST',
      path: `${one}/exportTemplate`,
      action: action('exportTemplate/action'),
      handle: async (request) => {
        const { id } = await requireDeployment(deps, request);
        const found = await deps.state.get(deploymentTemplates, id);
        return { status: 200, body: { template: found?.value.template ?? {} } };
      },
    },
    {
      id: `Deployments_GetOperationStatus${suffix}`,
      method: 'GET',
      path: `${one}/operationStatuses/{operationId}`,
      action: action('operationstatuses/read'),
      handle: (request) => operationStatus(deps, request),
    },
    ...operationRows(deps, one, suffix === '' ? 'InProvider' : suffix),
  ];
}

function operationRows(deps: DeploymentDependencies, one: string, suffix: string): readonly ArmOperation[] {
  const list = async (request: ArmRequest): Promise<readonly Json[]> => {
    const { value } = await requireDeployment(deps, request);
    const found = await listIntact(deps.state, deploymentOperations, operationsPrefix(value.id));
    const ordered = found.map(({ value: operation }) => operation).toSorted(byBeginning);
    return ordered.map((operation) => showOperation(value.id, operation));
  };
  return [
    {
      id: `DeploymentOperations_List${suffix}`,
      method: 'GET',
      path: `${one}/operations`,
      action: action('operations/read'),
      handle: async (request) => ({ status: 200, body: { value: await list(request) } }),
    },
    {
      id: `DeploymentOperations_Get${suffix}`,
      method: 'GET',
      path: `${one}/operations/{operationId}`,
      action: action('operations/read'),
      handle: async (request) => {
        const { operationId = '' } = request.params;
        const { value } = await requireDeployment(deps, request);
        const id = operationsPrefix(value.id) + operationId.toUpperCase();
        const found = await deps.state.get(deploymentOperations, id);
        if (found === undefined) throw deploymentErrors.DeploymentOperationNotFound(operationId);
        return { status: 200, body: showOperation(value.id, found.value) };
      },
    },
  ];
}

/** Outputs come last, however little time a resource took. */
const byBeginning = (left: DeploymentOperation, right: DeploymentOperation): number =>
  Number(left.target === undefined) - Number(right.target === undefined) || left.startedAt - right.startedAt;

async function findDeployment(
  deps: DeploymentDependencies,
  request: ArmRequest,
): Promise<Versioned<DeploymentRecord> | undefined> {
  const { id } = await addressOf(deps, request);
  return deps.state.get(deployments, deploymentRecordId(id));
}

async function requireDeployment(
  deps: DeploymentDependencies,
  request: ArmRequest,
): Promise<Versioned<DeploymentRecord>> {
  const found = await findDeployment(deps, request);
  if (found === undefined) throw deploymentErrors.DeploymentNotFound(request.params['deploymentName'] ?? '');
  return found;
}

/** Only `provisioningState eq '…'` is known. */
async function listDeployments(deps: DeploymentDependencies, request: ArmRequest): Promise<ArmReply> {
  const { scope } = await addressOf(deps, request);
  const filter = (request.query.get('$filter') ?? '').trim();
  const wanted = /^provisioningState\s+eq\s+'([A-Za-z]+)'$/i.exec(filter)?.[1]?.toLowerCase();
  if (filter !== '' && wanted === undefined) {
    throw armErrors.InvalidFilterInQueryString("only a comparison of 'provisioningState' with a text is supported.");
  }
  const found = await deploymentsIn(deps.state, scope.id);
  const matching = found.filter(({ value }) => wanted === undefined || value.state.toLowerCase() === wanted);
  const idOf = ({ id }: Versioned<DeploymentRecord>): string => id;
  const page = pageOf(request, sortedById(matching, idOf), idOf);
  return { status: 200, body: { ...page, value: page.value.map(({ value }) => showDeployment(value)) } };
}

async function remove(deps: DeploymentDependencies, request: ArmRequest): Promise<ArmReply> {
  const found = await findDeployment(deps, request);
  if (found === undefined) return { status: 204 };
  if (isActive(found.value)) throw deploymentErrors.DeploymentBeingDeleted(found.value.id);
  await deps.state.commit({ write: await removalOf(deps.state, found) });
  const status = `${found.value.id}/operationStatuses/${found.value.operationId}`;
  return { status: 202, headers: operationHeaders(request, status, { location: true }) };
}

/** The one of a deployment that is deleted has ended. */
async function operationStatus(deps: DeploymentDependencies, request: ArmRequest): Promise<ArmReply> {
  const found = await findDeployment(deps, request);
  if (found === undefined || found.value.operationId !== request.params['operationId']) return { status: 204 };
  const { state, error } = found.value;
  return {
    status: 200,
    ...(isActive(found.value) && { headers: { 'retry-after': String(retryAfterSeconds) } }),
    body: { status: state, ...(error === undefined ? {} : { error }) },
  };
}
