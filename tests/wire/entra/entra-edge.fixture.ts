import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { instant } from '../../../src/clock/clock.ts';
import { createAuthorityMaterial, openAuthority } from '../../../src/http/certificate-authority.ts';
import { createEdge } from '../../../src/http/edge.ts';
import { silentLog } from '../../../src/http/logging.ts';
import type { ReadJson } from '../../../src/http/outward-json.ts';
import type { Log } from '../../../src/http/logging.ts';
import { createEntraPlane } from '../../../src/identity/entra/plane.ts';
import { createGraphPlane } from '../../../src/identity/graph/plane.ts';
import { startIdentity } from '../../../src/identity/identity.fixture.ts';
import { waitMs } from '../../support/hang.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

/** Entra ID and Graph behind the real edge: TLS under its real names, and the forward proxy. */
export async function startEntra(log: Log = silentLog, readJson?: ReadJson) {
  const now = instant(Date.now());
  const identity = await startIdentity({ now, ...(readJson === undefined ? {} : { readJson }) });
  const wallClock = (): number => identity.wall.now;
  const authority = await openAuthority(await createAuthorityMaterial({ wallClock }), { wallClock });
  const plane = createEntraPlane({
    ...identity.grantOptions,
    randomBytes: identity.randomBytes,
    log,
  });
  const graph = createGraphPlane({ ...identity, log });
  const loopback = { host: '127.0.0.1', port: 0 };
  const edge = createEdge({
    planes: [plane, graph],
    allowedHosts: [],
    authority,
    listen: loopback,
    proxy: loopback,
    log: silentLog,
  });
  const { port, proxyPort } = await edge.listen();
  const directory = await mkdtemp(join(tmpdir(), 'kustody-entra-'));
  const caFile = join(directory, 'ca.pem');
  await writeFile(caFile, authority.certificatePem);
  const variables = {
    HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`,
    NODE_EXTRA_CA_CERTS: caFile,
    REQUESTS_CA_BUNDLE: caFile,
    EDGE_PORT: String(port),
  };

  return {
    ...identity,
    /** One request under a real host name, straight to the listener. */
    ask: (path: string, options: AskOptions = {}): Promise<Answer> =>
      ask(port, authority.certificatePem, path, options),
    /** Runs a script of this folder as its own process, with the variables that point clients at the proxy and nothing else
     * (`EDGE_PORT` is for MSAL for JavaScript, which has no proxy setting).
     * @returns what it prints, as JSON */
    runClient: (program: string, [script = '', ...args]: readonly string[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        const env = { ...pythonPath(), PATH: process.env['PATH'], ...variables };
        const file = join(import.meta.dirname, script);
        execFile(program, [file, ...args], { env, timeout: waitMs }, (error, stdout) => {
          if (error) reject(new Error(`${script} failed`, { cause: error }));
          else resolve(JSON.parse(stdout));
        });
      }),
    async close() {
      await edge.close();
      await rm(directory, { recursive: true });
    },
  };
}

function pythonPath(): NodeJS.ProcessEnv {
  const path = process.env['PYTHONPATH'];
  return path === undefined ? {} : { PYTHONPATH: path };
}

export interface AskOptions {
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  /** A form, or any text under the given content type. */
  readonly form?: Record<string, string>;
  readonly text?: string;
}

function ask(port: number, ca: string, path: string, options: AskOptions): Promise<Answer> {
  const host = options.host ?? 'login.microsoftonline.com';
  const body = options.form === undefined ? options.text : new URLSearchParams(options.form).toString();
  const headers = {
    host,
    ...(options.form === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
    ...options.headers,
  };
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        servername: host,
        ca,
        path,
        method: options.method ?? (body === undefined ? 'GET' : 'POST'),
        headers,
        agent: false,
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
        response.on('end', () => {
          const isJson = /json/.test(response.headers['content-type'] ?? '');
          const json: unknown = isJson && text !== '' ? JSON.parse(text) : {};
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: json as Record<string, unknown>,
            text,
          });
        });
      },
    );
    sent.on('error', reject).end(body);
  });
}
