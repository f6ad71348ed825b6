import { constants, createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemRandomBytes } from '../../src/base/random.ts';
import type { VersionedKeyId } from '../../src/base/key-id.ts';
import { parseVersionedKeyId } from '../../src/base/key-id.ts';
import type { HostName } from '../../src/base/names.ts';
import { parseHostName } from '../../src/base/names.ts';
import type { Guid } from '../../src/base/guid.ts';
import type { ServiceVault } from '../../src/cluster/supervisor/ports.ts';
import type { KeyFailure, KeyFailureCause, KeyWrapper } from '../../src/encryption/key-wrapper.ts';

export const serviceHost = 'kustody-service.vault.azure.net';
export const customerHost = 'contoso.vault.azure.net';

interface StoredKey {
  readonly made: number;
  readonly enabled: boolean;
  readonly pem: string;
}

/** Vaults whose key versions are files, so that they outlive the process that uses them: real RSA, nothing else of a vault. */
export class FileVault implements KeyWrapper {
  readonly #directory: string;
  readonly #pairs: readonly string[];

  /** @param pairs private keys as PEM, taken in turns: versions that follow each other never share one */
  constructor(directory: string, pairs: readonly string[]) {
    this.#directory = directory;
    this.#pairs = pairs;
    for (const host of [serviceHost, customerHost, 'destroyed']) mkdirSync(join(directory, host), { recursive: true });
  }

  addVersion(host: string, name: string): VersionedKeyId {
    const version = Buffer.from(systemRandomBytes(16)).toString('hex');
    const kid = parseVersionedKeyId(`https://${host}/keys/${name}/${version}`);
    if (kid === undefined) throw new Error('a key has another name');
    const made = 1 + Math.max(0, ...this.kids().map((other) => this.#read(other)?.made ?? 0));
    this.#write(kid, { made, enabled: true, pem: this.#pairs[made % this.#pairs.length] ?? '' });
    return kid;
  }

  kids(): VersionedKeyId[] {
    return [serviceHost, customerHost].flatMap((host) =>
      readdirSync(join(this.#directory, host)).flatMap((file) => {
        const [name = '', version = ''] = file.split('.');
        return parseVersionedKeyId(`https://${host}/keys/${name}/${version}`) ?? [];
      }),
    );
  }

  isEnabled(kid: VersionedKeyId): boolean {
    return this.#read(kid)?.enabled === true;
  }

  setEnabled(kid: VersionedKeyId, enabled: boolean): void {
    const key = this.#read(kid);
    if (key !== undefined && key.enabled !== enabled) this.#write(kid, { ...key, enabled });
  }

  /** Every other version is disabled: what is left must do. */
  leaveOnly(...left: readonly VersionedKeyId[]): void {
    const versions = new Set(left.map(({ version }) => version));
    for (const kid of this.kids()) this.setEnabled(kid, versions.has(kid.version));
  }

  serviceVault(identity: Guid): ServiceVault {
    return {
      host: hostOf(serviceHost),
      identity,
      createKey: (name) => Promise.resolve({ outcome: 'created', kid: this.addVersion(serviceHost, name) }),
      destroyKey: (name) => {
        for (const kid of this.kids())
          if (kid.vaultHost === serviceHost && kid.name === name)
            renameSync(this.#path(kid), join(this.#directory, 'destroyed', kid.version));
        return Promise.resolve({ outcome: 'destroyed' });
      },
    };
  }

  describe: KeyWrapper['describe'] = (_identity, { vaultHost, name, version }) => {
    const versions = this.kids().filter((kid) => kid.vaultHost === vaultHost && kid.name === name);
    const madeOf = (kid: VersionedKeyId): number => this.#read(kid)?.made ?? 0;
    const latest = versions.reduce<VersionedKeyId | undefined>(
      (last, kid) => (last === undefined || madeOf(kid) > madeOf(last) ? kid : last),
      undefined,
    );
    const kid = version === undefined ? latest : versions.find((one) => one.version === version);
    const key = kid && this.#read(kid);
    if (kid === undefined || key === undefined) return Promise.resolve(refused('keyNotFound', 404));
    return Promise.resolve({
      outcome: 'described',
      key: {
        ...{ kid, keyType: 'RSA', bits: 2048, enabled: key.enabled, region: 'eastus' },
        ...{ keyOperations: ['wrapKey', 'unwrapKey'], recoveryLevel: 'Recoverable' },
      },
    });
  };

  wrap: KeyWrapper['wrap'] = (_identity, kid, plaintext) => {
    const key = this.#usable(kid);
    if ('outcome' in key) return Promise.resolve(key);
    return Promise.resolve({
      outcome: 'wrapped',
      wrapped: publicEncrypt({ key: createPublicKey(key.pem), ...oaep }, plaintext),
    });
  };

  unwrap: KeyWrapper['unwrap'] = (_identity, kid, wrapped) => {
    const key = this.#usable(kid);
    if ('outcome' in key) return Promise.resolve(key);
    try {
      const plaintext = privateDecrypt({ key: createPrivateKey(key.pem), ...oaep }, wrapped);
      return Promise.resolve({ outcome: 'unwrapped', plaintext });
    } catch {
      const failure = { kind: 'integrity', cause: 'badRequest', status: 400, message: 'It does not unwrap.' } as const;
      return Promise.resolve({ outcome: 'failed', ...failure });
    }
  };

  #usable(kid: VersionedKeyId): StoredKey | KeyFailure {
    const key = this.#read(kid);
    if (key === undefined) return refused('keyNotFound', 404);
    return key.enabled ? key : refused('keyDisabled', 403);
  }

  #read(kid: VersionedKeyId): StoredKey | undefined {
    const path = this.#path(kid);
    return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as StoredKey) : undefined;
  }

  #write(kid: VersionedKeyId, key: StoredKey): void {
    const path = this.#path(kid);
    const unfinished = join(this.#directory, 'unfinished');
    writeFileSync(unfinished, JSON.stringify(key));
    renameSync(unfinished, path);
  }

  #path({ vaultHost, name, version }: VersionedKeyId): string {
    return join(this.#directory, vaultHost, `${name}.${version}.json`);
  }
}

function hostOf(text: string): HostName {
  const host = parseHostName(text);
  if (host === undefined) throw new Error('this is a host name');
  return host;
}

const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };

const refused = (cause: KeyFailureCause, status: number): KeyFailure => ({
  outcome: 'failed',
  kind: 'refusal',
  cause,
  status,
  message: `The test's vault says ${cause}.`,
});
