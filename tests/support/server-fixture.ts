import { readFileSync, rmSync } from 'node:fs';
import type { Agent } from 'node:https';
import { request as httpsRequest } from 'node:https';
import { defaultKeySettings, anyLoopbackPort } from '../../src/server/settings.ts';
import type { ServerSettings } from '../../src/server/settings.ts';
import { startServer } from '../../src/server/start-server.ts';
import { builtScripts } from './built.ts';
import { quickDirectory } from './quick-directory.ts';
import { quickRsaKeys } from './quick-rsa-keys.ts';

export interface HostRequest {
  readonly host: string;
  readonly method: string;
  readonly path: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: where all planes are. */
  readonly port?: number;
  /** Default: a connection of its own. */
  readonly agent?: Agent;
}

export interface HostAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  readonly body: unknown;
}

/** A whole Kustody in a temporary directory, spoken to by raw HTTPS under the real host names, certificates verified. */
export async function startServerFixture(overrides: Partial<ServerSettings> = {}) {
  const directory = overrides.dataDirectory ?? quickDirectory('kustody-test-');
  const server = await startServer({
    dataDirectory: directory,
    listen: anyLoopbackPort,
    proxy: anyLoopbackPort,
    kusto: anyLoopbackPort,
    allowRemote: false,
    allowedHosts: [],
    virtualTime: true,
    keys: defaultKeySettings,
    stopGraceMs: 0,
    log: { level: 'silent', destination: process.stderr },
    scripts: builtScripts,
    rsaKeys: quickRsaKeys,
    ...overrides,
  });
  const environment = await server.environment();
  const ca = readFileSync(server.caFile, 'utf8');

  const send = (request: HostRequest): Promise<HostAnswer> => sendTo(request.port ?? server.port, ca, request);
  const tokenFor = async (resource: string): Promise<string> => {
    const form = new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: environment.clientId,
      client_secret: environment.clientSecret,
      scope: `${resource}/.default`,
    });
    const answer = await send({
      host: 'login.microsoftonline.com',
      method: 'POST',
      path: `/${environment.tenantId}/oauth2/v2.0/token`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    return (answer.body as { access_token: string }).access_token;
  };
  return {
    directory,
    server,
    environment,
    send,
    tokenFor,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      if (overrides.dataDirectory === undefined) rmSync(directory, { recursive: true, force: true });
    },
  };
}

function sendTo(
  port: number,
  ca: string,
  { host, method, path, token, headers, body, agent }: HostRequest,
): Promise<HostAnswer> {
  const payload = payloadOf(body);
  return new Promise((resolveAnswer, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        servername: host,
        ca,
        agent: agent ?? false,
        method,
        path,
        headers: {
          host,
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': payload.byteLength }),
          ...headers,
        },
      },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8');
          resolveAnswer({ status: response.statusCode ?? 0, headers: response.headers, text, body: parse(text) });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function payloadOf(body: unknown): Buffer | undefined {
  if (body === undefined) return undefined;
  if (body instanceof Uint8Array) return Buffer.from(body);
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
