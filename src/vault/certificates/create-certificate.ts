import { fromBase64Url, toBase64Url } from '../../base/base64url.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { instant } from '../../clock/clock.ts';
import { curves } from '../ec/curves.ts';
import { readPrivateJwk } from '../keys/jwk-import.ts';
import type { KeyOperationName } from '../keys/key-records.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from '../keys/key-records.ts';
import { keyOpsOf, makeKey } from '../keys/key-types.ts';
import { newRecord } from '../keys/new-version.ts';
import type { KeyPair } from '../material/key-pairs.ts';
import { objectMember, readObjectChanges } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { vaultError } from '../vault-error.ts';
import { operationBody, operationHeaders, operationLocation } from './certificate-bundle.ts';
import type { CertificatePlace } from './certificate-place.ts';
import { withoutLeftovers } from './certificate-place.ts';
import type { CertificatePolicy, KeyUsage } from './certificate-policy.ts';
import { readPolicy, requireSubject, selfIssuer, shapeOf, unknownIssuer } from './certificate-policy.ts';
import type { CertificateRecord, PendingCertificate } from './certificate-records.ts';
import { vaultCertificates, vaultCertificateVersions } from './certificate-records.ts';
import { newVersion } from './issue.ts';
import { privateKeyOf } from './issued-writes.ts';
import { issuerRecordId, vaultIssuers } from './issuer-records.ts';
import { certifiedKey, datesFrom, makeRequest } from './x509-crypto.ts';
import { createPrivateKey } from 'node:crypto';

export const tagCharsMax = 256;
/** Nobody has to look for it to be done. */
const issuanceMs = 1000;

/** Answers with the request for a certificate, which is done a moment later, or by a merge. */
export async function createCertificate(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault } = request;
  const { randomBytes, clock } = services;
  const place = await withoutLeftovers(services, request);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const known = place.certificate?.value.policy;
  const policy = readPolicy(objectMember(body, 'policy') ?? {}, known, vault);
  requireSubject(policy);
  const { enabled = policy.enabled, tags } = readObjectChanges(body, tagCharsMax);
  await refuseIssuer(services, request, policy.issuer.name);
  const shape = shapeOf(policy.key_props, vault);
  const reused = policy.key_props.reuse_key ? await currentPair(services, place, policy) : undefined;
  const pair = reused ?? (await request.newKey(() => makeKey(shape, services.keyPool)));
  const der = fromBase64Url(pair.privateKey);
  const keys = der && (await certifiedKey(der));
  if (keys === undefined)
    throw vaultError('notBuilt', `certificates for keys on the curve ${policy.key_props.crv ?? ''}`);
  const now = clock.now();
  const pending: PendingCertificate = {
    version: newVersion(randomBytes),
    requestId: Buffer.from(randomBytes(16)).toString('hex'),
    issuer: policy.issuer,
    csr: (await makeRequest(policy.x509_props, keys)).toString('base64'),
    ...{ status: 'inProgress', cancellationRequested: false, enabled },
    ...(policy.key_props.exportable ? {} : { notExportable: true }),
    ...(tags === undefined ? {} : { tags }),
    ...(policy.issuer.name === unknownIssuer ? {} : { dueAt: now + issuanceMs }),
  };
  const record: CertificateRecord = {
    ...place.certificate?.value,
    ...{ format: 1, name: place.name, currentVersion: place.certificate?.value.currentVersion ?? pending.version },
    ...{ policy, policyCreatedAt: place.certificate?.value.policyCreatedAt ?? now, policyUpdatedAt: now },
    ...{ pending, vaultName: vault.name },
  };
  const write = [
    ...keyWrites(place, pending, pair, policy, shape.hsm, now),
    ...(place.certificate === undefined ? [requestedVersion(place, pending, policy, now)] : []),
    writeRecord(vaultCertificates, place.id, place.certificate?.version ?? null, record),
  ];
  return {
    status: 202,
    id: formatObjectId(vault, 'certificates', place.name, pending.version),
    body: operationBody(vault, record, pending),
    headers: {
      ...operationHeaders(pending),
      location: operationLocation(vault, record, pending, request.apiVersion),
    },
    write,
    committed: () => {
      if (pending.dueAt !== undefined) services.lifetimes.expectAt(instant(pending.dueAt));
    },
  };
}

/** The service refuses an issuer that it does not have when a certificate is asked for. */
async function refuseIssuer({ state }: VaultServices, { vault }: VaultRequest, name: string): Promise<void> {
  if (name === selfIssuer || name === unknownIssuer) return;
  const issuer = await state.get(vaultIssuers, issuerRecordId(vault.vaultId, name));
  if (issuer === undefined) throw vaultError('issuerNotFound');
  if (issuer.value.authority === undefined) {
    throw vaultError('notBuilt', `certificates of the provider ${issuer.value.provider}`);
  }
}

/** Of the current version, to be certified again. @throws VaultError 400 where it would leave the vault, which it may not */
async function currentPair(
  { state }: VaultServices,
  { id, certificate }: CertificatePlace,
  policy: CertificatePolicy,
): Promise<KeyPair | undefined> {
  if (certificate === undefined) return undefined;
  const versionId = `${id}/${certificate.value.currentVersion}`;
  const version = await state.get(vaultCertificateVersions, versionId);
  if (version?.value.notExportable && policy.key_props.exportable)
    throw vaultError('invalidProperty', 'policy.key_props.exportable');
  const der = await privateKeyOf(state, versionId);
  return der && keyPairOf(der);
}

/** @param der PKCS #8
 * @throws VaultError 400 for kinds of keys that vaults do not have */
export function keyPairOf(der: Buffer): KeyPair {
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const { asymmetricKeyType: type = '', asymmetricKeyDetails: { namedCurve = '' } = {} } = key;
  const isKnown =
    type === 'rsa' || (type === 'ec' && Object.values(curves).some(({ ecdhName }) => ecdhName === namedCurve));
  if (!isKnown) throw vaultError('unsupportedKeyType', namedCurve === '' ? type : `${type} ${namedCurve}`);
  const jwk = key.export({ format: 'jwk' });
  if (jwk.kty !== 'RSA' && jwk.kty !== 'EC') throw vaultError('unsupportedKeyType', String(jwk.kty));
  const { kty, n, e, d, p, q, dp, dq, qi, crv, x, y } = jwk;
  const parts = Object.entries({ kty, n, e, d, p, q, dp, dq, qi, crv, x, y }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return readPrivateJwk(Object.fromEntries(parts), jwk.kty);
}

function keyWrites(
  { id, name, key }: CertificatePlace,
  { version, enabled }: PendingCertificate,
  pair: KeyPair,
  policy: CertificatePolicy,
  hsm: boolean,
  now: ReturnType<VaultServices['clock']['now']>,
): readonly StateWrite[] {
  const versionId = `${id}/${version}`;
  const keyOps = keyOpsFor(pair.kty, policy.x509_props.key_usage);
  const record = {
    ...newRecord(version, { pair, hsm, release: {}, changes: { keyOps, enabled } }, now),
    managed: true as const,
  };
  return [
    writeRecord(vaultPrivateKeys, versionId, null, {
      format: 1,
      pkcs8: toBase64Url(fromBase64Url(pair.privateKey) ?? Buffer.alloc(0)),
    }),
    writeRecord(vaultKeyVersions, versionId, null, record),
    // Only the first one is current before it has a certificate.
    ...(key === undefined ? [writeRecord(vaultKeys, id, null, { format: 1, name, currentVersion: version })] : []),
  ];
}

function requestedVersion(
  { id }: CertificatePlace,
  { version, enabled, tags }: PendingCertificate,
  policy: CertificatePolicy,
  now: number,
): StateWrite {
  const { notBefore, notAfter } = datesFrom(now, policy.x509_props.validity_months);
  return writeRecord(vaultCertificateVersions, `${id}/${version}`, null, {
    ...{ format: 1, version, enabled, createdAt: now, updatedAt: now },
    ...{ notBefore: notBefore.getTime() / 1000, expires: notAfter.getTime() / 1000 },
    ...(tags === undefined ? {} : { tags }),
  });
}

const opsOfUsage: Readonly<Partial<Record<KeyUsage, readonly KeyOperationName[]>>> = {
  digitalSignature: ['sign', 'verify'],
  nonRepudiation: ['sign', 'verify'],
  keyCertSign: ['sign', 'verify'],
  cRLSign: ['sign', 'verify'],
  keyEncipherment: ['wrapKey', 'unwrapKey'],
  dataEncipherment: ['encrypt', 'decrypt'],
};

/** What the key of a certificate may do follows from its usages; without any, all that its type can. */
export function keyOpsFor(kty: KeyPair['kty'], usages: readonly KeyUsage[]): readonly KeyOperationName[] {
  const wanted = new Set(usages.flatMap((usage) => opsOfUsage[usage] ?? []));
  return wanted.size === 0 ? keyOpsOf[kty] : keyOpsOf[kty].filter((operation) => wanted.has(operation));
}
