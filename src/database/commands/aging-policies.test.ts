import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';

const hour = 3_600_000;
let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
});
afterAll(() => cluster.close());

const run = async (text: string) => cluster.run(text, { data: await cluster.data.data() });
const tables = async (): Promise<readonly string[]> => [...(await cluster.data.data()).database('db').tables.keys()];
const pass = async (milliseconds: number): Promise<void> => {
  cluster.data.advance(milliseconds);
  await (await cluster.data.data()).maintain();
};
const tagsOf = async (table: string) => (await run(`.show table ${table} extents`)).map((row) => row['Tags']);

describe('the policy extent_tags_retention', () => {
  it('takes tags away when the extent is old enough, and nothing else', async () => {
    await run('.create table T (n: long)');
    await run(`.append T with (tags='["drop-by:a","ingest-by:b","mine"]') <| print n = 1`);
    expect(
      await run(
        `.alter database db policy extent_tags_retention \`\`\`[{"TagPrefix": "ingest-by:", "RetentionPeriod": "02:00:00"}]\`\`\``,
      ),
    ).toMatchObject([{ PolicyName: 'ExtentTagsRetentionPolicy', EntityType: 'Database' }]);
    const due = Number((await cluster.data.data()).upkeepDueAt());
    expect(due).toBe(Date.UTC(2026, 0, 1) + 2 * hour);
    await pass(hour);
    expect(await tagsOf('T')).toEqual(['drop-by:a\r\ningest-by:b\r\nmine']);
    await pass(hour);
    expect(await tagsOf('T')).toEqual(['drop-by:a\r\nmine']);
    expect(Number((await cluster.data.data()).upkeepDueAt())).toBeGreaterThan(due + 24 * hour); // what is known of commands
    // The policy of the table counts instead of the database's.
    await run(
      `.alter table T policy extent_tags_retention '[{"TagPrefix": "drop-by:", "RetentionPeriod": "00:00:00"}]'`,
    );
    await (await cluster.data.data()).maintain({ destructionHeld: true });
    expect(await tagsOf('T')).toEqual(['drop-by:a\r\nmine']);
    await pass(0);
    expect(await tagsOf('T')).toEqual(['mine']);
    expect((await cluster.data.rows('T')).map(([n]) => n)).toEqual([1n]);
    expect((await cluster.data.data()).upkeepProblems()).toEqual([]);
    expect(await run('.delete table T policy extent_tags_retention')).toMatchObject([{ Policy: 'null' }]);
  });

  it.each([
    ['{}', 'JSON list'],
    ['[{"TagPrefix": "drop-by", "RetentionPeriod": "1.00:00:00"}]', 'one colon'],
    ['[{"TagPrefix": "a:b:", "RetentionPeriod": "1.00:00:00"}]', 'one colon'],
    ['[{"TagPrefix": "a:", "RetentionPeriod": "soon"}]', 'no period'],
    ['[{"TagPrefix": "a:", "RetentionPeriod": "1.00:00:00", "Other": 1}]', "'Other'"],
  ])('is not %s', async (policy, why) => {
    await run('.create-merge table T (n: long)');
    const text = `.alter table T policy extent_tags_retention '${policy}'`;
    await expect(run(text)).rejects.toThrow(why === 'no period' ? 'not a period' : why);
  });
});

describe('the policy auto_delete', () => {
  it('drops a table when its day has come, with rows only where it says so, and it can be had back', async () => {
    for (const name of ['Empty', 'Full', 'Logged', 'All']) {
      await run(`.create table ${name} (n: long)`);
      await run(`.alter table ${name} policy streamingingestion enable`);
      const always = name === 'All' ? ', "DeleteIfNotEmpty": true' : '';
      const expiry = new Date(Date.UTC(2026, 0, 1) + 100 * hour).toISOString();
      await run(`.alter table ${name} policy auto_delete @'{"ExpiryDate": "${expiry}"${always}}'`);
    }
    await run('.append Full <| print n = 1');
    await run('.append All <| print n = 1');
    await cluster.data.ingest('Logged', 'csv', '1', { kind: 'streaming' });
    const [shown] = await run('.show table All policy auto_delete');
    expect(JSON.parse(String(shown?.['Policy']))).toMatchObject({ DeleteIfNotEmpty: true });
    await pass(0);
    expect(await tables()).toEqual(expect.arrayContaining(['All', 'Empty', 'Full', 'Logged']));
    cluster.data.advance(100 * hour);
    await cluster.data.ingest('Logged', 'csv', '2', { kind: 'streaming' });
    await pass(0);
    expect((await tables()).filter((name) => ['All', 'Empty', 'Full', 'Logged'].includes(name))).toEqual([
      'Full',
      'Logged',
    ]);
    const data = await cluster.data.data();
    const all = data.droppedTables('db').find(({ name }) => name === 'All');
    await run(`.undo drop table All as Back version="v1.${all?.schemaVersion}"`);
    expect((await cluster.data.rows('Back')).map(([n]) => n)).toEqual([1n]);
  });

  it('has a day to come, and is of tables alone', async () => {
    await run('.create-merge table T (n: long)');
    const set = (policy: string) => run(`.alter table T policy auto_delete @'${policy}'`);
    await expect(set('{"ExpiryDate": "2023-06-01"}')).rejects.toMatchObject({ code: 'InvalidPolicy' });
    await expect(set('{"ExpiryDate": "soon"}')).rejects.toThrow('not a date');
    await expect(set('{"DeleteIfNotEmpty": true}')).rejects.toThrow('not a date');
  });
});

describe('columns', () => {
  it('get another type, and old rows have no value in them then', async () => {
    await run('.create table C (n: long, s: string)');
    await run('.append C <| print n = 1, s = "x"');
    expect(await run('.alter column C.n type=string')).toEqual([
      { EntityName: '[db].[C].[n]', DataType: 'System.String', Policy: '' },
    ]);
    await run('.append C <| print n = "two", s = "y"');
    expect(await cluster.data.rows('C', 's')).toEqual([
      ['', 'x'],
      ['two', 'y'],
    ]);
    await run(".alter column ['C'].['s'] type=string");
    expect(await cluster.data.rows('C', 's')).toHaveLength(2);
    await (await cluster.data.data()).maintain();
    await run('.alter column C.n type=long');
    expect((await cluster.data.rows('C', 's')).map(([n]) => n)).toEqual([null, null]);
    await expect(run('.alter column C.zz type=long')).rejects.toMatchObject({ code: 'ColumnNotFound' });
  });

  it('are dropped if they exist, and have encoding policies', async () => {
    await run('.create table E (n: long, s: string)');
    await run('.drop column E.zz ifexists');
    await expect(run('.drop column E.zz')).rejects.toMatchObject({ code: 'ColumnNotFound' });
    await run(".alter column E.s policy encoding type='bigobject'");
    const [shown] = await run('.show column E.s policy encoding');
    expect(shown).toMatchObject({ EntityName: '[db].[E].[s]', EntityType: 'Column', PolicyName: 'EncodingPolicy' });
    expect(JSON.parse(String(shown?.['Policy']))).toEqual({ Profile: 'BigObject' });
    expect(await run('.show table E policy encoding')).toMatchObject([{ ChildEntities: '["[db].[E].[s]"]' }]);
    await expect(run(".alter column E.s policy encoding type='none'")).rejects.toThrow('Vector16');
    await run(".alter column E.s policy encoding type='Null'");
    expect(await run('.show column E.s policy encoding')).toMatchObject([{ Policy: 'null' }]);
  });
});

describe('.rename tables, and row order of several', () => {
  it('leaves out a table that is not there, if told so', async () => {
    await run('.create tables R1 (n: long), R2 (n: string)');
    await run('.rename tables R3 = R1 ifexists, R1 = R2');
    expect((await tables()).filter((name) => name.startsWith('R'))).toEqual(['R1', 'R3']);
    await run('.rename tables R2 = Nobody ifexists, R4 = R3');
    expect((await tables()).filter((name) => name.startsWith('R'))).toEqual(['R1', 'R4']);
    await expect(run('.rename tables R2 = Nobody, R5 = R4 ifexists')).rejects.toMatchObject({ code: 'TableNotFound' });
    await run('.rename tables R1 = R4, R4 = R1');
    await expect(run('.rename tables R1 = ')).rejects.toThrow('NewName = OldName');
  });

  it('is merged for each of them', async () => {
    await run('.create tables O1 (a: long, b: long), O2 (a: long, b: long)');
    const answer = await run('.alter-merge tables (O1, O2) policy roworder (a asc, b desc)');
    expect(answer.map((row) => (JSON.parse(String(row['Policy'])) as { RowOrder: unknown }).RowOrder)).toEqual(
      ['O1', 'O2'].map(() => [
        { ColumnName: 'a', IsDescending: false },
        { ColumnName: 'b', IsDescending: true },
      ]),
    );
  });
});
