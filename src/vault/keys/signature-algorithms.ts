import { invariant } from '../../base/invariant.ts';
import type { CurveName } from '../ec/curves.ts';
import { signDigest, verifyDigest } from '../ec/ecdsa.ts';
import type { PrivateKey } from '../material/private-keys.ts';
import type { RsaPadding } from '../rsa/rsa-signatures.ts';
import { pkcs1Padding, pssPadding, signPadded, verifyPadded } from '../rsa/rsa-signatures.ts';
import type { PublicKey } from './key-records.ts';

/** One way of signing. Keys and digests that do not fit it have been refused before. */
export interface SignatureAlgorithm {
  readonly kty: PublicKey['kty'];
  /** Keys of one curve only. */
  readonly crv?: CurveName;
  /** Missing: what is signed says itself what it is, and may be of any length that fits. */
  readonly digestBytes?: number;
  /** @returns undefined for a value too long to be signed */
  readonly sign: (key: PrivateKey, digest: Uint8Array) => Buffer | undefined;
  readonly verify: (key: PublicKey, digest: Uint8Array, signature: Uint8Array) => boolean;
}

/** @see RFC 7518, section 3.1; RFC 8812, section 3.2, for ES256K; the Key Vault documentation for RSNULL */
export const signatureAlgorithms: ReadonlyMap<string, SignatureAlgorithm> = new Map([
  ['RS256', rsa(pkcs1Padding('sha256'), 32)],
  ['RS384', rsa(pkcs1Padding('sha384'), 48)],
  ['RS512', rsa(pkcs1Padding('sha512'), 64)],
  ['RSNULL', rsa(pkcs1Padding())],
  ['PS256', rsa(pssPadding('sha256'), 32)],
  ['PS384', rsa(pssPadding('sha384'), 48)],
  ['PS512', rsa(pssPadding('sha512'), 64)],
  ['ES256', ecdsa('P-256', 32)],
  ['ES256K', ecdsa('P-256K', 32)],
  ['ES384', ecdsa('P-384', 48)],
  ['ES512', ecdsa('P-521', 64)],
]);

function rsa(padding: RsaPadding, digestBytes?: number): SignatureAlgorithm {
  return {
    kty: 'RSA',
    ...(digestBytes === undefined ? {} : { digestBytes }),
    sign: ({ keyObject }, digest) => signPadded(keyObject, padding, digest),
    verify: (key, digest, signature) => {
      invariant(key.kty === 'RSA', 'keys of other types have been refused');
      return verifyPadded(key, padding, digest, signature);
    },
  };
}

function ecdsa(crv: CurveName, digestBytes: number): SignatureAlgorithm {
  return {
    ...{ kty: 'EC', crv, digestBytes },
    sign: ({ keyObject }, digest) => signDigest(crv, keyObject, digest),
    verify: (key, digest, signature) => {
      invariant(key.kty === 'EC' && key.crv === crv, 'keys of other curves have been refused');
      return verifyDigest(key, digest, signature);
    },
  };
}
