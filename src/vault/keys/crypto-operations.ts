import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { Instant } from '../../clock/clock.ts';
import { requireVersion } from '../objects/find-requested.ts';
import type { Found } from '../objects/object-kind.ts';
import { stillAsRead } from '../objects/object-store.ts';
import type { RsaPrivateKey } from '../rsa/private-keys.ts';
import { parseRsaPrivateKey } from '../rsa/private-keys.ts';
import { decryptFor, encryptFor, encryptionAlgorithms, plaintextBytesMax } from '../rsa/rsa-algorithms.ts';
import { vaultError } from '../vault-error.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { parseKeyOpBody } from './key-op-body.ts';
import type { VaultOperation, VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import type { KeyOperationName, KeyVersionRecord } from './key-records.ts';
import { vaultPrivateKeys } from './key-records.ts';

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
    handle: (services, request) => encryptWith(services, request, 'wrapKey'),
  },
  {
    id: 'UnwrapKey',
    method: 'POST',
    path: '/keys/{name}/{version}/unwrapkey',
    latest: true,
    permission: 'unwrapKey',
    dataAction: 'keys/unwrap/action',
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
    handle: (services, request) => encryptWith(services, request, 'encrypt'),
  },
  {
    id: 'Decrypt',
    method: 'POST',
    path: '/keys/{name}/{version}/decrypt',
    latest: true,
    permission: 'decrypt',
    dataAction: 'keys/decrypt/action',
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
    const algorithm = requireAlgorithm(alg, key);
    const bytesMax = plaintextBytesMax(algorithm, key.bits);
    if (value.length > bytesMax) throw vaultError('valueTooLong', bytesMax);
    const kid = kidOf(request.vault, found);
    const ciphertext = encryptFor(key, algorithm, value);
    return { status: 200, id: kid, body: { kid, value: toBase64Url(ciphertext) }, expect: stillAsRead(keyKind, found) };
  } finally {
    zeroBytes(value);
  }
}

/** An expired version still decrypts; a disabled one does not. */
async function decryptWith(
  services: VaultServices,
  request: VaultRequest,
  use: 'unwrapKey' | 'decrypt',
): Promise<VaultOutcome> {
  const found = await requireVersion(services, keyKind, request);
  const key = found.version.value;
  refuseUnusable(key, use);
  const { alg, value } = parseKeyOpBody(request.body);
  const algorithm = requireAlgorithm(alg, key);
  const secret = await decryptFor(await privateKeyOf(services, found), algorithm, value);
  if (secret === undefined) throw vaultError('cannotDecrypt');
  return { status: 200, id: kidOf(request.vault, found), secret, expect: stillAsRead(keyKind, found) };
}

function refuseUnusable(key: KeyVersionRecord, use: KeyOperationName): void {
  if (!key.enabled) throw vaultError('keyDisabled', use);
  if (!key.keyOps.includes(use)) throw vaultError('operationNotInKeyOps', use);
}

function refuseOutsideDates(key: KeyVersionRecord, use: KeyOperationName, now: Instant): void {
  if (key.notBefore !== undefined && now < key.notBefore * 1000) throw vaultError('keyNotYetValid', use);
  if (key.expires !== undefined && now >= key.expires * 1000) throw vaultError('keyExpired', use);
}

function requireAlgorithm(alg: string, key: KeyVersionRecord) {
  const algorithm = encryptionAlgorithms.get(alg);
  if (algorithm === undefined) throw vaultError('algorithmNotSupported', alg.slice(0, 100), key.kty);
  return algorithm;
}

function privateKeyOf({ state, privateKeys }: VaultServices, { object, version }: Found): Promise<RsaPrivateKey> {
  return privateKeys.get(version.id, async () => {
    const record = await state.get(vaultPrivateKeys, version.id);
    if (record === undefined) throw vaultError('keyNotFound', object.value.name); // purged a moment ago
    const der = fromBase64Url(record.value.pkcs8);
    invariant(der !== undefined, 'a private key is base64url');
    return parseRsaPrivateKey(der);
  });
}
