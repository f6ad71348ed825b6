import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { webcrypto } from 'node:crypto';
import { systemRandomBytes } from '../base/random.ts';
import type { AuthorityMaterial } from './certificate-authority.ts';
import { exportPrivateKey, keyAlgorithm, newSerialNumber, signatureAlgorithm } from './certificate-keys.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const rootValidityMs = 3650 * dayMs;
/** A node that starts with less of it left makes another one. */
export const rootLeftMsMin = 365 * dayMs;
const leafValidityMs = 24 * hourMs;
/** So much the clocks of two nodes may differ. */
const skewMs = hourMs;
/** A node has a new certificate so often, and a link the next one so long before its own ends. */
export const renewMs = 8 * hourMs;

/** What a node proves with, for whom. */
export const nodeRoles = {
  client: ExtendedKeyUsage.clientAuth,
  server: ExtendedKeyUsage.serverAuth,
} as const;
export type NodeRole = keyof typeof nodeRoles;

export interface NodeCredentials {
  /** All PEM: the one root that counts, the node's own certificate, and its key, which lives in memory only. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** The root of what nodes say to each other, which vouches for nothing else: P-256, ten years. The key must be sealed before it is stored. */
export async function createNodeAuthority(wallMs: number): Promise<AuthorityMaterial> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const serialNumber = newSerialNumber(systemRandomBytes);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Kustody nodes ${serialNumber.slice(2, 10)}`] }, { O: ['Kustody'] }],
    ...{ keys, serialNumber, signingAlgorithm: signatureAlgorithm },
    notBefore: new Date(wallMs - dayMs),
    notAfter: new Date(wallMs + rootValidityMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem: await exportPrivateKey(keys.privateKey) };
}

/** Milliseconds since 1970. */
export const certificateEndMs = (pem: string): number => new X509Certificate(pem).notAfter.getTime();

export interface NodeCertificateOptions {
  /** GUID of its data directory. */
  readonly node: string;
  readonly role: NodeRole;
  readonly wallMs: number;
}

/** A new key, and a certificate that names the node by it. */
export async function issueNodeCertificate(
  { certificatePem, privateKeyPem }: AuthorityMaterial,
  { node, role, wallMs }: NodeCertificateOptions,
): Promise<NodeCredentials> {
  const root = new X509Certificate(certificatePem);
  const signing = { ...keyAlgorithm, hash: 'SHA-256' };
  const pkcs8 = PemConverter.decodeFirst(privateKeyPem);
  const signingKey = await webcrypto.subtle.importKey('pkcs8', pkcs8, signing, false, ['sign']);
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    subject: [{ CN: [node] }, { O: ['Kustody'] }],
    issuer: root.subjectName,
    ...{ publicKey: keys.publicKey, signingKey, signingAlgorithm: signing },
    serialNumber: newSerialNumber(systemRandomBytes),
    notBefore: new Date(wallMs - skewMs),
    notAfter: new Date(Math.min(wallMs + leafValidityMs, root.notAfter.getTime())),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([nodeRoles[role]], true),
      new SubjectAlternativeNameExtension([{ type: 'url', value: `urn:uuid:${node}` }]),
      await AuthorityKeyIdentifierExtension.create(root.publicKey),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const key = await exportPrivateKey(keys.privateKey);
  return { ca: certificatePem, cert: `${certificate.toString('pem')}\n`, key };
}

export interface NodeIdentityOptions extends Omit<NodeCertificateOptions, 'wallMs'> {
  /** The root as it is now. @throws when there is none, or it cannot be read */
  readonly authority: () => Promise<AuthorityMaterial>;
  readonly wallClock: () => number;
  readonly monotonicMs: () => number;
}

/** @returns what a node proves with now: a new certificate every eight hours of monotonic time, of the 24 that it is good for, and whenever the root is
 * another one or the wall clock was set */
export function createNodeIdentity(options: NodeIdentityOptions): () => Promise<NodeCredentials> {
  const { authority, node, role, wallClock, monotonicMs } = options;
  let made:
    { readonly ca: string; readonly at: number; readonly wallMs: number; own: Promise<NodeCredentials> } | undefined;
  const isGood = (ca: string): boolean => {
    if (made?.ca !== ca) return false;
    const passed = monotonicMs() - made.at;
    return passed < renewMs && Math.abs(wallClock() - made.wallMs - passed) < skewMs / 2;
  };
  return async () => {
    const root = await authority();
    if (made !== undefined && isGood(root.certificatePem)) return made.own;
    const wallMs = wallClock();
    const own = issueNodeCertificate(root, { node, role, wallMs });
    made = { ca: root.certificatePem, at: monotonicMs(), wallMs, own };
    own.catch(() => (made = undefined));
    return own;
  };
}
