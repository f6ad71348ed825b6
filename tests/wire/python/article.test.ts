import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { python, pythonHas } from '../../support/python.ts';
import { kustody } from '../../support/kustody-command.ts';

describe.skipIf(
  !pythonHas('adal', 'azure.mgmt.kusto', 'azure.mgmt.keyvault', 'azure.mgmt.resource', 'azure.keyvault.keys'),
)('the article with Python clients', () => {
  it('configures, rotates and sees the documented errors', async () => {
    const client = join(import.meta.dirname, 'article.client.py');
    const { code, stdout, stderr } = await kustody(['run', '--', python, client]);
    expect(stderr).not.toContain('Traceback');
    expect(code).toBe(0);
    const vault = 'https://python-vault.vault.azure.net/';
    expect(JSON.parse(stdout)).toEqual({
      default: null,
      noIdentity: {
        status: 400,
        code: 'KeyVaultPropertiesOnlyForSystemAssignedResources',
        message: 'KeyVaultProperties can be provided only for resources with SystemAssigned Identity.',
      },
      noAccess: {
        status: 400,
        code: 'IdentityDoesNotHaveAccessToKeyVault',
        message: `Cluster identity does not have access to KeyVault '${vault}'`,
      },
      noKey: {
        status: 400,
        code: 'KeyNotFound',
        message: `Key 'no-such-key' was not found in KeyVault '${vault}'`,
      },
      configured: ['Succeeded', true],
      rotated: ['Succeeded', true],
    });
  });
});
