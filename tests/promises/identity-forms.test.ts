import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { javaHasClients, javaProgram } from '../support/java.ts';
import { kustody } from '../support/kustody-command.ts';
import { python, pythonHas } from '../support/python.ts';

const root = join(import.meta.dirname, '..', '..');
const az = join(root, '.cache', 'azure-cli', 'bin', 'az');
if (!existsSync(az)) console.warn('Skipped: no Azure CLI (scripts/python-clients.sh azure-cli installs it).');

const clients: Readonly<Record<string, string>> = {
  node: `'${process.execPath}' '${join(import.meta.dirname, 'identity-forms.client.mjs')}'`,
  ...(pythonHas('azure.identity')
    ? { python: `'${python}' '${join(import.meta.dirname, 'identity-forms.client.py')}'` }
    : {}),
  ...(javaHasClients()
    ? {
        java: `${javaProgram('Identities')
          .map((word) => `'${word}'`)
          .join(' ')} 2>&1 | tail -n 1`,
      }
    : {}),
};
const federatedLogin = `'${az}' login --service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" --allow-no-subscriptions --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")" --query '[].user.name' -o tsv`;

/** What clients say of themselves in each form, as docs/clients.md has it. */
async function saidIn(form: string, more: Readonly<Record<string, string>> = {}): Promise<Record<string, string>> {
  const script = Object.entries({ ...clients, ...more }).map(([name, line]) => `echo '== ${name}'\n${line} 2>&1`);
  const identity = ['--identity', 'telemetry-identity', '--identity-endpoint', form];
  const run = ['run', '--seed', join(root, 'examples', 'seed'), ...identity];
  const { stdout, stderr, code } = await kustody([...run, '--', 'sh', '-c', script.join('\n')]);
  expect(code, stderr).toBe(0);
  const parts = stdout.split('== ').slice(1);
  return Object.fromEntries(
    parts.map((part) => [part.split('\n', 1)[0] ?? '', part.slice(part.indexOf('\n') + 1).trim()]),
  );
}

describe('a program is given a managed identity as its host in Azure would give it', () => {
  const given = 'telemetry-identity';

  it('in AKS: by a token file that only it can read', { timeout: 240_000 }, async () => {
    const said = await saidIn('aks', {
      file: 'stat -c %a "$AZURE_FEDERATED_TOKEN_FILE"; echo "$AZURE_AUTHORITY_HOST $AZURE_CLIENT_SECRET"',
      ...(existsSync(az) ? { az: federatedLogin } : {}),
    });
    for (const name of Object.keys(clients))
      expect(JSON.parse(said[name] ?? '')).toMatchObject({ default: given, workload: given });
    expect(said['file']).toBe('600\nhttps://login.microsoftonline.com/');
    if ('az' in said) expect(said['az']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('on a virtual machine: by the address of its metadata service', { timeout: 240_000 }, async () => {
    const said = await saidIn('vm');
    for (const name of Object.keys(clients))
      expect(JSON.parse(said[name] ?? '')).toMatchObject({ default: given, managed: given });
  });

  it('but not by a file to a shell that nobody renews it for', { timeout: 60_000 }, async () => {
    const { code, stderr } = await kustody(['env', '--identity', given, '--identity-endpoint', 'aks']);
    expect(code).not.toBe(0);
    expect(stderr).toContain("argument 'aks' is invalid. Allowed choices are app-service, vm.");
  });
});
