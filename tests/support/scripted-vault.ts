import type { KeyObject } from 'node:crypto';
import { constants, privateDecrypt, publicEncrypt, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyName, KeyVersion } from '../../src/base/names.ts';
import { parseHostName, parseKeyName, parseKeyVersion } from '../../src/base/names.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { createAuthorityMaterial, openAuthority } from '../../src/http/certificate-authority.ts';
import { quickRsaPair } from './quick-rsa-pairs.cjs';

export type VaultPermission = 'get' | 'wrapKey' | 'unwrapKey';

export interface ScriptedKeyVersion {
  readonly version: KeyVersion;
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject };
  kty: string;
  enabled: boolean;
  nbf?: number;
  exp?: number;
}

export interface ScriptedVault {
  region: string;
  recoveryLevel: string;
  /** identity → permissions */
  readonly access: Map<string, Set<VaultPermission>>;
  /** key name → versions, the latest last; removed: deleted */
  readonly keys: Map<string, ScriptedKeyVersion[]>;
}

export interface VaultCallRecord {
  readonly host: string;
  readonly operation: VaultPermission;
  readonly identity: string;
  readonly name: string;
  readonly version: string;
  readonly status: number;
}

export interface ScriptedAnswer {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  /** Answers never. */
  readonly hang?: boolean;
  /** Breaks the connection. */
  readonly drop?: boolean;
}

const allPermissions: readonly VaultPermission[] = ['get', 'wrapKey', 'unwrapKey'];

/** An https listener that speaks as much Key Vault as clusters need, with every outcome under the test's hand. Written from
 * the REST reference, apart from Kustody's own vault: it is the other side's view of the wire. */
export class ScriptedVaults {
  readonly vaults = new Map<string, ScriptedVault>();
  readonly calls: VaultCallRecord[] = [];
  /** What was unwrapped, for searches in memory. */
  readonly plaintexts: Buffer[] = [];
  /** Instead of the answer; asked for each authenticated request. */
  intercept: (call: { host: string; operation: VaultPermission; token: string }) => ScriptedAnswer | undefined = () =>
    undefined;
  /** Called before a request is answered: lets something happen between two calls. */
  before: (call: { host: string; operation: VaultPermission }) => Promise<void> | void = () => undefined;
  resource = 'https://vault.azure.net';

  private constructor(
    readonly edge: { readonly address: string; readonly port: number; readonly ca: string },
    readonly close: () => Promise<void>,
  ) {}

  static async listen(): Promise<ScriptedVaults> {
    const wallClock = () => Date.now();
    const material = await createAuthorityMaterial({ wallClock });
    const authority = await openAuthority(material, { wallClock });
    const leaf = await authority.leafFor(hostName('any.vault.azure.net'));
    const server = createServer({ cert: leaf.chainPem, key: leaf.privateKeyPem }, (request, response) => {
      void vaults.answer(request, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const vaults = new ScriptedVaults({ address: '127.0.0.1', port, ca: authority.certificatePem }, async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    });
    return vaults;
  }

  addVault(host: string, identities: readonly string[] = [], more: Partial<ScriptedVault> = {}): ScriptedVault {
    const vault: ScriptedVault = {
      region: 'eastus',
      recoveryLevel: 'Recoverable',
      access: new Map(identities.map((identity) => [identity, new Set(allPermissions)])),
      keys: new Map(),
      ...more,
    };
    this.vaults.set(host, vault);
    return vault;
  }

  addKey(host: string, name: string, more: Partial<ScriptedKeyVersion> = {}): VersionedKeyId {
    const vault = this.vault(host);
    const version = parseKeyVersion(randomBytes(16).toString('hex'));
    if (version === undefined) throw new Error('no version');
    const made: ScriptedKeyVersion = { version, keys: nextKeyPair(), kty: 'RSA', enabled: true, ...more };
    vault.keys.set(name, [...(vault.keys.get(name) ?? []), made]);
    return { vaultHost: hostName(host), name: keyName(name), version };
  }

  keyVersion(kid: VersionedKeyId): ScriptedKeyVersion {
    const found = this.vault(kid.vaultHost)
      .keys.get(kid.name)
      ?.find(({ version }) => version === kid.version);
    if (found === undefined) throw new Error('no such key version');
    return found;
  }

  vault(host: string): ScriptedVault {
    const vault = this.vaults.get(host);
    if (vault === undefined) throw new Error(`no vault ${host}`);
    return vault;
  }

  count(operation: VaultPermission): number {
    return this.calls.filter((call) => call.operation === operation).length;
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const host = request.headers.host ?? '';
    const vault = this.vaults.get(host);
    const header = request.headers.authorization;
    const region = vault === undefined ? {} : { 'x-ms-keyvault-region': vault.region };
    const send = (status: number, value: unknown, headers: Record<string, string> = {}): void => {
      response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...region, ...headers });
      response.end(typeof value === 'string' ? value : JSON.stringify(value));
    };
    if (header === undefined) {
      const challenge = `Bearer authorization="https://login.windows.net/11111111-1111-4111-8111-111111111111", resource="${this.resource}"`;
      const error = { code: 'Unauthorized', message: 'AKV10000: Request is missing a Bearer or PoP token.' };
      send(401, { error }, { 'www-authenticate': challenge });
      return;
    }
    const [, , name = '', version = '', verb = ''] = (request.url ?? '').split('?')[0]?.split('/') ?? [];
    const operation: VaultPermission = verb === 'wrapkey' ? 'wrapKey' : verb === 'unwrapkey' ? 'unwrapKey' : 'get';
    const token = header.replace(/^Bearer /, '');
    await this.before({ host, operation });
    const scripted = this.intercept({ host, operation, token });
    const identity = /^test-token\.([0-9a-f-]+)\./.exec(token)?.[1] ?? '';
    const record = (status: number): void => {
      this.calls.push({ host, operation, identity, name, version, status });
    };
    if (scripted !== undefined) {
      record(scripted.hang === true || scripted.drop === true ? 0 : scripted.status);
      if (scripted.hang === true) return;
      if (scripted.drop === true) {
        request.socket.destroy();
        return;
      }
      send(scripted.status, scripted.body ?? '', scripted.headers);
      return;
    }
    const { status, answer } = this.perform({ vault, host, identity, operation, name, version, body });
    record(status);
    send(status, answer);
  }

  private perform(call: {
    vault: ScriptedVault | undefined;
    host: string;
    identity: string;
    operation: VaultPermission;
    name: string;
    version: string;
    body: string;
  }): { status: number; answer: unknown } {
    const { vault, host, identity, operation, name, version, body } = call;
    if (vault?.access.get(identity)?.has(operation) !== true) {
      return refused(403, 'Forbidden', `does not have keys ${operation} permission on key vault`, 'ForbiddenByPolicy');
    }
    const versions = vault.keys.get(name);
    const found = version === '' ? versions?.at(-1) : versions?.find((one) => one.version === version);
    if (found === undefined)
      return refused(404, 'KeyNotFound', `A key with (name/id) ${name} was not found in this key vault.`);
    const kid = `https://${host}/keys/${name}/${found.version}`;
    if (operation === 'get') return { status: 200, answer: bundle(vault, kid, found) };
    if (!found.enabled) {
      return refused(403, 'Forbidden', `Operation ${operation} is not allowed on a disabled key.`, 'KeyDisabled');
    }
    const { value } = JSON.parse(body) as { value: string };
    const input = Buffer.from(value, 'base64url');
    const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
    try {
      const output =
        operation === 'wrapKey'
          ? publicEncrypt({ key: found.keys.publicKey, ...oaep }, input)
          : privateDecrypt({ key: found.keys.privateKey, ...oaep }, input);
      if (operation === 'unwrapKey') this.plaintexts.push(output);
      return { status: 200, answer: { kid, value: output.toString('base64url') } };
    } catch {
      return refused(400, 'BadParameter', 'The value cannot be unwrapped.');
    }
  }
}

function bundle(vault: ScriptedVault, kid: string, key: ScriptedKeyVersion): unknown {
  const { n, e } = key.keys.publicKey.export({ format: 'jwk' });
  const rsa = key.kty.startsWith('RSA') ? { n, e } : { crv: 'P-256', x: n?.slice(0, 43), y: n?.slice(0, 43) };
  return {
    key: { kid, kty: key.kty, key_ops: ['wrapKey', 'unwrapKey'], ...rsa },
    attributes: {
      enabled: key.enabled,
      ...(key.nbf === undefined ? {} : { nbf: key.nbf }),
      ...(key.exp === undefined ? {} : { exp: key.exp }),
      created: 1_600_000_000,
      updated: 1_600_000_000,
      recoveryLevel: vault.recoveryLevel,
    },
  };
}

function refused(status: number, code: string, message: string, inner?: string): { status: number; answer: unknown } {
  return {
    status,
    answer: { error: { code, message, ...(inner === undefined ? {} : { innererror: { code: inner } }) } },
  };
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** A dozen is enough for any test, as long as no two versions of one key share one. */
const pairs: ScriptedKeyVersion['keys'][] = [];
let taken = 0;
function nextKeyPair(): ScriptedKeyVersion['keys'] {
  const index = taken++ % 12;
  return (pairs[index] ??= quickRsaPair());
}

export function hostName(text: string): VersionedKeyId['vaultHost'] {
  const host = parseHostName(text);
  if (host === undefined) throw new Error('no host name');
  return host;
}

export function keyName(text: string): KeyName {
  const name = parseKeyName(text);
  if (name === undefined) throw new Error('no key name');
  return name;
}
