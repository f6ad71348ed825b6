import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';

const { cluster, run } = storedCommands();

const made = [
  `.create table Log (When: datetime, Level: string, ['a b']: dynamic) with (docstring='It is "one"', folder="f")`,
  '.create table Seen (When: datetime, Level: string)',
  '.create table Names (Level: string, Name: string)',
  '.alter-merge table Log column-docstrings (Level: "how bad")',
  `.alter column Log.Level policy encoding type='Identifier'`,
  `.create table Log ingestion csv mapping "M" '[{"column":"Level","Ordinal":1}]'`,
  `.create database db ingestion json mapping "N" '[{"column":"Level","path":"$.level"}]'`,
  '.create function with (view=true, folder="g") Bad(least: long = 3) { Log | where strlen(Level) > least }',
  '.create function Calls() { Bad() | project When, Level }',
  `.create external table Out (Level: string, Day: datetime) kind=storage partition by (D: datetime = bin(Day, 1d), H: long = hash(Level, 10), P: string = Level) pathformat = (datetime_pattern("yyyy/MM/dd", D) "/" H "/" P) dataformat=csv (h@'${box}/f;canary') with (folder="x", includeHeaders="all")`,
  `.create entity_group Both (cluster('c').database('D'), database('db'))`,
  `.create-or-alter graph_model G '''{"Schema": {"Nodes": {"N": {"Level": "string"}}, "Edges": {"E": {"Level": "string"}}}, "Definition": {"Steps": [{"Kind": "AddNodes", "Query": "Names", "NodeIdColumn": "Level"}, {"Kind": "AddEdges", "Query": "Names", "SourceColumn": "Level", "TargetColumn": "Name"}]}}'''`,
  '.create materialized-view with (lookback=6h, docString="v") Worst on table Log { Log | summarize arg_max(When, *) by Level }',
  '.create materialized-view with (dimensionTables=dynamic(["Names"])) AWorst on table Seen { Seen | lookup Names on Level | summarize count() by Name }',
  `.alter materialized-view Worst policy retention '{"SoftDeletePeriod": "30.00:00:00"}'`,
  '.alter materialized-view Worst policy row_level_security enable "Worst | where Level != \'secret\'"',
  `.alter table Log policy retention '{"SoftDeletePeriod": "30.00:00:00", "Recoverability": "Disabled"}'`,
  '.alter table Log policy caching hotdata = 7d hotindex = 8d, hot_window = datetime(2026-01-01) .. datetime(2026-02-01)',
  '.alter table Log policy roworder (When desc, Level asc)',
  `.alter table Log policy merge '{"MaxExtentsToMerge": 50}'`,
  `.alter table Log policy extent_tags_retention '[{"TagPrefix": "drop-by:", "RetentionPeriod": "3.00:00:00"}]'`,
  '.create table Hidden (x: long)',
  '.alter table Hidden policy restricted_view_access true',
  '.alter table Log policy row_level_security enable "Log | where Level != \'secret\'"',
  '.alter table Seen policy streamingingestion enable',
  '.alter table Seen policy row_level_security enable with (allowMaterializedViewsWithoutRowLevelSecurity=true) "Seen | where Level != \'secret\'"',
  `.alter table Seen policy update @'[{"IsEnabled": true, "Source": "Names", "Query": "Names | project When = now(), Level", "IsTransactional": true}]'`,
  '.alter database db policy caching hot = 36h',
  `.add table Log ingestors ('aadapp=load;example.com') 'Loads it'`,
  `.add function Bad admins ('aaduser=jane@example.com;tenant')`,
  `.add database db viewers ('aadgroup=readers@example.com') 'Readers'`,
];

const gone = [
  ...['.drop materialized-view Worst', '.drop materialized-view AWorst', '.drop functions (Bad, Calls)'],
  ...[
    '.drop external table Out',
    '.drop entity_group Both',
    '.drop graph_model G',
    '.drop tables (Log, Seen, Names, Hidden)',
  ],
  ...['.drop database db ingestion json mapping "N"', '.delete database db policy caching'],
];

const scriptWith = async (options = ''): Promise<readonly string[]> =>
  (await run(`.show database db schema as csl script ${options}`)).map((row) => String(row['DatabaseSchemaScript']));

const execute = (lines: readonly string[]) =>
  run(`.execute database script with (ThrowOnErrors=true) <|\n${lines.join('\n\n')}`);

const shown = async (): Promise<unknown> => {
  const all = [
    ...[
      'tables details | project-away TableId',
      'functions',
      'external tables',
      'entity_groups',
      'table Log policy caching',
    ],
    ...['table Log policy row_level_security', 'table Seen policy update', 'table Log policy roworder'],
    ...['materialized-view Worst policy retention', 'materialized-view Worst policy row_level_security'],
    ...['column Log.Level policy encoding', 'table Hidden policy restricted_view_access'],
  ];
  return Promise.all(all.map((what) => run(`.show ${what}`)));
};

describe('a schema as a script', () => {
  it('has every kind of entity, makes them again, and runs twice', async () => {
    for (const command of made) await run(command);
    const script = await scriptWith();
    const before = await shown();
    expect(script.join('\n')).not.toContain('canary');
    await execute(script);
    expect(await scriptWith()).toEqual(script);
    for (const command of gone) await run(command);
    expect((await scriptWith()).length).toBeLessThan(4);
    await execute(script);
    expect(await scriptWith()).toEqual(script);
    expect(await shown()).toEqual(before);
    expect(await run('.show materialized-views | project Name, SourceTable, Lookback, DocString')).toMatchObject([
      { Name: 'AWorst', SourceTable: 'Seen' },
      { Name: 'Worst', SourceTable: 'Log', Lookback: 216_000_000_000n, DocString: 'v' },
    ]);
  });

  it('leaves out what its options say, and shows principals to those who may see them', async () => {
    const lines = async (options: string): Promise<string> => (await scriptWith(`with (${options})`)).join('\n');
    expect(await lines('IncludeEncodingPolicies=false')).not.toContain('policy encoding');
    expect(await lines('IncludeIngestionMappings=false')).not.toContain(' mapping ');
    expect(await lines('IncludeSecuritySettings=false')).not.toMatch(
      /^\.add |restricted_view_access|policy row_level_security/m,
    );
    await expect(scriptWith('with (Everything=true)')).rejects.toThrow("The property 'everything' is not supported");
    await expect(scriptWith('with (ShowObfuscatedStrings=true)')).rejects.toThrow('never shown');
    const { databaseId, name } = cluster().data.database;
    const viewer = { clusterRoles: [], databases: [{ databaseId, name, roles: ['Viewer' as const] }] };
    const seen = await run('.show database db schema as csl script', viewer);
    expect(JSON.stringify(seen)).toContain('create-merge table');
    expect(JSON.stringify(seen)).not.toContain('.add ');
    await expect(
      run('.show database db schema as csl script with (ShowObfuscatedStrings=true)', viewer),
    ).rejects.toThrow('not authorized');
  });
});

describe('a schema as JSON', () => {
  it('has what editors complete: external tables, views and entity groups, too', async () => {
    const [row] = await run('.show database db schema as json');
    const { db } = (JSON.parse(String(row?.['DatabaseSchema'])) as { Databases: Record<string, object> }).Databases;
    expect(db).toMatchObject({
      ExternalTables: { Out: { Name: 'Out', Folder: 'x', OrderedColumns: [{ Name: 'Level' }, { Name: 'Day' }] } },
      MaterializedViews: {
        Worst: {
          Name: 'Worst',
          OrderedColumns: [{ Name: 'Level', CslType: 'string' }, { Name: 'When' }, { Name: 'a b' }],
        },
      },
      EntityGroups: { Both: ["cluster('c').database('D')", "database('db')"] },
    });
  });

  it('has those kinds alone that are asked for', async () => {
    const [row] = await run('.show databases (db) schema as json with (Tables=true, Functions=true)');
    const { db } = (JSON.parse(String(row?.['DatabaseSchema'])) as { Databases: Record<string, object> }).Databases;
    expect(db).toMatchObject({
      ExternalTables: {},
      MaterializedViews: {},
      Tables: { Log: {} },
      Functions: { Bad: {} },
    });
  });

  it('is told of entities alike', async () => {
    const rows = await run('.show databases entities | project EntityType, EntityName');
    expect(rows.map(({ EntityType, EntityName }) => `${String(EntityType)} ${String(EntityName)}`).toSorted()).toEqual([
      ...['EntityGroup Both', 'ExternalTable Out', 'Function Bad', 'Function Calls', 'MaterializedView AWorst'],
      ...['MaterializedView Worst', 'Table Hidden', 'Table Log', 'Table Names', 'Table Seen'],
    ]);
  });
});
