import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { callLocal, localToken, succeeded } from '../../src/server/local-client.ts';
import { kustody } from '../support/kustody-command.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import type { ServedInstance, TwoInstances } from '../support/two-instances.ts';
import { startTwoInstances, told } from '../support/two-instances.ts';

interface Document {
  readonly result: string;
  readonly keyCommand: string;
  readonly databases: readonly {
    readonly name: string;
    readonly steps: readonly { readonly kind: string; readonly text: string }[];
    readonly tables: readonly { readonly name: string; readonly rows: number; readonly batchesToSend: number }[];
    readonly counted?: readonly { readonly name: string; readonly expected: number; readonly there: number }[];
    readonly left: readonly string[];
    readonly stagedBlobsLeft?: number;
    readonly refusedRoles?: readonly { readonly command: string }[];
  }[];
}

const types = 'B: bool, I: int, L: long, R: real, D: decimal, S: string, T: datetime, P: timespan, G: guid, Y: dynamic';
/** Every type with values at its ends, with what looks like another type, and null. */
const values: readonly (readonly string[])[] = [
  [
    'true',
    'int(-2147483648)',
    'long(-9223372036854775808)',
    'real(nan)',
    'decimal(-12345678901234567890.123456789012345678)',
    '""',
    'datetime(0001-01-01)',
    'time(-10675199.02:48:05.4775808)',
    'guid(00000000-0000-0000-0000-000000000000)',
    'dynamic(null)',
  ],
  [
    'false',
    'int(2147483647)',
    '9223372036854775807',
    'real(-inf)',
    'decimal(0.000000000000000001)',
    '"line 1\\nline 2\\r\\n\\ttab \\"quoted\\", comma"',
    'datetime(9999-12-31T23:59:59.9999999)',
    'time(10675199.02:48:05.4775807)',
    'guid(ffffffff-ffff-ffff-ffff-ffffffffffff)',
    'dynamic({"a":[1,2.50,null,"x"],"long":9223372036854775807,"é":"\\u0001"})',
  ],
  [
    'bool(null)',
    'int(null)',
    'long(null)',
    'real(null)',
    'decimal(null)',
    '"null"',
    'datetime(null)',
    'time(null)',
    'guid(null)',
    'dynamic("123")',
  ],
  [
    'true',
    'int(0)',
    '0',
    'real(0.1)',
    'decimal(1)',
    '"  žluťoučký 🦓 \\\\ {\\"a\\":1}  "',
    'datetime(2026-02-03T04:05:06.7890123)',
    '1tick',
    'guid(11111111-2222-3333-4444-555555555555)',
    'dynamic("{\\"not\\":\\"parsed\\"}")',
  ],
  [
    'false',
    'int(1)',
    '1',
    'real(1.7976931348623157e308)',
    'decimal(1e3)',
    '"NULL"',
    'datetime(1970-01-01)',
    '0s',
    'guid(aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)',
    'dynamic([])',
  ],
  [
    'false',
    'int(1)',
    '1',
    'real(5e-324)',
    'decimal(-0.5)',
    '"\\u00a0"',
    'datetime(1970-01-01)',
    '0s',
    'guid(aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee)',
    'dynamic("")',
  ],
];

describe('kustody promote, to a second Kustody', () => {
  let two: TwoInstances;
  beforeAll(async () => {
    two = await startTwoInstances();
  });
  afterAll(() => two[Symbol.asyncDispose]());

  const here = (text: string, database = 'db') => two.origin.query(database, text);
  const there = (text: string, database = 'db') => two.onward.query(database, text);
  const promote = (...args: readonly string[]): Promise<CommandResult> => two.promote(...args).result;
  async function document(...args: readonly string[]): Promise<Document & { readonly code: number | null }> {
    const { code, stdout, stderr } = await promote(...args, '--json');
    expect(stderr).not.toContain('kustody: General');
    return { ...(JSON.parse(stdout) as Document), code };
  }
  const sorted = (rows: readonly object[]): readonly string[] => rows.map((row) => JSON.stringify(row)).toSorted();
  /** The same rows, every cell of them as text that says its type. */
  async function expectSame(table: string): Promise<void> {
    const text = `${table} | project Kept = tostring(pack_all())`;
    expect(sorted(await there(text))).toEqual(sorted(await here(text)));
  }

  let done: Document;
  beforeAll(async () => {
    const setup = [
      `.create table Types (${types})`,
      ...values.map((row) => `.set-or-append Types <| print ${named(row)}`),
      ".create table ['a b'] (['x y']: string, ['q-s']: long, ['dot.ted']: dynamic)",
      `.set-or-append ['a b'] <| print ['x y'] = "", ['q-s'] = 7, ['dot.ted'] = dynamic({"k":1})`,
      '.create table Raw (Text: string)',
      '.create table Long (Text: string, Size: int)',
      '.create function with (docstring="d") Sized() { Raw | project Text, Size = toint(strlen(Text)) }',
      `.alter table Long policy update '[{"IsEnabled":true,"Source":"Raw","Query":"Sized","IsTransactional":true}]'`,
      '.create materialized-view Sizes on table Long { Long | summarize Many = count() by Size }',
      '.set-or-append Raw <| datatable(Text: string)["one", "three", ""]',
      '.set-or-append Raw <| print Text = "later"',
      `.create table Raw ingestion csv mapping "M" '[{"column":"Text","Ordinal":0}]'`,
      '.alter table Raw policy caching hot = 7d',
      `.alter table Types policy retention '{"SoftDeletePeriod": "300.00:00:00"}'`,
      '.alter table Types policy extent_tags_retention \'[{"TagPrefix":"ingest-by:","RetentionPeriod":"1.00:00:00"}]\'',
      '.set-or-append Old <| print A = 1',
      `.alter table Old policy retention '{"SoftDeletePeriod": "5000.00:00:00"}'`,
      '.ingest inline into table Old with (creationTime="2020-05-06T07:08:09Z") <| 2',
      `.alter table Old policy row_level_security disable "Old | where A == 1"`,
      '.set-or-append Secret <| print A = 5',
      '.alter table Secret policy restricted_view_access true',
    ];
    for (const command of setup) await here(command);
    await here('.set-or-append Other <| print A = 5', 'Second');
  });

  it('says which table it could not read, and plans nothing', async () => {
    const hidden = await promote('--plan');
    expect(hidden).toMatchObject({ code: 1, stdout: '' });
    expect(hidden.stderr).toMatch(/Table Secret of db: .*(restricted|access)/i);
    await here(`.add database db unrestrictedviewers ('aadapp=${two.origin.environment.clientId}')`);
  });

  it('brings all that was planned, when the key lets it', async () => {
    const plan = await document('--plan');
    expect(plan).toMatchObject({ code: 0, result: 'planned' });
    expect(await there('.show databases | project DatabaseName', 'Second')).toEqual([{ DatabaseName: 'Second' }]);
    expect(await there('.show tables', 'Second')).toEqual([]);
    const key = await promoteKey(plan.keyCommand, two.onward);
    expect(key).toMatchObject({ code: 0 });
    done = await document('--yes');
    expect(differing(done)).toEqual([]);
    expect(done).toMatchObject({ code: 0, result: 'promoted' });
    expect(done.databases.map(({ steps }) => steps)).toEqual(plan.databases.map(({ steps }) => steps));
    expect(JSON.stringify(done)).not.toMatch(/sig=/);
    expect(done.databases.map(({ stagedBlobsLeft }) => stagedBlobsLeft)).toEqual([0, 0]);
  });

  it('has brought each row as it was, and what a database is told stays what it does', async () => {
    for (const table of ['Types', "['a b']", 'Raw', 'Long', 'Old', 'Sizes']) await expectSame(table);
    expect(await there('Other | project A', 'Second')).toEqual([{ A: 5 }]);
    const script = async (instance: ServedInstance): Promise<readonly string[]> => {
      const lines = await instance.query('db', '.show database db schema as csl script');
      return sorted(lines).filter((line) => !/KustodyPromotion|\.add /.test(line));
    };
    expect(await script(two.onward)).toEqual(await script(two.origin));
    const old = '.show table Old extents | project MaxCreatedOn | order by MaxCreatedOn asc';
    expect((await there(old)).map(dayOf)).toEqual((await here(old)).map(dayOf));
    expect(dayOf((await there(old))[0] ?? {})).toBe('2020-05-06');
    const { clientId } = two.origin.environment;
    expect(done.databases[0]?.left).toEqual(
      ['admins', 'unrestrictedviewers'].map((role): unknown =>
        expect.stringContaining(`${role} ("aadapp=${clientId};`),
      ),
    );
  });

  it('is done again without a second row, and takes along what came since', async () => {
    expect(await document('--yes')).toMatchObject({ code: 0, result: 'promoted' });
    await expectSame('Types');
    await here('.set-or-append Raw <| datatable(Text: string)["and", "more"]');
    const plan = await document('--plan', '--database', 'db');
    const toSend = plan.databases[0]?.tables.filter(({ batchesToSend }) => batchesToSend > 0);
    expect(toSend?.map(({ name }) => name).toSorted()).toEqual(['Long', 'Raw']);
    expect(await document('--yes', '--database', 'db')).toMatchObject({ code: 0, result: 'promoted' });
    for (const table of ['Raw', 'Long', 'Sizes']) await expectSame(table);
  });

  it('tells whose rows left the key, as of an export', async () => {
    const kid = two.origin.variables['KUSTODY_KEY_ID'] ?? '';
    const lineage = await kustody(['lineage', '--data', two.origin.data, kid]);
    expect(lineage.stdout).toMatch(/\.blob\.core\.windows\.net\//);
    const audit = await told(
      kustody(['audit', 'show', '--data', two.origin.data, '--operation', 'DataExport', '--json']),
    );
    expect(audit).toMatch(/DataExport/);
    expect(audit).toContain('kustody');
    expect(`${lineage.stdout}${audit}`).not.toContain('sig=');
  });

  it('says which table has other rows than it should', async () => {
    await there('.set-or-append Old <| print A = 99');
    const done = await document('--yes', '--database', 'db');
    expect(done).toMatchObject({ code: 4, result: 'different' });
    expect(differing(done)).toEqual([expect.objectContaining({ name: 'Old', expected: 2, there: 3 })]);
    const text = await promote('--yes', '--database', 'db');
    expect(text).toMatchObject({ code: 4 });
    expect(text.stdout).toContain('db: table Old: 3 rows there, 2 expected');
  });

  it('leaves rows of others alone unless it is told to add to them', async () => {
    await here('.set-or-append Mixed <| print A = 1', 'Second');
    await there('.set-or-append Mixed <| print A = 2', 'Second');
    const refused = await promote('--yes', '--database', 'Second');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toContain('The table Mixed of Second has 1 rows there');
    expect(await document('--yes', '--database', 'Second', '--into-existing')).toMatchObject({ code: 0 });
    expect(await there('Mixed | order by A asc', 'Second')).toEqual([{ A: 1 }, { A: 2 }]);
    expect(await document('--yes', '--database', 'Second')).toMatchObject({ code: 0, result: 'promoted' });
  });

  it('refuses what it cannot do whole, and asks before it does anything', async () => {
    expect(await promote()).toMatchObject({ code: 1 });
    expect(await promote('--database', 'none')).toMatchObject({ code: 1 });
    await here('.alter table Old policy row_level_security enable "Old | where A == 1"');
    const hidden = await promote('--yes', '--database', 'db');
    expect(hidden).toMatchObject({ code: 1 });
    expect(hidden.stderr).toContain('Row level security of Old in db hides rows');
    await here('.alter table Old policy row_level_security disable "Old | where A == 1"');
    await here('.create table Untimed (A: long)', 'Second');
    await here('.alter table Untimed policy ingestiontime false', 'Second');
    await here('.set-or-append Untimed <| print A = 1', 'Second');
    const untimed = await promote('--yes', '--database', 'Second');
    expect(untimed).toMatchObject({ code: 1 });
    expect(untimed.stderr).toContain('1 rows of Untimed have no time of ingestion');
    await here('.drop table Untimed', 'Second');
  });
});

describe('the key of the cluster that was promoted to', () => {
  it('is the one of here, and without it no row opens there', async () => {
    await using two = await startTwoInstances();
    await two.origin.query('db', '.set-or-append T <| range A from 1 to 90 step 1');
    expect(await keyOf(two.onward, 'onward')).toBeNull();
    const planned = await told(two.promote('--plan', '--json', '--database', 'db').result);
    expect(await promoteKey((JSON.parse(planned) as Document).keyCommand, two.onward)).toMatchObject({ code: 0 });
    expect(await two.promote('--yes', '--database', 'db').result).toMatchObject({ code: 0 });

    const [here, there] = [await keyOf(two.origin, 'origin'), await keyOf(two.onward, 'onward')];
    expect(there).toEqual(here);
    expect(there).toMatchObject({
      keyName: 'cluster-key',
      keyVaultUri: expect.stringContaining('//both-keys.') as string,
    });
    expect(await two.onward.query('db', 'T | count')).toEqual([{ Count: 90 }]);
    await setKeyEnabled(two.onward, false);
    await expect(two.onward.query('db', 'T | count')).rejects.toThrow(/disabled/);
    await setKeyEnabled(two.onward, true);
    await told(kustody(['check-keys', '--data', two.onward.data]));
    expect(await two.onward.query('db', 'T | count')).toEqual([{ Count: 90 }]);
  });
});

/** `keyVaultProperties`, as the resource manager has them. */
async function keyOf({ environment }: ServedInstance, cluster: string): Promise<unknown> {
  const token = await localToken(environment, 'https://management.azure.com');
  const path = `/subscriptions/${environment.subscriptionId}/providers/Microsoft.Kusto/clusters?api-version=2024-04-13`;
  const { value } = succeeded(
    await callLocal(environment, { host: 'management.azure.com', method: 'GET', path, token }),
  ) as unknown as { readonly value: readonly { readonly name: string; readonly properties: Listed }[] };
  return value.find(({ name }) => name === cluster)?.properties.keyVaultProperties;
}

interface Listed {
  readonly keyVaultProperties?: unknown;
}

async function setKeyEnabled({ environment }: ServedInstance, enabled: boolean): Promise<void> {
  const token = await localToken(environment, 'https://vault.azure.net');
  const path = '/keys/cluster-key?api-version=7.4';
  const body = { attributes: { enabled } };
  succeeded(await callLocal(environment, { host: 'both-keys.vault.azure.net', method: 'PATCH', path, token, body }));
}

const differing = ({ databases }: Document) =>
  databases.flatMap(({ counted = [] }) => counted.filter(({ expected, there }) => expected !== there));

const dayOf = (row: Readonly<Record<string, unknown>>): string => String(row['MaxCreatedOn']).slice(0, 10);

/** `print` with the names of the columns. */
function named(row: readonly string[]): string {
  const names = types.split(', ').map((column) => column.split(':')[0] ?? '');
  return row.map((cell, at) => `${names[at] ?? ''} = ${cell}`).join(', ');
}

const promoteKey = (command: string, { variables }: ServedInstance): Promise<CommandResult> =>
  kustody([...command.split(' ').slice(1), '--yes'], variables);
