import 'reflect-metadata';
import {
  BasicConstraintsExtension,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension, JsonGeneralNames } from '@peculiar/x509';
import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { addMonths } from './months.ts';
import type { KeyUsage, X509Properties } from './certificate-policy.ts';
import { subjectName } from './subject-text.ts';

/** Both halves of a key, ready to sign and to be certified. */
export interface CertifiedKey {
  readonly publicKey: webcrypto.CryptoKey;
  readonly privateKey: webcrypto.CryptoKey;
  readonly signing: { readonly name: string; readonly hash: string };
}

const curves: Readonly<Record<string, { readonly name: string; readonly hash: string }>> = {
  prime256v1: { name: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'P-521', hash: 'SHA-512' },
};

/** @param der PKCS #8
 * @returns undefined for kinds of keys that Node makes no signatures of certificates with */
export async function certifiedKey(der: Buffer): Promise<CertifiedKey | undefined> {
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const algorithm = algorithmOf(key);
  if (algorithm === undefined) return undefined;
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const { subtle } = webcrypto;
  return {
    publicKey: await subtle.importKey('spki', spki, algorithm, true, ['verify']),
    privateKey: await subtle.importKey('pkcs8', der, algorithm, false, ['sign']),
    signing: { name: algorithm.name, hash: algorithm.hash },
  };
}

function algorithmOf(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  return key.asymmetricKeyType === 'ec' && curve !== undefined
    ? { name: 'ECDSA', namedCurve: curve.name, hash: curve.hash }
    : undefined;
}

/** @returns PKCS #10 DER */
export async function makeRequest(properties: X509Properties, keys: CertifiedKey): Promise<Buffer> {
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: subjectName(properties.subject),
    keys,
    signingAlgorithm: keys.signing,
    extensions: extensionsOf(properties),
  });
  return Buffer.from(request.rawData);
}

/** Who signs. */
export interface Signer {
  /** Distinguished name. */
  readonly issuer: string;
  readonly key: CertifiedKey;
}

const backdateMs = 600_000;

export interface IssuedDates {
  readonly notBefore: Date;
  readonly notAfter: Date;
}

/** Ten minutes back, as the service does, and as many months on. */
export const datesFrom = (now: number, months: number): IssuedDates => ({
  notBefore: new Date(Math.floor((now - backdateMs) / 1000) * 1000),
  notAfter: addMonths(new Date(Math.floor(now / 1000) * 1000), months),
});

/** @param serialNumber hex, positive
 * @returns X.509 DER */
export async function makeCertificate(
  properties: X509Properties,
  publicKey: webcrypto.CryptoKey,
  signer: Signer,
  { notBefore, notAfter }: IssuedDates,
  serialNumber: string,
): Promise<Buffer> {
  const certificate = await X509CertificateGenerator.create({
    subject: subjectName(properties.subject),
    issuer: subjectName(signer.issuer),
    publicKey,
    signingKey: signer.key.privateKey,
    signingAlgorithm: signer.key.signing,
    ...{ serialNumber, notBefore, notAfter },
    extensions: [...extensionsOf(properties), await SubjectKeyIdentifierExtension.create(publicKey)],
  });
  return Buffer.from(certificate.rawData);
}

const usageFlags: Readonly<Record<KeyUsage, KeyUsageFlags>> = {
  cRLSign: KeyUsageFlags.cRLSign,
  dataEncipherment: KeyUsageFlags.dataEncipherment,
  decipherOnly: KeyUsageFlags.decipherOnly,
  digitalSignature: KeyUsageFlags.digitalSignature,
  encipherOnly: KeyUsageFlags.encipherOnly,
  keyAgreement: KeyUsageFlags.keyAgreement,
  keyCertSign: KeyUsageFlags.keyCertSign,
  keyEncipherment: KeyUsageFlags.keyEncipherment,
  nonRepudiation: KeyUsageFlags.nonRepudiation,
};

/** @returns the usages that a certificate has, in the order of the policy */
export const usagesOf = (flags: number): readonly KeyUsage[] =>
  (Object.keys(usageFlags) as KeyUsage[]).filter((usage) => (flags & usageFlags[usage]) !== 0);

function extensionsOf({ key_usage, ekus, sans, basic_constraints }: X509Properties): Extension[] {
  const extensions: Extension[] = [];
  const flags = key_usage
    .map((usage) => usageFlags[usage])
    .reduce<KeyUsageFlags | undefined>((all, flag) => (all === undefined ? flag : all | flag), undefined);
  if (flags !== undefined) extensions.push(new KeyUsagesExtension(flags, true));
  if (ekus.length > 0) extensions.push(new ExtendedKeyUsageExtension([...ekus]));
  const names: JsonGeneralNames = [
    ...(sans?.dns_names ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(sans?.emails ?? []).map((value) => ({ type: 'email' as const, value })),
    ...(sans?.upns ?? []).map((value) => ({ type: 'upn' as const, value })),
  ];
  if (names.length > 0) extensions.push(new SubjectAlternativeNameExtension(names));
  extensions.push(new BasicConstraintsExtension(basic_constraints.ca));
  return extensions;
}
