import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/cli/client-environment.ts';
import { clientEnvironment } from '../../../src/cli/client-environment.ts';
import { systemBundlePaths, trustFiles } from '../../../src/cli/trust-files.ts';
import type { EdgeFixture } from './edge-fixture.ts';
import { startEdge } from './edge-fixture.ts';

let edge: EdgeFixture;
let directory: string;
let environment: Environment;
beforeAll(async () => {
  edge = await startEdge();
  directory = mkdtempSync(join(tmpdir(), 'kustody clients ')); // with blanks: paths must survive quoting
  const systemBundle = systemBundlePaths.find((path) => existsSync(path));
  const files = trustFiles({
    rootPem: edge.rootPem,
    ...(systemBundle === undefined ? {} : { systemBundlePem: readFileSync(systemBundle, 'utf8') }),
    javaTrustStorePassword: 'changeit',
    wallClockMs: Date.now(),
  });
  const file = (name: string, content: string | Buffer): string => {
    writeFileSync(join(directory, name), content);
    return join(directory, name);
  };
  environment = clientEnvironment({
    proxyUrl: `http://127.0.0.1:${edge.proxyPort}`,
    controlUrl: `https://localhost:${edge.port}`,
    controlToken: 'unused',
    localhostUri: 'https://localhost:8444',
    dataDirectory: directory,
    tenantId: 'unused',
    subscriptionId: 'unused',
    clientId: 'unused',
    clientSecret: 'unused',
    trust: {
      extraRootsFile: file('extra.pem', files.extraRootsPem),
      bundleFile: file('bundle.pem', files.bundlePem),
      javaTrustStoreFile: file('trust.jks', files.javaTrustStore),
      javaTrustStorePassword: 'changeit',
    },
    azureConfigDirectory: directory,
    existing: {},
  });
});
afterAll(async () => {
  await edge.close();
  rmSync(directory, { recursive: true });
});

/** Runs a client that was told nothing but the environment. */
async function run(command: string, args: string[], env: Environment = environment) {
  const child = spawn(command, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (piece: Buffer) => out.push(piece));
  child.stderr.on('data', (piece: Buffer) => err.push(piece));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() };
}

const missing = (command: string, ...args: string[]): boolean => spawnSync(command, args).status !== 0;

const urls = [
  'https://management.azure.com/x',
  'https://v1.vault.azure.net/x',
  'https://c1.eastus.kusto.windows.net/x',
  'http://169.254.169.254/x',
];
const planes = ['arm', 'vault', 'kusto', 'imds'];

describe('unmodified clients, verification on', () => {
  it('the pipeline of the Azure SDKs for JavaScript', async () => {
    const program = `
      const { createDefaultHttpClient, createPipelineFromOptions, createPipelineRequest } = await import('@azure/core-rest-pipeline');
      const pipeline = createPipelineFromOptions({ retryOptions: { maxRetries: 0 } });
      for (const url of process.argv.slice(1)) {
        const request = createPipelineRequest({ url, allowInsecureConnection: true });
        console.log(JSON.parse((await pipeline.sendRequest(createDefaultHttpClient(), request)).bodyAsText).plane);
      }`;
    const ran = await run(process.execPath, ['--input-type=module', '-e', program, ...urls]);
    expect(ran).toMatchObject({ code: 0, out: `${planes.join('\n')}\n` });
  });

  it("Node's own client, on localhost", async () => {
    const program = `fetch(process.argv[1]).then((r) => r.text()).then(console.log)`;
    const ran = await run(process.execPath, ['-e', program, `https://localhost:${edge.port}/healthz`]);
    expect(ran).toMatchObject({ code: 0, out: '{"status":"ok"}\n' });
  });

  it.skipIf(!process.allowedNodeEnvironmentFlags.has('--use-env-proxy'))("Node's own fetch, by proxy", async () => {
    const program = `fetch(process.argv[1]).then((r) => r.json()).then((answer) => console.log(answer.plane))`;
    const ran = await run(process.execPath, ['-e', program, 'https://v1.vault.azure.net/x']);
    expect(ran).toMatchObject({ code: 0, out: 'vault\n' });
  });

  it.skipIf(missing('python3', '-c', 'import requests'))("Python's requests, by one session", async () => {
    const program = `
import requests, sys
session = requests.Session()
for url in sys.argv[1:]:
    print(session.get(url).json()['plane'])
print(session.get('https://localhost:${edge.port}/healthz').json()['status'])`;
    const ran = await run('python3', ['-c', program, ...urls]);
    expect(ran).toMatchObject({ code: 0, out: `${planes.join('\n')}\nok\n` });
  });

  it.skipIf(missing('python3', '-c', 'import ssl'))("Python's strict checks of RFC 5280", async () => {
    const program = `
import socket, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[1])
context.verify_flags |= ssl.VERIFY_X509_STRICT | getattr(ssl, 'VERIFY_X509_PARTIAL_CHAIN', 0)
for name in ['management.azure.com', 'v1.vault.azure.net', 'c1.eastus.kusto.windows.net', 'localhost', '127.0.0.1']:
    with socket.create_connection(('127.0.0.1', ${edge.port})) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
        print(tls.version())`;
    const ran = await run('python3', ['-c', program, join(directory, 'extra.pem')]);
    expect(ran).toMatchObject({ code: 0, out: 'TLSv1.3\n'.repeat(5) });
  });

  it.skipIf(missing('curl', '--version'))('curl', async () => {
    const ran = await run('curl', ['-sS', ...urls, `https://localhost:${edge.port}/healthz`]);
    expect(ran).toMatchObject({ code: 0, err: '' });
    expect(ran.out.match(/"plane":"\w+"/g)).toEqual(planes.map((plane) => `"plane":"${plane}"`));
  });

  it.skipIf(missing('java', '-version'))("Java's two HTTP clients", async () => {
    writeFileSync(
      join(directory, 'Ask.java'),
      `import java.net.*; import java.net.http.*;
       class Ask { public static void main(String[] urls) throws Exception { for (String url : urls) {
         System.out.println(HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create(url)).build(), HttpResponse.BodyHandlers.ofString()).body());
         System.out.println(new String(new URL(url).openStream().readAllBytes()));
       } } }`,
    );
    const ran = await run('java', [
      join(directory, 'Ask.java'),
      ...urls.slice(0, 3),
      `https://localhost:${edge.port}/healthz`,
    ]);
    expect(ran.err).toContain('Picked up JAVA_TOOL_OPTIONS');
    expect(ran.code).toBe(0);
    expect(ran.out.match(/"plane":"\w+"/g)).toEqual(
      planes.slice(0, 3).flatMap((plane) => [`"plane":"${plane}"`, `"plane":"${plane}"`]),
    );
    expect(ran.out.match(/"status":"ok"/g)).toHaveLength(2);
  });

  it.skipIf(missing('curl', '--version'))('a client without our root refuses us, and the log says so', async () => {
    const { CURL_CA_BUNDLE, SSL_CERT_FILE, ...without } = environment;
    expect([CURL_CA_BUNDLE, SSL_CERT_FILE]).not.toContain(undefined);
    const ran = await run('curl', ['-sS', 'https://v1.vault.azure.net/'], without);
    expect(ran.code).toBe(60);
    expect(await edge.untilLogged('client does not trust our root certificate')).toMatchObject({
      host: 'v1.vault.azure.net',
    });
  });
});
