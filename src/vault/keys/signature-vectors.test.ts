import { createHash, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { CurveName } from '../ec/curves.ts';
import { isRsaBits } from '../rsa/rsa-keys.ts';
import type { PublicKey } from './key-records.ts';
import { signatureAlgorithms } from './signature-algorithms.ts';

/** Made by Project Wycheproof; see vectors/wycheproof/README.md. */
interface VectorFile {
  readonly testGroups: readonly {
    readonly publicKeyDer?: string;
    readonly tests: readonly Vector[];
  }[];
}
interface Vector {
  readonly tcId: number;
  readonly comment: string;
  readonly msg: string;
  readonly sig: string;
  readonly result: 'valid' | 'invalid' | 'acceptable';
}

const load = (name: string): VectorFile =>
  JSON.parse(readFileSync(new URL(`../../../vectors/wycheproof/${name}.json`, import.meta.url), 'utf8')) as VectorFile;

function publicKeyOf(der: string, crv: CurveName | undefined): PublicKey {
  const key = createPublicKey({ key: Buffer.from(der, 'hex'), format: 'der', type: 'spki' });
  const { n = '', e = '', x = '', y = '' } = key.export({ format: 'jwk' });
  if (crv !== undefined) return { kty: 'EC', crv, x, y };
  const bits = key.asymmetricKeyDetails?.modulusLength;
  if (!isRsaBits(bits)) throw new Error('the vectors have keys of sizes of Key Vault');
  return { kty: 'RSA', bits, n, e };
}

describe.each([
  ['ecdsa_secp256r1_sha256_p1363_test', 'ES256', 'sha256', 173],
  ['ecdsa_secp256k1_sha256_p1363_test', 'ES256K', 'sha256', 167],
  ['ecdsa_secp384r1_sha384_p1363_test', 'ES384', 'sha384', 193],
  ['ecdsa_secp521r1_sha512_p1363_test', 'ES512', 'sha512', 231],
  ['rsa_pss_2048_sha256_mgf1_32_test', 'PS256', 'sha256', 63],
  ['rsa_pss_2048_sha384_mgf1_48_test', 'PS384', 'sha384', 95],
  ['rsa_pss_4096_sha512_mgf1_64_test', 'PS512', 'sha512', 132],
  ['rsa_signature_2048_sha256_test', 'RS256', 'sha256', 9],
  ['rsa_signature_3072_sha384_test', 'RS384', 'sha384', 7],
  ['rsa_signature_4096_sha512_test', 'RS512', 'sha512', 7],
] as const)('%s', (file, name, hash, count) => {
  const algorithm = signatureAlgorithms.get(name);

  it(`${name} takes what is valid and nothing else`, () => {
    let taken = 0;
    for (const { publicKeyDer = '', tests } of load(file).testGroups) {
      const key = publicKeyOf(publicKeyDer, algorithm?.crv);
      for (const { tcId, comment, msg, sig, result } of tests) {
        const digest = createHash(hash).update(Buffer.from(msg, 'hex')).digest();
        const isTaken = algorithm?.verify(key, digest, Buffer.from(sig, 'hex'));
        // What is "acceptable" leaves out a part that the standard asks for.
        expect([tcId, comment, isTaken]).toEqual([tcId, comment, result === 'valid']);
        if (isTaken === true) taken += 1;
      }
    }
    expect(taken).toBe(count);
  });
});
