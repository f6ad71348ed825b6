import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandFixture } from '../../../tests/support/command-fixture.ts';
import { openCommandFixture } from '../../../tests/support/command-fixture.ts';
import { Command } from './command.ts';
import { recognizeCommand } from './recognize.ts';
import { splitCommand } from './words.ts';

let cluster: CommandFixture;
beforeAll(async () => {
  cluster = await openCommandFixture();
  await cluster.run(`.create table T (a:long)`);
  await cluster.run(`.create table ['my table'] (a:long)`);
});
afterAll(() => cluster.close());

const id = '74be27de-1e4e-49d9-b579-fe0b331d3642';

describe('commands that are read without the parser', () => {
  it.each([
    '.show version',
    '.show databases',
    '.show cluster databases',
    '.show database',
    '.show tables',
    '.show tables details',
    '.show functions',
    '.show databases schema',
    '.show databases schema as json',
    '.show table T details',
    `.show table ['my table'] cslschema`,
    '.show table ["my table"] extents',
    '.show operations',
    `.show operations ${id}`,
    '.show   tables // all of them',
  ])('%s is read as the official parser reads it', async (text) => {
    const own = recognizeCommand(text)?.input;
    const { data, engine } = cluster.context;
    const parsed = await engine.parseCommand({ text, database: 'db', catalog: data.kqlCatalog() });
    expect(own?.kind).toBe(parsed.kind);
    const arguments_ = (command: Command): unknown =>
      ['TableName', 'OperationId'].map((name) => command.all(name).map((value) => value.replace(/^\["(.*)"\]$/, '$1')));
    expect(arguments_(new Command(own ?? { kind: '', text, parts: [] }))).toEqual(
      arguments_(new Command({ ...parsed, text })),
    );
  });

  it.each([
    '.show tables | count',
    '.show tables (T)',
    '.show table T details | take 1',
    '.create table X (a:long)',
    '.show table T, U details',
  ])('%s is left to the parser', (text) => {
    expect(recognizeCommand(text)).toBeUndefined();
  });

  it('keep properties and text apart', () => {
    const found = recognizeCommand(
      `.ingest inline into table T with (format = 'csv', tags='["a","b"]', creationTime=datetime(2020-01-01), ignoreFirstRecord=true) <| with (x=1)\n`,
    );
    const command = new Command(found?.input ?? { kind: '', text: '', parts: [] });
    expect(command.properties(['format', 'tags', 'creationTime', 'ignoreFirstRecord'])).toEqual({
      format: 'csv',
      tags: '["a","b"]',
      creationTime: 'datetime(2020-01-01)',
      ignoreFirstRecord: 'true',
    });
    expect(command.raw).toBe(' with (x=1)\n');
  });

  it('split any text in little time', () => {
    expect(splitCommand(`.x ${'('.repeat(100_000)}`)).toBeUndefined();
    expect(splitCommand(`.x "${'a'.repeat(1_000_000)}`)).toBeUndefined();
    expect(() => splitCommand('print 1')).toThrow('dot');
  });
});

describe('operators after a command that the parser does not know', () => {
  it('work on its rows', async () => {
    expect(await cluster.run('.show database db details | project DatabaseName, TotalSize, IsCurrent')).toEqual([
      { DatabaseName: 'db', TotalSize: 0, IsCurrent: true },
    ]);
    expect(await cluster.run('.show purges | count')).toEqual([{ Count: 0n }]);
  });
});

it.each([
  ['.show tables ; // all\n // of them', undefined],
  ['.show tables;', undefined],
  [`.show tables;${'//'.repeat(50_000)}\nprint 1`, 'then'],
  [`.show tables;${' '.repeat(100_000)}print 1`, 'then'],
  ['.show tables | count;', 'pipe'],
])('%.40s… ends in what follows it, soon found', (text, kind) => {
  expect(splitCommand(text)?.find(({ kind: own }) => own === 'then' || own === 'pipe')?.kind).toBe(kind);
});
