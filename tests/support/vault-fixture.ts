import { createDefaultHttpClient, RestError } from '@azure/core-rest-pipeline';
import type { HttpClient } from '@azure/core-rest-pipeline';
import type { AccessToken, TokenCredential } from '@azure/core-auth';
import { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import { CertificateClient } from '@azure/keyvault-certificates';
import { SecretClient } from '@azure/keyvault-secrets';
import type { KeyVaultKey } from '@azure/keyvault-keys';
import { randomBytes } from 'node:crypto';
import { Agent, createServer, request as httpsRequest } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:tls';
import { AuditLog } from '../../src/audit/audit-log.ts';
import type { Caller, TokenVerdict, VerifyToken } from '../../src/authz/caller.ts';
import type { Guid } from '../../src/base/guid.ts';
import { newGuid } from '../../src/base/new-guid.ts';
import type { HostName } from '../../src/base/names.ts';
import { parseHostName, parseRegion, parseVaultName } from '../../src/base/names.ts';
import { invariant } from '../../src/base/invariant.ts';
import { systemRandomBytes } from '../../src/base/random.ts';
import { VirtualClock } from '../../src/clock/virtual-clock.ts';
import { createAuthorityMaterial, openAuthority } from '../../src/http/certificate-authority.ts';
import { silentLog } from '../../src/http/logging.ts';
import { MemoryStateStore } from '../../src/state/memory/memory-state-store.ts';
import { RootKey } from '../../src/state/root-key.ts';
import { SealedState } from '../../src/state/sealed/sealed-state.ts';
import type { StateStore } from '../../src/state/state-store.ts';
import type { State } from '../../src/state/state.ts';
import type { VaultPlane, VaultPlaneOptions } from '../../src/vault/plane/plane.ts';
import { createVaultPlane } from '../../src/vault/plane/plane.ts';
import type { RsaBits, RsaKeyPair, RsaKeyPool } from '../../src/vault/rsa/rsa-keys.ts';
import { generateRsaKey } from '../../src/vault/rsa/rsa-keys.ts';
import { RsaThreads } from '../../src/vault/rsa/rsa-threads.ts';
import type { VaultSettings } from '../../src/vault/vault-directory.ts';
import { builtScripts } from './built.ts';

export const startOfTest = Date.parse('2031-03-04T05:06:07Z');

/** The error that an SDK call ends with. */
export async function failure(call: Promise<unknown>): Promise<RestError> {
  try {
    await call;
  } catch (error) {
    if (error instanceof RestError) return error;
    throw error;
  }
  throw new Error('the call was expected to fail');
}

export interface RawReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly json: unknown;
}

export interface RawRequest {
  readonly vault?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: the token of `caller`. */
  readonly token?: string | null;
}

/** A vault plane behind a TLS listener of its own, with sealed state in memory, a clock that stands still and tokens of our own
 * making. Clients verify the certificate and the challenge, and reach it under the real host names. */
export interface VaultFixture {
  readonly caller: Caller;
  readonly tenantId: Guid;
  readonly vaults: Map<string, VaultSettings>;
  readonly state: State;
  readonly clock: VirtualClock;
  readonly plane: VaultPlane;
  readonly listener: Listener;
  readonly httpClient: HttpClient;
  /** What went over the wire through `httpClient`: `POST /keys/k/create 401`. */
  readonly wire: string[];
  addVault(name: string, changes?: Partial<VaultSettings>): VaultSettings;
  credential(who?: Caller): TokenCredential;
  keyClient(vault: string, who?: Caller): KeyClient;
  certificateClient(vault: string, who?: Caller): CertificateClient;
  secretClient(vault: string, who?: Caller): SecretClient;
  cryptographyClient(key: KeyVaultKey | string, who?: Caller): CryptographyClient;
  raw(method: string, path: string, request?: RawRequest): Promise<RawReply>;
  close(): Promise<void>;
}

const shared = ['get', 'list', 'delete', 'recover', 'purge', 'backup', 'restore'];
const allKeyPermissions = [
  ...['get', 'list', 'create', 'update', 'delete', 'recover', 'purge', 'import', 'backup', 'restore'],
  ...['encrypt', 'decrypt', 'wrapKey', 'unwrapKey', 'sign', 'verify', 'rotate', 'release'],
  ...['getrotationpolicy', 'setrotationpolicy'],
];

const certificatePermissions = [
  ...[...shared, 'create', 'import', 'update', 'managecontacts'],
  ...['getissuers', 'listissuers', 'setissuers', 'deleteissuers'],
];
const allPermissions = { keys: allKeyPermissions, secrets: [...shared, 'set'], certificates: certificatePermissions };

const madeKeys = new Map<string, Promise<RsaKeyPair>>();
let taken = 0;

/** Hands out the same two keys of a size in turns: generating takes too long to do it in each test. */
const sharedKeyPool: RsaKeyPool = {
  take: (bits: RsaBits) => {
    taken += 1;
    const which = `${bits} ${taken % 2}`;
    const made = madeKeys.get(which) ?? generateRsaKey(bits);
    madeKeys.set(which, made);
    return made;
  },
  fill: () => Promise.resolve(),
  close: () => undefined,
};

export async function startVaultFixture(
  options: Partial<VaultPlaneOptions> & {
    readonly store?: StateStore;
    readonly watched?: (state: State) => State;
  } = {},
): Promise<VaultFixture> {
  const tenantId = newGuid(systemRandomBytes);
  const caller = newCaller(tenantId);
  const vaults = new Map<string, VaultSettings>();
  const clock = new VirtualClock({
    settings: { offset: 0, frozenAt: startOfTest },
    onError: (error) => {
      throw error;
    },
  });
  const rootKey = new RootKey(randomBytes(32));
  const { watched = (unwatched: State) => unwatched } = options;
  const sealed = { store: options.store ?? new MemoryStateStore(), rootKey, randomBytes: systemRandomBytes };
  const state = watched(await SealedState.open(sealed));
  const plane = createVaultPlane({
    directory: { find: (name) => Promise.resolve(vaults.get(name)) },
    state,
    clock,
    randomBytes: systemRandomBytes,
    verifyToken: verifyTestToken,
    allowedByRole: () => Promise.resolve({ allowed: false }),
    log: silentLog,
    keyPool: sharedKeyPool,
    rsaThreads: new RsaThreads(builtScripts.rsaThread),
    audit: new AuditLog(state, clock),
    ...options,
  });
  const listener = await listen(plane);
  const agent = pinnedAgent(listener);
  const wire: string[] = [];
  const httpClient = pinnedHttpClient(agent, wire);
  const clientOptions = { httpClient, retryOptions: { maxRetries: 0 } };
  const credential = (who: Caller = caller): TokenCredential => ({
    getToken: (scopes, request) => Promise.resolve(testToken(who, scopes, request?.tenantId)),
  });
  return {
    caller,
    tenantId,
    vaults,
    state,
    clock,
    plane,
    listener,
    httpClient,
    wire,
    addVault: (name, changes = {}) => {
      const settings = { ...newVault(name, caller), ...changes };
      vaults.set(settings.name, settings);
      return settings;
    },
    credential,
    keyClient: (vault, who) => new KeyClient(`https://${vault}.vault.azure.net`, credential(who), clientOptions),
    certificateClient: (vault, who) =>
      new CertificateClient(`https://${vault}.vault.azure.net`, credential(who), clientOptions),
    secretClient: (vault, who) => new SecretClient(`https://${vault}.vault.azure.net`, credential(who), clientOptions),
    cryptographyClient: (key, who) => new CryptographyClient(key, credential(who), clientOptions),
    raw: (method, path, request = {}) => sendRaw(agent, method, path, tokenFor(request, caller), request),
    close: async () => {
      await plane.close();
      clock.close();
      agent.destroy();
      listener.server.closeAllConnections();
      await new Promise((resolve) => listener.server.close(resolve));
    },
  };
}

export function newCaller(tenantId: Guid): Caller {
  return {
    objectId: newGuid(systemRandomBytes),
    appId: newGuid(systemRandomBytes),
    tenantId,
    issuer: `https://sts.windows.net/${tenantId}/`,
    groupIds: [],
    displayName: 'test application',
  };
}

function newVault(text: string, owner: Caller): VaultSettings {
  const name = parseVaultName(text);
  const region = parseRegion('westus2');
  invariant(name !== undefined && region !== undefined, 'the test names a vault');
  return {
    vaultId: newGuid(systemRandomBytes),
    name,
    uri: `https://${name}.vault.azure.net/`,
    region,
    tenantId: owner.tenantId,
    resourceId: `/subscriptions/${newGuid(systemRandomBytes)}/resourceGroups/Group/providers/Microsoft.KeyVault/vaults/${text}`,
    sku: 'standard',
    accessPolicies: [{ tenantId: owner.tenantId, objectId: owner.objectId, permissions: allPermissions }],
    enableRbacAuthorization: false,
    softDelete: true,
    retentionDays: 90,
    purgeProtection: false,
    networkAcls: { defaultAction: 'Allow', bypass: 'AzureServices', ipRules: [] },
    publicNetworkAccess: 'Enabled',
  };
}

/** A token of the tests: the claims themselves. */
interface TestClaims {
  readonly audience: string;
  readonly caller: Caller;
  readonly expired?: boolean;
}

export const encodeToken = (claims: TestClaims): string => Buffer.from(JSON.stringify(claims)).toString('base64url');

const verifyTestToken: VerifyToken = (authorization, audiences) => Promise.resolve(judge(authorization, audiences));

function judge(authorization: string | undefined, audiences: readonly string[]): TokenVerdict {
  if (authorization === undefined) return { outcome: 'missing' };
  let claims: TestClaims;
  try {
    claims = JSON.parse(Buffer.from(authorization.replace('Bearer ', ''), 'base64url').toString()) as TestClaims;
  } catch {
    return { outcome: 'malformed' };
  }
  if (claims.expired) return { outcome: 'expired' };
  if (!audiences.includes(claims.audience)) return { outcome: 'wrongAudience', found: claims.audience };
  return { outcome: 'valid', caller: claims.caller };
}

/** As a credential of Entra ID would: for the scope and the tenant that the SDK read from the challenge. */
function testToken(caller: Caller, scopes: string | string[], tenantId: string | undefined): AccessToken {
  invariant(tenantId === caller.tenantId, 'the SDK asks for the tenant of the challenge');
  const [scope = ''] = [scopes].flat();
  const token = encodeToken({ audience: scope.replace('/.default', ''), caller });
  return { token, expiresOnTimestamp: Date.now() + 3_600_000 };
}

function tokenFor(request: RawRequest, caller: Caller): string | undefined {
  if (request.token === null) return undefined;
  return request.token ?? encodeToken({ audience: 'https://vault.azure.net', caller });
}

export interface Listener {
  readonly server: Server;
  readonly port: number;
  readonly ca: string;
}

async function listen({ plane }: VaultPlane): Promise<Listener> {
  const options = { wallClock: () => Date.now() };
  const authority = await openAuthority(await createAuthorityMaterial(options), options);
  const server = createServer(
    {
      SNICallback: (name, done) => {
        authority.contextFor(hostName(name)).then(
          (context) => done(null, context),
          (error: unknown) => done(error instanceof Error ? error : new Error('no certificate')),
        );
      },
    },
    plane.handle,
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return { server, port, ca: authority.certificatePem };
}

function hostName(text: string): HostName {
  const name = parseHostName(text);
  invariant(name !== undefined, 'a server name is a host name');
  return name;
}

/** Connects to our listener whatever the name says, and checks the certificate against that name. */
export function pinnedAgent({ port, ca }: Pick<Listener, 'port' | 'ca'>): Agent {
  const agent = new Agent({ keepAlive: true, ca });
  agent.createConnection = (options) =>
    connect({ ca, host: '127.0.0.1', port, servername: 'servername' in options ? String(options.servername) : '' });
  return agent;
}

function pinnedHttpClient(agent: Agent, wire: string[]): HttpClient {
  const below = createDefaultHttpClient();
  return {
    sendRequest: async (request) => {
      request.agent = agent;
      const response = await below.sendRequest(request);
      const { pathname } = new URL(request.url);
      wire.push(`${request.method} ${pathname} ${response.status}`);
      return response;
    },
  };
}

export function sendRaw(
  agent: Agent,
  method: string,
  path: string,
  token: string | undefined,
  { vault = 'testvault', headers = {}, body }: RawRequest,
): Promise<RawReply> {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        agent,
        method,
        path,
        host: `${vault}.vault.azure.net`,
        headers: {
          ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          ...(payload === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(payload)) }),
          ...headers,
        },
      },
      (response) => {
        const pieces: Buffer[] = [];
        response.on('data', (piece: Buffer) => pieces.push(piece));
        response.on('error', reject);
        response.on('end', () => {
          const text = Buffer.concat(pieces).toString('utf8');
          const json: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
          resolve({ status: response.statusCode ?? 0, headers: flat(response.headers), body: text, json });
        });
      },
    );
    request.on('error', reject);
    request.end(payload);
  });
}

function flat(headers: NodeJS.Dict<string | string[]>): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(', ') : value]),
  );
}
