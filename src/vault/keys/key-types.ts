import { isJsonObject } from '../../base/json.ts';
import type { Json, JsonObject } from '../../base/json.ts';
import { generateEcKey } from '../ec/ec-keys.ts';
import type { CurveName } from '../ec/curves.ts';
import { isCurveName } from '../ec/curves.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import type { RsaBits, RsaKeyPool } from '../rsa/rsa-keys.ts';
import { isRsaBits } from '../rsa/rsa-keys.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import { member } from '../objects/attributes.ts';
import type { KeyOperationName, KeyVersionRecord } from './key-records.ts';
import { keyOperationNames } from './key-records.ts';

/** What a key is to be. */
export type KeyShape =
  { readonly kty: 'RSA'; readonly bits: RsaBits } | { readonly kty: 'EC'; readonly crv: CurveName };

/** What may be done with keys of a type; all of it, when nothing else is said. */
export const keyOpsOf: Readonly<Record<KeyShape['kty'], readonly KeyOperationName[]>> = {
  RSA: keyOperationNames,
  EC: ['sign', 'verify'],
};

/** Types of Key Vault. Kustody has no HSM: keys asked for as such are stored like all others, and say so by `hsmPlatform`. */
const types: ReadonlyMap<string, { readonly kty: KeyShape['kty']; readonly hsm: boolean }> = new Map([
  ['RSA', { kty: 'RSA', hsm: false }],
  ['RSA-HSM', { kty: 'RSA', hsm: true }],
  ['EC', { kty: 'EC', hsm: false }],
  ['EC-HSM', { kty: 'EC', hsm: true }],
]);

export const shownType = ({ kty, hsm }: Pick<KeyVersionRecord, 'kty' | 'hsm'>): string => (hsm ? `${kty}-HSM` : kty);

export function makeKey(shape: KeyShape, pool: RsaKeyPool): Promise<KeyPair> {
  return shape.kty === 'RSA' ? pool.take(shape.bits) : generateEcKey(shape.crv);
}

/** @throws VaultError 400 for what is no type, or one that the vault's sku does not have */
export function readKeyType(
  kty: unknown,
  vault: VaultSettings,
): { readonly kty: KeyShape['kty']; readonly hsm: boolean } {
  if (kty === undefined || kty === null) throw vaultError('requiredProperty', 'kty');
  if (typeof kty !== 'string') throw vaultError('invalidProperty', 'kty');
  const type = types.get(kty);
  if (type === undefined) throw vaultError('unsupportedKeyType', kty.slice(0, 100));
  if (type.hsm && vault.sku !== 'premium') throw vaultError('hsmNeedsPremium');
  return type;
}

/** The one that keys here have. The client for Java sends zero where its user chose none. */
const rsaExponents: readonly Json[] = [65537, 0];

/** Reads what a create says of the key's size. @throws VaultError 400 */
export function readKeyShape(body: JsonObject, kty: KeyShape['kty']): KeyShape {
  const [size, curve, exponent] = [member(body, 'key_size'), member(body, 'crv'), member(body, 'public_exponent')];
  if (kty === 'RSA') {
    if (exponent !== undefined && !rsaExponents.includes(exponent))
      throw vaultError('invalidProperty', 'public_exponent');
    if (curve !== undefined) throw vaultError('invalidProperty', 'crv');
    const bits = size ?? 2048;
    if (isJsonObject(bits) || !isRsaBits(bits)) throw vaultError('invalidProperty', 'key_size');
    return { kty, bits };
  }
  const crv = curve ?? 'P-256';
  if (!isCurveName(crv)) throw vaultError('invalidProperty', 'crv');
  if (exponent !== undefined) throw vaultError('invalidProperty', 'public_exponent');
  if (size !== undefined && size !== Number(crv.slice(2, 5))) throw vaultError('invalidProperty', 'key_size');
  return { kty, crv };
}
