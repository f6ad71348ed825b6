import * as asn1 from 'asn1js';
import { createHash, createHmac } from 'node:crypto';
import { equalBytes } from '../../base/bytes.ts';
import type { RandomBytes } from '../../base/random.ts';
import { childrenOf, implicitOctetsOf, octetsOf, oidOf, readAsn1, toDer } from './asn1-values.ts';
import { decryptWithPassword, encryptWithoutPassword, readSalt } from './password-encryption.ts';
import type { Rounds } from './password-key.ts';
import {
  derivePkcs12Key,
  derivePkcs12KeyAtOnce,
  isPkcs12Hash,
  keyPurpose,
  pkcs12Password,
  takeRounds,
} from './password-key.ts';

/** What a PFX file has inside that matters here. */
export interface PfxContents {
  /** PKCS #8 DER. */
  readonly privateKeys: readonly Buffer[];
  /** X.509 DER, in the order of the file. */
  readonly certificates: readonly Buffer[];
}

const oids = {
  data: '1.2.840.113549.1.7.1',
  encryptedData: '1.2.840.113549.1.7.6',
  keyBag: '1.2.840.113549.1.12.10.1.1',
  shroudedKeyBag: '1.2.840.113549.1.12.10.1.2',
  certBag: '1.2.840.113549.1.12.10.1.3',
  x509Certificate: '1.2.840.113549.1.9.22.1',
  localKeyId: '1.2.840.113549.1.9.21',
  sha1: '1.3.14.3.2.26',
};

const macHashes: Readonly<Record<string, string>> = {
  [oids.sha1]: 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};

const bagsMax = 100;
/** Of the whole file: what protects integrity, keys and certificates with the most iterations that are taken needs fewer. */
const roundsMax = 4_000_000;

/** PKCS #12 (RFC 7292), protected by a password; not by public keys.
 * @returns undefined when the password is wrong, or it is no such file */
export async function readPfx(bytes: Uint8Array, password: string): Promise<PfxContents | undefined> {
  const [, authSafe, macData] = childrenOf(readAsn1(bytes));
  const [type, content] = childrenOf(authSafe);
  const safe = oidOf(type) === oids.data ? octetsOf(childrenOf(content)[0]) : undefined;
  if (safe === undefined) return undefined;
  const rounds = { left: roundsMax };
  if (macData !== undefined && !(await isAuthentic(macData, password, safe, rounds))) return undefined;
  const found = { privateKeys: [] as Buffer[], certificates: [] as Buffer[] };
  for (const part of childrenOf(readAsn1(safe))) {
    const contents = await openPart(part, password, rounds);
    if (contents === undefined) return undefined;
    if (!(await collectBags(readAsn1(contents), password, rounds, found))) return undefined;
  }
  return found;
}

async function isAuthentic(macData: asn1.BaseBlock, password: string, safe: Buffer, rounds: Rounds): Promise<boolean> {
  const [digestInfo, salt, iterations] = childrenOf(macData);
  const [algorithm, digest] = childrenOf(digestInfo);
  const hash = macHashes[oidOf(childrenOf(algorithm)[0]) ?? ''];
  const expected = octetsOf(digest);
  const value = [salt, iterations].filter((block) => block !== undefined);
  const [saltBytes, count] = readSalt(new asn1.Sequence({ value: value }));
  if (hash === undefined || !isPkcs12Hash(hash) || expected === undefined || saltBytes === undefined) return false;
  if (expected.length !== createHash(hash).digest().length) return false;
  const forms = password === '' ? [pkcs12Password(''), Buffer.alloc(0)] : [pkcs12Password(password)];
  const asked = { hash, purpose: keyPurpose.mac, salt: saltBytes, iterations: count, bytes: expected.length };
  for (const form of forms) {
    if (!takeRounds(rounds, count)) return false;
    const key = await derivePkcs12Key({ ...asked, password: form });
    if (equalBytes(createHmac(hash, key).update(safe).digest(), expected)) return true;
  }
  return false;
}

async function openPart(part: asn1.BaseBlock, password: string, rounds: Rounds): Promise<Buffer | undefined> {
  const [type, wrapped] = childrenOf(part);
  const [content] = childrenOf(wrapped);
  if (oidOf(type) === oids.data) return octetsOf(content);
  if (oidOf(type) !== oids.encryptedData) return undefined;
  const [, algorithm, encrypted] = childrenOf(childrenOf(content)[1]);
  const ciphertext = implicitOctetsOf(encrypted);
  return ciphertext === undefined ? undefined : decryptWithPassword(algorithm, password, ciphertext, rounds);
}

async function collectBags(
  contents: asn1.BaseBlock | undefined,
  password: string,
  rounds: Rounds,
  found: { readonly privateKeys: Buffer[]; readonly certificates: Buffer[] },
): Promise<boolean> {
  for (const bag of childrenOf(contents)) {
    if (found.privateKeys.length + found.certificates.length >= bagsMax) return false;
    const [type, wrapped] = childrenOf(bag);
    const [value] = childrenOf(wrapped);
    if (value === undefined) return false;
    switch (oidOf(type)) {
      case oids.keyBag:
        found.privateKeys.push(toDer(value));
        break;
      case oids.shroudedKeyBag: {
        const [algorithm, ciphertext] = childrenOf(value);
        const key = await decryptWithPassword(algorithm, password, octetsOf(ciphertext) ?? Buffer.alloc(0), rounds);
        if (key === undefined) return false;
        found.privateKeys.push(key);
        break;
      }
      case oids.certBag: {
        const [kind, certificate] = childrenOf(value);
        const der = octetsOf(childrenOf(certificate)[0]);
        if (oidOf(kind) === oids.x509Certificate && der !== undefined) found.certificates.push(der);
        break;
      }
      default: // revocation lists and secrets
    }
  }
  return true;
}

const macIterations = 2000;

/** A file without a password, as secrets behind certificates are shown.
 * @param privateKey PKCS #8 DER; missing for keys that may not leave the vault
 * @param chain X.509 DER, the leaf first */
export function writePfx(
  privateKey: Uint8Array | undefined,
  chain: readonly Uint8Array[],
  randomBytes: RandomBytes,
): Buffer {
  const localKeyId = Buffer.from([1, 0, 0, 0]);
  const salt = (): Buffer => Buffer.from(randomBytes(8));
  const certificates = chain.map((der, index) => certBag(der, index === 0 ? localKeyId : undefined));
  const parts = [encryptedPart(toDer(new asn1.Sequence({ value: certificates })), salt())];
  if (privateKey !== undefined) {
    const { algorithm, ciphertext } = encryptWithoutPassword(privateKey, salt());
    const shrouded = new asn1.Sequence({ value: [algorithm, new asn1.OctetString({ valueHex: ciphertext })] });
    const bag = safeBag(oids.shroudedKeyBag, shrouded, localKeyId);
    parts.unshift(dataPart(toDer(new asn1.Sequence({ value: [bag] }))));
  }
  const safe = toDer(new asn1.Sequence({ value: parts }));
  return toDer(new asn1.Sequence({ value: [new asn1.Integer({ value: 3 }), dataPart(safe), macOf(safe, salt())] }));
}

const oid = (value: string): asn1.ObjectIdentifier => new asn1.ObjectIdentifier({ value });

const tagged = (value: asn1.BaseBlock): asn1.Constructed =>
  new asn1.Constructed({ idBlock: { tagClass: 3, tagNumber: 0 }, value: [value] });

const dataPart = (content: Buffer): asn1.Sequence =>
  new asn1.Sequence({ value: [oid(oids.data), tagged(new asn1.OctetString({ valueHex: content }))] });

function encryptedPart(plain: Buffer, salt: Buffer): asn1.Sequence {
  const { algorithm, ciphertext } = encryptWithoutPassword(plain, salt);
  const encrypted = new asn1.Primitive({ idBlock: { tagClass: 3, tagNumber: 0 }, valueHex: ciphertext });
  const info = new asn1.Sequence({ value: [oid(oids.data), algorithm, encrypted] });
  const data = new asn1.Sequence({ value: [new asn1.Integer({ value: 0 }), info] });
  return new asn1.Sequence({ value: [oid(oids.encryptedData), tagged(data)] });
}

const certBag = (der: Uint8Array, localKeyId: Buffer | undefined): asn1.Sequence =>
  safeBag(
    oids.certBag,
    new asn1.Sequence({ value: [oid(oids.x509Certificate), tagged(new asn1.OctetString({ valueHex: der }))] }),
    localKeyId,
  );

function safeBag(type: string, value: asn1.BaseBlock, localKeyId: Buffer | undefined): asn1.Sequence {
  const parts: asn1.BaseBlock[] = [oid(type), tagged(value)];
  if (localKeyId !== undefined) {
    const values = new asn1.Set({ value: [new asn1.OctetString({ valueHex: localKeyId })] });
    parts.push(new asn1.Set({ value: [new asn1.Sequence({ value: [oid(oids.localKeyId), values] })] }));
  }
  return new asn1.Sequence({ value: parts });
}

function macOf(safe: Buffer, salt: Buffer): asn1.Sequence {
  const asked = { hash: 'sha1', purpose: keyPurpose.mac, password: pkcs12Password(''), salt };
  const key = derivePkcs12KeyAtOnce({ ...asked, iterations: macIterations, bytes: 20 });
  const digest = createHmac('sha1', key).update(safe).digest();
  const algorithm = new asn1.Sequence({ value: [oid(oids.sha1), new asn1.Null()] });
  const info = new asn1.Sequence({ value: [algorithm, new asn1.OctetString({ valueHex: digest })] });
  const saltValue = new asn1.OctetString({ valueHex: salt });
  return new asn1.Sequence({ value: [info, saltValue, new asn1.Integer({ value: macIterations })] });
}
