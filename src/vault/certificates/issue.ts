import { invariant } from '../../base/invariant.ts';
import type { ObjectVersion } from '../../base/names.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Clock, Instant } from '../../clock/clock.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { vaultKeys, vaultKeyVersions } from '../keys/key-records.ts';
import { vaultSecrets } from '../secrets/secret-records.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import { selfIssuer } from './certificate-policy.ts';
import type { CertificateRecord, PendingCertificate } from './certificate-records.ts';
import { vaultCertificates, vaultCertificateVersions } from './certificate-records.ts';
import { issuerSigner } from './issuer-signer.ts';
import { issuedWrites, privateKeyOf } from './issued-writes.ts';
import { certifiedKey, datesFrom, makeCertificate } from './x509-crypto.ts';

export interface IssueServices {
  readonly state: State;
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
}

/** What a request that is in progress becomes.
 * @param chain of somebody else's making, X.509 DER, the leaf first; missing: whoever the policy names signs
 * @returns undefined when it cannot be done: something of it was removed */
export async function completionWrites(
  services: IssueServices,
  certificate: Versioned<CertificateRecord>,
  pending: PendingCertificate,
  chain?: readonly Buffer[],
): Promise<{ readonly write: readonly StateWrite[]; readonly found: FoundCertificate } | undefined> {
  const { state, clock, randomBytes } = services;
  const { id } = certificate;
  const versionId = `${id}/${pending.version}`;
  const keyVersion = await state.get(vaultKeyVersions, versionId);
  const privateKey = await privateKeyOf(state, versionId);
  if (keyVersion === undefined || privateKey === undefined) return undefined;
  const now = clock.now();
  const made = chain ?? (await sign(services, certificate, pending, privateKey, now));
  if (made === undefined) return undefined;
  const { exportable } = certificate.value.policy.key_props;
  const issued = {
    // By the policy that it was asked for under, and by the one of now.
    notExportable: pending.notExportable === true || !exportable,
    ...{ id, version: pending.version, chain: made, privateKey, enabled: pending.enabled, tags: pending.tags },
    record: { ...certificate.value, pending: { ...pending, status: 'completed' as const } },
    stored: {
      certificate,
      version: await state.get(vaultCertificateVersions, versionId),
      key: await state.get(vaultKeys, id),
      secret: await state.get(vaultSecrets, id),
    },
    keyVersion: { stored: keyVersion, value: keyVersion.value },
  };
  return issuedWrites(issued, now, randomBytes);
}

async function sign(
  { state, randomBytes }: IssueServices,
  { id, value }: Versioned<CertificateRecord>,
  pending: PendingCertificate,
  privateKey: Buffer,
  now: Instant,
): Promise<readonly Buffer[] | undefined> {
  const key = await certifiedKey(privateKey);
  invariant(key !== undefined, 'a key that a request was made with can sign');
  const properties = value.policy.x509_props;
  const authority =
    pending.issuer.name === selfIssuer
      ? { signer: { issuer: properties.subject, key }, chain: [] }
      : await issuerSigner(state, id.split('/', 1)[0] ?? '', pending.issuer.name);
  if (authority === undefined) return undefined;
  const dates = datesFrom(now, properties.validity_months);
  const leaf = await makeCertificate(properties, key.publicKey, authority.signer, dates, serialNumber(randomBytes));
  return [leaf, ...authority.chain];
}

/** 128 bits; the first one is 0, so that the number is positive, and the second is 1, so that its length is. */
export function serialNumber(randomBytes: RandomBytes): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

export const newVersion = (randomBytes: RandomBytes): ObjectVersion =>
  Buffer.from(randomBytes(16)).toString('hex') as ObjectVersion;

/** The request was given up: what it had made is removed. */
export const withoutPending = ({ id, version, value }: Versioned<CertificateRecord>): StateWrite => {
  const kept = { ...value };
  delete (kept as { pending?: unknown }).pending;
  return writeRecord(vaultCertificates, id, version, kept);
};
