import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { openArcKeyFile } from '../../src/cli/arc-key-file.ts';
import { javaHasClients, javaProgram } from '../support/java.ts';
import type { CommandResult } from '../support/kustody-command.ts';
import { kustody, launching } from '../support/kustody-command.ts';
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
/** Java's is asked nothing here of what only root can give. */
const rootedClients = Object.fromEntries(Object.entries(clients).filter(([name]) => name !== 'java'));
const federatedLogin = `'${az}' login --service-principal --username "$AZURE_CLIENT_ID" --tenant "$AZURE_TENANT_ID" --allow-no-subscriptions --federated-token "$(cat "$AZURE_FEDERATED_TOKEN_FILE")" --query '[].user.name' -o tsv`;

/** What clients say of themselves in each form, as docs/clients.md has it. */
async function saidIn(
  form: string,
  more: Readonly<Record<string, string>> = {},
  inside?: (command: readonly string[]) => Promise<Ended>,
): Promise<Record<string, string>> {
  const asked = inside === undefined ? clients : rootedClients;
  const script = Object.entries({ ...asked, ...more }).map(([name, line]) => `echo '== ${name}'\n${line} 2>&1`);
  const identity = ['--identity', 'telemetry-identity', '--identity-endpoint', form];
  const run = ['run', '--seed', join(root, 'examples', 'seed'), ...identity];
  const { stdout, stderr, code } = await (inside ?? kustody)([...run, '--', 'sh', '-c', script.join('\n')]);
  expect(code, stderr).toBe(0);
  const parts = stdout.split('== ').slice(1);
  return Object.fromEntries(
    parts.map((part) => [part.split('\n', 1)[0] ?? '', part.slice(part.indexOf('\n') + 1).trim()]),
  );
}

type Ended = Pick<CommandResult, 'code' | 'stdout' | 'stderr'>;

/** Where root lets it: namespaces in which the machine has the address of metadata, and an empty /var/opt. What is left there afterwards is
 * told last. @returns undefined where it does not */
function isolation(): ((command: readonly string[]) => Promise<Ended>) | undefined {
  const prepare = `mount -t tmpfs none /var/opt && ip link set lo up && ip addr add 169.254.169.254/32 dev lo`;
  const unshared = (script: string, ...args: readonly string[]) =>
    spawn('unshare', ['-m', '-n', 'sh', '-c', `${prepare} && ${script}`, 'sh', ...args]);
  if (spawnSync('unshare', ['-m', '-n', 'sh', '-c', prepare]).status !== 0) {
    console.warn(
      'Skipped: no namespaces can be made here, which Azure Arc and 169.254.169.254 need (root, unshare, ip).',
    );
    return undefined;
  }
  return async (command) => {
    const child = unshared(
      `"$@"; code=$?; echo '== after'; ls /var/opt; exit $code`,
      process.execPath,
      ...launching,
      ...command,
    );
    const read = async (stream: Readable) => (await stream.setEncoding('utf8').toArray()).join('');
    const [stdout, stderr, [code]] = await Promise.all([
      ...[read(child.stdout), read(child.stderr)],
      once(child, 'exit') as Promise<[number | null]>,
    ] as const);
    return { stdout, stderr, code };
  };
}

describe('a program is given a managed identity as its host in Azure would give it', () => {
  const given = 'telemetry-identity';

  it('in AKS: by a token file that only it can read', async () => {
    const said = await saidIn('aks', {
      file: 'stat -c %a "$AZURE_FEDERATED_TOKEN_FILE"; echo "$AZURE_AUTHORITY_HOST $AZURE_CLIENT_SECRET"',
      ...(existsSync(az) ? { az: federatedLogin } : {}),
    });
    for (const name of Object.keys(clients))
      expect(JSON.parse(said[name] ?? '')).toMatchObject({ default: given, workload: given });
    expect(said['file']).toBe('600\nhttps://login.microsoftonline.com/');
    if ('az' in said) expect(said['az']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('on a virtual machine: by the address of its metadata service', async () => {
    const said = await saidIn('vm');
    for (const name of Object.keys(clients))
      expect(JSON.parse(said[name] ?? '')).toMatchObject({ default: given, managed: given });
  });

  const isolated = isolation();

  it.skipIf(isolated === undefined)(
    'by Azure Arc: by a key in the directory where clients look, which goes with the command',
    { timeout: 240_000 },
    async () => {
      const keys = 'ls /var/opt/azcmagent/tokens | wc -l; stat -c %a /var/opt/azcmagent/tokens/*.key';
      const said = await saidIn('arc', { keys }, isolated);
      for (const name of Object.keys(rootedClients))
        expect(JSON.parse(said[name] ?? ''), name).toMatchObject({ default: given, managed: given });
      expect(said['keys']).toBe('1\n600');
      expect(said['after']).toBe('');
    },
  );

  it.skipIf(isolated === undefined)(
    'by nothing but the address of a virtual machine, where the machine has it',
    { timeout: 240_000 },
    async () => {
      const said = await saidIn('imds', {}, isolated);
      for (const name of Object.keys(rootedClients))
        expect(JSON.parse(said[name] ?? ''), name).toMatchObject({ default: given, managed: given });
    },
  );

  it(
    'but not at that address, nor in that directory, where the machine does not let it',
    { timeout: 240_000 },
    async () => {
      const run = ['run', '--seed', join(root, 'examples', 'seed'), '--identity', given, '--identity-endpoint'];
      const address = await kustody([...run, 'imds', '--', 'true']);
      expect(address.code).toBe(1);
      expect(address.stderr).toContain('at 169.254.169.254, port 80: this machine does not have the address.');
      await expect(openArcKeyFile('/proc/azcmagent/tokens/x.key', 'secret')).rejects.toThrow(
        'Clients read the key of Azure Arc in /proc/azcmagent/tokens alone, and no file can be made there',
      );
    },
  );

  it('but not by a file to a shell that nobody renews it for', async () => {
    const { code, stderr } = await kustody(['env', '--identity', given, '--identity-endpoint', 'aks']);
    expect(code).not.toBe(0);
    expect(stderr).toContain("argument 'aks' is invalid. Allowed choices are app-service, vm.");
  });
});
