import type { ArmMethod, ArmOperation, ArmRequest } from '../../arm/arm-operation.ts';
import { rowsOf } from './child-kind-rows.ts';
import { clusterAction, clusterPath as cluster, databaseAction, databasePath as database } from './child-row.ts';
import type { ChildRow } from './child-row.ts';
import { childKinds } from './child-kinds.ts';
import { migrationRows } from './cluster-migration.ts';
import { networkRows } from './cluster-networks.ts';
import { policyRows } from './cluster-policies.ts';
import { databasePostRows } from './database-posts.ts';
import { findCluster } from './cluster-lookup.ts';
import { clusterResourceId } from './cluster-record.ts';
import { addressOf, withFreshState } from './cluster-store.ts';
import { addPrincipals, listPrincipals, removePrincipals } from './database-principals.ts';
import {
  checkDatabaseName,
  deleteDatabase,
  getDatabase,
  listDatabases,
  patchDatabase,
  putDatabase,
} from './databases.ts';
import { followerRows } from './followers.ts';
import { databaseLinks } from './database-key.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';
import {
  checkAssignmentName,
  deleteAssignment,
  getAssignment,
  putAssignment,
  readAssignments,
} from './principal-assignments.ts';

type Row = ChildRow;

const databaseRows: readonly Row[] = [
  ['Databases_Get', 'GET', database, `${databaseAction}/read`, getDatabase],
  ['Databases_ListByCluster', 'GET', `${cluster}/databases`, `${databaseAction}/read`, listDatabases],
  ['Databases_CreateOrUpdate', 'PUT', database, `${databaseAction}/write`, putDatabase, databaseLinks],
  ['Databases_Update', 'PATCH', database, `${databaseAction}/write`, patchDatabase, databaseLinks],
  ['Databases_Delete', 'DELETE', database, `${databaseAction}/delete`, deleteDatabase],
  [
    'Databases_CheckNameAvailability',
    'POST',
    `${cluster}/checkNameAvailability`,
    `${clusterAction}/checkNameAvailability/action`,
    checkDatabaseName,
  ],
  [
    'Databases_ListPrincipals',
    'POST',
    `${database}/listPrincipals`,
    `${databaseAction}/listPrincipals/action`,
    listPrincipals,
  ],
  [
    'Databases_AddPrincipals',
    'POST',
    `${database}/addPrincipals`,
    `${databaseAction}/addPrincipals/action`,
    addPrincipals,
  ],
  [
    'Databases_RemovePrincipals',
    'POST',
    `${database}/removePrincipals`,
    `${databaseAction}/removePrincipals/action`,
    removePrincipals,
  ],
];

function assignmentRows(group: string, base: string, action: string): readonly Row[] {
  const list = `${base}/principalAssignments`;
  const one = `${list}/{principalAssignmentName}`;
  const type = `${action}/principalAssignments`;
  const check = 'checkPrincipalAssignmentNameAvailability';
  return [
    [`${group}_Get`, 'GET', one, `${type}/read`, getAssignment],
    [`${group}_List`, 'GET', list, `${type}/read`, readAssignments],
    [`${group}_CreateOrUpdate`, 'PUT', one, `${type}/write`, putAssignment],
    [`${group}_Delete`, 'DELETE', one, `${type}/delete`, deleteAssignment],
    [`${group}_CheckNameAvailability`, 'POST', `${base}/${check}`, `${action}/${check}/action`, checkAssignmentName],
  ];
}

/** What belongs to a cluster: databases, and the principals of both. */
export function childRows(ports: KustoPorts): readonly ArmOperation[] {
  const rows = [
    ...databaseRows,
    ...assignmentRows('ClusterPrincipalAssignments', cluster, clusterAction),
    ...assignmentRows('DatabasePrincipalAssignments', database, databaseAction),
    ...childKinds.flatMap(rowsOf),
    ...networkRows,
    ...policyRows,
    ...migrationRows,
    ...databasePostRows,
    ...followerRows,
  ];
  return rows.map(([id, method, path, action, handler, links]) => ({
    id,
    method,
    path,
    action,
    ...(links === undefined ? {} : { links }),
    handle: (request) =>
      withFreshState(async () => {
        await requireParent(ports, request, { method, path });
        return handler(ports, request);
      }),
  }));
}

const verbs: Readonly<Record<ArmMethod, string>> = {
  ...{ GET: 'read', HEAD: 'read', PUT: 'write', PATCH: 'write', POST: 'action', DELETE: 'delete' },
};

/** Without its cluster a child is refused by the resource manager, which names the parent; an action on a cluster is the cluster's.
 * @throws ArmError 404 `ParentResourceNotFound` */
async function requireParent(
  ports: KustoPorts,
  request: ArmRequest,
  { method, path }: Pick<ArmOperation, 'method' | 'path'>,
): Promise<void> {
  const ofCluster = path.split('/providers/Microsoft.Kusto/')[1]?.split('/') ?? [];
  const levels = ofCluster.slice(0, method === 'POST' ? -1 : undefined).filter((_, at) => at % 2 === 0);
  if (levels.length < 2 || (await findCluster(ports, addressOf(request))) !== undefined) return;
  const { databaseName = '' } = request.params;
  const id = clusterResourceId(addressOf(request)).replace('/Clusters/', '/clusters/');
  const parent = levels.length === 2 ? id : `${id}/databases/${databaseName}`;
  throw kustoError('ParentResourceNotFound', verbs[method], levels.join('/'), parent);
}
