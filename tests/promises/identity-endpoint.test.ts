import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { javaHasClients, javaProgram } from '../support/java.ts';
import { kustody } from '../support/kustody-command.ts';
import { python, pythonHas } from '../support/python.ts';

const root = join(import.meta.dirname, '..', '..');
const az = join(root, '.cache', 'azure-cli', 'bin', 'az');
if (!existsSync(az)) console.warn('Skipped: no Azure CLI (scripts/python-clients.sh azure-cli installs it).');

const clients = {
  node: [process.execPath, join(import.meta.dirname, 'identity-endpoint.client.mjs')],
  ...(pythonHas('azure.identity', 'azure.keyvault.keys')
    ? { python: [python, join(import.meta.dirname, 'identity-endpoint.client.py')] }
    : {}),
  ...(javaHasClients() ? { java: javaProgram('Identities') } : {}),
  ...(existsSync(az)
    ? {
        login: [az, 'login', '--identity', '--client-id', '"$AZURE_CLIENT_ID"', '--allow-no-subscriptions'],
        az: [az, 'keyvault', 'key', 'show', '--id', '"$KUSTODY_KEY_ID"', '--query', 'key.kid', '-o', 'tsv'],
      }
    : {}),
};
const textLike = (pattern: RegExp): unknown => expect.stringMatching(pattern);
const quoted = (word: string): string => (word.startsWith('"') ? word : `'${word}'`);

it('programs act as the managed identity that they are given, and do no more', async () => {
  const script = Object.entries(clients).map(
    ([name, words]) => `echo '== ${name}'\n${words.map(quoted).join(' ')} 2>&1`,
  );
  const run = ['run', '--seed', join(root, 'examples', 'seed'), '--identity', 'telemetry-identity'];
  const systemAssigned = `echo '== system'; kustody env --data "$KUSTODY_DATA_DIR" --identity telemetry --format json`;
  const nobody = `echo '== nobody'; kustody env --data "$KUSTODY_DATA_DIR" --identity nobody 2>&1 || true`;
  const { stdout, code } = await kustody([...run, '--', 'sh', '-c', [...script, systemAssigned, nobody].join('\n')]);
  const said = Object.fromEntries(
    stdout.split('== ').map((part) => [part.split('\n', 1)[0] ?? '', part.slice(part.indexOf('\n') + 1).trim()]),
  );
  expect([code, Object.keys(said).slice(1)]).toEqual([0, [...Object.keys(clients), 'system', 'nobody']]);

  const refused = (status: number, message: string) => ({ status, statusCode: status, message });
  const given = { status: 200, token_type: 'Bearer', resource: 'https://vault.azure.net' };
  expect(JSON.parse(said['node'] ?? '')).toMatchObject({
    hasSecret: false,
    isIdentity: 'telemetry-identity',
    key: 'telemetry-key',
    create: textLike(/^403 Caller is not authorized/),
    unnamed: textLike(/Unable to load the proper Managed Identity\./),
    wrongHeader: refused(401, 'The header with the secret of the endpoint is missing or wrong.'),
    another: refused(
      400,
      'No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.',
    ),
    noResource: refused(400, 'The parameter resource is missing.'),
    stranger: refused(400, 'The resource principal named https://stranger.example was not found in the tenant.'),
    before: { ...given, expires_on: textLike(/^\d\d\/\d\d\/\d{4} \d\d:\d\d:\d\d \+00:00$/) },
    named: { ...given, expires_on: textLike(/^\d{10}$/) },
  });
  if ('python' in clients) expect(said['python']).toBe('telemetry-key');
  if ('java' in clients)
    expect(JSON.parse(said['java']?.split('\n').at(-1) ?? '')).toMatchObject({
      default: 'telemetry-identity',
      managed: 'telemetry-identity',
    });
  if ('az' in clients) expect(said['az']).toMatch(/^https:\/\/contoso-keys\.vault\.azure\.net\/keys\/telemetry-key\//);
  // Its own identity needs no name.
  expect(JSON.parse(said['system'] ?? '')).toMatchObject({
    IDENTITY_ENDPOINT: textLike(/^http:\/\/127\.0\.0\.1:\d+\/msi\/token$/),
    AZURE_CLIENT_ID: null,
    AZURE_CLIENT_SECRET: null,
  });
  expect(said['nobody']).toContain("There is no managed identity 'nobody'.");
});
