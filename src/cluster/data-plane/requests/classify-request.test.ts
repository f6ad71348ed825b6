import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../../tests/support/command-fixture.ts';
import type { QueryEngine } from '../../../kql/query-engine.ts';
import type { StartTimer } from '../../../http/timer.ts';
import { openCommandFixture } from '../../../../tests/support/command-fixture.ts';
import type { ToClassify } from './classify-request.ts';
import { classifiedRequests, groupOfRequest } from './classify-request.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  for (const name of ['Queries', "['Night shift']"]) await cluster.run(`.create-or-alter workload_group ${name} '{}'`);
});
afterAll(() => cluster.close());

const alter = (body: string): string => `.alter cluster policy request_classification '{"IsEnabled":true}' <| ${body}`;
const policyOf = async (text: string): Promise<unknown> => JSON.parse(String((await cluster.run(text))[0]?.['Policy']));
const request: ToClassify = {
  ...{ kind: 'query', text: 'print 1', database: 'db', application: 'Kusto.Explorer' },
  ...{ principal: 'aaduser=u;t', memberOf: ['aadgroup=99999999-0000-0000-0000-000000000000;t'] },
  ...{ now: Date.parse('2026-01-01T18:00:00Z'), description: 'a test', consistency: 'strongconsistency' },
};
const never = () => () => undefined;
let asked = 0;
const engine: Pick<QueryEngine, 'execute'> = {
  execute: (query) => {
    asked += 1;
    return cluster.engine.execute(query);
  },
};
const classified = classifiedRequests();
const groupOf = async (change: Partial<ToClassify> = {}, startTimer: StartTimer = never): Promise<string> =>
  groupOfRequest({ engine, startTimer, classified }, await cluster.data.data(), { ...request, ...change });

describe('request classification', () => {
  it('is kept as it was written, turned off and on, and deleted', async () => {
    const shown = '.show cluster policy request_classification';
    expect(await cluster.run(shown)).toEqual([
      {
        PolicyName: 'ClusterRequestClassificationPolicy',
        EntityName: '',
        Policy: 'null',
        ChildEntities: '',
        EntityType: '',
      },
    ]);
    const ClassificationFunction = 'iff(request_properties.request_type == "Query", "Queries", "default")';
    expect(await policyOf(alter(`\n  ${ClassificationFunction}\n`))).toEqual({
      IsEnabled: true,
      ClassificationFunction,
    });
    expect(await groupOf()).toBe('Queries');
    const merged = `.alter-merge cluster policy request_classification '{"IsEnabled":false}'`;
    expect(await policyOf(merged)).toEqual({ IsEnabled: false, ClassificationFunction });
    expect(await groupOf()).toBe('default');
    await cluster.run(`.alter-merge cluster policy request_classification '{"IsEnabled":true}'`);
    expect(await groupOf()).toBe('Queries');
    expect(await policyOf('.delete cluster policy request_classification')).toBeNull();
    expect(await groupOf()).toBe('default');
  });

  it.each([
    ['request_properties.current_application == "Kusto.Explorer"', { application: 'Kusto.Cli' }],
    [
      'request_properties.current_database == "db" and request_properties.current_principal has "aaduser="',
      { database: 'd' },
    ],
    ['request_properties.request_description == "a test"', { description: '' }],
    ['request_properties.query_consistency == "strongconsistency"', { consistency: 'weakconsistency' }],
    ['request_properties.request_text has "print"', { text: 'T | count' }],
    ['request_properties.request_type == "Query"', { kind: 'command' }],
    ['current_principal_is_member_of("aadgroup=99999999-0000-0000-0000-000000000000")', { memberOf: [] }],
    ['hourofday(now()) between (17 .. 23)', { now: Date.parse('2026-01-01T09:00:00Z') }],
  ] as const)('looks at %s', async (condition, other) => {
    await cluster.run(alter(`case(${condition}, "Night shift", "default") // as it says`));
    expect(await groupOf()).toBe('Night shift');
    expect(await groupOf(other)).toBe('default');
    expect(await groupOf({ kind: 'ingestion' })).toBe('default');
  });

  it('takes statements before the value, and gives default for what is no group and for what ends before it is done', async () => {
    await cluster.run(alter('let text = tostring(request_properties.request_text);\nextract("group (.*)", 1, text)'));
    expect(await groupOf({ text: 'group Queries' })).toBe('Queries');
    for (const name of ['Absent', 'internal', '$materialized-views', 'default', ''])
      expect(await groupOf({ text: `group ${name}` })).toBe('default');
    // Its time is over before it has begun.
    const over: StartTimer = (_milliseconds, run) => {
      run();
      return () => undefined;
    };
    await cluster.run(alter('iff(now() > datetime(2020-01-01), "Queries", "default")'));
    expect(await groupOf()).toBe('Queries');
    expect(await groupOf({}, over)).toBe('default');
  });

  it.each([
    ['1 + 1', 'gives a string'],
    ['T | count', 'is not valid'],
    ['toscalar(database("db").T | count)', 'is not valid'],
    ['tostring(toscalar(externaldata(a: string) ["https://contoso.example/a"] | take 1))', 'reads no table'],
    ['iff(', 'is not valid'],
    ['', 'has no classification function'],
    [
      'iff(current_principal_is_member_of("aadgroup=group@contoso.com"), "A", "B")',
      "The group 'aadgroup=group@contoso.com'",
    ],
  ])('%s is refused', async (body, message) => {
    await expect(cluster.run(alter(body))).rejects.toThrow(message);
  });

  it.each([
    ['of another kind', 'request_properties.request_type == "Query"', { kind: 'command' }, { text: 'print 2' }],
    ['in another database', "request_properties['current_database'] == 'db'", { database: 'd' }, { now: 0 }],
    ['of anything else, where it looks at all', 'request_properties has "print"', { description: 'x' }, {}],
    ['of who else calls', 'current_principal() == "aaduser=u;t"', { principal: 'aaduser=v;t' }, { database: 'd' }],
  ] as const)('asks the function once, and again %s', async (_what, condition, other, alike) => {
    await cluster.run(alter(`iff(${condition}, "Queries", "default")`));
    const [first, before] = [await groupOf(), asked];
    expect([await groupOf(), await groupOf(alike), asked - before]).toEqual([first, first, 0]);
    await groupOf(other);
    expect(asked - before).toBe(1);
  });

  it('asks a function each time that looks at the clock', async () => {
    await cluster.run(alter('iff(now() > datetime(2020-01-01), "Queries", "default")'));
    const before = asked;
    expect([await groupOf(), await groupOf(), asked - before]).toEqual(['Queries', 'Queries', 2]);
  });

  it('is the business of who administers all databases', async () => {
    await expect(cluster.run(alter('"Queries"'), { clusterRoles: ['AllDatabasesViewer'] })).rejects.toThrow(
      'is not authorized to perform operation',
    );
  });
});
