import type { JsonObject } from '../../../../src/base/json.ts';
import { textMember } from '../../../../src/base/json.ts';
import { command } from '../../../../src/cmk/commands.ts';
import { call, managing, moduleText, text as literalText } from '../../../../src/cmk/typescript-text.ts';
import { groupOf, idOf, nameOf, partOf, propertiesOf, versionOf } from '../resources.ts';
import type { Deed, Field, Form, PlaneRequest, Values } from '../form.ts';
import { choice, text, valueOf } from '../form.ts';
import { armRequest, bicepOf, changedBody, deleteOf, existingOf, resourceOf } from '../written.ts';
import { clusterChoices } from './places.ts';

const type = 'Microsoft.Kusto/clusters/databases';

const periodFields = (properties: JsonObject): readonly Field[] => [
  text('kept', 'Rows are kept for', textMember(properties, 'softDeletePeriod') || 'P365D', 'As ISO 8601: P365D'),
  text('hot', 'Rows are hot for', textMember(properties, 'hotCachePeriod') || 'P31D'),
];

interface Database {
  /** Of its cluster. */
  readonly clusterId: string;
  readonly name: string;
  readonly location: string;
}

const parameters = ({ location }: Database, values: Values): JsonObject => ({
  ...{ location, kind: 'ReadWrite' },
  properties: { softDeletePeriod: valueOf(values, 'kept'), hotCachePeriod: valueOf(values, 'hot') },
});

const named = ({ clusterId, name }: Database) => ({
  subscription: partOf(clusterId, 'subscriptions'),
  group: partOf(clusterId, 'resourceGroups'),
  cluster: partOf(clusterId, 'clusters'),
  name,
});

/** Made and changed in the same words. */
function written(database: Database, values: Values, verb: 'create' | 'update', whole: JsonObject): Deed {
  const { subscription, group, cluster, name } = named(database);
  const body = parameters(database, values);
  const around = existingOf('Microsoft.Kusto/clusters', 'cluster', [cluster]);
  const names = [group, cluster, name].map(literalText).join(', ');
  const method: PlaneRequest['method'] = verb === 'create' ? 'PUT' : 'PATCH';
  const id = `${database.clusterId}/databases/${encodeURIComponent(name)}`;
  return {
    steps: [armRequest(method, id, versionOf(type), body)],
    az: [
      command(
        ...['az', 'kusto', 'database', verb, '--subscription', subscription, '--resource-group', group],
        ...['--cluster-name', cluster, '--database-name', name, '--read-write-database'],
        ...[`location=${database.location}`, `soft-delete-period=${valueOf(values, 'kept')}`],
        `hot-cache-period=${valueOf(values, 'hot')}`,
      ),
    ],
    bicep: bicepOf(resourceOf(type, 'cluster', [cluster, name], whole, { parent: around.symbol }), {
      existing: [around],
    }),
    typescript: moduleText({
      client: 'kusto',
      lines: [
        managing('kusto', subscription),
        ...call(
          `databases.begin${verb === 'create' ? 'CreateOrUpdate' : 'Update'}AndWait(${names}`,
          // The client has the properties of a database beside its kind.
          { location: database.location, kind: 'ReadWrite', ...propertiesOf(body) },
        ),
      ],
    }),
  };
}

export const makeDatabase: Form = {
  ...{ id: 'make', title: 'Make a database' },
  fields: (base) => [choice('cluster', 'Cluster', clusterChoices(base)), text('name', 'Name'), ...periodFields({})],
  deed: (values, { clusters }) => {
    const clusterId = valueOf(values, 'cluster');
    const cluster = clusters.find((one) => idOf(one) === clusterId);
    const database = { clusterId, name: valueOf(values, 'name'), location: textMember(cluster, 'location') };
    return written(database, values, 'create', parameters(database, values));
  },
};

const databaseOf = (resource: JsonObject): Database => ({
  clusterId: idOf(resource).replace(/\/databases\/[^/]+$/i, ''),
  name: nameOf(resource),
  location: textMember(resource, 'location'),
});

export const changeDatabase: Form = {
  ...{ id: 'change', title: 'Change how long rows are kept, and hot' },
  fields: (_, { resource }) => periodFields(propertiesOf(resource)),
  deed: (values, _, { resource }) => {
    const database = databaseOf(resource);
    const { properties } = parameters(database, values);
    return written(
      ...([database, values, 'update'] as const),
      changedBody(type, resource, { properties: properties as JsonObject }),
    );
  },
};

export const deleteDatabase: Form = {
  ...{ id: 'delete', title: 'Delete the database, and all its rows' },
  fields: () => [],
  deed: (_, __, { resource }) => {
    const { subscription, group, cluster, name } = named(databaseOf(resource));
    return {
      steps: [deleteOf(idOf(resource), type)],
      az: [
        command(
          ...['az', 'kusto', 'database', 'delete', '--subscription', subscription],
          ...['--resource-group', groupOf(resource), '--cluster-name', cluster, '--database-name', name, '--yes'],
        ),
      ],
      typescript: moduleText({
        client: 'kusto',
        lines: [
          managing('kusto', subscription),
          `await client.databases.beginDeleteAndWait(${[group, cluster, name].map(literalText).join(', ')});`,
        ],
      }),
    };
  },
};
