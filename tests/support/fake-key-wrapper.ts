import { randomBytes } from 'node:crypto';
import type { KeyDescription, KeyFailure, KeyWrapper } from '../../src/encryption/key-wrapper.ts';
import { parseVersionedKeyId } from '../../src/base/key-id.ts';

/** A KeyWrapper without a vault: wraps by remembering. Every operation can be made to fail. */
export class FakeKeyWrapper implements KeyWrapper {
  readonly calls: string[] = [];
  readonly fail: { describe?: KeyFailure; wrap?: KeyFailure; unwrap?: KeyFailure } = {};
  key: KeyDescription = described();
  /** Changes what an unwrap gives. */
  tamper: (plaintext: Uint8Array) => Uint8Array = (plaintext) => plaintext;
  readonly #wraps = new Map<string, { readonly version: string; readonly plaintext: Buffer }>();

  describe: KeyWrapper['describe'] = (_identity, key) => {
    this.calls.push(`get ${key.version ?? ''}`);
    return Promise.resolve(this.fail.describe ?? { outcome: 'described', key: this.key });
  };

  wrap: KeyWrapper['wrap'] = (_identity, kid, plaintext) => {
    this.calls.push(`wrapKey ${kid.version}`);
    if (this.fail.wrap !== undefined) return Promise.resolve(this.fail.wrap);
    const wrapped = randomBytes(256);
    this.#wraps.set(wrapped.toString('hex'), { version: kid.version, plaintext: Buffer.from(plaintext) });
    return Promise.resolve({ outcome: 'wrapped', wrapped });
  };

  unwrap: KeyWrapper['unwrap'] = (_identity, kid, wrapped) => {
    this.calls.push(`unwrapKey ${kid.version}`);
    if (this.fail.unwrap !== undefined) return Promise.resolve(this.fail.unwrap);
    const found = this.#wraps.get(Buffer.from(wrapped).toString('hex'));
    if (found?.version !== kid.version) {
      return Promise.resolve({ outcome: 'failed', kind: 'integrity', cause: 'badRequest', status: 400, message: 'no' });
    }
    return Promise.resolve({ outcome: 'unwrapped', plaintext: this.tamper(Buffer.from(found.plaintext)) });
  };
}

export function described(more: Partial<KeyDescription> = {}): KeyDescription {
  const kid = parseVersionedKeyId(`https://contoso.vault.azure.net/keys/k/${'a'.repeat(32)}`);
  if (kid === undefined) throw new Error('no kid');
  return {
    kid,
    keyType: 'RSA',
    bits: 2048,
    enabled: true,
    keyOperations: ['wrapKey', 'unwrapKey'],
    recoveryLevel: 'Recoverable',
    region: 'eastus',
    ...more,
  };
}
