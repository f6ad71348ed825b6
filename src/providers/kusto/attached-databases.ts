import { isSameLocation } from '../../arm/locations.ts';
import { invariant } from '../../base/invariant.ts';
import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { parseDatabaseName } from '../../base/names.ts';
import { oneOf, resourceId, text } from './child-kind.ts';
import type { ChildContext, ChildKind, WantedChild } from './child-kind.ts';
import { childrenBelow } from './child-operations.ts';
import type { ChildResource } from './child-resource.ts';
import { databaseResources } from './child-records.ts';
import { currentCluster } from './cluster-lookup.ts';
import { clusterStatus } from './cluster-status.ts';
import type { ClusterResource } from './cluster-record.ts';
import { attachedBelow, everything, leadersOf, followersOf, shownName } from './following.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';
import { tableSharing } from './table-sharing.ts';

const required = { required: true } as const;
const databaseName = {
  pattern: /^[A-Za-z0-9 ._-]{1,260}$/,
  rule: '1 to 260 letters, digits, spaces, dots, hyphens or underscores',
};

/** Databases of another cluster, its leader, that a cluster follows. What they hold stays in the process of the leader. */
export const attachedDatabases: ChildKind = {
  group: 'AttachedDatabaseConfigurations',
  list: 'ListByCluster',
  type: 'attachedDatabaseConfigurations',
  parent: 'cluster',
  methods: ['GET', 'PUT', 'DELETE'],
  since: '2019-09-07',
  noun: 'attached database configuration',
  name: databaseName,
  nameCheck: 'attachedDatabaseConfigurationCheckNameAvailability',
  forms: {
    '': {
      properties: {
        clusterResourceId: { ...resourceId('Microsoft.Kusto/clusters'), ...required },
        databaseName: { ...text(260), ...required },
        defaultPrincipalsModificationKind: { ...oneOf('Union', 'Replace', 'None'), ...required },
        tableLevelSharingProperties: {
          shape: tableSharing,
          expected: 'lists of names to include or exclude',
          unset: null,
          since: '2021-08-27',
        },
        databaseNameOverride: { ...text(260), unset: null, since: '2022-12-29' },
        databaseNamePrefix: { ...text(260), unset: null, since: '2022-12-29' },
      },
      write: 'FollowerDatabaseCreate',
    },
  },
  drop: 'FollowerDatabaseDetach',
  dropsWhileSuspended: true,
  links: [{ property: 'properties.clusterResourceId', action: 'Microsoft.Kusto/clusters/write' }],
  located: true,
  check: requireFollowable,
  keepsOverrides: isSameTarget,
  show,
};

/** @throws ArmError 400 where Azure lets no cluster follow: elsewhere, itself, nothing that is there, a customer's key behind a chain, a name that
 * is taken */
async function requireFollowable(
  { ports, cluster, name }: ChildContext,
  { values }: WantedChild,
  held: ChildResource | undefined,
): Promise<void> {
  const { clusterResourceId: leaderId, databaseName: database } = values;
  invariant(typeof leaderId === 'string' && typeof database === 'string', 'required texts were checked');
  const leader = (await currentCluster(ports, leaderId))?.value;
  const refuse = (property: string, expected: string): Error => kustoError('InvalidValue', property, expected);
  if (leader === undefined) throw refuse('clusterResourceId', 'the id of a cluster that is there');
  if (leader.id.toLowerCase() === cluster.id.toLowerCase()) throw refuse('clusterResourceId', 'another cluster');
  if (!isSameLocation(leader.location, cluster.location))
    throw refuse('clusterResourceId', `a cluster in '${cluster.location}'`);
  if ((await clusterStatus(ports, leader))?.suspension !== undefined)
    throw refuse('clusterResourceId', 'a cluster that is not suspended');
  if (database === everything && namesAny(values['tableLevelSharingProperties']))
    throw refuse('tableLevelSharingProperties', "nothing, when all databases are followed ('*')");
  if (database !== everything && (await databaseOf(ports, leader, database)) === undefined)
    throw refuse('databaseName', "a database of the leader, or '*' for all");
  if (
    values['databaseNameOverride'] !== undefined &&
    (database === everything || values['databaseNamePrefix'] !== undefined)
  )
    throw refuse('databaseNameOverride', 'a name for one database, without databaseNamePrefix');
  if (leader.properties.key !== undefined && (await follows(ports, leader)))
    throw refuse('clusterResourceId', "a cluster that follows no other, since it has a customer's key");
  if (cluster.properties.key !== undefined && (await isFollowed(ports, cluster)))
    throw refuse('clusterResourceId', "nothing, since the cluster has a customer's key and is followed");
  const elsewhere = (await leadersOf(ports, await attachedBelow(ports, cluster.id))).filter(
    ({ id }) => id !== leader.id,
  );
  if (elsewhere.length > 0 && [leader, ...elsewhere].some(({ properties: { key } }) => key !== undefined))
    throw refuse('clusterResourceId', "the only cluster that is followed, since one has a customer's key");
  const shown = nameHere(values);
  if (shown !== undefined && parseDatabaseName(shown) === undefined)
    throw refuse('databaseNameOverride', 'the name of a database');
  if (held === undefined && shown !== undefined && (await databaseOf(ports, cluster, shown)) !== undefined)
    throw refuse('databaseName', `a database that is not in the cluster yet, as '${shown}' is`);
  const others = await childrenBelow(ports, `${cluster.id}/AttachedDatabaseConfigurations`);
  const same = others.find(
    ({ value }) => !value.name.toLowerCase().endsWith(`/${name.toLowerCase()}`) && isSameTarget(value, values),
  );
  if (same !== undefined) throw refuse('databaseName', 'a database that the cluster does not follow yet');
}

/** Templates that can do both send empty lists when they follow all. */
const namesAny = (sharing: Json | undefined): boolean =>
  isJsonObject(sharing) && Object.values(sharing).some((names) => Array.isArray(names) && names.length > 0);

const databaseOf = (ports: KustoPorts, cluster: ClusterResource, name: string): Promise<unknown> =>
  ports.state.get(databaseResources, `${cluster.id}/Databases/${name}`.toLowerCase());

/** @returns undefined for all databases of a leader */
function nameHere(values: JsonObject): string | undefined {
  const { databaseName: name } = values;
  return typeof name !== 'string' || name === everything ? undefined : shownName(values, name);
}

function isSameTarget({ properties: { values } }: ChildResource, wanted: JsonObject): boolean {
  return (
    lower(values['clusterResourceId']) === lower(wanted['clusterResourceId']) &&
    lower(values['databaseName']) === lower(wanted['databaseName'])
  );
}

const lower = (value: unknown): string => (typeof value === 'string' ? value.toLowerCase() : '');

const follows = async (ports: KustoPorts, cluster: ClusterResource): Promise<boolean> =>
  (await attachedBelow(ports, cluster.id)).length > 0;

const isFollowed = async (ports: KustoPorts, cluster: ClusterResource): Promise<boolean> =>
  (await followersOf(ports, cluster)).length > 0;

function show(values: JsonObject): JsonObject {
  const { clusterResourceId, databaseName: name, defaultPrincipalsModificationKind, ...rest } = values;
  return {
    clusterResourceId: clusterResourceId ?? null,
    databaseName: name ?? null,
    attachedDatabaseNames: name === everything || name === undefined ? [] : [name],
    defaultPrincipalsModificationKind: defaultPrincipalsModificationKind ?? null,
    ...rest,
  };
}
