import { execFile, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ClientSecretCredential } from '@azure/identity';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import type { Kustody } from '../src/testing/public.ts';
import { startKustody } from '../src/testing/testing.ts';
import type { BenchRow } from './row.ts';

const apiVersion = '7.4';
const connections = 64;
const seconds = 5;
const armScope = 'https://management.azure.com/.default';
const vaultScope = 'https://vault.azure.net/.default';

interface Load {
  readonly method: 'GET' | 'POST';
  /** `host.name/path?query` of the service that is asked. */
  readonly address: string;
  readonly token?: string;
  readonly body?: string;
  readonly contentType?: string;
}

/** What wrk, in a process of its own, gets out of a server in a second. Answers but those of 2xx are an error. */
async function perSecond(port: number, load: Load, time = seconds): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'kustody-bench-'));
  try {
    const slash = load.address.indexOf('/');
    const [host, path] = [load.address.slice(0, slash), load.address.slice(slash)];
    const script = join(directory, 'load.lua');
    // The token stays out of the list of processes.
    const lines = [
      `wrk.method = ${JSON.stringify(load.method)}`,
      // The name is the one of the service, at an address of this machine.
      `wrk.resolve = function() wrk.addrs = wrk.lookup("127.0.0.1", "${port}") end`,
      `wrk.headers["Host"] = ${JSON.stringify(host)}`,
      ...(load.token === undefined ? [] : [`wrk.headers["Authorization"] = ${JSON.stringify(`Bearer ${load.token}`)}`]),
      ...(load.body === undefined ? [] : [`wrk.body = ${JSON.stringify(load.body)}`]),
      `wrk.headers["Content-Type"] = ${JSON.stringify(load.contentType ?? 'application/json')}`,
    ];
    writeFileSync(script, lines.join('\n'), { mode: 0o600 });
    const { stdout } = await promisify(execFile)('wrk', [
      ...['-t', '1', '-c', String(connections), '-d', `${time}s`, '-s', script],
      `https://${host}:${port}${path}`,
    ]).catch((error: unknown) => {
      throw new Error('The load is made by wrk: install it (Debian: apt-get install wrk).', { cause: error });
    });
    const wrong = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)?.[1];
    if (wrong !== undefined) throw new Error(`${load.method} ${load.address}: ${wrong} answers are no success.`);
    return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const bareServer = `
const [certificate, key] = [process.env.CERTIFICATE, process.env.KEY];
const body = 'x'.repeat(700);
require('node:https')
  .createServer({ cert: certificate, key }, (request, response) => {
    request.resume();
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body);
  })
  .listen(0, '127.0.0.1', function () { process.stdout.write(String(this.address().port)); });`;

/** An HTTPS server of Node.js that does nothing: what the machine gives at most. */
async function barePerSecond(): Promise<number> {
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '-', '-days', '1', '-subj', '/CN=localhost'],
  ]);
  const pem = made.stdout.toString();
  const child = spawn(process.execPath, ['-e', bareServer], {
    env: { ...process.env, CERTIFICATE: pem, KEY: pem },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    return await perSecond(Number(port.toString()), { method: 'GET', address: 'localhost/' });
  } finally {
    child.kill();
  }
}

/** RSA operations with private keys of 2,048 bits that all processors do in a second. */
function rsaPerSecond(): number {
  const { stdout } = spawnSync('openssl', ['speed', '-seconds', '3', '-multi', '2', 'rsa2048']);
  return Number(/^rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)/m.exec(stdout.toString())?.[1]);
}

interface Scene {
  readonly k: Kustody;
  readonly port: number;
  readonly vault: string;
  readonly key: string;
  readonly token: (scope: string) => Promise<string>;
}

async function withScene(work: (scene: Scene) => Promise<number>): Promise<number> {
  await using k = await startKustody({ cluster: true });
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  return await work({
    k,
    port: Number(new URL(k.endpoints.control).port),
    vault: new URL(k.cluster?.vaultUri ?? '').hostname,
    key: k.cluster?.keyName ?? '',
    token: async (scope) => (await credential.getToken(scope)).token,
  });
}

async function unwrapLoad({ k, vault, key, token }: Scene): Promise<Load> {
  const credential = new ClientSecretCredential(k.tenantId, k.clientId, k.clientSecret, k.azureOptions);
  const current = await new KeyClient(k.cluster?.vaultUri ?? '', credential, k.azureOptions).getKey(key);
  const client = new CryptographyClient(current.id ?? '', credential, k.azureOptions);
  const { result } = await client.wrapKey('RSA-OAEP-256', randomBytes(32));
  return {
    method: 'POST',
    address: `${vault}/keys/${key}/${current.properties.version ?? ''}/unwrapkey?api-version=${apiVersion}`,
    token: await token(vaultScope),
    body: JSON.stringify({ alg: 'RSA-OAEP-256', value: Buffer.from(result).toString('base64url') }),
  };
}

const againstBare = (
  id: string,
  what: string,
  [floor, aim]: readonly [number, number],
  load: (scene: Scene) => Promise<Load>,
): BenchRow => ({
  id,
  ratio: `${what} a second over those of an HTTPS server that does nothing`,
  rule: 'atLeast',
  floor,
  aim,
  run: async () => {
    const bare = await barePerSecond();
    const ours = await withScene(async (scene) => {
      const asked = await load(scene);
      await perSecond(scene.port, asked, 2);
      return perSecond(scene.port, asked);
    });
    return { ratio: ours / bare, detail: `${Math.round(ours)}/s, bare ${Math.round(bare)}/s` };
  },
});

export const vaultRows: readonly BenchRow[] = [
  {
    id: 'vault-unwrap',
    ratio: 'unwrapKey a second over the RSA operations of both processors (openssl speed)',
    rule: 'atLeast',
    floor: 0.45,
    aim: 0.65,
    run: async () => {
      const bare = rsaPerSecond();
      const ours = await withScene(async (scene) => {
        const asked = await unwrapLoad(scene);
        await perSecond(scene.port, asked, 2);
        return perSecond(scene.port, asked);
      });
      return { ratio: ours / bare, detail: `${Math.round(ours)}/s, openssl ${Math.round(bare)}/s` };
    },
  },
  againstBare('vault-get-key', 'GET key', [0.25, 0.5], async ({ vault, key, token }) => ({
    method: 'GET',
    address: `${vault}/keys/${key}?api-version=${apiVersion}`,
    token: await token(vaultScope),
  })),
  againstBare('arm-get', 'GET of the clusters of a subscription', [0.1, 0.3], async ({ k, token }) => ({
    method: 'GET',
    address: `management.azure.com/subscriptions/${k.subscriptionId}/providers/Microsoft.Kusto/clusters?api-version=2024-04-13`,
    token: await token(armScope),
  })),
];
