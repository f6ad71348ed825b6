import { describe, expect, it } from 'vitest';
import { box, storedCommands } from '../../../tests/support/stored-commands.ts';

const { cluster, run } = storedCommands();

const as = (role: 'Viewer' | 'User' | 'Admin') => {
  const { databaseId, name } = cluster().data.database;
  const caller = { ...cluster().context.caller, fqn: `aadapp=${role};tenant` };
  return { caller, clusterRoles: [], databases: [{ databaseId, name, roles: [role] }] };
};
const text = (value: unknown): string =>
  JSON.stringify(value, (_name, member: unknown) => (typeof member === 'bigint' ? String(member) : member));

const model = (secret: string): string =>
  `{"Schema": {"Nodes": {}, "Edges": {}}, "Definition": {"Steps": [{"Kind": "AddNodes", "Query": "T | where B != h\\"${secret}\\"", "NodeIdColumn": "A"}, {"Kind": "AddEdges", "Query": "T", "SourceColumn": "A", "TargetColumn": "B"}]}}`;
const made = [
  '.create table T (A: long, B: string)',
  '.create table U (A: long, B: string)',
  `.create function F(x: string = h'canary-0') { T | where B == h"canary-1" or B == "https://a/b?plain" }`,
  `.create materialized-view V on table T { T | where B != h'canary-2' | summarize count() by A }`,
  `.alter table U policy row_level_security enable "U | where B != h'canary-3'"`,
  `.alter table U policy update @'[{"IsEnabled": true, "Source": "T", "Query": "T | where B != h\\"canary-4\\""}]'`,
  `.create-or-alter graph_model G \`\`\`${model('canary-5')}\`\`\``,
  `.create external table E (A: long, B: string) kind=storage dataformat=csv (h@'${box}/f;canary-6')`,
  `.create-or-alter continuous-export X over (T) to table E with (intervalBetweenRuns=1h) <| T | where B != h'canary-7'`,
];
const shown = [
  ...['.show functions', '.show function F', '.show databases entities', '.show schema', '.show databases schema'],
  ...['.show database db schema as json', '.show database db schema as csl script', '.show materialized-views'],
  ...['.show materialized-view V', '.show table U policy row_level_security', '.show table U policy update'],
  ...['.show graph_models details', '.show graph_model G details', '.show continuous-exports', '.show external tables'],
  ...['.show tables details', '.show table U details', '.show database db policies', '.show continuous-export X'],
];

describe('what obfuscated literals hide', () => {
  it('is in no answer about what holds it, whoever asks', async () => {
    for (const command of made) expect(text(await run(command)), command).not.toContain('canary');
    for (const command of shown) {
      expect(text(await run(command)), command).not.toContain('canary');
      // Not all of it is for everybody.
      const seen = await run(command, as('Viewer')).catch((error: unknown) => String(error));
      expect(text(seen), command).not.toContain('canary');
    }
    const [fn] = await run('.show function F');
    expect(fn).toMatchObject({
      Parameters: "(x: string = h'***')",
      Body: '{ T | where B == h"***" or B == "https://a/b?plain" }',
    });
    expect(text(await run('.show graph_model G details'))).toContain('h\\\\\\"***\\\\\\"');
  });

  it('is shown of functions to those who administer them and ask', async () => {
    const ask = '.show function F with (ShowObfuscatedStrings=true)';
    const list = '.show databases entities with (showObfuscatedStrings=true)';
    for (const command of [ask, list]) {
      expect(text(await run(command)), command).toContain('canary-1');
      expect(text(await run(command, as('Admin'))), command).toContain('canary-1');
      for (const role of ['Viewer', 'User'] as const)
        expect(text(await run(command, as(role))), command).not.toContain('canary');
    }
    await run(`.create function Own() { print h'canary-8' }`, as('User'));
    expect(text(await run('.show function Own with (ShowObfuscatedStrings=true)', as('User')))).toContain('canary-8');
    await run('.drop continuous-export X');
    await run('.drop external table E');
    const script = await run('.show database db schema as csl script with (ShowObfuscatedStrings=true)');
    for (const at of [0, 1, 2, 3, 4, 5, 8]) expect(text(script)).toContain(`canary-${at}`);
  });

  it.each([
    ['.show function F with (Everything=true)', "The property 'everything' is not supported in ShowFunction"],
    ['.show function F with (Builtin=true)', "The property 'Builtin' is not built"],
    [`.show function F with (ShowObfuscatedStrings='perhaps')`, 'is true or false'],
    ['.show databases entities with (resolveDependencies=true)', "'resolvedependencies' is not supported"],
  ])('%s is refused', async (command, why) => {
    await expect(run(command)).rejects.toThrow(why);
  });
});

describe('a property that nothing is known of', () => {
  it.each([
    ...['.show databases', '.show cluster databases details', '.show databases datastats', '.show external tables'],
    ...['.show ingestion mappings', '.show stored_query_results', '.show plugins', '.show principal roles'],
    ...['.show table T principal roles', '.show cluster policy sharding', '.cancel query "none"'],
  ])('is refused by %s', async (command) => {
    await run(command);
    await expect(run(`${command} with (nonsense=1)`)).rejects.toMatchObject({
      code: 'notSupported',
      message: expect.stringMatching(/^The property 'nonsense' is not supported in \w+\.$/) as string,
    });
  });
});

describe('.show databases entities with (resolveFunctionSchema=true)', () => {
  it('tells the columns of what functions give, of those that the caller may read', async () => {
    for (const command of [
      '.create function G2(X: (s: string, a: long, b: long), k: long) { X | extend substring(s, a, b) | take k }',
      '.create function Scalar(x: long) { x + 1 }',
      '.create function Any(X: (*)) { X | count }',
      '.create function with (skipvalidation="true") Gone() { NotThere }',
    ])
      await run(command);
    const resolved = async (name: string): Promise<unknown[]> =>
      (
        await run(
          `.show databases entities with (${name}=true) | where EntityType == 'Function' and EntityName != 'Own'`,
        )
      ).map((row) => [row['EntityName'], row['CslOutputSchema']]);
    for (const name of ['resolveFunctionSchema', 'resolveFunctionsSchema'])
      expect(Object.fromEntries((await resolved(name)) as [string, string][])).toEqual({
        ...{ F: 'A:long,B:string', G2: 's:string,a:long,b:long,Column1:string' },
        ...{ Scalar: '', Any: '', Gone: '' },
      });
    expect(await run(".show databases entities | where EntityName == 'G2'")).toMatchObject([{ CslOutputSchema: '' }]);
  });
});
