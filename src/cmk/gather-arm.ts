import { isJsonObject, textMember } from '../base/json.ts';
import type { JsonObject } from '../base/json.ts';
import { azureErrorLine, isForbidden, isNotFound } from './azure-error.ts';
import type { CmkClients } from './clients.ts';
import type { AccessReading, AssignmentFacts } from './facts.ts';
import { isAtOrAbove } from './resource-id.ts';

export const authorizationApiVersion = '2022-04-01';
const pagesMax = 100;

/** @returns undefined when it may not be read */
export async function gatherSubscriptionTenant(
  clients: CmkClients,
  subscriptionId: string,
): Promise<string | undefined> {
  try {
    const { body } = await clients.arm({
      method: 'GET',
      path: `/subscriptions/${subscriptionId}`,
      query: { 'api-version': '2022-12-01' },
    });
    const tenantId = textMember(asObject(body), 'tenantId');
    return tenantId === '' ? undefined : tenantId;
  } catch (error) {
    if (isForbidden(error) || isNotFound(error)) return undefined;
    throw error;
  }
}

/** The roles of a principal, and of the groups it is in, that reach a scope: assigned there or above. */
export async function gatherAssignments(
  clients: CmkClients,
  scope: string,
  principalId: string,
): Promise<AccessReading> {
  try {
    const found = await listAssignments(clients, scope, principalId);
    const assignments: AssignmentFacts[] = [];
    for (const assignment of found.filter((one) => isAtOrAbove(textMember(one, 'scope'), scope)))
      assignments.push(await withRole(clients, assignment));
    return { outcome: 'read', assignments };
  } catch (error) {
    if (isForbidden(error)) return { outcome: 'refused', message: azureErrorLine(error) };
    throw error;
  }
}

async function listAssignments(
  clients: CmkClients,
  scope: string,
  principalId: string,
): Promise<readonly JsonObject[]> {
  const query = { 'api-version': authorizationApiVersion, $filter: `assignedTo('${principalId}')` };
  const path = `${scope}/providers/Microsoft.Authorization/roleAssignments`;
  return (await listArm(clients, path, query)).map((one) => asObject(one['properties']));
}

/** All pages of a list of the resource manager, for what no SDK of ours has. @throws what the resource manager refuses */
export async function listArm(
  clients: CmkClients,
  path: string,
  query: Readonly<Record<string, string>>,
): Promise<readonly JsonObject[]> {
  const found: JsonObject[] = [];
  let next: { path: string; query?: Readonly<Record<string, string>> } | undefined = { path, query };
  for (let page = 0; next !== undefined && page < pagesMax; page += 1) {
    const body = asObject((await clients.arm({ method: 'GET', ...next })).body);
    const value: readonly unknown[] = Array.isArray(body['value']) ? body['value'] : [];
    found.push(...value.map(asObject));
    const link = textMember(body, 'nextLink');
    next = link === '' ? undefined : { path: link };
  }
  return found;
}

async function withRole(clients: CmkClients, assignment: JsonObject): Promise<AssignmentFacts> {
  const { body } = await clients.arm({
    method: 'GET',
    path: textMember(assignment, 'roleDefinitionId'),
    query: { 'api-version': authorizationApiVersion },
  });
  const role = asObject(asObject(body)['properties']);
  const permissions: readonly unknown[] = Array.isArray(role['permissions']) ? role['permissions'] : [];
  return {
    scope: textMember(assignment, 'scope'),
    roleName: textMember(role, 'roleName'),
    permissions: permissions.map(asObject).map((block) => ({
      dataActions: texts(block['dataActions']),
      notDataActions: texts(block['notDataActions']),
    })),
    isConditional: textMember(assignment, 'condition') !== '',
  };
}

const asObject = (value: unknown): JsonObject => (isJsonObject(value) ? value : {});
const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : [];
