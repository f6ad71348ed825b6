import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kustody } from '../support/kustody-command.ts';

interface Report {
  readonly ok: boolean;
  readonly steps: readonly { readonly title: string; readonly result?: string; readonly failure?: string }[];
  readonly errors: readonly { readonly code: string; readonly foundCode: string; readonly foundMessage: string }[];
}

describe('kustody article', () => {
  it(
    'performs the article from end to end through the official SDKs and says so to machines',
    { timeout: 120_000 },
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

  it('prints steps and a table without colours when nobody watches', { timeout: 120_000 }, async () => {
    const { code, stdout } = await kustody(['article']);
    expect(code).toBe(0);
    expect(stdout).toContain('The article works from end to end');
    expect(stdout).toContain('8 of 8 documented errors');
    // eslint-disable-next-line no-control-regex -- colours are what it looks for
    expect(stdout).not.toMatch(/\u001b\[/);
  });
});
