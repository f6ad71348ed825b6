import { EventEmitter, once } from 'node:events';
import { request as httpRequest } from 'node:http';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Socket } from 'node:net';
import { connect as tlsConnect } from 'node:tls';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { parseAllowedHost } from '../../../src/http/allowed-hosts.ts';
import { createAuthorityMaterial, openAuthority } from '../../../src/http/certificate-authority.ts';
import type { CertificateAuthority } from '../../../src/http/certificate-authority.ts';
import { createControlApp } from '../../../src/http/control-app.ts';
import type { EdgeLimits } from '../../../src/http/edge-limits.ts';
import { createEdge } from '../../../src/http/edge.ts';
import type { EdgeOptions } from '../../../src/http/edge.ts';
import { createLog } from '../../../src/http/logging.ts';
import type { Log } from '../../../src/http/logging.ts';
import { createPlaneApp } from '../../../src/http/plane-app.ts';
import { clientAddressOf } from '../../../src/http/client-address.ts';
import type { HostClaim, Plane } from '../../../src/http/plane.ts';

const clock = { wallClock: () => Date.now() };
let made: Promise<CertificateAuthority> | undefined;
/** One authority for all tests of a file: making a root takes a tenth of a second. */
export const testAuthority = (): Promise<CertificateAuthority> =>
  (made ??= createAuthorityMaterial(clock).then((material) => openAuthority(material, clock)));

export interface EdgeFixture {
  readonly port: number;
  readonly proxyPort: number;
  readonly nodePort?: number;
  readonly rootPem: string;
  readonly lines: string[];
  /** Vaults that exist; the plane claims all of `*.vault.azure.net`. */
  readonly vaults: Set<string>;
  /** Emits `request` with the plane's name and `answer`, which a test calls to let `/hold` go on. */
  readonly events: EventEmitter;
  untilLogged(message: string): Promise<Record<string, unknown>>;
  close(): Promise<void>;
  openConnections(): { sockets: number; tunnels: number };
}

/** An edge with planes that tell what they were asked. */
export async function startEdge(
  options: {
    limits?: Partial<EdgeLimits>;
    allow?: string[];
    addresses?: Readonly<Record<string, string>>;
    nodes?: EdgeOptions['nodes'];
  } = {},
): Promise<EdgeFixture> {
  const { addresses } = options;
  const lines: string[] = [];
  const events = new EventEmitter();
  const write = (line: string): void => {
    lines.push(line);
    events.emit('line');
  };
  const log = createLog({ level: 'debug', destination: { write }, ...clock });
  const vaults = new Set(['v1']);
  const claimVault = (host: string): HostClaim => {
    const label = /^([^.]+)\.vault\.azure\.net$/.exec(host)?.[1];
    if (label === undefined) return undefined;
    return vaults.has(label) ? 'serve' : 'absent';
  };
  const authority = await testAuthority();
  const edge = createEdge({
    planes: [
      samplePlane('arm', (host) => (host === 'management.azure.com' ? 'serve' : undefined), log, events),
      samplePlane('vault', claimVault, log, events),
      samplePlane('kusto', (host) => (host.endsWith('.eastus.kusto.windows.net') ? 'serve' : undefined), log, events),
      {
        ...samplePlane('imds', (host) => (host === '169.254.169.254' ? 'serve' : undefined), log, events),
        plainHttp: true,
      },
      createControlApp({
        name: 'control',
        log,
        authenticate: () => Promise.reject(new Error('strangers are not let in')),
        renderError: () => ({ status: 401, body: { control: 'stranger' } }),
        renderFailure: (failure) => ({ status: failure.status, body: { control: failure.kind } }),
      }).toPlane((host) => (host === 'localhost' ? 'serve' : undefined)),
    ],
    allowedHosts: (options.allow ?? []).flatMap((host) => parseAllowedHost(host) ?? []),
    ...(addresses === undefined ? {} : { resolveHost: resolving(addresses) }),
    ...(options.nodes === undefined ? {} : { nodes: options.nodes }),
    authority,
    listen: { host: '127.0.0.1', port: 0 },
    proxy: { host: '127.0.0.1', port: 0 },
    log,
    limits: { checkIntervalMs: 20, ...options.limits },
  });
  const ports = await edge.listen();
  const untilLogged = async (message: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(({ msg }) => msg === message);
      if (found) return found;
      await once(events, 'line');
    }
  };
  return {
    ...ports,
    rootPem: authority.certificatePem,
    lines,
    vaults,
    events,
    untilLogged,
    close: () => edge.close(),
    openConnections: () => edge.openConnections(),
  };
}

/** Names without the network. */
const resolving =
  (addresses: Readonly<Record<string, string>>): NonNullable<EdgeOptions['resolveHost']> =>
  (host) => {
    const address = addresses[host];
    if (address === undefined) return Promise.reject(new Error('no such host'));
    return Promise.resolve([{ address, family: address.includes(':') ? 6 : 4 }]);
  };

function samplePlane(name: string, claim: Plane['claim'], log: Log, events: EventEmitter): Plane {
  const { app, toPlane } = createPlaneApp({
    name,
    log,
    bodies: 'bytes',
    bodyBytesMax: 4 * 1024 * 1024,
    renderError: () => undefined,
    renderFailure: (failure) => ({ status: failure.status, body: { plane: name, kind: failure.kind } }),
  });
  app.all('/hold', async (request) => {
    const released = once(events, 'answer');
    events.emit('request', name);
    await released;
    return { plane: name, url: request.url };
  });
  app.all('/*', (request) => ({
    plane: name,
    url: request.url,
    wildcard: (request.params as Record<string, string>)['*'],
    host: request.headers.host,
    client: clientAddressOf(request.raw.socket),
    proxyHeaders: Object.keys(request.headers).filter((header) => header.startsWith('proxy-')),
    length: Buffer.isBuffer(request.body) ? request.body.length : 0,
  }));
  return toPlane(claim);
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Record<string, unknown>;
}

export async function readAnswer(response: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  for await (const piece of response) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString();
  const isJson = (response.headers['content-type'] ?? '').includes('json');
  const json = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.statusCode ?? 0, headers: response.headers, text, json };
}

/** Sends CONNECT and gives the socket when the proxy says 200. */
export async function openTunnel(
  edge: EdgeFixture,
  target: string,
): Promise<{ status: number; socket: Socket; text: string }> {
  const request = httpRequest({
    port: edge.proxyPort,
    host: '127.0.0.1',
    method: 'CONNECT',
    path: target,
    agent: false,
  });
  request.end();
  const [response, socket, head] = (await once(request, 'connect')) as [IncomingMessage, Socket, Buffer];
  const status = response.statusCode ?? 0;
  if (status === 200) {
    if (head.length > 0) socket.unshift(head);
    return { status, socket, text: '' };
  }
  const pieces: Buffer[] = [head];
  for await (const piece of socket) pieces.push(piece as Buffer);
  return { status, socket, text: Buffer.concat(pieces).toString() };
}

/** TLS with our root as the only trusted one, verification on. */
export async function startTls(edge: EdgeFixture, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = tlsConnect({ ca: edge.rootPem, host: '127.0.0.1', port: edge.port, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

export interface Ask {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
  /** Default: as the connection was made for. */
  readonly servername?: string;
}

/** A request as JavaScript clients make it: CONNECT, TLS with verification, HTTP. */
export async function askThroughTunnel(edge: EdgeFixture, host: string, ask: Ask = {}): Promise<Answer> {
  const { status, socket, text } = await openTunnel(edge, `${host}:443`);
  if (status !== 200) return { status, headers: {}, text, json: {} };
  const tls = await startTls(edge, { socket, servername: ask.servername ?? host });
  return askOver(tls, host, ask);
}

/** One request on a connection that is there already. */
export async function askOver(socket: Socket, host: string, ask: Ask = {}): Promise<Answer> {
  const request = httpRequest({
    createConnection: () => socket,
    path: ask.path ?? '/',
    method: ask.method ?? 'GET',
    headers: { host, ...ask.headers },
  });
  request.end(ask.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readAnswer(response);
}

/** A direct request to the TLS port, as with a hosts file or localhost. */
export async function askDirectly(edge: EdgeFixture, host: string, ask: Ask = {}): Promise<Answer> {
  const request = httpsRequest({
    host: '127.0.0.1',
    port: edge.port,
    ca: edge.rootPem,
    servername: ask.servername ?? host,
    path: ask.path ?? '/',
    method: ask.method ?? 'GET',
    headers: { host, ...ask.headers },
    agent: false,
  });
  request.end(ask.body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return readAnswer(response);
}

/** Sends raw bytes and collects what comes back until the other side closes. */
export async function exchange(socket: Socket, ...pieces: readonly string[]): Promise<string> {
  const answer: Buffer[] = [];
  socket.on('data', (piece: Buffer) => answer.push(piece));
  socket.on('error', () => undefined); // a reset is an end too
  for (const piece of pieces) socket.write(piece);
  if (!socket.closed) await once(socket, 'close'); // a limit of a few milliseconds may be over before anybody listens
  return Buffer.concat(answer).toString();
}
