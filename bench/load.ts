import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Load {
  readonly method: 'GET' | 'POST';
  /** `host.name/path?query` of the service that is asked. */
  readonly address: string;
  readonly token?: string;
  readonly body?: string;
  readonly contentType?: string;
}

/** What wrk, in a process of its own, gets out of a server in a second. Answers but those of 2xx are an error, and so is none at all. */
export async function perSecond(port: number, load: Load, time: number, connections = 64): Promise<number> {
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
    const rate = Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]);
    if (!(rate > 0)) throw new Error(`${load.method} ${load.address}: no answer within ${time} s.`);
    return rate;
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
export async function startBare(): Promise<{ readonly port: number; readonly stop: () => void }> {
  const made = spawnSync('openssl', [
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', '-', '-days', '1', '-subj', '/CN=localhost'],
  ]);
  const pem = made.stdout.toString();
  const child = spawn(process.execPath, ['-e', bareServer], {
    env: { ...process.env, CERTIFICATE: pem, KEY: pem },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(child.stdout, 'data')) as [Buffer];
  return { port: Number(port.toString()), stop: () => void child.kill() };
}

/** RSA operations with private keys of 2,048 bits that all processors do in a second. */
export function rsaPerSecond(): number {
  const { stdout } = spawnSync('openssl', [
    'speed',
    '-seconds',
    '1',
    '-multi',
    String(availableParallelism()),
    'rsa2048',
  ]);
  return Number(/^rsa 2048 bits\s+\S+\s+\S+\s+([\d.]+)/m.exec(stdout.toString())?.[1]);
}
