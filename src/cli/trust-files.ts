import { X509Certificate } from 'node:crypto';
import { rootCertificates } from 'node:tls';
import { encodeJavaTrustStore } from './java-trust-store.ts';

export interface TrustFilesInput {
  /** Our root. */
  readonly rootPem: string;
  /** The machine's bundle of public roots, where there is one. */
  readonly systemBundlePem?: string;
  /** What NODE_EXTRA_CA_CERTS named before. */
  readonly existingExtraPem?: string;
  readonly javaTrustStorePassword: string;
  /** Milliseconds since 1970; stands in the Java trust store as the time of entry. */
  readonly wallClockMs: number;
}

export interface TrustFiles {
  readonly extraRootsPem: string;
  readonly bundlePem: string;
  readonly javaTrustStore: Buffer;
}

/** Where systems keep their public roots as one PEM file; the first that exists is the one. */
export const systemBundlePaths = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
] as const;

/** The contents of the files that the client environment names. Bundles are for settings that replace a client's trust list. */
export function trustFiles(input: TrustFilesInput): TrustFiles {
  const others = [...certificatesOf(input.systemBundlePem), ...certificatesOf(input.existingExtraPem)];
  const own = certificatesOf(input.rootPem);
  const publicRoots = new Set(rootCertificates.map(base64Of));
  return {
    extraRootsPem: join([...own, ...certificatesOf(input.existingExtraPem)]),
    bundlePem: join([...own, ...others]),
    javaTrustStore: encodeJavaTrustStore(
      [...own, ...others].flatMap((pem) => derOf(pem, publicRoots) ?? []),
      input.javaTrustStorePassword,
      input.wallClockMs,
    ),
  };
}

/** @returns each certificate of a PEM text once; comments and anything else between them is left out */
function certificatesOf(pem: string | undefined): string[] {
  const found = (pem ?? '').match(
    /-----BEGIN (TRUSTED )?CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END \1CERTIFICATE-----/g,
  );
  return [...new Set(found?.filter((text) => text.startsWith('-----BEGIN CERTIFICATE')))];
}

const join = (certificates: readonly string[]): string => certificates.map((pem) => `${pem}\n`).join('');

const base64Of = (pem: string): string => pem.replaceAll(/-----[A-Z ]+-----|\s/g, '');

/** @param publicRoots those that Node.js has, which are most of a system's: they need not be read to know that they are certificates
 * @returns undefined for what is no certificate: a bundle with one odd entry must not keep clients from starting */
function derOf(pem: string, publicRoots: ReadonlySet<string>): Buffer | undefined {
  const base64 = base64Of(pem);
  if (publicRoots.has(base64)) return Buffer.from(base64, 'base64');
  try {
    return new X509Certificate(pem).raw;
  } catch {
    return undefined;
  }
}
