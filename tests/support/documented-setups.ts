import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CommandFixture } from './command-fixture.ts';
import { deltaVector } from './delta-vectors.ts';

/** What the page of an example presupposes: its cluster has it, the cluster of the test gets it. */
export interface Setup {
  /** Examples by their ids. */
  readonly of: RegExp;
  /** Run in the database of the test; each has to succeed. */
  readonly commands?: readonly string[];
  /** Files of the user's by address, each one of `vectors`. */
  readonly files?: Readonly<Record<string, string>>;
  /** When the page was written, where it names times that are past by now. */
  readonly now?: string;
  /** Makes what the page names by an id that the cluster gives, or by a version. @returns those here, by those on the page */
  readonly ids?: (run: CommandFixture['run'], settle: CommandFixture['settle']) => Promise<Record<string, string>>;
}

const graph = (name: string, label = 'Person'): string =>
  `.create-or-alter graph_model ${name} \`\`\`${JSON.stringify({
    Schema: { Nodes: { [label]: { Id: 'long' } }, Edges: { Knows: {} } },
    Definition: {
      Steps: [
        { Kind: 'AddNodes', Query: 'print Id = 1', NodeIdColumn: 'Id', Labels: [label] },
        { Kind: 'AddEdges', Query: 'print A = 1, B = 1', SourceColumn: 'A', TargetColumn: 'B', Labels: ['Knows'] },
      ],
    },
  })}\`\`\``;

const snapshot = (name: string, model: string): readonly string[] => [
  graph(model),
  `.drop graph_snapshots ${model}`,
  `.make graph_snapshot ${name} from ${model}`,
];

/** Extents that were made when the page says. @returns their ids */
async function extentsOf(run: CommandFixture['run'], table: string, count: number): Promise<readonly string[]> {
  await run(`.drop table ${table} ifexists`);
  await run(`.create table ${table} (Id: long)`);
  const ids: string[] = [];
  for (let made = 0; made < count; made += 1) {
    const [extent] = await run(`.ingest inline into table ${table} with (creationTime="2023-03-11") <| ${made}`);
    ids.push(String(extent?.['ExtentId']));
  }
  return ids;
}

/** @returns its version before it was dropped */
async function droppedTable(run: CommandFixture['run'], name: string): Promise<string> {
  await run(`.drop table ${name} ifexists`);
  await run(`.drop table New${name} ifexists`);
  await run(`.create table ${name} (Id: long)`);
  await run(`.ingest inline into table ${name} <| 1`);
  const [database] = await run('.show database db schema');
  await run(`.drop table ${name}`);
  return String(database?.['Version']);
}

const exported = '.export async to csv (h@"https://storage1.blob.core.windows.net/containerName;key") <| print A = 1';

async function exportOperation(run: CommandFixture['run'], settle: CommandFixture['settle']): Promise<string> {
  const [operation] = await run(exported);
  await settle();
  return String(operation?.['OperationId']);
}

const table123 = (columns: string): readonly string[] => [
  '.drop table Table123 ifexists',
  `.create table Table123 (${columns})`,
];
const sources = (file: string): Readonly<Record<string, string>> => ({ source1: file, source2: file });

const deltaTable = (address: string): Readonly<Record<string, string>> =>
  Object.fromEntries([...deltaVector('scalars').keys()].map((path) => [`${address}/${path}`, `delta/scalars/${path}`]));

/** Two operations, each of a blob that is queued. */
async function queuedOperations(run: CommandFixture['run']): Promise<Record<string, string>> {
  const made: string[] = [];
  await run('.create-merge table Queued (Id: long)');
  for (const name of ['a', 'b']) {
    const source = `'https://storage1.blob.core.windows.net/queued/${name}.csv'`;
    const [row] = await run(`.ingest-from-storage-queued into table Queued EnableTracking=true <| ${source}`);
    made.push(String(row?.['IngestionOperationId']));
  }
  const [first = '', second = ''] = made;
  return {
    '00001111;11112222;00001111-aaaa-2222-bbbb-3333cccc4444': first,
    '11112222;22223333;11110000-bbbb-2222-cccc-3333dddd4444': second,
    '22223333;22223333;11110000-bbbb-2222-cccc-4444dddd5555': second,
  };
}

export const setups: readonly Setup[] = [
  {
    of: /^data-ingestion\/(?:cancel-queued|show-queued|queued-ingestion-use-case#(?:4|8|10)$)/,
    ids: queuedOperations,
  },
  { of: /^alter-auto-delete-policy-command#/, now: '2023-01-01T00:00:00Z' },
  {
    of: /^(?:drop|show)-workload-group-command#/,
    commands: ['MyWorkloadGroup', "['My Workload Group']"].map(
      (name) => `.create-or-alter workload_group ${name} '{}'`,
    ),
  },
  {
    of: /^external-table-mapping-/,
    commands: [
      '.drop external table MyExternalTable ifexists',
      ".create external table MyExternalTable (rownumber: int, rowguid: string) kind=storage dataformat=json (h@'https://storageaccount.blob.core.windows.net/container1;secretKey')",
    ],
  },
  {
    of: /^external-table-mapping-(?!create)/,
    commands: [
      `.create external table MyExternalTable mapping "Mapping1" '[{"Column": "rownumber", "Properties": {"Path": "$.a"}}]'`,
    ],
  },
  {
    of: /^data-export\/continuous-data-export#1$/,
    commands: [
      '.create-merge table ExportSource (Id: long)',
      ".create-or-alter external table ExportedRows (Id: long) kind=storage dataformat=csv (h@'https://storageaccount.blob.core.windows.net/container1;secretKey')",
      '.create-or-alter continuous-export MyExport over (ExportSource) to table ExportedRows with (intervalBetweenRuns=1h) <| ExportSource',
    ],
  },
  {
    of: /^data-export\/continuous-export-with-managed-identity#8$/,
    commands: [
      `.alter-merge cluster policy managed_identity '[{"ObjectId": "system", "AllowedUsages": "AutomatedFlows"}]'`,
      '.drop table MyTable ifexists',
      '.create table MyTable (x: int, s: string)',
      '.drop external table MyExternalTable ifexists',
      ".create external table MyExternalTable (x: int, s: string) kind=storage dataformat=csv (h@'https://mystorageaccount.blob.core.windows.net/mycontainer;secretKey')",
    ],
  },
  {
    of: /^alter-table-row-level-security-policy-command#/,
    commands: [
      '.drop table MyTable ifexists',
      '.create table MyTable (Id: long)',
      '.create-or-alter function AnonymizeSensitiveData() { MyTable | where Id > 0 }',
    ],
  },
  {
    of: /^alter-materialized-view-row-level-security-policy-command#/,
    commands: [
      '.create-merge table ViewSource (Id: long)',
      '.create ifnotexists materialized-view MyMaterializeView on table ViewSource { ViewSource | summarize take_any(*) by Id }',
      '.create-or-alter function AnonymizeSensitiveData() { MyMaterializeView | where Id > 0 }',
    ],
  },
  {
    of: /^materialized-views\/materialized-view-policies#1/,
    commands: [
      '.create-merge table SourceTable (Id: long)',
      '.create-or-alter function RLS_function() { SourceTable | where Id > 0 }',
    ],
  },
  {
    of: /^row-level-security-policy#[234]$/,
    commands: [
      ...[1, 2, 3].map((one) => `.create-merge table Customers${one} (Id: long)`),
      '.create-or-alter function RLSForCustomersTables(TableName: string) { table(TableName) | where Id > 0 }',
    ],
  },
  {
    of: /^avro-mapping#/,
    commands: [
      ...table123('Long: long, Text: string'),
      `.create table Table123 ingestion avro mapping "Mapping_Name" '[{"Column": "Text", "Properties": {"Path": "$.Text"}}]'`,
    ],
    files: sources('avro/types.deflate.avro'),
  },
  {
    of: /^external-tables-delta-lake#1/,
    files: deltaTable('https://storageaccount.blob.core.windows.net/container1'),
  },
  {
    of: /^external-tables-delta-lake#2/,
    files: deltaTable('abfss://filesystem@storageaccount.dfs.core.windows.net/path'),
  },
  {
    of: /^orc-mapping#/,
    commands: [
      ...table123('big: long, text: string'),
      `.create table Table123 ingestion orc mapping "ORC_Mapping" '[{"Column": "text", "Properties": {"Path": "$.text"}}]'`,
    ],
    files: sources('orc/scalars.zlib.orc'),
  },
  {
    of: /^csv-mapping#1/,
    commands: [
      ...table123('Id: long'),
      `.create table Table123 ingestion csv mapping "MappingName" '[{"Column": "Id", "Properties": {"Ordinal": "0"}}]'`,
    ],
  },
  {
    of: /^w3c-log-file-mapping#1/,
    commands: [
      ...table123('Id: long'),
      `.create table Table123 ingestion w3clogfile mapping "Mapping_Name" '[{"Column": "Id", "Properties": {"Field": "Id"}}]'`,
    ],
  },
  {
    of: /^drop-ingestion-mapping-command#[12]$/,
    commands: [
      '.create-merge table MyTable (x: int)',
      `.create-or-alter table MyTable ingestion csv mapping "Mapping1" '[{"Column": "x", "Properties": {"Ordinal": "0"}}]'`,
      `.create-or-alter table MyTable ingestion json mapping "Mapping1" '[{"Column": "x", "Properties": {"Path": "$.x"}}]'`,
    ],
  },
  {
    of: /^drop-ingestion-mapping-command#3/,
    ids: async (run) => {
      await run(`.create-or-alter database db ingestion csv mapping "Mapping2" '[{"Column": "Id", "Ordinal": 0}]'`);
      return { MyDatabase: 'db' };
    },
  },
  {
    of: /^show-ingestion-mapping-command#1/,
    commands: [
      '.create-merge table MyTable (Id: long)',
      `.create-or-alter table MyTable ingestion csv mapping "mapping1" '[{"Column": "Id", "Properties": {"Ordinal": "0"}}]'`,
    ],
  },
  {
    of: /^(data-export\/export-data-to-storage#1|show-operation-details#2)$/,
    ids: async (run, settle) => {
      const id = await exportOperation(run, settle);
      return { 'f008dc1e-2710-47d8-8d34-0d562f5f8615': id, '56e51622-eb49-4d1a-b896-06a03178efcd': id };
    },
  },
  { of: /^show-operation-details#1/, commands: ['.create-merge table myLogs (Id: long)'] },
  {
    of: /^drop-extents#[12]$/,
    ids: async (run) => {
      const [first = '', second = ''] = await extentsOf(run, 'Table1', 2);
      return { '609ad1e2-5b1c-4b79-90c0-1dec262e9f46': first, '310a60c6-8529-4cdf-a309-fe6aa7857e1d': second };
    },
  },
  {
    of: /^move-extents#2/,
    commands: ['.create-merge table MyOtherTable (Id: long)'],
    ids: async (run) => {
      const [first = '', second = ''] = await extentsOf(run, 'MyTable', 2);
      return { 'AE6CD250-BE62-4978-90F2-5CB7A10D16D7': first, '399F9254-4751-49E3-8192-C1CA78020706': second };
    },
  },
  {
    of: /^replace-extents#2/,
    ids: async (run) => {
      await extentsOf(run, 'MyTable1', 1);
      const [replaced = ''] = await extentsOf(run, 'MyOtherTable', 1);
      return { '2cca5844-8f0d-454e-bdad-299e978be5df': replaced };
    },
  },
  {
    of: /^undo-drop-table-command#1/,
    ids: async (run) => {
      await droppedTable(run, 'TestTable');
      return { TestDB: 'db' };
    },
  },
  {
    of: /^undo-drop-table-command#[23]$/,
    ids: async (run) => {
      const version = await droppedTable(run, 'TestTable');
      return { 'v24.3': version, 'v10.3': version };
    },
  },
  { of: /^graph\/graph-model-(drop|show)#[14]$/, commands: [graph('SocialNetwork')] },
  {
    of: /^graph\/graph-model-show#2/,
    ids: async (run) => {
      const [made] = await run(graph('ProductRecommendations'));
      await run(graph('ProductRecommendations', 'Product'));
      return { 'cccccccc-2d2d-3e3e-4f4f-555555555555': String(made?.['Id']) };
    },
  },
  { of: /^graph\/graph-model-show#3/, commands: [graph('NetworkTraffic'), graph('NetworkTraffic', 'Host')] },
  { of: /^graph\/graph-snapshot-drop#1/, commands: snapshot('OldSnapshot', 'SocialNetwork') },
  { of: /^graph\/graph-snapshots-(drop|show)#1/, commands: [graph('SocialNetwork')] },
  {
    of: /^graph\/graph-snapshot-make#/,
    commands: [graph('SocialNetwork'), graph('ProductRecommendations')],
  },
  { of: /^graph\/graph-snapshot-show#[12]$/, commands: snapshot('Latest2', 'SomeGraph') },
  {
    of: /^data-export\/export-data-to-an-external-table#1/,
    commands: ['.drop table T ifexists', '.create table T (Id: long)'],
  },
  {
    of: /^data-ingestion\/ingest-from-query#4/,
    commands: ['.drop table OldExtents ifexists', '.create table OldExtents (ExtentId: string)'],
  },
  {
    of: /^materialized-views\/materialized-view-use-cases#4/,
    commands: ['.drop materialized-view DailyUsage ifexists', '.drop materialized-view DeduplicatedTable ifexists'],
  },
  {
    of: /^materialized-views\/materialized-view-create#15/,
    commands: [
      '.drop table SourceTable ifexists',
      '.create table SourceTable (SubscriptionId: string, resourceId: string, Events: dynamic)',
      '.create-merge table DimResources (ResourceId: string)',
    ],
  },
  {
    of: /^graph\/graph-snapshots?-(data-statistics|statistics|failures)-show#/,
    commands: snapshot('snapshot1', 'MyGraphModel'),
  },
  {
    of: /^cancel-operation-command#1/,
    ids: async (run) => {
      await run('.drop table Endless ifexists');
      const [begun] = await run('.set async Endless <| range X from 1 to 1000000000000 step 1 | where X % 7 > 7');
      return { '078b2641-f10d-4694-96f8-1ee2b75dda48': String(begun?.['OperationId']) };
    },
  },
  {
    of: /^materialized-views\/materialized-view-create#21/,
    ids: async (run) => {
      await run('.create-merge table Backfilled (Id: long)');
      await run('.ingest inline into table Backfilled <| 1');
      const [begun] = await run(
        '.create async materialized-view with (backfill=true) Filled on table Backfilled { Backfilled | summarize count() by Id }',
      );
      return { 'c4b29441-4873-4e36-8310-c631c35c916e': String(begun?.['OperationId']) };
    },
  },
  {
    of: /^manage-materialized-view-security-roles#/,
    commands: [
      '.drop table SampleView ifexists',
      '.create-merge table ViewSource (Id: long)',
      '.create ifnotexists materialized-view SampleView on table ViewSource { ViewSource | summarize take_any(*) by Id }',
    ],
  },
  { of: /^alter-entity-group#1/, commands: [".create entity_group MyEntityGroup (cluster('c2').database('d2'))"] },
  { of: /^show-entity-group#2/, commands: [".create entity_group eg1 (cluster('c1').database('d1'))"] },
  {
    of: /^show-stored-query-result-command#3/,
    commands: ['.set-or-replace stored_query_result Events <| print A = 1'],
  },
  {
    of: /^alter-merge-materialized-view-partitioning-policy-command#1/,
    commands: [
      '.create-merge table Partitioned (Id: long, Tenant: string)',
      '.drop materialized-view MyMaterializeView ifexists',
      '.create materialized-view MyMaterializeView on table Partitioned { Partitioned | summarize take_any(*) by Tenant }',
      `.alter materialized-view MyMaterializeView policy partitioning '{"PartitionKeys": [{"ColumnName": "Tenant", "Kind": "Hash", "Properties": {"MaxPartitionCount": 128}}]}'`,
    ],
  },
];

/** Examples that the service refuses, too, as they stand on the page. */
export const wrongOnThePage: Readonly<Record<string, string>> = {
  'materialized-views/materialized-view-create#13': 'the quotes in the text end it, and a comma is missing',
  'delete-ingestion-time-policy-command#1': 'a name does not stand between backticks',
  'query-acceleration-troubleshooting-guide#7': 'external_data is a word of the language',
};

/** Puts files where the page has them. */
export function filesOf({ files = {} }: Setup): readonly (readonly [string, Buffer])[] {
  return Object.entries(files).map(([address, file]) => [
    address,
    readFileSync(join(import.meta.dirname, '../../vectors', file)),
  ]);
}
