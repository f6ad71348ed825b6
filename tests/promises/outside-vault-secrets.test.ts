import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kustody, startKustody, temporaryDirectory } from '../support/kustody-command.ts';

const vault = 'contoso.vault.azure.net=env:THEIRS';
const secret = 'a-secret-of-somebody-else';
const guid = (digit: string): string => `${digit.repeat(8)}-1111-4111-8111-111111111111`;
// A process of somebody else that ends between the list and the reading has no arguments left to read: cat says so
// with its exit code, which is not what this asks.
const everythingToSee = 'env; for each in /proc/[0-9]*/cmdline; do cat "$each" 2>/dev/null || :; done';
const theirs = { THEIRS_TENANT_ID: guid('1'), THEIRS_CLIENT_ID: guid('2'), THEIRS_CLIENT_SECRET: secret };

describe('the credential of a vault outside', () => {
  it('given by environment is in no child, and in no argument list', async () => {
    using directory = temporaryDirectory();
    const seen = await kustody(['run', '--vault', vault, '--', 'sh', '-c', everythingToSee], theirs);
    expect(seen).toMatchObject({ code: 0 });
    // The list is the machine's: the command that this test gave stands in it too.
    expect(seen.stdout).toContain(`run\0--vault\0${vault}\0`);
    expect(seen.stdout).toContain('KUSTODY_DATA_DIR');
    expect(seen.stdout).not.toContain('THEIRS_CLIENT');
    expect(seen.stdout).not.toContain(secret);
    const server = startKustody(['up', '--data', directory.path, '--vault', vault, '--log-level', 'debug'], theirs);
    try {
      await server.printed('Stop with');
      expect(readFileSync(`/proc/${server.process.pid ?? 0}/cmdline`, 'utf8')).not.toContain(secret);
      const joined = await kustody(['run', '--data', directory.path, '--vault', vault, '--', 'true'], theirs);
      expect(joined).toMatchObject({ code: 1, stderr: expect.stringContaining('--vault counts for') as string });
    } finally {
      server.process.kill('SIGTERM');
    }
    const { stdout, stderr } = await server.result;
    expect(stdout + stderr).not.toContain(secret);
  });
});
