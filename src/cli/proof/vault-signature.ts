import { createHash, createPublicKey, verify } from 'node:crypto';
import type { JsonWebKey, KeyObject } from 'node:crypto';
import { formatKeyId, parseKeyId, parseVersionedKeyId } from '../../base/key-id.ts';
import type { JsonObject } from '../../base/json.ts';
import { isJsonObject, textMember } from '../../base/json.ts';
import { azureCalls } from '../../server/azure-calls.ts';
import type { InstanceEnvironment } from '../../server/instance-environment.ts';
import { proofDomain } from '../../server/proof-domain.ts';
import { fingerprintOf } from '../../server/proof-key.ts';
import { UserError } from '../user-error.ts';

/** Who signs with a key of a vault. */
export interface VaultSigner {
  readonly algorithm: VaultAlgorithm;
  /** With its version. */
  readonly kid: string;
  /** SubjectPublicKeyInfo, DER in base64. */
  readonly publicKey: string;
  /** SHA-256 of that DER: 64 hex digits. */
  readonly fingerprint: string;
}

export interface VaultSignature extends VaultSigner {
  /** Base64, over the domain, the SHA-256 of the document without its signature as canonical JSON, and the kid. */
  readonly value: string;
}

interface AlgorithmRow {
  readonly kty: 'RSA' | 'EC';
  /** As keys of vaults name it. */
  readonly curve?: string;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
}

/** @see RFC 7518, section 3.1; RFC 8812, section 3.2, for ES256K */
const algorithms = {
  PS256: { kty: 'RSA', hash: 'sha256' },
  ES256: { kty: 'EC', curve: 'P-256', hash: 'sha256' },
  ES384: { kty: 'EC', curve: 'P-384', hash: 'sha384' },
  ES512: { kty: 'EC', curve: 'P-521', hash: 'sha512' },
  ES256K: { kty: 'EC', curve: 'P-256K', hash: 'sha256' },
} as const satisfies Record<string, AlgorithmRow>;
export type VaultAlgorithm = keyof typeof algorithms;
const names = Object.keys(algorithms) as readonly VaultAlgorithm[];

export const isVaultAlgorithm = (name: string): name is VaultAlgorithm => Object.hasOwn(algorithms, name);

const apiVersion = 'api-version=7.4';

/** The signer that a key identifier names; without a version the newest one. Asks the vault as any client does.
 * @param underKeys unversioned keys that data is under, lower case: one that may be taken away with the data proves nothing about it
 * @throws UserError */
export async function findVaultSigner(
  environment: InstanceEnvironment,
  keyId: string,
  underKeys: ReadonlySet<string>,
): Promise<VaultSigner> {
  const key = parseKeyId(keyId);
  if (key === undefined)
    throw new UserError(
      `'${keyId}' is no key identifier.`,
      'Write https://{vault}.vault.azure.net/keys/{name}, or that and /{version} (32 hexadecimal digits).',
    );
  if (underKeys.has(formatKeyId({ vaultHost: key.vaultHost, name: key.name }).toLowerCase()))
    throw new UserError(
      `Data is under the key ${keyId}: it does not sign what is proved of that data.`,
      'Take a key of its own, for signing alone.',
    );
  const vault = key.vaultHost.split('.')[0] ?? '';
  if (!environment.vaults.some((name) => name === vault) || key.vaultHost !== `${vault}.vault.azure.net`)
    throw new UserError(`This instance has no vault ${key.vaultHost}.`, 'Only keys of its own vaults sign.');
  const answer = await asked(() =>
    azureCalls(environment).vault(vault)('GET', `${pathOf(formatKeyId(key))}?${apiVersion}`),
  );
  const jwk = isJsonObject(answer?.['key']) ? answer['key'] : {};
  const kid = textMember(jwk, 'kid');
  const kty = textMember(jwk, 'kty').replace(/-HSM$/, '');
  const algorithm = names.find((name) => {
    const row: AlgorithmRow = algorithms[name];
    return row.kty === kty && (row.curve === undefined || row.curve === textMember(jwk, 'crv'));
  });
  if (algorithm === undefined) throw new UserError(`${keyId} is no key that signs: it is of type '${kty}'.`);
  const der = publicKeyOf(jwk, kty).export({ format: 'der', type: 'spki' });
  return { algorithm, kid, publicKey: der.toString('base64'), fingerprint: fingerprintOf(der) };
}

/** @param sha256 of the document @throws UserError with the vault's own words */
export async function signWithVault(
  environment: InstanceEnvironment,
  signer: VaultSigner,
  sha256: string,
): Promise<VaultSignature> {
  const { algorithm, kid } = signer;
  const vault = parseVersionedKeyId(kid)?.vaultHost.split('.')[0] ?? '';
  const value = createHash(algorithms[algorithm].hash).update(signedBytes(kid, sha256)).digest('base64url');
  const answer = await asked(() =>
    azureCalls(environment).vault(vault)('POST', `${pathOf(kid)}/sign?${apiVersion}`, { alg: algorithm, value }),
  );
  return { ...signer, value: Buffer.from(textMember(answer, 'value'), 'base64url').toString('base64') };
}

/** How a command signs that was given a key: `undefined` where none was, and the instance signs.
 * @param underKeys as for `findVaultSigner` @throws UserError */
export async function vaultSigning(
  environment: InstanceEnvironment,
  keyId: string | undefined,
  underKeys: ReadonlySet<string>,
): Promise<((sha256: string) => Promise<VaultSignature>) | undefined> {
  if (keyId === undefined) return undefined;
  const signer = await findVaultSigner(environment, keyId, underKeys);
  return (sha256) => signWithVault(environment, signer, sha256);
}

/** @param der of the public key @throws Error for a key that is none of the algorithm's */
export function isVaultSignature(
  algorithm: VaultAlgorithm,
  der: Buffer,
  kid: string,
  sha256: string,
  value: string,
): boolean {
  const row: AlgorithmRow = algorithms[algorithm];
  const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
  if (key.asymmetricKeyType !== row.kty.toLowerCase()) return false;
  if (row.curve !== undefined && key.asymmetricKeyDetails?.namedCurve !== openSslCurves[row.curve]) return false;
  const signature = Buffer.from(value, 'base64');
  const bytes = signedBytes(kid, sha256);
  return row.kty === 'EC'
    ? verify(row.hash, bytes, { key, dsaEncoding: 'ieee-p1363' }, signature)
    : verify(row.hash, bytes, { key, padding: pssPadding, saltLength: 32 }, signature);
}

/** RSA_PKCS1_PSS_PADDING of OpenSSL. */
const pssPadding = 6;
const openSslCurves: Readonly<Record<string, string>> = {
  'P-256': 'prime256v1',
  'P-384': 'secp384r1',
  'P-521': 'secp521r1',
  'P-256K': 'secp256k1',
};

const signedBytes = (kid: string, sha256: string): Buffer => Buffer.from(`${proofDomain}${sha256}\n${kid}`);

const pathOf = (kid: string): string => new URL(kid).pathname;

function publicKeyOf(jwk: JsonObject, kty: string): KeyObject {
  const crv = textMember(jwk, 'crv');
  const bare =
    kty === 'RSA' ? { kty, n: jwk['n'], e: jwk['e'] } : { kty, crv: nodeCurve(crv), x: jwk['x'], y: jwk['y'] };
  return createPublicKey({ key: bare as JsonWebKey, format: 'jwk' });
}

/** RFC 8812 has another name for it than Key Vault. */
const nodeCurve = (crv: string): string => (crv === 'P-256K' ? 'secp256k1' : crv);

async function asked<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw new UserError(
      `The vault does not sign: ${error instanceof Error ? error.message : 'no reason'}`,
      'Whoever calls this needs the permissions get and sign on the key.',
    );
  }
}
