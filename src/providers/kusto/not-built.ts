import type { ArmMethod, ArmOperation } from '../../arm/arm-operation.ts';
import { notBuilt } from '../../arm/not-built.ts';

const cluster =
  '/subscriptions/{subscriptionId}/resourceGroups/{resourceGroupName}/providers/Microsoft.Kusto/clusters/{clusterName}';
const clusterAction = 'Microsoft.Kusto/clusters';

type Row = readonly [id: string, method: ArmMethod, path: string, action: string];

const post = (id: string, base: string, action: string, verb: string): Row => [
  id,
  'POST',
  `${base}/${verb}`,
  `${action}/${verb}/action`,
];

/** The usual operations of a child resource that Kustody has not built. */
function childRows(
  group: string,
  base: string,
  action: string,
  type: string,
  methods: readonly ArmMethod[],
  nameCheck?: string,
): readonly Row[] {
  const verbs = { GET: 'read', PUT: 'write', PATCH: 'write', DELETE: 'delete' } as const;
  const ids = { GET: 'Get', PUT: 'CreateOrUpdate', PATCH: 'Update', DELETE: 'Delete' } as const;
  const isVerb = (method: ArmMethod): method is keyof typeof verbs => method in verbs;
  const list: Row = [`${group}_List`, 'GET', `${base}/${type}`, `${action}/${type}/read`];
  const one = methods
    .filter(isVerb)
    .map((method): Row => [
      `${group}_${ids[method]}`,
      method,
      `${base}/${type}/{childName}`,
      `${action}/${type}/${verbs[method]}`,
    ]);
  return [
    list,
    ...one,
    ...(nameCheck === undefined ? [] : [post(`${group}_CheckNameAvailability`, base, action, nameCheck)]),
  ];
}

const withoutPatch = ['GET', 'PUT', 'DELETE'] as const;

/** Operations of the 2024-04-13 API that are refused by name. */
const rows: readonly Row[] = [
  post('Clusters_ListFollowerDatabases', cluster, clusterAction, 'listFollowerDatabases'),
  [
    'Clusters_ListFollowerDatabasesGet',
    'GET',
    `${cluster}/listFollowerDatabases`,
    `${clusterAction}/listFollowerDatabases/read`,
  ],
  post('Clusters_DetachFollowerDatabases', cluster, clusterAction, 'detachFollowerDatabases'),
  ...childRows(
    'AttachedDatabaseConfigurations',
    cluster,
    clusterAction,
    'attachedDatabaseConfigurations',
    withoutPatch,
    'attachedDatabaseConfigurationCheckNameAvailability',
  ),
];

export const notBuiltRows: readonly ArmOperation[] = rows.map((row) => notBuilt(...row));
