import { toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import { requireVersion } from '../objects/find-requested.ts';
import { stillAsRead } from '../objects/object-store.ts';
import type { EncryptionAlgorithm } from '../rsa/rsa-algorithms.ts';
import { decryptFor, encryptFor, encryptionAlgorithms, plaintextBytesMax } from '../rsa/rsa-algorithms.ts';
import { vaultError } from '../vault-error.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { costOfUse } from './key-cost.ts';
import { parseKeyOpBody } from './key-op-body.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyVersionRecord, PublicKey } from './key-records.ts';
import { privateKeyOf, refuseOutsideDates, refuseUnusable } from './key-use.ts';

/** Wrapping is encrypting, for RSA: the two differ by permission and by `key_ops` only. */
export const cryptoOperations = [
  {
    id: 'WrapKey',
    method: 'POST',
    path: '/keys/{name}/{version}/wrapkey',
    latest: true,
    permission: 'wrapKey',
    dataAction: 'keys/wrap/action',
    orDataAction: 'keys/read',
    cost: costOfUse,
    handle: (services, request) => encryptWith(services, request, 'wrapKey'),
  },
  {
    id: 'UnwrapKey',
    method: 'POST',
    path: '/keys/{name}/{version}/unwrapkey',
    latest: true,
    permission: 'unwrapKey',
    dataAction: 'keys/unwrap/action',
    cost: costOfUse,
    handle: (services, request) => decryptWith(services, request, 'unwrapKey'),
  },
  {
    id: 'Encrypt',
    method: 'POST',
    path: '/keys/{name}/{version}/encrypt',
    latest: true,
    permission: 'encrypt',
    dataAction: 'keys/encrypt/action',
    orDataAction: 'keys/read',
    cost: costOfUse,
    handle: (services, request) => encryptWith(services, request, 'encrypt'),
  },
  {
    id: 'Decrypt',
    method: 'POST',
    path: '/keys/{name}/{version}/decrypt',
    latest: true,
    permission: 'decrypt',
    dataAction: 'keys/decrypt/action',
    cost: costOfUse,
    handle: (services, request) => decryptWith(services, request, 'decrypt'),
  },
] as const satisfies readonly VaultOperation[];

async function encryptWith(
  services: VaultServices,
  request: VaultRequest,
  use: 'wrapKey' | 'encrypt',
): Promise<VaultOutcome> {
  const found = await requireVersion(services, keyKind, request);
  const key = found.version.value;
  refuseUnusable(key, use);
  refuseOutsideDates(key, use, services.clock.now());
  const { alg, value } = parseKeyOpBody(request.body);
  try {
    const { algorithm, publicKey } = requireAlgorithm(alg, key);
    const bytesMax = plaintextBytesMax(algorithm, publicKey.bits);
    if (value.length > bytesMax) throw vaultError('valueTooLong', bytesMax);
    const kid = kidOf(request.vault, found);
    const ciphertext = encryptFor(publicKey, algorithm, value);
    return { status: 200, id: kid, body: { kid, value: toBase64Url(ciphertext) }, expect: stillAsRead(keyKind, found) };
  } finally {
    zeroBytes(value);
  }
}

/** An expired version still decrypts; a disabled one does not. */
function decryptWith(services: VaultServices, request: VaultRequest, use: 'unwrapKey' | 'decrypt'): Soon<VaultOutcome> {
  return soon(requireVersion(services, keyKind, request), (found) => {
    const key = found.version.value;
    refuseUnusable(key, use);
    const { alg, value } = parseKeyOpBody(request.body);
    const { algorithm } = requireAlgorithm(alg, key);
    return soon(privateKeyOf(services, found), (privateKey) => {
      const opened = privateKey.kty === 'RSA' ? decryptFor(privateKey, algorithm, value) : undefined;
      return soon(opened, (secret) => {
        if (secret === undefined) throw vaultError('cannotDecrypt');
        return { status: 200, id: kidOf(request.vault, found), secret, expect: stillAsRead(keyKind, found) };
      });
    });
  });
}

/** Keys of other types than RSA encrypt nothing. */
function requireAlgorithm(
  alg: string,
  key: KeyVersionRecord,
): { readonly algorithm: EncryptionAlgorithm; readonly publicKey: Extract<PublicKey, { kty: 'RSA' }> } {
  const algorithm = encryptionAlgorithms.get(alg);
  if (algorithm === undefined || key.kty !== 'RSA')
    throw vaultError('algorithmNotSupported', alg.slice(0, 100), key.kty);
  return { algorithm, publicKey: key };
}
