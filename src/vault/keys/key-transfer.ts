import { createDecipheriv, createPrivateKey } from 'node:crypto';
import { zeroBytes } from '../../base/bytes.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { isJsonObject } from '../../base/json.ts';
import { parseKeyName } from '../../base/names.ts';
import { parseJsonBody } from '../../http/body-parsers.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import { member } from '../objects/attributes.ts';
import { requireVersion } from '../objects/find-requested.ts';
import type { VaultRequest, VaultServices } from '../objects/operation.ts';
import { decryptFor, encryptionAlgorithms } from '../rsa/rsa-algorithms.ts';
import { vaultError } from '../vault-error.ts';
import { readPrivateJwk } from './jwk-import.ts';
import { keyKind, kidOf } from './key-bundle.ts';
import { privateKeyOf, refuseOutsideDates, refuseUnusable } from './key-use.ts';

/** More than any key that a vault takes. */
const blobBytesMax = 32 * 1024;
/** Of RFC 5649. */
const initialValue = Buffer.from('a65959a6', 'hex');
const wrappedWith = { alg: 'dir', enc: 'CKM_RSA_AES_KEY_WRAP' };
const notReadable = (): Error => vaultError('invalidProperty', 'key.key_hsm');

/** The key in a key transfer blob: PKCS #8, wrapped (RFC 5649) with an AES key, which is wrapped (RSA-OAEP, SHA-1) with a key of this vault
 * that can do nothing but import. Whatever is wrong with what is wrapped has one answer.
 * @see Bring your own key specification of Azure Key Vault; PKCS #11, CKM_RSA_AES_KEY_WRAP
 * @throws VaultError 400 for a blob that is none, 403 for a key that does not import, 404 for one that is not there */
export async function readTransferredKey(
  services: VaultServices,
  request: VaultRequest,
  keyHsm: Json,
  kty: KeyPair['kty'],
): Promise<KeyPair> {
  const { kid, ciphertext } = readBlob(keyHsm);
  const found = await requireVersion(services, keyKind, { ...request, ...namedBy(kid) });
  if (kidOf(request.vault, found).toLowerCase() !== kid.toLowerCase()) throw notReadable();
  const exchangeKey = found.version.value;
  refuseUnusable(exchangeKey, 'import');
  refuseOutsideDates(exchangeKey, 'import', services.clock.now());
  const oaep = encryptionAlgorithms.get('RSA-OAEP');
  const privateKey = await privateKeyOf(services, found);
  if (oaep === undefined || privateKey.kty !== 'RSA') throw notReadable();
  const { modulusBytes } = privateKey;
  const aesKey = await decryptFor(privateKey, oaep, ciphertext.subarray(0, modulusBytes));
  const der = aesKey?.length === 32 ? unwrapped(aesKey, ciphertext.subarray(modulusBytes)) : undefined;
  if (aesKey !== undefined) zeroBytes(aesKey);
  const jwk = der === undefined ? undefined : jwkOf(der);
  if (jwk?.['kty'] !== kty) throw notReadable();
  return readPrivateJwk(jwk, kty);
}

function readBlob(keyHsm: Json): { readonly kid: string; readonly ciphertext: Buffer } {
  const bytes = typeof keyHsm === 'string' ? decodeBase64(Buffer.from(keyHsm, 'latin1')) : undefined;
  if (bytes === undefined || bytes.length > blobBytesMax) throw notReadable();
  const blob = parsed(bytes);
  const header = member(blob, 'header');
  const sealed = member(blob, 'ciphertext');
  if (member(blob, 'schema_version') !== '1.0.0' || !isJsonObject(header) || typeof sealed !== 'string')
    throw notReadable();
  const kid = member(header, 'kid');
  const ciphertext = decodeBase64(Buffer.from(sealed, 'latin1'));
  const isKnown = header['alg'] === wrappedWith.alg && header['enc'] === wrappedWith.enc;
  if (!isKnown || typeof kid !== 'string' || ciphertext === undefined) throw notReadable();
  return { kid, ciphertext };
}

function parsed(bytes: Buffer): JsonObject {
  try {
    const blob = parseJsonBody(bytes);
    if (isJsonObject(blob)) return blob;
  } catch {
    // no JSON, or too deep
  }
  throw notReadable();
}

/** `https://{vault}.vault.azure.net/keys/{name}/{version}` */
function namedBy(kid: string): Pick<VaultRequest, 'name' | 'version'> {
  const [, name = '', version] = /^https:\/\/[^/]+\/keys\/([^/]+)\/([0-9a-f]{32})$/i.exec(kid) ?? [];
  const parsedName = parseKeyName(name);
  if (parsedName === undefined) throw notReadable();
  return { name: parsedName, version: version?.toLowerCase() };
}

function unwrapped(aesKey: Buffer, wrapped: Buffer): Buffer | undefined {
  try {
    const cipher = createDecipheriv('id-aes256-wrap-pad', aesKey, initialValue);
    return Buffer.concat([cipher.update(wrapped), cipher.final()]);
  } catch {
    return undefined;
  }
}

function jwkOf(der: Buffer): JsonObject | undefined {
  try {
    const jwk = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'jwk' });
    // OpenSSL's name of the curve is that of RFC 8812; Key Vault has its own.
    return { ...jwk, ...(jwk.crv === 'secp256k1' ? { crv: 'P-256K' } : {}) };
  } catch {
    return undefined;
  } finally {
    zeroBytes(der);
  }
}
