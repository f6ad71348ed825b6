import { createHash } from 'node:crypto';
import type { JsonObject } from '../../base/json.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import { attributesOf, formatObjectId, idOf, tagsOf } from '../objects/object-answers.ts';
import type { Found, ObjectKind } from '../objects/object-kind.ts';
import { errorsOf } from '../objects/object-kind.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { CertificateRecord, CertificateVersionRecord, PendingCertificate } from './certificate-records.ts';
import { certificateTables } from './certificate-records.ts';
import { expectAction } from './lifetime-due.ts';

export type FoundCertificate = Found<CertificateVersionRecord, CertificateRecord>;

/** Certificates among the kinds of objects. */
export const certificateKind: ObjectKind<CertificateVersionRecord, CertificateRecord> = {
  ...certificateTables,
  errors: errorsOf('certificate', 'Certificate'),
  bundle: (vault, found, apiVersion) => ({
    ...versionBundle(vault, found, apiVersion),
    policy: policyBody(vault, found.object.value),
    ...pendingLink(vault, found.object.value),
  }),
  item: (vault, { object, version }, id, apiVersion) => {
    const { cer, enabled } = version.value;
    const { recoveryLevel, recoverableDays, ...times } = attributesOf(vault, version.value, apiVersion);
    const attributes = { ...times, enabled: cer !== undefined && enabled };
    const tail = object.value.deleted === undefined ? { subject: '' } : {};
    const recovery = { recoveryLevel, ...(recoverableDays === undefined ? {} : { recoverableDays }) };
    return {
      id,
      ...(cer === undefined ? {} : { x5t: thumbprint(cer) }),
      attributes: object.value.deleted === undefined ? attributes : { ...attributes, ...recovery },
      ...tagsOf(version.value),
      ...tail,
    };
  },
  cameAlive: expectAction,
};

/** Of one version: without what belongs to all of them. */
export function versionBundle(vault: VaultSettings, found: FoundCertificate, apiVersion: string): JsonObject {
  const { name } = found.object.value;
  const { version, cer } = found.version.value;
  const issued = cer && {
    kid: formatObjectId(vault, 'keys', name, version),
    sid: formatObjectId(vault, 'secrets', name, version),
    x5t: thumbprint(cer),
    cer,
  };
  return {
    id: idOf(vault, certificateTables, found),
    ...(issued === undefined || issued === '' ? {} : issued),
    attributes: attributesOf(vault, found.version.value, apiVersion),
    ...tagsOf(found.version.value),
  };
}

export function policyBody(vault: VaultSettings, record: CertificateRecord): JsonObject {
  const { policy, name, policyCreatedAt, policyUpdatedAt } = record;
  const { enabled, ...members } = policy;
  return {
    id: `${formatObjectId(vault, 'certificates', name)}/policy`,
    ...(members as unknown as JsonObject),
    attributes: { enabled, created: seconds(policyCreatedAt), updated: seconds(policyUpdatedAt) },
  };
}

const pendingIdOf = (vault: VaultSettings, { name }: CertificateRecord): string =>
  `${formatObjectId(vault, 'certificates', name)}/pending`;

export const pendingLink = (vault: VaultSettings, record: CertificateRecord): JsonObject =>
  record.pending === undefined ? {} : { pending: { id: pendingIdOf(vault, record) } };

const details = {
  merge: 'Pending certificate created. Please Perform Merge to complete the request.',
  issuer:
    'Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later.',
};

/** CertificateOperation. */
export function operationBody(
  vault: VaultSettings,
  record: CertificateRecord,
  pending: PendingCertificate,
): JsonObject {
  const { issuer, csr, cancellationRequested, status, requestId, dueAt } = pending;
  const inProgress = { status_details: dueAt === undefined ? details.merge : details.issuer };
  return {
    id: pendingIdOf(vault, record),
    issuer: { name: issuer.name },
    csr,
    cancellation_requested: cancellationRequested,
    status,
    ...(status === 'inProgress' ? inProgress : {}),
    ...(status === 'completed' ? { target: formatObjectId(vault, 'certificates', record.name) } : {}),
    request_id: requestId,
  };
}

/** Whoever signs here is to be asked again; a merge comes from elsewhere. */
export const operationHeaders = ({ status, dueAt }: PendingCertificate): Readonly<Record<string, string>> =>
  status === 'inProgress' && dueAt !== undefined ? { 'retry-after': '10' } : {};

export const operationLocation = (
  vault: VaultSettings,
  record: CertificateRecord,
  { requestId }: PendingCertificate,
  apiVersion: string,
): string => `${pendingIdOf(vault, record)}?api-version=${apiVersion}&request_id=${requestId}`;

const thumbprint = (cer: string): string => createHash('sha1').update(Buffer.from(cer, 'base64')).digest('base64url');

const seconds = (milliseconds: number): number => toUnixSeconds(instant(milliseconds));
