import { describe, expect, it } from 'vitest';
import { javaHasClients, javaProgram } from '../../support/java.ts';
import { kustody } from '../../support/kustody-command.ts';

describe.skipIf(!javaHasClients())('the article with the clients for Java', () => {
  it('signs in, configures, ingests, rotates, loses the key and gets it back', { timeout: 300_000 }, async () => {
    const { code, stdout, stderr } = await kustody(['run', '--', ...javaProgram('Article')]);
    expect(stderr).not.toContain('Exception');
    expect(code).toBe(0);
    expect(
      stdout
        .replaceAll(/[0-9a-f]{32}/g, 'VERSION')
        .trim()
        .split('\n'),
    ).toEqual([
      'soft delete and purge protection: true true',
      'secret: kept',
      'secret by DefaultAzureCredential: kept',
      'bytes wrapped and unwrapped: 256 32',
      'cluster: Succeeded',
      'key without an identity: 400 KeyVaultPropertiesOnlyForSystemAssignedResources',
      'key without permission: 400 IdentityDoesNotHaveAccessToKeyVault',
      'key: Succeeded VERSION',
      'queued from a stream: Succeeded',
      'queued from a stream: Skipped',
      'rows from a stream: 1',
      'queued from a file: Succeeded',
      'by no mapping: Failed BadRequest_MappingReferenceWasNotFound',
      'by a mapping of its own: Succeeded',
      'rows from files: 2',
      'queued from a blob: Succeeded',
      'rows from a blob: 1',
      'rows as soon as they are streamed: 1',
      'streamed: Succeeded',
      'what is too large is queued: Succeeded',
      'rows of it: 9000',
      'rows: 3',
      'rotated key: Succeeded VERSION',
      'rows after the rotation: 3',
      'rows without the key: refused',
      'rows with the key again: 3',
    ]);
  });
});
