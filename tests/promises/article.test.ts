import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { kustody, startKustody, temporaryDirectory, writeLauncher } from '../support/kustody-command.ts';

interface Report {
  readonly ok: boolean;
  readonly steps: readonly { readonly title: string; readonly result?: string; readonly failure?: string }[];
  readonly errors: readonly { readonly code: string; readonly foundCode: string; readonly foundMessage: string }[];
}

describe('kustody article', () => {
  it(
    'performs the article from end to end through the official SDKs and says so to machines',
    { timeout: 240_000 },
    async () => {
      const { code, stdout } = await kustody(['article', '--json']);
      const report = JSON.parse(stdout) as Report;
      expect(report.steps.filter(({ failure }) => failure !== undefined)).toEqual([]);
      expect(report.ok).toBe(true);
      expect(code).toBe(0);
      expect(report.errors.map(({ foundCode }) => foundCode)).toEqual([
        'InvalidKeyVaultProperties',
        'CannotProvideKeyVaultPropertiesDuringCreation',
        'KeyVaultPropertiesOnlyForSystemAssignedResources',
        'KeyVaultNotFound',
        'KeyNotFound',
        'IdentityDoesNotHaveAccessToKeyVault',
        'KeyVaultNotPurgeProtected',
        'KeyVaultNotSoftDeleteEnabled',
      ]);
      const results = new Map(report.steps.map(({ title, result }) => [title, result]));
      expect(results.get("Take the cluster's access away")).toContain('state Unavailable');
      expect(results.get('Give the access back')).toBe('state Running');
    },
  );

  it('tells the truth by its exit code when a step fails, and stops there', async () => {
    const program = [process.execPath, join(import.meta.dirname, '../../dist/article.js'), '--json'];
    const { code, stdout } = await kustody(['run', '--', 'env', 'AZURE_CLIENT_SECRET=wrong', ...program]);
    const report = JSON.parse(stdout) as Report;
    expect(code).toBe(1);
    expect(report.ok).toBe(false);
    expect(report.steps).toHaveLength(1);
    expect(report.steps[0]?.failure).toMatch(/Invalid client secret/);
    const without = await kustody(['run', '--', 'env', '-u', 'AZURE_CLIENT_SECRET', ...program]);
    expect(without).toMatchObject({ code: 2, stdout: '' });
    expect(without.stderr).toContain('Not set: AZURE_CLIENT_SECRET.');
  });

  it(
    'prints steps and a table without colours when nobody watches, and leaves everything for trying on with --keep',
    { timeout: 240_000 },
    async () => {
      const article = startKustody(['article', '--keep']);
      onTestFinished(() => void article.process.kill());
      let text = '';
      article.process.stdout?.on('data', (part: Buffer) => (text += part.toString()));
      await article.printed('Ctrl+C ends it');
      expect(text).toContain('The article works from end to end');
      expect(text).toContain('8 of 8 documented errors');
      // eslint-disable-next-line no-control-regex -- colours are what it looks for
      expect(text).not.toMatch(/\u001b\[/);
      expect(text).not.toContain('Delete the resource group');

      const lines = text.slice(text.indexOf('Everything is still there')).split('\n');
      const commands = lines.filter((line) => line.startsWith('  '));
      expect(commands).toHaveLength(6);
      using directory = temporaryDirectory();
      writeLauncher(join(directory.path, 'kustody'));
      const PATH = `${directory.path}:${process.env['PATH'] ?? ''}`;
      // What depends on the key is told by exit code 3, so the commands are not joined with &&.
      const shell = spawnSync('bash', ['-c', `set -u\n${commands.join('\n')}`], { env: { ...process.env, PATH } });
      const shown = shell.stdout.toString();
      expect(shown).toMatch(/pump-1 .*-one/);
      expect(shown).toContain('3 rows');
      expect(shown).toMatch(/Cluster adx[0-9a-f]{8} \(Running\): customer-managed/);
      expect(shown).toContain('All 10 checks are well.');
      expect(shell.status).toBe(0);

      const dataDirectory = /--data '([^']+)'/.exec(text)?.[1] ?? '';
      expect(existsSync(dataDirectory)).toBe(true);
      article.process.kill('SIGINT');
      expect(await article.result).toMatchObject({ code: 0 });
      expect(existsSync(dataDirectory)).toBe(false);
    },
  );
});
