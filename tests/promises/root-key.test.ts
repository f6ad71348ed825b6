import { closeSync, existsSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';
import type { CommandResult } from '../support/kustody-command.ts';

const key = 'ab'.repeat(32);
const variable = { KUSTODY_ROOT_KEY: key };

/** Runs with the text as descriptor 3. */
async function withDescriptor(text: string, args: readonly string[]): Promise<CommandResult> {
  using directory = temporaryDirectory();
  const path = join(directory.path, 'key');
  writeFileSync(path, text, { mode: 0o600 });
  const descriptor = openSync(path, 'r');
  try {
    return await startKustody(args, {}, [descriptor]).result;
  } finally {
    closeSync(descriptor);
  }
}

describe('the root key in the environment', () => {
  it('is in no child, whether run starts a server or joins one', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const script = 'echo "key=$KUSTODY_ROOT_KEY."';
    const command = ['run', '--data', data, '--', 'sh', '-c', script];
    expect(await kustody(command, variable)).toMatchObject({ code: 0, stdout: 'key=.\n' });
    const up = startKustody(['up', '--data', data], variable);
    await up.printed('Stop with');
    try {
      expect(await kustody(command, variable)).toMatchObject({ code: 0, stdout: 'key=.\n' });
    } finally {
      up.process.kill('SIGTERM');
      await up.result;
    }
    expect(existsSync(join(data, 'root.key'))).toBe(false);
  });

  it('that is missing leaves no stray file, and is asked for', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const command = ['run', '--data', data, '--', 'true'];
    expect(await kustody(command, variable)).toMatchObject({ code: 0 });
    const before = readdirSync(data).sort();
    const { code, stderr } = await kustody(command);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^kustody: There is no root key in .*: it is kept elsewhere/m);
    expect(stderr).toMatch(/KUSTODY_ROOT_KEY|--root-key-fd/);
    expect(readdirSync(data).sort()).toEqual(before);
    expect(await kustody(command, variable)).toMatchObject({ code: 0 });
  });

  it('that is damaged is told without a byte of it', async () => {
    const { code, stderr } = await kustody(['run', '--', 'true'], { KUSTODY_ROOT_KEY: 'S3cret' });
    expect(code).toBe(1);
    expect(stderr).toContain('KUSTODY_ROOT_KEY: A root key is 32 bytes');
    expect(stderr).not.toContain('S3cret');
  });
});

describe('--root-key-fd', () => {
  it('gives the key to a server, and to nothing that it starts', async () => {
    using directory = temporaryDirectory();
    const data = join(directory.path, 'data');
    const script = 'echo "key=$KUSTODY_ROOT_KEY."; cat <&3';
    const args = ['run', '--data', data, '--root-key-fd', '3', '--', 'sh', '-c', script];
    const { stdout, stderr } = await withDescriptor(`${key}\n`, args);
    expect(stdout).toBe('key=.\n');
    expect(stderr).toMatch(/bad file descriptor/i); // of the shell
    expect(existsSync(join(data, 'root.key'))).toBe(false);
    // The very key: the environment opens what it has sealed.
    expect(await kustody(['run', '--data', data, '--', 'true'], variable)).toMatchObject({ code: 0 });
    const other = await withDescriptor('cd'.repeat(32), ['up', '--data', data, '--root-key-fd', '3']);
    expect(other).toMatchObject({ code: 1, stderr: expect.stringContaining('does not open this state') as string });
  });

  it.each([
    ['a damaged key', 'S3cret', ['--root-key-fd', '3'], /--root-key-fd 3: A root key is 32 bytes/],
    ['too long a text', 'a'.repeat(5000), ['--root-key-fd', '3'], /--root-key-fd 3: A root key is 32 bytes/],
    ['a closed one', key, ['--root-key-fd', '17'], /descriptor 17 cannot be read/],
    ['a word', key, ['--root-key-fd', 'three'], /is the number of a file descriptor/],
    ['standard output', key, ['--root-key-fd', '1'], /is the number of a file descriptor/],
  ])('%s: says what is wrong', async (_, text, options, message) => {
    const { code, stderr } = await withDescriptor(text, ['run', ...options, '--', 'true']);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('S3cret');
    expect(stderr).not.toMatch(/\n\s+at /);
  });

  it('and the variable together are refused', async () => {
    const { code, stderr } = await kustody(['run', '--root-key-fd', '3', '--', 'true'], variable);
    expect(code).toBe(1);
    expect(stderr).toMatch(/two places/);
  });
});
