import { X509Certificate } from 'node:crypto';
import { fromBase64Url } from '../../base/base64url.ts';
import { invariant } from '../../base/invariant.ts';
import type { ObjectVersion } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { KeyRecord, KeyVersionRecord } from '../keys/key-records.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from '../keys/key-records.ts';
import type { ObjectRecord } from '../objects/object-kind.ts';
import { writePfx } from '../pkcs12/pfx.ts';
import type { SecretVersionRecord } from '../secrets/secret-records.ts';
import { vaultSecrets, vaultSecretValues, vaultSecretVersions } from '../secrets/secret-records.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import type { CertificatePolicy } from './certificate-policy.ts';
import type { CertificateRecord, CertificateVersionRecord } from './certificate-records.ts';
import { vaultCertificates, vaultCertificateVersions } from './certificate-records.ts';

/** A certificate that is there, and where it goes. */
export interface Issued {
  /** `{vault}/{name}` */
  readonly id: string;
  readonly version: ObjectVersion;
  /** X.509 DER, the leaf first. */
  readonly chain: readonly Buffer[];
  /** PKCS #8 DER. */
  readonly privateKey: Buffer;
  readonly enabled: boolean;
  /** The key may not leave the vault: it is not in the secret. */
  readonly notExportable: boolean;
  readonly tags: Readonly<Record<string, string>> | undefined;
  /** As it is to be written; its current version is replaced. */
  readonly record: Omit<CertificateRecord, 'currentVersion'>;
  readonly stored: {
    readonly certificate: Versioned<CertificateRecord> | undefined;
    readonly version: Versioned<CertificateVersionRecord> | undefined;
    readonly key: Versioned<KeyRecord> | undefined;
    readonly secret: Versioned<ObjectRecord> | undefined;
  };
  readonly keyVersion: { readonly stored: Versioned<KeyVersionRecord> | undefined; readonly value: KeyVersionRecord };
}

/** Certificate, key and secret of one version become the current ones of their name. */
export function issuedWrites(
  issued: Issued,
  now: Instant,
  randomBytes: RandomBytes,
): { readonly write: readonly StateWrite[]; readonly found: FoundCertificate } {
  const { id, version, chain, enabled, notExportable, tags, stored, record, keyVersion } = issued;
  const [leaf] = chain;
  invariant(leaf !== undefined, 'a chain has a leaf');
  const certificate = new X509Certificate(leaf);
  const common = {
    ...({ format: 1, version, enabled } as const),
    notBefore: Math.floor(Date.parse(certificate.validFrom) / 1000),
    expires: Math.floor(Date.parse(certificate.validTo) / 1000),
    ...{ createdAt: now, updatedAt: now },
    ...(tags === undefined ? {} : { tags }),
  };
  const { policy } = record;
  const versionId = `${id}/${version}`;
  const written: CertificateVersionRecord = {
    ...{ ...common, cer: leaf.toString('base64') },
    ...(notExportable ? { notExportable } : {}),
  };
  const whole: CertificateRecord = { ...record, currentVersion: version };
  const secret: SecretVersionRecord = { ...common, contentType: policy.secret_props.contentType, managed: true };
  const value = secretValue(policy, issued, randomBytes);
  const key: KeyVersionRecord = { ...keyVersion.value, ...common, managed: true };
  const { name } = record;
  const write = [
    writeRecord(vaultCertificateVersions, versionId, stored.version?.version ?? null, written),
    writeRecord(vaultCertificates, id, stored.certificate?.version ?? null, whole),
    writeRecord(vaultKeyVersions, versionId, keyVersion.stored?.version ?? null, key),
    writeRecord(vaultKeys, id, stored.key?.version ?? null, {
      ...stored.key?.value,
      format: 1,
      name,
      currentVersion: version,
    }),
    writeRecord(vaultSecretValues, versionId, null, { format: 1, value }),
    writeRecord(vaultSecretVersions, versionId, null, secret),
    writeRecord(vaultSecrets, id, stored.secret?.version ?? null, { format: 1, name, currentVersion: version }),
  ];
  const found = { object: { id, version: 0, value: whole }, version: { id: versionId, version: 0, value: written } };
  return { write, found };
}

function secretValue(
  policy: CertificatePolicy,
  { privateKey, chain, notExportable }: Issued,
  randomBytes: RandomBytes,
): string {
  const shown = notExportable ? undefined : privateKey;
  if (policy.secret_props.contentType === 'application/x-pkcs12') {
    return writePfx(shown, chain, randomBytes).toString('base64');
  }
  const key = shown === undefined ? '' : pemOf('PRIVATE KEY', shown);
  return key + chain.map((der) => pemOf('CERTIFICATE', der)).join('');
}

const pemOf = (label: string, der: Buffer): string =>
  `-----BEGIN ${label}-----\n${(der.toString('base64').match(/.{1,64}/g) ?? []).join('\n')}\n-----END ${label}-----\n`;

/** @returns PKCS #8 DER of a key version, or undefined when it was purged a moment ago */
export async function privateKeyOf(state: State, versionId: string): Promise<Buffer | undefined> {
  const record = await state.get(vaultPrivateKeys, versionId);
  return record && fromBase64Url(record.value.pkcs8);
}
