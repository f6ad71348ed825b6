import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readSeedFiles, statementsOf } from './seed-files.ts';

function withFiles<T>(files: Readonly<Record<string, string>>, look: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-test-'));
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
    return look(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

describe('a directory to seed from', () => {
  it('is read in the order of its names, each data file with its mapping', () => {
    const files = {
      '01-schema.kql': '// tables\n\n.create table Log (a: long)\n\n.show tables\n| count\n',
      '02-Log.csv': '1\n',
      '02-Log.csv.mapping.json': '[]',
      'Other.json': '{}',
      '.ignored': '',
    };
    expect(withFiles(files, readSeedFiles)).toEqual([
      {
        ...{ kind: 'statements', file: '01-schema.kql' },
        statements: ['.create table Log (a: long)', '.show tables\n| count'],
      },
      { kind: 'rows', file: '02-Log.csv', table: 'Log', format: 'csv', body: Buffer.from('1\n'), mapping: '[]' },
      { kind: 'rows', file: 'Other.json', table: 'Other', format: 'json', body: Buffer.from('{}') },
    ]);
  });

  it.each([
    [{ 'notes.txt': '' }, 'notes.txt: a seed has files'],
    [{ 'Log.csv.mapping.json': '[]' }, 'Log.csv.mapping.json: there is no data file'],
    [{ 'Log.csv': 'x'.repeat(4 * 1024 * 1024 + 1) }, 'Log.csv: has more than 4194304 bytes'],
  ])('is refused with the name of the file: %#', (files, message) => {
    expect(() => withFiles(files as Record<string, string>, readSeedFiles)).toThrow(message);
  });

  it('is refused when it is none', () => {
    expect(() => readSeedFiles('/no/such/directory')).toThrow("There is no directory '/no/such/directory'");
  });

  it('has statements that are parted by empty lines, and comments are none', () => {
    expect(statementsOf('print 1\r\n\r\n  \r\n// two\nprint 2\n\n// only this\n')).toEqual([
      'print 1',
      '// two\nprint 2',
    ]);
  });
});
