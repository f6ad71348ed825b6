import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { createPrivateKey, webcrypto } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { SecureContext } from 'node:tls';
import { BoundedCache } from '../base/bounded-cache.ts';
import { invariant } from '../base/invariant.ts';
import type { HostName } from '../base/names.ts';
import type { RandomBytes } from '../base/random.ts';
import { systemRandomBytes } from '../base/random.ts';
import { noClientRoots } from './edge-limits.ts';
import { exportPrivateKey, keyAlgorithm, newSerialNumber, signatureAlgorithm } from './certificate-keys.ts';
import { encodeNameConstraints, isServedDomain, nameConstraintsOid } from './name-constraints.ts';

/** A data directory's own root. The key must be sealed before it is stored. */
export interface AuthorityMaterial {
  readonly certificatePem: string;
  /** PKCS #8. */
  readonly privateKeyPem: string;
}

export interface CertificateAuthority {
  /** The root, for the trust settings of clients. */
  readonly certificatePem: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
  /** A leaf for this name, with chain and key. Names of four labels and more share one wildcard leaf per parent.
   * `localhost` gives the leaf that also names 127.0.0.1 and ::1.
   * @throws InvariantError for a name outside the served domains: the caller asks for claimed names only */
  contextFor(host: HostName): Promise<SecureContext>;
  /** The same as PEM: leaf and root, and the leaf's key, which lives in memory only. */
  leafFor(host: HostName): Promise<LeafMaterial>;
  /** A new leaf for exactly these names (`localhost`: with 127.0.0.1 and ::1), with a key of its own: for another process, which then can pretend to be nobody else. */
  issueFor(names: readonly [HostName, ...HostName[]]): Promise<LeafMaterial>;
}

export interface LeafMaterial {
  readonly chainPem: string;
  readonly privateKeyPem: string;
}

export interface AuthorityOptions {
  /** Milliseconds since 1970. Certificates follow the wall clock, never a virtual one. */
  readonly wallClock: () => number;
  readonly randomBytes?: RandomBytes;
  /** Leaves kept; default 256. */
  readonly leavesMax?: number;
}

const dayMs = 86_400_000;
const rootValidityMs = 3650 * dayMs;
const leafValidityMs = 397 * dayMs;
/** Clocks of containers and virtual machines lag, and the machine's may be set back: a certificate that is not valid yet would hide
 * from clusters what their vault says of their keys. With its validity a leaf stays under the 825 days that Apple's rules allow under
 * roots that a user added. */
const backdateMs = 400 * dayMs;
const rootBackdateMs = rootValidityMs;

/** Makes the root of a new data directory: P-256, ten years, limited to the served domains. */
export async function createAuthorityMaterial(options: AuthorityOptions): Promise<AuthorityMaterial> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const serialNumber = newSerialNumber(options.randomBytes ?? systemRandomBytes);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`Kustody local root ${serialNumber.slice(2, 10)}`] }, { O: ['Kustody'] }],
    keys,
    signingAlgorithm: signatureAlgorithm,
    serialNumber,
    notBefore: new Date(options.wallClock() - rootBackdateMs),
    notAfter: new Date(options.wallClock() + rootValidityMs),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      new Extension(nameConstraintsOid, true, encodeNameConstraints()),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificatePem: `${certificate.toString('pem')}\n`, privateKeyPem: await exportPrivateKey(keys.privateKey) };
}

/** @throws when the PEM texts are not a certificate and its PKCS #8 key */
export async function openAuthority(
  material: AuthorityMaterial,
  options: AuthorityOptions,
): Promise<CertificateAuthority> {
  const root = new X509Certificate(material.certificatePem);
  // Roots of older data directories are RSA.
  const rootAlgorithm =
    createPrivateKey(material.privateKeyPem).asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { ...keyAlgorithm, hash: 'SHA-256' };
  const rootKey = await webcrypto.subtle.importKey(
    'pkcs8',
    PemConverter.decodeFirst(material.privateKeyPem),
    rootAlgorithm,
    false,
    ['sign'],
  );
  const leafKeys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const leafKeyPem = await exportPrivateKey(leafKeys.privateKey);
  const leaves = new BoundedCache<{ readonly expiresAtMs: number; readonly leaf: Promise<Leaf> }>({
    countMax: options.leavesMax ?? 256,
  });

  async function sign(
    names: readonly AlternativeName[],
    publicKey: webcrypto.CryptoKey,
    expiresAtMs: number,
  ): Promise<string> {
    const subject = names[0]?.value ?? '';
    const certificate = await X509CertificateGenerator.create({
      subject: [{ CN: [subject.length <= 64 ? subject : 'Kustody leaf'] }, { O: ['Kustody'] }],
      issuer: root.subjectName,
      publicKey,
      signingKey: rootKey,
      signingAlgorithm: rootAlgorithm,
      serialNumber: newSerialNumber(options.randomBytes ?? systemRandomBytes),
      notBefore: new Date(options.wallClock() - backdateMs),
      notAfter: new Date(expiresAtMs),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([...names]),
        await AuthorityKeyIdentifierExtension.create(root.publicKey),
        await SubjectKeyIdentifierExtension.create(publicKey),
      ],
    });
    return `${certificate.toString('pem')}\n${material.certificatePem}`;
  }

  async function mint(subject: string, expiresAtMs: number): Promise<Leaf> {
    const chainPem = await sign(alternativeNames(subject), leafKeys.publicKey, expiresAtMs);
    return { chainPem, privateKeyPem: leafKeyPem, context: contextOf(chainPem, leafKeyPem) };
  }

  const leafEndMs = (): number => Math.min(options.wallClock() + leafValidityMs, root.notAfter.getTime());

  async function issueFor(names: readonly HostName[]): Promise<LeafMaterial> {
    for (const name of names) invariant(isServedDomain(name), 'leaves are minted for served domains only');
    const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
    const chainPem = await sign(names.flatMap(alternativeNames), keys.publicKey, leafEndMs());
    return { chainPem, privateKeyPem: await exportPrivateKey(keys.privateKey) };
  }

  async function leafFor(host: HostName): Promise<Leaf> {
    invariant(isServedDomain(host), 'leaves are minted for served domains only');
    const subject = leafSubject(host);
    const known = leaves.get(subject);
    if (known !== undefined && known.expiresAtMs - dayMs > options.wallClock()) return known.leaf;
    const expiresAtMs = leafEndMs();
    const leaf = mint(subject, expiresAtMs);
    leaves.set(subject, { expiresAtMs, leaf }); // before it is made: those who ask meanwhile share it
    leaf.catch(() => leaves.delete(subject));
    return leaf;
  }

  return {
    certificatePem: material.certificatePem,
    expiresAtMs: root.notAfter.getTime(),
    contextFor: async (host) => (await leafFor(host)).context,
    leafFor,
    issueFor,
  };
}

interface Leaf extends LeafMaterial {
  readonly context: SecureContext;
}

/** `v.vault.azure.net` → `*.vault.azure.net`, `c.eastus.kusto.windows.net` → `*.eastus.kusto.windows.net`: a wildcard covers one
 * label. Shorter names, such as `management.azure.com`, stand for themselves. */
export function leafSubject(host: HostName): string {
  const labels = host.split('.');
  return labels.length >= 4 ? `*.${labels.slice(1).join('.')}` : host;
}

interface AlternativeName {
  readonly type: 'dns' | 'ip';
  readonly value: string;
}

function alternativeNames(subject: string): AlternativeName[] {
  const name = { type: 'dns', value: subject } as const;
  if (subject !== 'localhost') return [name];
  return [name, { type: 'ip', value: '127.0.0.1' }, { type: 'ip', value: '::1' }];
}

const contextOf = (chainPem: string, privateKeyPem: string): SecureContext =>
  createSecureContext({ ...noClientRoots, cert: chainPem, key: privateKeyPem, minVersion: 'TLSv1.2' });
