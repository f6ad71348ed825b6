import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { idOf, partOf } from '../resources.ts';
import type { Deed, Form } from '../form.ts';
import { choice, optional, text, valueOf, words } from '../form.ts';
import { bicepOf, deleteOf, existingOf, putOf, resourceOf } from '../written.ts';
import { clusterChoices } from './places.ts';

const clusterType = 'Microsoft.Kusto/clusters';
const databaseType = 'Microsoft.Kusto/clusters/databases';

/** Where an assignment is, in the words of each client. */
function placeOf(clusterId: string, database: string, name: string) {
  const [subscription, group, cluster] = ['subscriptions', 'resourceGroups', 'clusters'].map((word) =>
    partOf(clusterId, word),
  ) as [string, string, string];
  const isOnCluster = database === '';
  const type = isOnCluster
    ? (`${clusterType}/principalAssignments` as const)
    : (`${databaseType}/principalAssignments` as const);
  const scope = isOnCluster ? clusterId : `${clusterId}/databases/${encodeURIComponent(database)}`;
  const names = [cluster, ...(isOnCluster ? [] : [database])];
  return {
    ...{ type, subscription, names },
    id: `${scope}/principalAssignments/${encodeURIComponent(name)}`,
    words: [
      ...['--subscription', subscription, '--resource-group', group, '--cluster-name', cluster],
      ...(isOnCluster ? [] : ['--database-name', database]),
      ...['--principal-assignment-name', name],
    ],
    az: `${isOnCluster ? 'cluster' : 'database'}-principal-assignment`,
    client: `${isOnCluster ? 'cluster' : 'database'}PrincipalAssignments`,
    arguments: [group, ...names, name].map(literalText).join(', '),
  };
}

export const giveKustoRole: Form = {
  ...{ id: 'make-kusto', title: 'Give a role of Data Explorer' },
  fields: (base) => [
    choice('cluster', 'On the cluster', clusterChoices(base)),
    optional(
      text('database', 'On its database', '', 'Empty: on the cluster, with AllDatabasesAdmin or AllDatabasesViewer.'),
    ),
    choice(
      'role',
      'Role',
      words(
        'Admin',
        'User',
        'Viewer',
        'Ingestor',
        'Monitor',
        'UnrestrictedViewer',
        'AllDatabasesAdmin',
        'AllDatabasesViewer',
        'AllDatabasesMonitor',
      ),
    ),
    text('principal', 'To', '', 'Object id or application id; the address of a user'),
    choice('kind', 'Which is a', words('App', 'User', 'Group')),
    text('name', 'Name of the assignment'),
  ],
  deed: (values, { subscriptions }): Deed => {
    const [clusterId, database, name] = ['cluster', 'database', 'name'].map((id) => valueOf(values, id)) as [
      string,
      string,
      string,
    ];
    const place = placeOf(clusterId, database, name);
    const properties = {
      principalId: valueOf(values, 'principal'),
      role: valueOf(values, 'role'),
      principalType: valueOf(values, 'kind'),
      tenantId: subscriptions.find(({ id }) => id === place.subscription)?.tenantId ?? '',
    };
    const [cluster = '', ...rest] = place.names;
    const onCluster = existingOf(clusterType, 'cluster', [cluster]);
    const existing = [
      onCluster,
      ...(rest.length === 0 ? [] : [existingOf(databaseType, 'cluster', place.names, { parent: onCluster.symbol })]),
    ];
    const parent = existing.at(-1)?.symbol ?? '';
    return {
      steps: [putOf(place.id, place.type, { properties })],
      az: [
        command(
          ...['az', 'kusto', place.az, 'create', ...place.words, '--principal-id', properties.principalId],
          ...[
            '--principal-type',
            properties.principalType,
            '--role',
            properties.role,
            '--tenant-id',
            properties.tenantId,
          ],
        ),
      ],
      bicep: bicepOf(resourceOf(place.type, 'role', [...place.names, name], { properties }, { parent }), { existing }),
      typescript: moduleText({
        client: 'kusto',
        lines: [
          managing('kusto', place.subscription),
          ...call(`${place.client}.beginCreateOrUpdateAndWait(${place.arguments}`, properties),
        ],
      }),
    };
  },
};

export const takeKustoRole: Form = {
  ...{ id: 'delete', title: 'Take the role away' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const id = idOf(resource);
    const [, clusterId = ''] = /^(.*?\/clusters\/[^/]+)/i.exec(id) ?? [];
    const place = placeOf(clusterId, partOf(id, 'databases'), partOf(id, 'principalAssignments'));
    return {
      steps: [deleteOf(id, place.type)],
      az: [command('az', 'kusto', place.az, 'delete', ...place.words, '--yes')],
      typescript: moduleText({
        client: 'kusto',
        lines: [
          managing('kusto', place.subscription),
          `await client.${place.client}.beginDeleteAndWait(${place.arguments});`,
        ],
      }),
    };
  },
};
