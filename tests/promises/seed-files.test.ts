import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kustody, temporaryDirectory } from '../support/kustody-command.ts';

function seedDirectory(path: string): string {
  const directory = join(path, 'fixtures');
  mkdirSync(directory);
  const files = {
    '01-schema.kql':
      '// what the rows need\n.create table Log (When: datetime, Level: string)\n\n.show tables | count\n',
    '02-Log.csv': '2026-01-01,info\n2026-01-02,error\n',
    '03-Log.json': '{"at":"2026-01-03","l":"info"}\n',
    '03-Log.json.mapping.json': JSON.stringify([
      { column: 'When', Properties: { Path: '$.at' } },
      { column: 'Level', Properties: { Path: '$.l' } },
    ]),
    '04-look.kql': 'Log | summarize Rows = count() by Level | order by Level asc\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text);
  return directory;
}

describe('kustody run --seed DIR', () => {
  it('runs the files in order, shows what came of each, and the command finds the rows', async () => {
    using temporary = temporaryDirectory();
    const data = join(temporary.path, 'data');
    const seed = seedDirectory(temporary.path);
    const command = ['run', '--data', data, '--seed', seed, '--', 'kustody', 'query', '--format', 'csv', 'Log | count'];
    const first = await kustody(command);
    expect(first.stdout).toBe('Count\r\n3\r\n');
    const at = ['01-schema.kql: .create', '01-schema.kql: .show', '02-Log.csv: rows', '03-Log.json: rows'];
    const places = [...at, '04-look.kql: Log'].map((text) => first.stderr.indexOf(text));
    expect(places.every((place) => place >= 0)).toBe(true);
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(first.stderr).toMatch(/error │ 1 [\s\S]*info {2}│ 2 /);
    // What is there stays as it is.
    const second = await kustody(command);
    expect(second.stdout).toBe('Count\r\n3\r\n');
    expect(second.stderr).toContain('Database db is there already: the files of the seed were not run.');
  });

  it('is not taken for done when it was not finished', async () => {
    using temporary = temporaryDirectory();
    const data = join(temporary.path, 'data');
    const seed = seedDirectory(temporary.path);
    writeFileSync(join(seed, '03-wrong.kql'), '.drop table Nobody\n');
    const command = ['run', '--data', data, '--seed', seed, '--', 'kustody', 'query', '--format', 'csv', 'Log | count'];
    expect((await kustody(command)).stderr).toContain('03-wrong.kql: ');
    rmSync(join(seed, '03-wrong.kql'));
    const again = await kustody(command);
    expect(again).toMatchObject({ code: 1, stdout: '' });
    expect(again.stderr).toContain('was begun and not finished: some of its files may have been run.');
    expect(await kustody(['reset', '--data', data, '--yes'])).toMatchObject({ code: 0 });
    expect((await kustody(command)).stdout).toBe('Count\r\n3\r\n');
  });

  it('ends at the first file that is refused, with the reason, and the command does not run', async () => {
    using temporary = temporaryDirectory();
    writeFileSync(join(temporary.path, 'Nobody.csv'), '1\n');
    const { code, stdout, stderr } = await kustody(['run', '--seed', temporary.path, '--', 'echo', 'ran']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/kustody: Nobody\.csv: .*Nobody/);
    const none = await kustody(['run', '--seed', 'echo', 'ran']);
    expect(none.code).toBe(1);
    expect(none.stderr).toContain("There is no directory 'echo' to seed from.");
  });
});
