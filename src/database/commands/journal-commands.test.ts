import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';

const { cluster, run } = storedCommands();

const events = async (where = 'true'): Promise<readonly (readonly unknown[])[]> =>
  (await run(`.show cluster journal | where ${where} | project Event, Database, EntityName`)).map((row) =>
    Object.values(row),
  );

const external = (more: string, secret = 'canary'): string =>
  `.create-or-alter external table Out (A: long, B: string) kind=storage ${more} (h@'${box}/f;${secret}') with (folder="x")`;

describe('the journal', () => {
  it('tells of every command that changes what a database defines', async () => {
    for (const text of [
      '.create table T (A: long, B: string)',
      '.create function F() { T }',
      '.create materialized-view V on table T { T | summarize arg_max(A, *) by B }',
      '.create-or-alter graph_model G \'\'\'{"Schema": {"Nodes": {}, "Edges": {}}, "Definition": {"Steps": [{"Kind": "AddNodes", "Query": "T", "NodeIdColumn": "A"}, {"Kind": "AddEdges", "Query": "T", "SourceColumn": "A", "TargetColumn": "B"}]}}\'\'\'',
      external('dataformat=csv'),
    ])
      await run(text);
    const changes: readonly (readonly [command: string, event: string, entity: string])[] = [
      ['.alter-merge table T column-docstrings (A: "what")', 'ALTER-COLUMN-DOCSTRING', 'A'],
      [`.alter column T.B policy encoding type='BigObject'`, 'ALTER-COLUMN-ENCODING-POLICY', 'B'],
      ['.alter-merge table T (C: real)', 'ALTER-TABLE', 'T'],
      [`.add table T ingestors ('aadapp=load;tenant')`, 'ALTER-TABLE-PRINCIPALS', 'T'],
      [`.create table T ingestion csv mapping "M" '[{"column":"A","Ordinal":0}]'`, 'CREATE-INGESTION-MAPPING', 'M'],
      ['.alter function F docstring "x"', 'ALTER-FUNCTION-DOCSTRING', 'F'],
      ['.alter function F folder "x"', 'ALTER-FUNCTION-FOLDER', 'F'],
      [`.add function F admins ('aaduser=a;tenant')`, 'ALTER-FUNCTION-PRINCIPALS', 'F'],
      [
        '.create-or-alter function with (folder="x", docstring="x", view=true) F() { T }',
        'ALTER-FUNCTION-PROPERTIES',
        'F',
      ],
      ['.disable materialized-view V', 'ALTER-MATERIALIZED-VIEW-PROPERTIES', 'V'],
      ['.alter materialized-view V autoUpdateSchema true', 'ALTER-MATERIALIZED-VIEW-PROPERTIES', 'V'],
      ['.alter materialized-view V docstring "x"', 'ALTER-MATERIALIZED-VIEW-DOCSTRING', 'V'],
      ['.alter materialized-view V policy caching hot = 1d', 'ALTER-MATERIALIZED-VIEW-POLICY', 'V'],
      [external('partition by (P: string = B) dataformat=csv'), 'ALTER-EXTERNAL-TABLE-PROPERTIES', 'Out'],
      [
        external('partition by (P: string = B) dataformat=csv', 'canary2'),
        ...(['ALTER-EXTERNAL-TABLE-CONNECTION-STRINGS', 'Out'] as const),
      ],
      [
        external('partition by (P: string = B) dataformat=csv', 'canary2')
          .replace('create-or-alter', 'alter')
          .replace('/f;', '/g;'),
        ...(['ALTER-EXTERNAL-TABLE-CONNECTION-STRINGS', 'Out'] as const),
      ],
      ['.alter external table Out docstring "x"', 'ALTER-EXTERNAL-TABLE-DOCSTRING', 'Out'],
      ['.alter external table Out folder "y"', 'ALTER-EXTERNAL-TABLE-FOLDER', 'Out'],
      [
        `.create external table Out mapping "M" '[{"Column": "A", "Properties": {"Ordinal": "0"}}]'`,
        ...(['ALTER-EXTERNAL-TABLE-MAPPINGS', 'Out'] as const),
      ],
      [`.add external table Out admins ('aaduser=a;tenant')`, 'ALTER-EXTERNAL-TABLE-PRINCIPALS', 'Out'],
      [`.add graph_model G admins ('aaduser=a;tenant')`, 'ALTER-GRAPH-MODEL-PRINCIPALS', 'G'],
      ['.alter database db policy caching hot = 1d', 'ALTER-DATABASE-POLICY', 'db'],
      [`.alter database db prettyname 'x'`, 'ALTER-DATABASE-PRETTY-NAME', 'db'],
    ];
    for (const [command, event, entity] of changes) {
      const before = await events();
      await run(command);
      expect((await events()).slice(before.length), command).toEqual([[event, 'db', entity]]);
    }
    const [moved] = await run(
      '.show cluster journal | where Event has "CONNECTION" | top 1 by UpdatedEntityState | project OriginalEntityState, UpdatedEntityState',
    );
    expect(moved).toEqual({
      OriginalEntityState: `["${box}/f;*******"]`,
      UpdatedEntityState: `["${box}/g;*******"]`,
    });
    const all = await run('.show cluster journal');
    expect(JSON.stringify(all, (_name, value: unknown) => String(value))).not.toContain('canary');
  });

  it('tells who administers the cluster of its policies, groups, plugins and whom it blocks', async () => {
    const changes: readonly (readonly [command: string, event: string, entity: string])[] = [
      ['.alter cluster policy caching hot = 30d', 'CREATE-CLUSTER-POLICY', 'caching'],
      ['.alter cluster policy caching hot = 20d', 'ALTER-CLUSTER-POLICY', 'caching'],
      ['.delete cluster policy caching', 'DROP-CLUSTER-POLICY', 'caching'],
      [
        `.create-or-alter workload_group Mine '{"RequestQueuingPolicy": {"IsEnabled": false}}'`,
        'CREATE-WORKLOAD-GROUP',
        'Mine',
      ],
      [
        `.alter-merge workload_group default '{"RequestLimitsPolicy": {"MaxResultRecords": {"IsRelaxable": true, "Value": 9}}}'`,
        ...(['CREATE-WORKLOAD-GROUP', 'default'] as const),
      ],
      ['.drop workload_group Mine', 'DROP-WORKLOAD-GROUP', 'Mine'],
      ['.disable plugin autocluster', 'CREATE-DISABLED-PLUGIN', 'autocluster'],
      ['.enable plugin autocluster', 'DROP-DISABLED-PLUGIN', 'autocluster'],
      [`.add cluster blockedprincipals 'aadapp=x;tenant' period 4d`, 'CREATE-BLOCKED-PRINCIPAL', 'aadapp=x;tenant'],
      [`.drop cluster blockedprincipals 'aadapp=x;tenant'`, 'DROP-BLOCKED-PRINCIPAL', 'aadapp=x;tenant'],
    ];
    for (const [command] of changes) await run(command);
    expect(await events('Database == ""')).toEqual(changes.map(([, event, entity]) => [event, '', entity]));
    expect(await run('.show database db journal | where Event has "CLUSTER" or Event has "WORKLOAD"')).toEqual([]);
    const { databaseId, name } = cluster().data.database;
    const other = { ...cluster().context.caller, fqn: 'aadapp=other' };
    const admin = { caller: other, clusterRoles: [], databases: [{ databaseId, name, roles: ['Admin' as const] }] };
    expect(await run('.show journal | where Database == ""', admin)).toEqual([]);
    expect((await run('.show journal | where Database == "db"', admin)).length).toBeGreaterThan(1);
  });
});
