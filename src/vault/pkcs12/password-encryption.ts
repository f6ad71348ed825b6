import * as asn1 from 'asn1js';
import { createCipheriv, createDecipheriv, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { Rounds } from './password-key.ts';
import { derivePkcs12Key, derivePkcs12KeyAtOnce, keyPurpose, pkcs12Password, takeRounds } from './password-key.ts';
import { childrenOf, numberOf, octetsOf, oidOf } from './asn1-values.ts';
import { decryptRc2Cbc } from './rc2.ts';

const derive = promisify(pbkdf2);

/** More would hold up everybody else; files have 1 to some 100,000. */
const iterationsMax = 600_000;
const saltBytesMax = 1024;

interface Pkcs12Scheme {
  readonly keyBytes: number;
  readonly decrypt: (key: Buffer, iv: Buffer, ciphertext: Uint8Array) => Buffer | undefined;
}

const withOpenSsl =
  (cipher: string, widened: (key: Buffer) => Buffer = (key) => key): Pkcs12Scheme['decrypt'] =>
  (key, iv, ciphertext) => {
    const decipher = createDecipheriv(cipher, widened(key), iv);
    try {
      return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
    } catch {
      return undefined;
    }
  };

const tripleDes = '1.2.840.113549.1.12.1.3';

/** Of PKCS #12 itself (RFC 7292, C), all with SHA-1 and blocks of 8 bytes. */
const pkcs12Schemes: Readonly<Record<string, Pkcs12Scheme>> = {
  [tripleDes]: { keyBytes: 24, decrypt: withOpenSsl('des-ede3-cbc') },
  '1.2.840.113549.1.12.1.4': {
    keyBytes: 16,
    decrypt: withOpenSsl('des-ede3-cbc', (key) => Buffer.concat([key, key.subarray(0, 8)])),
  },
  '1.2.840.113549.1.12.1.5': { keyBytes: 16, decrypt: decryptRc2Cbc },
  '1.2.840.113549.1.12.1.6': { keyBytes: 5, decrypt: decryptRc2Cbc },
};

const pbes2 = '1.2.840.113549.1.5.13';
const pbkdf2Oid = '1.2.840.113549.1.5.12';
const prfHashes: Readonly<Record<string, string>> = {
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};
const pbes2Ciphers: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};

/** @param algorithm an AlgorithmIdentifier
 * @returns undefined when the password is wrong, for a scheme that is not known, and when too few rounds are left */
export async function decryptWithPassword(
  algorithm: asn1.BaseBlock | undefined,
  password: string,
  ciphertext: Uint8Array,
  rounds: Rounds,
): Promise<Buffer | undefined> {
  const [oid, parameters] = childrenOf(algorithm);
  const name = oidOf(oid) ?? '';
  if (name === pbes2) return decryptPbes2(parameters, password, ciphertext, rounds);
  const scheme = Object.hasOwn(pkcs12Schemes, name) ? pkcs12Schemes[name] : undefined;
  const [salt, iterations] = readSalt(parameters);
  if (scheme === undefined || salt === undefined) return undefined;
  const forms = password === '' ? [pkcs12Password(''), Buffer.alloc(0)] : [pkcs12Password(password)];
  // Of the key, which may be longer than a digest of 20 bytes, and of the initialization vector.
  const wanted = iterations * (Math.ceil(scheme.keyBytes / 20) + 1);
  for (const form of forms) {
    if (!takeRounds(rounds, wanted)) return undefined;
    const asked = { hash: 'sha1', password: form, salt, iterations };
    const key = await derivePkcs12Key({ ...asked, purpose: keyPurpose.encryption, bytes: scheme.keyBytes });
    const iv = await derivePkcs12Key({ ...asked, purpose: keyPurpose.iv, bytes: 8 });
    const plain = scheme.decrypt(key, iv, ciphertext);
    // A wrong key may leave good padding by chance: what is inside begins as a SEQUENCE.
    if (plain?.[0] === 0x30) return plain;
  }
  return undefined;
}

/** @returns no salt for parameters out of bounds */
export function readSalt(parameters: asn1.BaseBlock | undefined): readonly [Buffer | undefined, number] {
  const [first, second] = childrenOf(parameters);
  const salt = octetsOf(first);
  const iterations = second === undefined ? 1 : (numberOf(second) ?? 0);
  const sane = iterations >= 1 && iterations <= iterationsMax && (salt?.length ?? 0) <= saltBytesMax;
  return [sane ? salt : undefined, iterations];
}

async function decryptPbes2(
  parameters: asn1.BaseBlock | undefined,
  password: string,
  ciphertext: Uint8Array,
  rounds: Rounds,
): Promise<Buffer | undefined> {
  const [derivation, encryption] = childrenOf(parameters);
  const [derivationOid, derivationParameters] = childrenOf(derivation);
  const [cipherOid, iv] = childrenOf(encryption);
  const cipher = pbes2Ciphers[oidOf(cipherOid) ?? ''];
  const [salt, iterations] = readSalt(derivationParameters);
  const vector = octetsOf(iv);
  if (oidOf(derivationOid) !== pbkdf2Oid || cipher === undefined || salt === undefined || vector === undefined) {
    return undefined;
  }
  // Salt, iterations, a length that may be there, then the function that may be there.
  const prf = childrenOf(derivationParameters)
    .slice(2)
    .map((block) => oidOf(childrenOf(block)[0]))
    .find((oid) => oid !== undefined);
  const hash = prfHashes[prf ?? '1.2.840.113549.2.7'];
  if (hash === undefined || !takeRounds(rounds, iterations)) return undefined;
  const key = await derive(Buffer.from(password, 'utf8'), salt, iterations, cipher.keyBytes, hash);
  try {
    return withOpenSsl(cipher.name)(key, vector, ciphertext);
  } catch {
    return undefined; // an initialization vector of another length
  }
}

const writtenIterations = 2000;

/** As Key Vault writes files: triple DES by the scheme of PKCS #12, which every reader knows. The password is empty, so it protects nothing
 * in any case.
 * @param salt 8 bytes */
export function encryptWithoutPassword(
  plain: Uint8Array,
  salt: Buffer,
): { readonly algorithm: asn1.Sequence; readonly ciphertext: Buffer } {
  const asked = { hash: 'sha1', password: pkcs12Password(''), salt, iterations: writtenIterations };
  const key = derivePkcs12KeyAtOnce({ ...asked, purpose: keyPurpose.encryption, bytes: 24 });
  const iv = derivePkcs12KeyAtOnce({ ...asked, purpose: keyPurpose.iv, bytes: 8 });
  const cipher = createCipheriv('des-ede3-cbc', key, iv);
  const parameters = new asn1.Sequence({
    value: [new asn1.OctetString({ valueHex: salt }), new asn1.Integer({ value: writtenIterations })],
  });
  return {
    algorithm: new asn1.Sequence({ value: [new asn1.ObjectIdentifier({ value: tripleDes }), parameters] }),
    ciphertext: Buffer.concat([cipher.update(plain), cipher.final()]),
  };
}
