import { writeRecord } from '../../state/state.ts';
import type { StateWrite } from '../../state/state.ts';
import { vaultKeyVersions } from '../keys/key-records.ts';
import { objectMember, readObjectChanges } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { requireShown, requireVersion } from '../objects/find-requested.ts';
import { listObjects } from '../objects/lists.ts';
import { idOf } from '../objects/object-answers.ts';
import { stillAsRead } from '../objects/object-store.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { vaultSecretVersions } from '../secrets/secret-records.ts';
import { certificateKind, pendingLink, policyBody, versionBundle } from './certificate-bundle.ts';
import { readPolicy, requireSubject } from './certificate-policy.ts';
import type { CertificateRecord, CertificateVersionRecord } from './certificate-records.ts';
import { vaultCertificates, vaultCertificateVersions } from './certificate-records.ts';
import { tagCharsMax } from './create-certificate.ts';
import { expectAction } from './lifetime-due.ts';

/** The policy belongs to all versions, and is shown where none is named. */
export async function getCertificate(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion, version } = request;
  const found = await requireShown(services, certificateKind, request);
  const body =
    version === undefined ? certificateKind.bundle(vault, found, apiVersion) : versionBundle(vault, found, apiVersion);
  return { status: 200, id: idOf(vault, certificateKind, found), body, expect: stillAsRead(certificateKind, found) };
}

const requestedOnly = (query: ReadonlyMap<string, string>): boolean =>
  query.get('includepending')?.toLowerCase() === 'true';

/** What has only been asked for is there when the caller wants it. */
export const listCertificates = (wanted: 'live' | 'deleted') => {
  const issued = listObjects(certificateKind, wanted, ({ version }) => version.value.cer !== undefined);
  const all = listObjects(certificateKind, wanted);
  return (services: VaultServices, request: VaultRequest): Promise<VaultOutcome> =>
    requestedOnly(request.query) ? all(services, request) : issued(services, request);
};

/** A switch is that of key and secret, too; the dates are the certificate's own. */
export async function updateCertificate(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const { object, version } = await requireVersion(services, certificateKind, request);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const { enabled = version.value.enabled, tags = version.value.tags } = readObjectChanges(body, tagCharsMax);
  const now = services.clock.now();
  const changed: CertificateVersionRecord = {
    ...version.value,
    ...{ enabled, updatedAt: now },
    ...(tags === undefined ? {} : { tags }),
  };
  const sent = request.version === undefined ? objectMember(body, 'policy') : undefined;
  const whole: CertificateRecord =
    sent === undefined
      ? object.value
      : { ...object.value, policy: readPolicy(sent, object.value.policy, vault), policyUpdatedAt: now };
  requireSubject(whole.policy);
  const found = { object: { ...object, value: whole }, version: { ...version, value: changed } };
  const shown =
    request.version === undefined
      ? certificateKind.bundle(vault, found, apiVersion)
      : { ...versionBundle(vault, found, apiVersion), ...pendingLink(vault, whole) };
  return {
    ...{ status: 200, id: idOf(vault, certificateKind, found), body: shown },
    write: [
      writeRecord(vaultCertificates, object.id, object.version, whole),
      writeRecord(vaultCertificateVersions, version.id, version.version, changed),
      ...(enabled === version.value.enabled ? [] : await switchWrites(services, version.id, enabled)),
    ],
    committed: () => expectAction(services, found),
  };
}

async function switchWrites({ state }: VaultServices, id: string, enabled: boolean): Promise<readonly StateWrite[]> {
  const key = await state.get(vaultKeyVersions, id);
  const secret = await state.get(vaultSecretVersions, id);
  return [
    ...(key === undefined ? [] : [writeRecord(vaultKeyVersions, id, key.version, { ...key.value, enabled })]),
    ...(secret === undefined
      ? []
      : [writeRecord(vaultSecretVersions, id, secret.version, { ...secret.value, enabled })]),
  ];
}

export async function getPolicy(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const found = await requireVersion(services, certificateKind, request);
  const body = policyBody(request.vault, found.object.value);
  return {
    status: 200,
    id: idOf(request.vault, certificateKind, found),
    body,
    expect: stillAsRead(certificateKind, found),
  };
}

export async function updatePolicy(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const found = await requireVersion(services, certificateKind, request);
  const { object } = found;
  const policy = readPolicy(parseBodyObject(request.body ?? Buffer.from('{}')), object.value.policy, vault);
  requireSubject(policy);
  const whole: CertificateRecord = { ...object.value, policy, policyUpdatedAt: services.clock.now() };
  return {
    ...{ status: 200, id: idOf(vault, certificateKind, found), body: policyBody(vault, whole) },
    write: [writeRecord(vaultCertificates, object.id, object.version, whole)],
    committed: () => expectAction(services, { ...found, object: { ...object, value: whole } }),
  };
}
