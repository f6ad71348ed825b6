import type { CertificatePolicy, KeyVaultCertificateWithPolicy } from '@azure/keyvault-certificates';
import type { VaultFixture } from '../../support/vault-fixture.ts';

export const version = 'api-version=7.4';
/** Pollers ask again at once. */
export const now = { intervalInMs: 0 };

export const selfSigned: CertificatePolicy = {
  ...{ issuerName: 'Self', subject: 'CN=self.example, O=Test', validityInMonths: 24 },
  subjectAlternativeNames: {
    dnsNames: ['a.example'],
    emails: ['a@example.org'],
    userPrincipalNames: ['u@example.org'],
  },
};

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

/** A certificate that is issued. */
export async function madeCertificate(
  vault: VaultFixture,
  where: string,
  name: string,
  policy: CertificatePolicy = selfSigned,
): Promise<KeyVaultCertificateWithPolicy> {
  const poller = await vault.certificateClient(where).beginCreateCertificate(name, policy, now);
  return poller.pollUntilDone();
}
