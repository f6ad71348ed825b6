import { invariant } from '../../base/invariant.ts';
import type { ObjectVersion, VaultName } from '../../base/names.ts';
import type { Table } from '../../state/state.ts';
import { keyTables } from '../keys/key-records.ts';
import type { ObjectRecord, ObjectTables, VersionRecord } from '../objects/object-kind.ts';
import { formatOne, objectTable } from '../objects/object-kind.ts';
import { secretTables } from '../secrets/secret-records.ts';
import type { CertificatePolicy } from './certificate-policy.ts';

export interface CertificateRecord extends ObjectRecord {
  readonly policy: CertificatePolicy;
  /** Milliseconds. */
  readonly policyCreatedAt: number;
  readonly policyUpdatedAt: number;
  /** The last request for a certificate; those that are done stay to be seen. */
  readonly pending?: PendingCertificate;
  /** Whose it is: in a vault that is deleted nothing is renewed. */
  readonly vaultName: VaultName;
  /** For which version contacts have been told that it expires soon. */
  readonly noticed?: ObjectVersion;
}

export interface PendingCertificate {
  /** Of the certificate that is asked for, and of its key, which is there already. */
  readonly version: ObjectVersion;
  readonly requestId: string;
  readonly issuer: CertificatePolicy['issuer'];
  /** PKCS #10 DER, base64. */
  readonly csr: string;
  readonly status: 'inProgress' | 'completed' | 'cancelled';
  readonly cancellationRequested: boolean;
  /** What the version will have. */
  readonly enabled: boolean;
  readonly tags?: Readonly<Record<string, string>>;
  /** Its key was made as one that may not leave the vault. */
  readonly notExportable?: true;
  /** Milliseconds; missing where somebody has to merge. */
  readonly dueAt?: number;
}

/** One version. Certificates are public; what is secret lies with its key and its secret. */
export interface CertificateVersionRecord extends VersionRecord {
  /** X.509 DER, base64; missing as long as the first one has been asked for only. */
  readonly cer?: string;
  /** Its key may not leave the vault, whatever the policy has become. */
  readonly notExportable?: true;
}

export const vaultCertificates = objectTable<CertificateRecord>('vault-certificates', 'certificate');

export const vaultCertificateVersions: Table<CertificateVersionRecord> = {
  name: 'vault-certificate-versions',
  parse: (value) => {
    const record = formatOne(value, 'certificate version');
    invariant(typeof record['enabled'] === 'boolean', 'a certificate version record has a switch');
    return value as unknown as CertificateVersionRecord;
  },
};

export const certificateTables: ObjectTables<CertificateVersionRecord, CertificateRecord> = {
  collection: 'certificates',
  objects: vaultCertificates,
  versions: vaultCertificateVersions,
  linked: [keyTables, secretTables],
  inVault: (certificate, _versions, { name }) => ({ ...certificate, vaultName: name }),
};
