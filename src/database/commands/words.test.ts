import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { withJoinedLiterals } from './words.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run('.create table T (a:long, b:string)');
});
afterAll(() => cluster.close());

describe('texts written as several literals', () => {
  // As Microsoft's page of `.create ingestion mapping` writes it.
  const mapping = (name: string): string => `.create-or-alter table T ingestion json mapping '${name}'
'['
'    { "column" : "a", "Properties":{"Path":"$.a"}},'
'    { "column" : "b", "Properties":{"Path":"$.b"}},'
']'`;

  it('are one mapping, and the name of the mapping another text; a comma after its last column is taken', async () => {
    await cluster.run(mapping('M'));
    const [shown] = await cluster.run(`.show table T ingestion json mapping 'M'`);
    expect(shown).toMatchObject({ Name: 'M', Kind: 'Json' });
    const records = await cluster.run(
      `.ingest inline into table T with (format='json', ingestionMappingReference='M') <| {"a": 7, "b": "x' 'y"}`,
    );
    expect(records).toHaveLength(1);
    const { columns, rows } = await cluster.answer('.show tables | project TableName');
    expect([columns.length, rows.length > 0]).toEqual([1, true]);
  });

  it('are one text in properties and policies', async () => {
    await cluster.run(`.alter table T docstring 'one ' "two " @'three'`);
    expect(await cluster.run('.show table T details')).toMatchObject([{ DocString: 'one two three' }]);
    await cluster.run(`.create function with (docstring = 'a' 'b') F() { print 'c' 'd' }`);
    expect(await cluster.run('.show function F')).toMatchObject([{ DocString: 'ab', Body: "{ print 'c' 'd' }" }]);
  });

  it.each([
    [`.x 'a' 'b' | where c == 'd' 'e'`, `.x 'ab'    | where c == 'd' 'e'`],
    [`.x 'a' 'b' <| 'c' 'd'`, `.x 'ab'    <| 'c' 'd'`],
    [`.x h'a' "b"`, `.x h'ab'   `],
    [`.x mapping 'M' 'b'`, `.x mapping 'M' 'b'`],
    [`.x ('a', 'b') // 'c' 'd'`, `.x ('a', 'b') // 'c' 'd'`],
    [`.x "a'b" 'c'`, `.x 'a\\'bc'  `],
  ])('%s is read as %s: what follows stays in its place', (sent, joined) => {
    expect(withJoinedLiterals(sent)).toBe(joined);
  });
});

describe('keywords as bare names', () => {
  const [table, column] = [
    (word: string) => `.create table ${word} (a:int)`,
    (word: string) => `.create table Of_${word} (${word}:int)`,
  ];
  it.each(['by', 'contains', 'datatable', 'endswith', 'has', 'in', 'print', 'set', 'startswith', 'where'])(
    '%s is a name',
    async (word) => {
      expect(await cluster.run(table(word))).toMatchObject([{ TableName: word }]);
      expect(await cluster.run(column(word))).toMatchObject([{ TableName: `Of_${word}` }]);
      expect(await cluster.run(`.drop table ${word}`)).toBeDefined();
    },
  );

  it.each(['and', 'between', 'false', 'kind', 'or', 'order', 'project', 'true', 'union'])(
    '%s is none, unless it is quoted',
    async (word) => {
      await expect(cluster.run(table(word))).rejects.toMatchObject({ code: 'syntax' });
      await expect(cluster.run(column(word))).rejects.toMatchObject({ code: 'syntax' });
      expect(await cluster.run(table(`['${word}']`))).toMatchObject([{ TableName: word }]);
    },
  );
});

it('a command that is not known does not parse', async () => {
  await expect(cluster.run('.frobnicate table T1 v2')).rejects.toMatchObject({ code: 'syntax', message: '' });
});
