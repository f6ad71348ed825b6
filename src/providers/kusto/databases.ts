import { isApiVersionBefore } from '../../arm/api-version.ts';
import type { ArmReply, ArmRequest } from '../../arm/arm-operation.ts';
import { isSameLocation } from '../../arm/locations.ts';
import { armErrors } from '../../arm/arm-errors.ts';
import { firstPage, wantedPage } from '../../arm/paging.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { parseDatabaseName } from '../../base/names.ts';
import { toIso } from '../../clock/clock.ts';
import { writeRecord } from '../../state/state.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { callerAssignment } from './assignment-writes.ts';
import {
  accepted,
  beginChildOperation,
  begun,
  childProvisioning,
  commitChild,
  requireChangeable,
  requireChildIdle,
  requestedClusterId,
  requireReadable,
} from './child-changes.ts';
import { databaseResources, databaseType } from './child-records.ts';
import type { DatabaseProperties, DatabaseResource } from './child-records.ts';
import type { ClusterKeyStatus } from '../../encryption/cluster-keys.ts';
import type { ClusterResource } from './cluster-record.ts';
import { listAll } from '../../state/list-all.ts';
import type { ChildResource } from './child-resource.ts';
import { clusterStatus } from './cluster-status.ts';
import { addressOf, bodyObject, bodyProperties, firstChildren } from './cluster-store.ts';
import { planDatabaseKey, prepareDatabaseKey, showDatabaseKey } from './database-key.ts';
import type { DatabaseKeyPlan } from './database-key.ts';
import { noStep } from './key-step.ts';
import { findFollowed, refuseFollowed, showFollowed } from './followed-databases.ts';
import { followedDatabases, followersOf, isFollowedBy } from './following.ts';
import { kustoError } from './kusto-errors.ts';
import type { StartedOperation } from './operation-record.ts';
import type { KustoPorts } from './ports.ts';

const databaseId = (clusterId: string, name: string): string => `${clusterId}/Databases/${name}`;
const recordId = (cluster: ClusterResource, name: string): string => databaseId(cluster.id, name).toLowerCase();
const nameOf = (request: ArmRequest): string => request.params['databaseName'] ?? '';

/** Of the cluster's own. */
export const findDatabase = (
  ports: KustoPorts,
  cluster: ClusterResource,
  name: string,
): Promise<Versioned<DatabaseResource> | undefined> => ports.state.get(databaseResources, recordId(cluster, name));

/** @throws ArmError 404 `ResourceNotFound` */
export async function requireDatabase(
  ports: KustoPorts,
  request: ArmRequest,
  cluster: ClusterResource,
): Promise<Versioned<DatabaseResource>> {
  const name = nameOf(request);
  const found = await findDatabase(ports, cluster, name);
  if (found !== undefined) return found;
  await refuseFollowed(ports, cluster, name, 'changes, and what is below besides principals,');
  throw kustoError('ChildNotFound', databaseId(requestedClusterId(request), name));
}

export async function getDatabase(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch databases');
  const followed = await findFollowed(ports, cluster.value, nameOf(request));
  if (followed !== undefined) return { status: 200, body: await showFollowed(ports, request, cluster.value, followed) };
  const { value: database } = await requireDatabase(ports, request, cluster.value);
  return { status: 200, body: await showDatabase(ports, request, cluster.value, database) };
}

/** As the state orders ids. */
const byBytes = (left: string, right: string): number => Buffer.compare(Buffer.from(left), Buffer.from(right));

const idLengthMax = 1024;
const isIdBelow = (prefix: string, id: string): boolean =>
  id.startsWith(prefix) && id.length <= idLengthMax && !id.includes('\0');

export async function listDatabases(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch databases');
  const prefix = recordId(cluster.value, '');
  const { after, size } = wantedPage(request);
  if (after !== undefined && !isIdBelow(prefix, after)) throw armErrors.InvalidContinuationToken();
  const own = (await firstChildren(ports.state, prefix, after, size + 1)).map(({ id }) => ({
    id,
    followed: undefined,
  }));
  const followed = (await followedDatabases(ports, cluster.value))
    .map((one) => ({ id: recordId(cluster.value, one.name), followed: one }))
    .filter(({ id }) => after === undefined || byBytes(id, after) > 0);
  const rest = [...own, ...followed].toSorted((left, right) => byBytes(left.id, right.id));
  const page = firstPage(request, rest, ({ id }) => id, size);
  const facts = await clusterFacts(ports, cluster.value);
  const value: unknown[] = [];
  for (const one of page.value) {
    const database = one.followed === undefined ? await ports.state.get(databaseResources, one.id) : undefined;
    if (one.followed !== undefined) value.push(await showFollowed(ports, request, cluster.value, one.followed));
    if (database !== undefined) value.push(await showDatabase(ports, request, cluster.value, database.value, facts));
  }
  return { status: 200, body: { value, ...(page.nextLink === undefined ? {} : { nextLink: page.nextLink }) } };
}

/** PUT. A new database makes its creator an Admin of it, unless `callerRole=None` is asked for. */
export async function putDatabase(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'create databases');
  const found = await findDatabase(ports, cluster.value, nameOf(request));
  if (found !== undefined) return changeDatabase(ports, request, cluster, found, 'replace');
  await refuseFollowed(ports, cluster.value, nameOf(request), 'changes');
  const body = bodyObject(request);
  const databaseName = parseDatabaseName(nameOf(request));
  if (databaseName === undefined) throw kustoError('InvalidDatabaseName', nameOf(request).slice(0, 300));
  requireKindAndPlace(body, cluster.value, knowsKinds(request));
  const id = databaseId(requestedClusterId(request), databaseName);
  const plan = planDatabaseKey(request, cluster.value, bodyProperties(body), undefined);
  const operation = await beginChildOperation(ports, request, cluster.value, 'DatabaseCreate', id);
  const now = toIso(ports.clock.now());
  const database: DatabaseResource = {
    id,
    name: `${addressOf(request).clusterName}/${databaseName}`,
    type: databaseType,
    location: cluster.value.location,
    kind: 'ReadWrite',
    properties: {
      format: 1,
      databaseId: newGuid(ports.randomBytes),
      databaseName,
      ...readPeriods(bodyProperties(body), undefined),
      ...keyOf(plan),
      operation: operation.kept,
    },
    createdAt: now,
    changedAt: now,
  };
  const admin = await callerAdmin(ports, request, database);
  await commitWithKey(ports, { cluster, operation, plan, database }, [
    writeRecord(databaseResources, id.toLowerCase(), null, database),
    ...admin,
  ]);
  // What was sent, the place in its own words included.
  const { location } = body;
  return begun(request, operation, 201, {
    ...common(database),
    ...(typeof location === 'string' && location !== '' ? { location } : {}),
    properties: { ...shown(request, database), provisioningState: 'Creating' },
  });
}

/** Order: the vault's answers and the prepared key → one commit with the database, the record of its key and the operation → the process
 * of the cluster is told. An operation that is made to fail asks no vault. */
async function commitWithKey(
  ports: KustoPorts,
  parts: {
    readonly cluster: Versioned<ClusterResource>;
    readonly operation: StartedOperation;
    readonly plan: DatabaseKeyPlan;
    readonly database: DatabaseResource;
  },
  writes: readonly StateWrite[],
): Promise<void> {
  const { cluster, operation, plan, database } = parts;
  const fails = operation.kept.failure !== undefined;
  const key = fails ? noStep : await prepareDatabaseKey(ports, cluster.value, database.properties.databaseId, plan);
  let committed = false;
  try {
    await commitChild(ports, cluster, operation, [...writes, ...key.write]);
    committed = true;
  } finally {
    await (committed ? key.committed() : key.abandoned());
  }
}

const keyOf = ({ key }: DatabaseKeyPlan): Pick<DatabaseProperties, 'key'> => (key === undefined ? {} : { key });

async function callerAdmin(
  ports: KustoPorts,
  request: ArmRequest,
  database: DatabaseResource,
): Promise<readonly StateWrite[]> {
  const role = request.query.get('callerrole') ?? 'Admin';
  if (role !== 'Admin' && role !== 'None') throw kustoError('InvalidValue', 'callerRole', "'Admin' or 'None'");
  return role === 'None' ? [] : [await callerAssignment(ports, request.caller, database)];
}

export async function patchDatabase(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'update databases');
  return changeDatabase(ports, request, cluster, await requireDatabase(ports, request, cluster.value), 'merge');
}

async function changeDatabase(
  ports: KustoPorts,
  request: ArmRequest,
  cluster: Versioned<ClusterResource>,
  found: Versioned<DatabaseResource>,
  mode: 'merge' | 'replace',
): Promise<ArmReply> {
  requireChildIdle(found.value, ports.clock.now());
  const body = bodyObject(request);
  requireKindAndPlace(body, cluster.value, mode === 'replace' && knowsKinds(request));
  const { softDeletePeriod, hotCachePeriod, key: heldKey, ...rest } = found.value.properties;
  const held = { softDeletePeriod, hotCachePeriod };
  const next = readPeriods(bodyProperties(body), mode === 'merge' ? held : undefined);
  const plan = planDatabaseKey(
    request,
    cluster.value,
    bodyProperties(body),
    heldKey === undefined ? {} : { key: heldKey },
  );
  if (plan.kind === 'none' && next.softDeletePeriod === softDeletePeriod && next.hotCachePeriod === hotCachePeriod) {
    return { status: 200, body: await showDatabase(ports, request, cluster.value, found.value) };
  }
  const operation = await beginChildOperation(ports, request, cluster.value, 'DatabaseCreate', found.value.id, true);
  const changed = {
    ...found.value,
    changedAt: toIso(ports.clock.now()),
    properties: { ...rest, ...next, ...keyOf(plan), operation: operation.kept },
  };
  const writes = [writeRecord(databaseResources, found.id, found.version, changed)];
  await commitWithKey(ports, { cluster, operation, plan, database: changed }, writes);
  return begun(request, operation, mode === 'merge' ? 202 : 200, {
    ...common(changed),
    properties: { ...shown(request, changed), isFollowed: false, provisioningState: 'Accepted' },
  });
}

/** The database, its key, its assignments and everything in it go in one commit. 204 when there is none. */
export async function deleteDatabase(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireChangeable(ports, request, 'delete databases');
  const found = await findDatabase(ports, cluster.value, nameOf(request));
  if (found === undefined) {
    await refuseFollowed(ports, cluster.value, nameOf(request), 'a deletion, instead of detaching,');
    return { status: 204 };
  }
  if (isFollowedBy(await followersOf(ports, cluster.value), found.value.properties.databaseName))
    throw kustoError('StillFollowed', found.value.id);
  requireChildIdle(found.value, ports.clock.now());
  const operation = await beginChildOperation(ports, request, cluster.value, 'DatabaseDelete', found.value.id);
  const below = await listAll(ports.state, databaseResourcesBelow, `${found.id}/`);
  const contents = await ports.contents.removeDatabase(
    cluster.value.properties.clusterId,
    found.value.properties.databaseId,
  );
  const { databaseId: removed } = found.value.properties;
  await commitChild(ports, cluster, operation, [
    ...(await ports.keys.databases.remove(cluster.value.properties.clusterId, removed)),
    writeRecord(databaseResources, found.id, found.version, null),
    ...below.map(({ id, version }) => writeRecord(databaseResourcesBelow, id, version, null)),
    ...contents,
  ]);
  return accepted(request, operation);
}

const databaseResourcesBelow = { name: databaseResources.name, parse: (value: Json) => value };

export async function checkDatabaseName(ports: KustoPorts, request: ArmRequest): Promise<ArmReply> {
  const cluster = await requireReadable(ports, request, 'fetch databases');
  const { name, type } = bodyObject(request);
  if (typeof name !== 'string') throw kustoError('MissingProperty', 'name');
  const lowerType = typeof type === 'string' ? type.toLowerCase() : '';
  // What is attached gets a name among the databases of its follower.
  const types = ['microsoft.kusto/clusters/databases', 'microsoft.kusto/clusters/attacheddatabaseconfigurations'];
  if (!types.includes(lowerType)) throw kustoError('InvalidValue', 'type', "'Microsoft.Kusto/clusters/databases'");
  if (parseDatabaseName(name) === undefined) {
    return {
      status: 200,
      body: {
        name,
        nameAvailable: false,
        message: kustoError('InvalidDatabaseName', name.slice(0, 300)).message,
        reason: 'Invalid',
      },
    };
  }
  const isFree =
    (await findDatabase(ports, cluster.value, name)) === undefined &&
    (await findFollowed(ports, cluster.value, name)) === undefined;
  if (isFree) return { status: 200, body: { name, nameAvailable: true, message: '' } };
  const message = `Database ${name} already exists in cluster ${cluster.value.name}. Please select a different database name.`;
  return { status: 200, body: { name, nameAvailable: false, message } };
}

/** Before there were followers, all databases were of one kind and the body named none. */
const knowsKinds = ({ apiVersion }: ArmRequest): boolean => !isApiVersionBefore(apiVersion, '2019-09-07');

function requireKindAndPlace(body: JsonObject, cluster: ClusterResource, kindRequired: boolean): void {
  const { kind, location } = body;
  if (kind === 'ReadOnlyFollowing')
    throw kustoError('NotBuilt', 'databases that follow another cluster (kind ReadOnlyFollowing)');
  if (kindRequired && (kind === undefined || kind === null)) throw kustoError('MissingProperty', 'kind');
  if (kind !== undefined && kind !== null && kind !== 'ReadWrite')
    throw kustoError('InvalidValue', 'kind', "'ReadWrite'");
  if (typeof location === 'string' && location !== '' && !isSameLocation(location, cluster.location)) {
    throw kustoError('InvalidValue', 'location', `the location of the cluster, '${cluster.location}'`);
  }
}

type Periods = Pick<DatabaseProperties, 'softDeletePeriod' | 'hotCachePeriod'>;

const durationPattern =
  /^P(?=\d|T\d)(\d{1,9}Y)?(\d{1,9}M)?(\d{1,9}W)?(\d{1,9}D)?(T(?=\d)(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,7})?S)?)?$/;

/** @throws ArmError for anything but ISO 8601 durations */
function readPeriods(
  properties: JsonObject,
  held: { softDeletePeriod: string | undefined; hotCachePeriod: string | undefined } | undefined,
): Periods {
  const read = (name: keyof Periods): string | undefined => {
    const value = properties[name];
    if (value === undefined) return held?.[name];
    if (value === null) return undefined;
    if (typeof value !== 'string' || !durationPattern.test(value))
      throw kustoError('InvalidValue', name, 'an ISO 8601 duration such as P31D');
    return value;
  };
  return periods({ softDeletePeriod: read('softDeletePeriod'), hotCachePeriod: read('hotCachePeriod') });
}

const periods = (held: {
  readonly softDeletePeriod?: string | undefined;
  readonly hotCachePeriod?: string | undefined;
}): Periods => ({
  ...(held.softDeletePeriod === undefined ? {} : { softDeletePeriod: held.softDeletePeriod }),
  ...(held.hotCachePeriod === undefined ? {} : { hotCachePeriod: held.hotCachePeriod }),
});

const shown = ({ apiVersion }: Pick<ArmRequest, 'apiVersion'>, { properties }: DatabaseResource): JsonObject => ({
  ...periods(properties),
  ...showDatabaseKey(apiVersion, properties.key),
});

const common = (database: DatabaseResource): Record<string, unknown> => ({
  id: database.id,
  name: database.name,
  type: database.type,
  location: database.location,
  kind: database.kind,
});

/** What an answer shows of the cluster with each database. */
interface ClusterFacts {
  readonly status: ClusterKeyStatus | undefined;
  readonly followers: readonly ChildResource[];
}

const clusterFacts = async (ports: KustoPorts, cluster: ClusterResource): Promise<ClusterFacts> => ({
  status: await clusterStatus(ports, cluster),
  followers: await followersOf(ports, cluster),
});

/** @param facts when they are known already, as for a list */
export async function showDatabase(
  ports: KustoPorts,
  { apiVersion }: Pick<ArmRequest, 'apiVersion'>,
  cluster: ClusterResource,
  database: DatabaseResource,
  facts?: ClusterFacts,
): Promise<Record<string, unknown>> {
  const { properties } = database;
  const { status, followers } = facts ?? (await clusterFacts(ports, cluster));
  const size = await ports.contents.databaseBytes(cluster.properties.clusterId, properties.databaseId);
  const { clusterId } = cluster.properties;
  const suspension =
    status?.suspension ??
    (properties.key && (await ports.keys.databases.status(clusterId, properties.databaseId))?.suspension);
  return {
    ...common(database),
    properties: {
      ...shown({ apiVersion }, database),
      ...(size === undefined ? {} : { statistics: { size } }),
      ...(isApiVersionBefore(apiVersion, '2019-11-09')
        ? {}
        : { isFollowed: isFollowedBy(followers, properties.databaseName) }),
      provisioningState: childProvisioning(properties.operation, ports.clock.now()),
      ...(suspension === undefined ? {} : { suspensionDetails: { suspensionStartDate: suspension.since } }),
    },
  };
}
