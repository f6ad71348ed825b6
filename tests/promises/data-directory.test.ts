import Database from 'libsql';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataDirectoryNames } from '../../src/server/data-directory-names.ts';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

/** A directory of another program whose database happens to have the same name. */
function strangers(directory: string, kind: 'database' | 'text' | 'empty beside others'): () => unknown {
  mkdirSync(directory, { recursive: true });
  const file = join(directory, 'state.db');
  if (kind === 'database') {
    const database = new Database(file);
    database.exec('CREATE TABLE record (tab TEXT); INSERT INTO record VALUES (1)');
    database.close();
  } else writeFileSync(file, kind === 'text' ? 'my own notes' : '');
  writeFileSync(join(directory, 'precious.txt'), 'mine');
  chmodSync(directory, 0o755);
  chmodSync(file, 0o644);
  return () => [readdirSync(directory), readFileSync(file), statSync(file).mode, statSync(directory).mode];
}

describe("a directory that is not Kustody's", () => {
  it.each(['database', 'text', 'empty beside others'] as const)(
    'is left as it is by reset, up and run (its state.db: %s)',
    async (kind) => {
      using directory = temporaryDirectory();
      const data = join(directory.path, 'theirs');
      const look = strangers(data, kind);
      const before = look();
      for (const args of [
        ['reset', '--data', data, '--yes'],
        ['up', '--data', data],
        ['run', '--data', data, '--', 'true'],
      ]) {
        const { code, stderr } = await kustody(args);
        expect(code, args[0]).toBe(1);
        expect(stderr).toMatch(/is not a data directory of Kustody|holds files that are not Kustody's: its state.db/);
        expect(look()).toEqual(before);
      }
    },
  );
});

describe('reset', () => {
  it('keeps its hands off a live instance, with or without its control file', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const up = startKustody(['up', '--data', data]);
    await up.printed('Stop with');
    try {
      for (const name of ['', 'control.json']) {
        if (name !== '') rmSync(join(data, name));
        const before = readdirSync(data);
        const { code, stderr } = await kustody(['reset', '--data', data, '--yes']);
        expect(code).toBe(1);
        expect(stderr).toMatch(/A Kustody runs on/);
        expect(readdirSync(data)).toEqual(before);
      }
    } finally {
      up.process.kill('SIGTERM');
      await up.result;
    }
    expect(await kustody(['reset', '--data', data, '--yes'])).toMatchObject({ code: 0 });
    expect(existsSync(data)).toBe(false);
  });

  it('takes away all that Kustody makes, and what others put beside it stays', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    expect(await kustody(['run', '--data', data, '--seed', '--', 'true'])).toMatchObject({ code: 0 });
    expect(readdirSync(data).filter((name) => !dataDirectoryNames.includes(name))).toEqual([]);
    writeFileSync(join(data, 'precious.txt'), 'mine');
    const { code, stdout } = await kustody(['reset', '--data', data, '--yes']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/1 other files/);
    expect(readdirSync(data)).toEqual(['precious.txt']);
  });

  it('knows an instance that was killed right after its first start', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const up = startKustody(['up', '--data', data]);
    await up.printed('Stop with');
    up.process.kill('SIGKILL');
    await up.result;
    expect(await kustody(['run', '--data', data, '--', 'true'])).toMatchObject({ code: 0 });
    expect(await kustody(['reset', '--data', data, '--yes'])).toMatchObject({ code: 0 });
    expect(existsSync(data)).toBe(false);
  });
});

describe('a place that cannot hold data', () => {
  it.each<[string, readonly string[], Readonly<Record<string, string>>]>([
    ['a path in /proc', ['up', '--data', '/proc/x'], {}],
    ['a path deep in /proc', ['up', '--data', '/proc/x/y/z'], {}],
    ['a path in /sys', ['up', '--data', '/sys/x'], {}],
    ['a path below a file', ['up', '--data', '/etc/hostname/x'], {}],
    ['too long a name', ['up', '--data', join(tmpdir(), 'x'.repeat(300))], {}],
    ['a home that takes no files', ['up'], { HOME: '/sys', XDG_DATA_HOME: '' }],
    ['a home that is no directory', ['up'], { HOME: '/proc/version', XDG_DATA_HOME: '' }],
    ['no home', ['up'], { HOME: '', XDG_DATA_HOME: '' }],
    ['no room for temporary files', ['run', '--', 'true'], { TMPDIR: '/proc' }],
  ])('%s is refused at once, by name', async (_, args, env) => {
    const { code, stderr } = await kustody(args, env);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^kustody: .*(cannot be used: |There is no home directory)/);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('an empty XDG_DATA_HOME, or one that is not absolute, is none: never the working directory', async () => {
    using directory = temporaryDirectory();
    for (const shared of ['', 'relative']) {
      const env = { HOME: directory.path, XDG_DATA_HOME: shared, KUSTODY_DATA_DIR: '' };
      const { stderr } = await kustody(['env'], env);
      expect(stderr).toContain(`No Kustody runs on ${join(directory.path, '.local', 'share', 'kustody')}.`);
    }
    const { stderr } = await kustody(['env'], { XDG_DATA_HOME: directory.path, KUSTODY_DATA_DIR: '' });
    expect(stderr).toContain(`No Kustody runs on ${join(directory.path, 'kustody')}.`);
  });
});

describe('private instances', () => {
  const show = 'echo $$ > "$TMPDIR/command-$$"; echo started; exec sleep 600';
  const started = async (env: Readonly<Record<string, string>>) => {
    const run = startKustody(['run', '--', 'sh', '-c', show], env);
    await run.printed('started');
    return run;
  };
  const instancesIn = (parent: string): readonly string[] =>
    readdirSync(parent)
      .filter((name) => name.startsWith('kustody-') && existsSync(join(parent, name, 'private-instance.json')))
      .sort();

  it('of a killed run are removed by the next one; those of living ones, and what has no mark, are not', async () => {
    using directory = temporaryDirectory();
    const env = { TMPDIR: directory.path };
    const living = await started(env);
    const [of] = instancesIn(directory.path);
    const killed = await started(env);
    expect(instancesIn(directory.path)).toHaveLength(2);
    killed.process.kill('SIGKILL'); // its command goes on
    const mine = join(directory.path, 'kustody-mine');
    await kustody(['run', '--data', mine, '--', 'true'], env);
    const strangersMark = join(directory.path, 'kustody-others');
    mkdirSync(strangersMark, { mode: 0o755 });
    writeFileSync(join(strangersMark, 'private-instance.json'), JSON.stringify({ pid: 999_999_999, started: '1' }));
    const { code } = await kustody(['run', '--', 'true'], env);
    expect(code).toBe(0);
    expect(instancesIn(directory.path)).toEqual([of, 'kustody-others'].sort());
    expect(existsSync(join(mine, 'state.db'))).toBe(true);
    for (const name of readdirSync(directory.path).filter((found) => found.startsWith('command-')))
      process.kill(Number(name.slice('command-'.length)));
    await Promise.all([living.result, killed.result]);
    expect(instancesIn(directory.path)).toEqual(['kustody-others']);
  });
});
