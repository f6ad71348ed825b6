import type { Guid } from '../../base/guid.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import type { ClusterResource } from './cluster-record.ts';
import { kustoError } from './kusto-errors.ts';
import type { KustoPorts } from './ports.ts';
import type { ArmRequest } from '../../arm/arm-operation.ts';
import { listAll } from '../../state/list-all.ts';
import { dateTime, flag, listOfTexts, oneOf, resourceId, text, textOrEmpty } from './child-kind.ts';
import type { ChildContext, ChildKind, PropertyRow, PropertyRows, WantedChild } from './child-kind.ts';
import { childResources } from './child-resource.ts';
import type { ChildResource } from './child-resource.ts';

const dataFormats = [
  'MULTIJSON',
  'JSON',
  'CSV',
  'TSV',
  'SCSV',
  'SOHSV',
  'PSV',
  'TXT',
  'RAW',
  'SINGLEJSON',
  'AVRO',
  'TSVE',
  'PARQUET',
  'ORC',
  'APACHEAVRO',
  'W3CLOGFILE',
  'AZMONSTREAM',
] as const;

const required = { required: true } as const;
const consumerGroup: PropertyRow = { ...text(256), ...required };
/** Where data goes: what is not set shows as null, or as the empty text while nothing of it is set. */
const target: PropertyRows = {
  tableName: { ...textOrEmpty, unset: null },
  mappingRuleName: { ...textOrEmpty, unset: null },
  dataFormat: {
    ...oneOf('', ...dataFormats),
    unset: null,
    notBuilt: (value) => (value === 'AZMONSTREAM' ? 'the data format AZMONSTREAM' : undefined),
  },
};
const eventSystemProperties: PropertyRow = { ...listOfTexts, unset: [] };
const databaseRouting: PropertyRow = { ...oneOf('Single', 'Multi'), unset: 'Single', since: '2022-02-01' };
const retrievalStartDate: PropertyRow = { ...dateTime, unset: null, since: '2022-11-11' };
const managedIdentity = (since: string): PropertyRow => ({ ...resourceId(), unset: null, since });

const eventHub: PropertyRows = {
  eventHubResourceId: { ...resourceId('Microsoft.EventHub/namespaces/eventhubs'), ...required },
  consumerGroup,
  ...target,
  eventSystemProperties,
  compression: { ...oneOf('None', 'GZip'), unset: 'None', since: '2020-09-18' },
  managedIdentityResourceId: managedIdentity('2021-08-27'),
  databaseRouting,
  retrievalStartDate,
};

const iotHub: PropertyRows = {
  iotHubResourceId: { ...resourceId('Microsoft.Devices/IotHubs'), ...required },
  consumerGroup,
  ...target,
  eventSystemProperties,
  sharedAccessPolicyName: { ...text(256), ...required },
  databaseRouting,
  retrievalStartDate,
};

const eventGrid: PropertyRows = {
  storageAccountResourceId: { ...resourceId('Microsoft.Storage/storageAccounts'), ...required },
  eventGridResourceId: { ...resourceId(), unset: null, since: '2022-02-01' },
  eventHubResourceId: { ...resourceId('Microsoft.EventHub/namespaces/eventhubs'), ...required },
  consumerGroup,
  ...target,
  ignoreFirstRecord: { ...flag, unset: false, since: '2020-06-14' },
  blobStorageEventType: {
    ...oneOf('Microsoft.Storage.BlobCreated', 'Microsoft.Storage.BlobRenamed'),
    unset: 'Microsoft.Storage.BlobCreated',
    since: '2020-06-14',
  },
  managedIdentityResourceId: managedIdentity('2022-02-01'),
  databaseRouting,
};

const cosmosDb: PropertyRows = {
  tableName: { ...text(1024), ...required },
  mappingRuleName: { ...textOrEmpty, unset: null },
  managedIdentityResourceId: { ...resourceId(), ...required },
  cosmosDbAccountResourceId: { ...resourceId('Microsoft.DocumentDB/databaseAccounts'), ...required },
  cosmosDbDatabase: { ...text(255), ...required },
  cosmosDbContainer: { ...text(255), ...required },
  retrievalStartDate,
};

const noHub = 'no hub sends events to this cluster';

/** Ingestion that a hub feeds. Nothing here speaks to a hub: connections are checked, kept and shown, and say so. Only where the hub would tell
 * of blobs the cluster finds them itself, in accounts that the user mapped. */
export const dataConnections: ChildKind = {
  group: 'DataConnections',
  list: 'ListByDatabase',
  type: 'dataConnections',
  parent: 'database',
  methods: ['GET', 'PUT', 'PATCH', 'DELETE'],
  noun: 'data connection',
  name: {
    pattern: /^(?=.*[^ ])[A-Za-z0-9 .-]{1,40}$/,
    rule: '1 to 40 letters, digits, hyphens, spaces or dots, not only spaces',
  },
  nameCheck: 'checkNameAvailability',
  forms: {
    EventHub: { properties: eventHub, write: 'DmServiceEventHubObtainerAdd' },
    IotHub: { properties: iotHub, since: '2019-09-07', write: 'DmServiceEventHubObtainerAdd' },
    EventGrid: { properties: eventGrid, since: '2019-05-15', write: 'DmServiceEventGridIngestionSourceAdd' },
    CosmosDb: { properties: cosmosDb, since: '2022-11-11', write: 'DmServiceCosmosDbObtainerAdd' },
  },
  formsNotBuilt: { EventHubWithManagedIdentity: '2025-02-14', EventGridWithManagedIdentity: '2025-02-14' },
  drop: 'DmServiceDataObtainerDrop',
  located: true,
  followsStorage: true,
  idleOf: ({ ports, cluster }, form, values) =>
    form === 'EventGrid' ? idleReason(values, cluster, ports.isMappedAccount) : noHub,
  check: async (context, wanted) => {
    const problem = await problemOf(context, wanted);
    if (problem !== undefined) throw kustoError('DataConnectionRefused', problem);
  },
  show,
};

/** What is wrong with a connection apart from its body: a hub's consumer group feeds one connection of a cluster.
 * @returns undefined for one that can be made */
export async function problemOf(
  { ports, request, cluster, name }: ChildContext,
  { form, values }: WantedChild,
): Promise<string | undefined> {
  const identity = values['managedIdentityResourceId'];
  if (typeof identity === 'string' && identityOf(identity, cluster) === undefined)
    return `the managed identity '${identity}' is not assigned to the cluster`;
  const source = sourceOf(values);
  if (source === undefined) return undefined;
  const own = ownId(cluster, request, name);
  for (const other of await connectionsOf(ports, cluster)) {
    if (other.id.toLowerCase() === own || sourceOf(other.properties.values) !== source) continue;
    return `${form === 'IotHub' ? 'iot hub' : 'event hub'} resource id and consumer group tuple provided are already used`;
  }
  return undefined;
}

export function storageAccountOf({ storageAccountResourceId: id }: JsonObject): string {
  return typeof id === 'string' ? (id.split('/').at(-1) ?? '').toLowerCase() : '';
}

/** Why no blob comes through an Event Grid connection here. @returns undefined for one that acts */
export function idleReason(
  values: JsonObject,
  cluster: ClusterResource,
  isMapped: (account: string) => boolean,
): string | undefined {
  const account = storageAccountOf(values);
  if (!isMapped(account)) return `storage account '${account}' is not mapped (--storage-account ${account}=URL)`;
  if (values['blobStorageEventType'] === 'Microsoft.Storage.BlobRenamed') return 'renamed blobs are not told of';
  const identity = values['managedIdentityResourceId'];
  if (typeof identity !== 'string') return 'it names no managed identity to read the storage with';
  return identityOf(identity, cluster) === undefined
    ? 'its managed identity is not assigned to the cluster'
    : undefined;
}

const ownId = (cluster: ClusterResource, request: ArmRequest, name: string): string =>
  `${cluster.id}/databases/${request.params['databaseName'] ?? ''}/dataconnections/${name}`.toLowerCase();

async function connectionsOf(ports: KustoPorts, cluster: ClusterResource): Promise<readonly ChildResource[]> {
  const prefix = `${cluster.id}/databases/`.toLowerCase();
  const below = await listAll(ports.state, { name: childResources.name, parse: (value: Json) => value }, prefix);
  const found: ChildResource[] = [];
  for (const { id } of below.filter(({ id: one }) =>
    /^[^/]+\/dataconnections\/[^/]+$/.test(one.slice(prefix.length)),
  )) {
    const child = await ports.state.get(childResources, id);
    if (child !== undefined) found.push(child.value);
  }
  return found;
}

function sourceOf(values: JsonObject): string | undefined {
  const hub = values['eventHubResourceId'] ?? values['iotHubResourceId'];
  const group = values['consumerGroup'];
  return typeof hub === 'string' && typeof group === 'string' ? `${hub} ${group}`.toLowerCase() : undefined;
}

/** The id of the cluster stands for its system-assigned identity. @returns the object id; undefined for one that the cluster has not */
export function identityOf(resource: string, { id, identity }: ClusterResource): Guid | undefined {
  const wanted = resource.toLowerCase();
  if (wanted === id.toLowerCase()) return identity?.principalId;
  const assigned = Object.entries(identity?.userAssignedIdentities ?? {});
  return assigned.find(([one]) => one.toLowerCase() === wanted)?.[1].principalId;
}

function show(values: JsonObject, child: ChildResource, cluster: ClusterResource): JsonObject {
  const isUntargeted = child.kind !== 'CosmosDb' && Object.keys(target).every((name) => isEmpty(values[name]));
  const shown: Record<string, Json> = {};
  for (const [name, value] of Object.entries(values)) {
    shown[name] = isUntargeted && name in target ? '' : (value ?? null);
    if (name === 'managedIdentityResourceId')
      shown['managedIdentityObjectId'] = typeof value === 'string' ? (identityOf(value, cluster) ?? null) : null;
    if (name === 'retrievalStartDate') shown[name] = value ?? child.createdAt;
  }
  return shown;
}

const isEmpty = (value: Json | undefined): boolean => value === undefined || value === null || value === '';
