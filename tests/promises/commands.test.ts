import { existsSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kustody, startKustody, temporaryDirectory, withoutProgress } from '../support/kustody-command.ts';
import type { StartedCommand } from '../support/kustody-command.ts';

const commands = [
  ...['article', 'run', 'up', 'env', 'hosts', 'clock', 'query', 'check-keys', 'reset', 'version'],
  ...['proof', 'lineage', 'shred', 'drill', 'extent', 'cmk', 'status', 'logs', 'state', 'completion', 'open'],
];
const clockCommands = ['show', 'advance', 'freeze', 'resume', 'accept'];
const extentCommands = ['list', 'export'];
const cmkCommands = ['plan', 'apply', 'verify', 'rotate', 'diagnose'];

describe('every command', () => {
  it.each([
    ...commands.map((name) => [name]),
    ...clockCommands.map((name) => ['clock', name]),
    ...extentCommands.map((name) => ['extent', name]),
    ...cmkCommands.map((name) => ['cmk', name]),
  ])('%s %s has help with an example', async (...words) => {
    const { code, stdout } = await kustody([...words, '--help']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples?:\n {2}\$ /);
  });

  it.each([
    [['nonsense'], /unknown command/],
    [['env', '--format', 'toml'], /Allowed choices are/],
    [['up', '--port', 'seventy'], /A port is 0 to 65535/],
    [['up', '--config', join(import.meta.dirname, '..', '..', 'package.json')], /there is no setting 'name'/],
    [['run', '--allow', 'a b', '--', 'true'], /is not a host name/],
    [
      ['run', '--allow', 'management.azure.com', '--', 'true'],
      /Host 'management\.azure\.com' is served by Kustody itself: it cannot be let through\./,
    ],
    [['clock', 'advance', 'soon', '--data', '/nonexistent'], /is no duration/],
    [['proof', '--canary', 'short', '--data', '/nonexistent'], /A canary has at least 6 bytes/],
    [['lineage', 'nonsense', '--data', '/nonexistent'], /is no key identifier/],
    [['extent', 'list', '--data', '/nonexistent'], /No Kustody runs on/],
    [['env', '--data', '/nonexistent'], /No Kustody runs on/],
    [['reset', '--data', '/nonexistent', '--yes'], /does not exist/],
    [['run', '--', 'no-such-command-here'], /was not found/],
  ])('%j says what is wrong, without a stack trace', async (args, message) => {
    const { code, stderr } = await kustody(args);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('version is the one of the package', async () => {
    const { stdout } = await kustody(['version', '--json']);
    const description = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8')) as {
      version: string;
    };
    expect(JSON.parse(stdout)).toMatchObject({ kustody: description.version });
  });
});

describe('kustody query', () => {
  it('keeps every digit, says why a query failed on its way, and lets no row steer the terminal', async () => {
    const script = [
      'kustody query \'print a = long(9223372036854775807), d = dynamic({"b": 9007199254740993})\' --format json',
      'kustody query \'print s = "x\\u001b[31my"\'',
      'kustody query \'range x from 1 to 400000 step 1 | extend r = iff(assert(x < 390000, "too far"), 1.5, 2.5)\'',
    ].join('; ');
    const { code, stdout, stderr } = await kustody(['run', '--seed', '--', 'sh', '-c', script]);
    expect(code).not.toBe(0);
    expect(stdout).toContain('"a": 9223372036854775807');
    expect(stdout).toContain('"b": 9007199254740993');
    expect(stdout).toContain('x\\u001b[31my');
    expect(stdout).not.toContain('\u001b');
    expect(stderr).toMatch(/^kustody: .*assert\(\) has failed with message: 'too far'$/m);
  });
});

describe('kustody run', () => {
  it('passes the exit code through', async () => {
    expect(await kustody(['run', '--', process.execPath, '-e', 'process.exit(23)'])).toMatchObject({ code: 23 });
  });

  it('passes signals through and ends with 128 and the number of the signal', async () => {
    const run = startKustody([
      'run',
      '--',
      process.execPath,
      '-e',
      'console.log("ready"); setInterval(() => {}, 1000)',
    ]);
    await run.printed('ready');
    run.process.kill('SIGTERM');
    expect(await run.result).toMatchObject({ code: 143 });
  });

  it('puts kustody on the PATH, sets its variables and removes the temporary directory', async () => {
    const script = 'echo "$KUSTODY_DATA_DIR"; kustody clock show --json; kustody check-keys; echo "$NO_PROXY"';
    const { code, stdout } = await kustody(['run', '--', 'sh', '-c', script], { NO_PROXY: 'example.org' });
    const [directory = '', clock = '', keys, noProxy] = stdout.split('\n');
    expect(code).toBe(0);
    expect(JSON.parse(clock)).toMatchObject({ virtual: true, frozen: false });
    expect(keys).toBe('There are no clusters.');
    expect(noProxy).toBe('example.org,localhost,127.0.0.1,::1');
    expect(existsSync(directory)).toBe(false);
  });

  it('keeps the root key out of the command, and foreign hosts out of reach', async () => {
    const script = `echo "key=$KUSTODY_ROOT_KEY"; curl -s -o /dev/null -w '%{http_connect}' https://example.org/`;
    const { stdout } = await kustody(['run', '--', 'sh', '-c', script], { KUSTODY_ROOT_KEY: 'ab'.repeat(32) });
    expect(stdout).toMatch(/^key=\n502$/);
  });
});

describe('a data directory', () => {
  const directory = temporaryDirectory();
  const data = join(directory.path, 'data');
  let up: StartedCommand;
  beforeAll(async () => {
    up = startKustody(['up', '--data', data]);
    await up.printed('Stop with');
  });
  afterAll(async () => {
    up.process.kill('SIGTERM');
    await up.result;
    directory[Symbol.dispose]();
  });

  const identifiers = async (): Promise<Record<string, string>> => {
    const { code, stdout, stderr } = await kustody(['env', '--data', data, '--format', 'json']);
    expect(withoutProgress(stderr)).toBe('');
    expect(code).toBe(0);
    return JSON.parse(stdout) as Record<string, string>;
  };

  it('is refused to a second process, which is told how to join', async () => {
    const { code, stderr } = await kustody(['up', '--data', data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/is in use by another Kustody/);
    expect(stderr).toMatch(/kustody run --data/);
  });

  it('is joined by run', async () => {
    const { stdout } = await kustody(['run', '--data', data, '--', 'sh', '-c', 'echo $AZURE_TENANT_ID']);
    expect(stdout.trim()).toBe((await identifiers())['AZURE_TENANT_ID']);
  });

  it('has a real clock that cannot be moved', async () => {
    const { code, stderr } = await kustody(['clock', 'advance', '1d', '--data', data]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/The clock of this data directory is the real one/);
  });

  it('is not deleted while it is served', async () => {
    expect(await kustody(['reset', '--data', data, '--yes'])).toMatchObject({ code: 1 });
    expect(existsSync(join(data, 'state.db'))).toBe(true);
  });

  it('keeps its files to its owner', () => {
    for (const name of ['state.db', 'root.key', 'control.json']) {
      expect(statSync(join(data, name)).mode & 0o077, name).toBe(0);
    }
  });

  it('works after a move and a restart on other ports, with the same identity', async () => {
    const before = await identifiers();
    up.process.kill('SIGTERM');
    expect(await up.result).toMatchObject({ code: 0 });
    const moved = join(directory.path, 'moved');
    renameSync(data, moved);
    up = startKustody(['up', '--data', moved]);
    await up.printed('Stop with');
    const { stdout } = await kustody(['env', '--data', moved, '--format', 'json']);
    const after = JSON.parse(stdout) as Record<string, string>;
    for (const name of ['AZURE_TENANT_ID', 'AZURE_CLIENT_ID', 'AZURE_CLIENT_SECRET', 'AZURE_SUBSCRIPTION_ID']) {
      expect(after[name], name).toBe(before[name]);
    }
    expect(after['KUSTODY_CONTROL_TOKEN']).not.toBe(before['KUSTODY_CONTROL_TOKEN']);
  });
});

describe('reset', () => {
  it('deletes a data directory and nothing else', async () => {
    using directory = temporaryDirectory();
    writeFileSync(join(directory.path, 'precious.txt'), 'mine');
    const refused = await kustody(['reset', '--data', directory.path, '--yes']);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/is not a data directory of Kustody/);
    expect(existsSync(join(directory.path, 'precious.txt'))).toBe(true);

    const data = join(directory.path, 'data');
    await kustody(['run', '--data', data, '--', 'true']);
    expect(existsSync(join(data, 'state.db'))).toBe(true);
    expect(await kustody(['reset', '--data', data])).toMatchObject({ code: 1 }); // nobody to ask
    expect(await kustody(['reset', '--data', data, '--yes'])).toMatchObject({ code: 0 });
    expect(existsSync(data)).toBe(false);
  });
});
