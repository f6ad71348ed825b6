import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseAnyJson } from '../../base/relaxed-json.ts';
import type { Policies } from '../catalog/catalog-view.ts';
import { dataError } from '../catalog/data-error.ts';
import type { Command, CommandRow, Row } from './command.ts';
import type { CommandContext } from './command-context.ts';
import { policyColumns } from './policy-commands.ts';
import { readBatching, readCaching, readSharding, readStreaming } from './policy-values.ts';

const invalid = (text: string): Error => dataError('InvalidPolicy', text);

interface ClusterPolicyRow {
  /** As the text of commands has it. */
  readonly name: string;
  /** As the parser's names of commands have it. */
  readonly title: string;
  /** For the examples, as `.alter` and `.alter-merge` take it. Absent: there is no such command. */
  readonly value: string;
  readonly merged?: string;
  readonly deletes?: true;
  /** What holds before anybody sets something. */
  readonly unset: Json;
  /** @param held what is set now, for `.alter-merge` @throws DataError `InvalidPolicy` */
  readonly read: (command: Command, held: Json | undefined) => Json;
}

/** Half a megabyte of JSON is nobody's policy. */
const textMax = 100_000;

function jsonOf(command: Command): Json {
  const text = command.optional('SandboxPolicy') ?? command.required('Policy');
  if (text.length > textMax) throw invalid('The policy is too long.');
  try {
    return parseAnyJson(text);
  } catch {
    throw invalid('The policy is not JSON.');
  }
}

function objectOf(value: Json, what: string): JsonObject {
  if (!isJsonObject(value)) throw invalid(`${what} is not a JSON object.`);
  return value;
}

type Check = (value: Json) => boolean;
const isCount: Check = (value) => typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 10_000;
const isShare: Check = (value) => typeof value === 'number' && value > 0 && value <= 100;
const isWhole: Check = (value) => typeof value === 'number' && Number.isInteger(value) && value >= -1;
const isFlag: Check = (value) => typeof value === 'boolean';
const isName: Check = (value) => typeof value === 'string' && value.length <= 100;

/** @throws DataError `InvalidPolicy` for a member that is unknown or of another type */
function checked(value: JsonObject, members: Readonly<Record<string, Check>>, what: string): JsonObject {
  for (const [name, member] of Object.entries(value)) {
    const check = Object.hasOwn(members, name) ? members[name] : undefined;
    if (check === undefined) throw invalid(`${what} has no property '${name.slice(0, 100)}'.`);
    if (!check(member as Json)) throw invalid(`${what}: the value of '${name}' is not valid.`);
  }
  return value;
}

const perNode = { MinimumConcurrentOperationsPerNode: isCount, MaximumConcurrentOperationsPerNode: isCount };
const perCluster = { ClusterMinimumConcurrentOperations: isCount, ClusterMaximumConcurrentOperations: isCount };
const ofCores = { ClusterMaximumConcurrentOperations: isCount, CoreUtilizationCoefficient: isShare };

/** The components and what they have before anybody sets something. Ingestion, by `IngestionCapacity`, is what comes so often that its
 * number is bounded (`request-capacity.ts`); of the others one at a time goes on here, which every capacity allows.
 * @see Kusto "Capacity policy" */
const capacity: Readonly<
  Record<string, { readonly members: Readonly<Record<string, Check>>; readonly unset: JsonObject }>
> = {
  IngestionCapacity: {
    members: ofCores,
    unset: { ClusterMaximumConcurrentOperations: 512, CoreUtilizationCoefficient: 0.75 },
  },
  ExtentsMergeCapacity: {
    members: { ...perNode, ...perCluster },
    unset: { MinimumConcurrentOperationsPerNode: 1, MaximumConcurrentOperationsPerNode: 3 },
  },
  ExtentsPurgeRebuildCapacity: { members: perNode, unset: { MaximumConcurrentOperationsPerNode: 1 } },
  ExportCapacity: {
    members: ofCores,
    unset: { ClusterMaximumConcurrentOperations: 100, CoreUtilizationCoefficient: 0.25 },
  },
  ExtentsPartitionCapacity: {
    members: { ...perCluster, ...perNode },
    unset: { ClusterMinimumConcurrentOperations: 1, ClusterMaximumConcurrentOperations: 32 },
  },
  MaterializedViewsCapacity: {
    members: {
      ...perCluster,
      ExtentsRebuildCapacity: (value) =>
        isJsonObject(value) &&
        Object.entries(value).every(([name, one]) => /^(Cluster)?Maximum/.test(name) && isCount(one as Json)),
    },
    unset: {
      ClusterMaximumConcurrentOperations: 1,
      ExtentsRebuildCapacity: { ClusterMaximumConcurrentOperations: 50, MaximumConcurrentOperationsPerNode: 5 },
    },
  },
  StoredQueryResultsCapacity: {
    members: { MaximumConcurrentOperationsPerDbAdmin: isCount, CoreUtilizationCoefficient: isShare },
    unset: { MaximumConcurrentOperationsPerDbAdmin: 250, CoreUtilizationCoefficient: 0.75 },
  },
  StreamingIngestionPostProcessingCapacity: { members: perNode, unset: { MaximumConcurrentOperationsPerNode: 4 } },
  PurgeStorageArtifactsCleanupCapacity: {
    members: { MaximumConcurrentOperationsPerCluster: isCount },
    unset: { MaximumConcurrentOperationsPerCluster: 2 },
  },
  PeriodicStorageArtifactsCleanupCapacity: {
    members: { MaximumConcurrentOperationsPerCluster: isCount },
    unset: { MaximumConcurrentOperationsPerCluster: 2 },
  },
  QueryAccelerationCapacity: {
    members: ofCores,
    unset: { ClusterMaximumConcurrentOperations: 100, CoreUtilizationCoefficient: 0.5 },
  },
  GraphSnapshotsCapacity: { members: perCluster, unset: { ClusterMaximumConcurrentOperations: 5 } },
};
const capacityUnset: JsonObject = Object.fromEntries(
  Object.entries(capacity).map(([name, { unset }]) => [name, unset]),
);

function readCapacity(command: Command, held: Json | undefined): Json {
  const sent = objectOf(jsonOf(command), 'The policy');
  const base = objectOf((isMerge(command) ? held : undefined) ?? capacityUnset, 'The policy');
  const changed = Object.entries(sent).map(([name, value]): [string, Json] => {
    const row = Object.hasOwn(capacity, name) ? capacity[name] : undefined;
    if (row === undefined) throw invalid(`The policy has no property '${name.slice(0, 100)}'.`);
    const before = isMerge(command) ? base[name] : row.unset;
    return [
      name,
      { ...(isJsonObject(before) ? before : {}), ...checked(objectOf(value as Json, name), row.members, name) },
    ];
  });
  return { ...base, ...Object.fromEntries(changed) };
}

const consistencyUnset: JsonObject = {
  ...{ PercentageOfNodes: -1, MinimumNumberOfNodes: -1, MaximumNumberOfNodes: -1 },
  ...{ SuperSlackerNumberOfNodesThreshold: -1, EnableMetadataPrefetch: false },
  ...{ MaximumLagAllowedInMinutes: -1, RefreshPeriodInSeconds: -1 },
};
const consistencyMembers = Object.fromEntries(
  Object.entries(consistencyUnset).map(([name, value]) => [name, typeof value === 'boolean' ? isFlag : isWhole]),
);

function readConsistency(command: Command, held: Json | undefined): Json {
  const sent = checked(objectOf(jsonOf(command), 'The policy'), consistencyMembers, 'The policy');
  return { ...consistencyUnset, ...(isMerge(command) && isJsonObject(held) ? held : {}), ...sent };
}

const sandboxMembers = {
  ...{ SandboxKind: isName, IsEnabled: isFlag, InitializeOnStartup: isFlag },
  ...{ TargetCountPerNode: isWhole, MaxCpuRatePerSandbox: isShare, MaxMemoryMbPerSandbox: isWhole },
};
const sandboxesMax = 100;

function readSandboxes(command: Command): Json {
  const sent = jsonOf(command);
  if (!Array.isArray(sent) || sent.length > sandboxesMax)
    throw invalid(`The policy is not an array of at most ${sandboxesMax} objects.`);
  return sent.map((each) => checked(objectOf(each as Json, 'A sandbox policy'), sandboxMembers, 'A sandbox policy'));
}

const isMerge = (command: Command): boolean => command.kind.startsWith('AlterMerge');

const heldObject = (held: Json | undefined): JsonObject | undefined => (isJsonObject(held) ? held : undefined);

const rows: readonly ClusterPolicyRow[] = [
  {
    // What databases have that nobody gave one.
    ...{ name: 'caching', title: 'Caching', value: 'hot = 30d', deletes: true, unset: null },
    read: (command) => ({ ...readCaching(command, undefined) }),
  },
  {
    ...{ name: 'capacity', title: 'Capacity', unset: capacityUnset, read: readCapacity },
    value: `'{"IngestionCapacity": {"ClusterMaximumConcurrentOperations": 512}}'`,
    merged: `'{"IngestionCapacity": {"CoreUtilizationCoefficient": 0.5}}'`,
  },
  {
    // Kept and shown: one node answers all queries from the newest there is, which any policy allows.
    ...{
      name: 'query_weak_consistency',
      title: 'QueryWeakConsistency',
      unset: consistencyUnset,
      read: readConsistency,
    },
    value: `'{"PercentageOfNodes": 10}'`,
    merged: `'{"MaximumLagAllowedInMinutes": 15}'`,
  },
  {
    ...{ name: 'ingestionbatching', title: 'IngestionBatching', unset: null },
    value: `'{"MaximumBatchingTimeSpan": "00:01:00"}'`,
    merged: `'{"MaximumNumberOfItems": 500}'`,
    read: (command, held) => readBatching(command, heldObject(held)),
  },
  {
    ...{ name: 'sharding', title: 'Sharding', deletes: true, unset: null },
    value: `'{"MaxRowCount": 1048576}'`,
    merged: `'{"MaxExtentSizeInMb": 1024}'`,
    read: (command, held) => readSharding(command, heldObject(held)),
  },
  {
    // Beside what the resource manager says of the cluster, without which no table takes streams.
    ...{ name: 'streamingingestion', title: 'StreamingIngestion', deletes: true, unset: null },
    value: `'{"IsEnabled": true}'`,
    merged: `'{"HintAllocatedRate": 2.1}'`,
    read: (command, held) => ({ ...readStreaming(command, held as Policies['streamingingestion']) }),
  },
  {
    // Kept and shown: plugins that run in sandboxes are not built, so none is ever beyond its limit.
    ...{ name: 'sandbox', title: 'Sandbox', deletes: true, unset: null, read: readSandboxes },
    value: `'[{"SandboxKind": "PythonExecution", "IsEnabled": true}]'`,
  },
];

const rowOf = ({ title, unset }: ClusterPolicyRow, policy: Json | undefined): Row => [
  ...[`${title}Policy`, '', JSON.stringify(policy ?? unset, undefined, 2), '', 'Cluster'],
];

const heldBy = ({ name }: ClusterPolicyRow, { data }: CommandContext): Json | undefined =>
  data.clusterSettings().policies[name];

function policyRows(row: ClusterPolicyRow): readonly CommandRow[] {
  const { name, title, value, merged, deletes, read } = row;
  const kinds = {
    [`AlterClusterPolicy${title}`]: `.alter cluster policy ${name} ${value}`,
    ...(merged === undefined
      ? {}
      : { [`AlterMergeClusterPolicy${title}`]: `.alter-merge cluster policy ${name} ${merged}` }),
  };
  const alter: CommandRow = {
    kinds,
    permission: 'clusterAdmin',
    columns: policyColumns,
    run: async (command, { data }) => {
      const { policies } = await data.changeClusterSettings((held) => ({
        ...held,
        policies: { ...held.policies, [name]: read(command, held.policies[name]) },
      }));
      return [rowOf(row, policies[name])];
    },
  };
  const remove: CommandRow = {
    kinds: { [`DeleteClusterPolicy${title}`]: `.delete cluster policy ${name}` },
    permission: 'clusterAdmin',
    columns: policyColumns,
    run: async (_command, { data }) => {
      await data.changeClusterSettings(({ policies, ...held }) => ({
        ...held,
        policies: Object.fromEntries(Object.entries(policies).filter(([other]) => other !== name)),
      }));
      return [rowOf(row, undefined)];
    },
  };
  return [
    {
      kinds: { [`ShowClusterPolicy${title}`]: `.show cluster policy ${name}` },
      permission: 'clusterMonitor',
      columns: policyColumns,
      run: (_command, context) => [rowOf(row, heldBy(row, context))],
    },
    alter,
    ...(deletes ? [remove] : []),
  ];
}

/** Batching, sharding and streaming hold for databases and tables that have none of their own.
 * @see Kusto "Caching policy", "Capacity policy", "Query weak consistency policy", "Sandbox policy" and the pages of these commands */
export const clusterPolicyCommands: readonly CommandRow[] = rows.flatMap(policyRows);
