import { createPublicKey, X509Certificate } from 'node:crypto';
import type { Json, JsonObject } from '../../base/json.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { expectRecord, writeRecord } from '../../state/state.ts';
import { vaultKeys, vaultKeyVersions, vaultPrivateKeys } from '../keys/key-records.ts';
import { member } from '../objects/attributes.ts';
import { parseBodyObject } from '../objects/body-object.ts';
import { requestedName } from '../objects/find-requested.ts';
import { formatObjectId, idOf } from '../objects/object-answers.ts';
import { findObject, purgeWrites } from '../objects/object-store.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from '../objects/operation.ts';
import { keyTables } from '../keys/key-records.ts';
import { vaultError } from '../vault-error.ts';
import { certificateKind, operationBody, operationHeaders } from './certificate-bundle.ts';
import type { CertificateRecord, PendingCertificate } from './certificate-records.ts';
import { certificateTables, vaultCertificates } from './certificate-records.ts';
import { completionWrites, withoutPending } from './issue.ts';
import { actionDue } from './lifetime-due.ts';

interface FoundPending {
  readonly certificate: Versioned<CertificateRecord>;
  readonly pending: PendingCertificate;
}

/** @throws VaultError 404 */
async function requirePending({ state, retention }: VaultServices, request: VaultRequest): Promise<FoundPending> {
  const name = requestedName(request);
  const certificate = await findObject(state, certificateTables, request.vault.vaultId, name, retention.isOver);
  const pending = certificate?.value.deleted === undefined ? certificate?.value.pending : undefined;
  if (certificate === undefined || pending === undefined) throw vaultError('pendingNotFound', name);
  return { certificate, pending };
}

/** Who asks hears how it stands; what somebody here can do is done meanwhile, so that the next answer says that it is. */
export async function getPending(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { certificate, pending } = await requirePending(services, request);
  const done = await whatIsDue(services, certificate, pending);
  return {
    ...outcome(request, certificate.value, pending),
    headers: operationHeaders(pending),
    ...(takesRequestAlone(request) ? requestAlone(pending) : {}),
    ...(done === undefined
      ? { expect: [expectRecord(vaultCertificates, certificate.id, certificate.version)] }
      : { write: done, committed: () => expectAction(services, certificate.id) }),
  };
}

const requestType = 'application/pkcs10';

/** Clients that only have the request signed ask for nothing else. */
const takesRequestAlone = ({ accept = '' }: VaultRequest): boolean =>
  accept.split(',').some((range) => range.replace(/;.*$/, '').trim().toLowerCase() === requestType);

/** The signing request in base64, as in the operation. */
const requestAlone = (pending: PendingCertificate): Pick<VaultOutcome, 'text' | 'headers'> => ({
  text: pending.csr,
  headers: { ...operationHeaders(pending), 'content-type': `${requestType}; charset=utf-8` },
});

/** Also what the clock does when nobody asks. @returns undefined when nothing is to be done */
export async function whatIsDue(
  services: Pick<VaultServices, 'state' | 'clock' | 'randomBytes'>,
  certificate: Versioned<CertificateRecord>,
  pending: PendingCertificate,
): Promise<readonly StateWrite[] | undefined> {
  if (pending.status !== 'inProgress' || pending.dueAt === undefined) return undefined;
  const completed = pending.cancellationRequested ? undefined : await completionWrites(services, certificate, pending);
  if (completed !== undefined) return completed.write;
  const cancelled: CertificateRecord = { ...certificate.value, pending: { ...pending, status: 'cancelled' } };
  return [writeRecord(vaultCertificates, certificate.id, certificate.version, cancelled)];
}

async function expectAction({ state, lifetimes }: VaultServices, id: string): Promise<void> {
  const due = await actionDue(state, id);
  if (due !== undefined) lifetimes.expectAt(due.at);
}

export async function updatePending(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { certificate, pending } = await requirePending(services, request);
  const wanted = member(parseBodyObject(request.body ?? Buffer.from('{}')), 'cancellation_requested');
  if (typeof wanted !== 'boolean') throw vaultError('invalidProperty', 'cancellation_requested');
  if (pending.status !== 'inProgress') throw vaultError('pendingIsOver', certificate.value.name);
  const changed: PendingCertificate = { ...pending, cancellationRequested: wanted };
  const record: CertificateRecord = { ...certificate.value, pending: changed };
  return {
    ...outcome(request, record, changed),
    write: [writeRecord(vaultCertificates, certificate.id, certificate.version, record)],
  };
}

/** The request is forgotten, and the key that was made for it. */
export async function deletePending(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { certificate, pending } = await requirePending(services, request);
  return {
    ...outcome(request, certificate.value, pending),
    write: await removalWrites(services, certificate, pending),
    committed: () => {
      services.privateKeys.forget(`${certificate.id}/${pending.version}`);
      return services.compact();
    },
  };
}

async function removalWrites(
  { state }: VaultServices,
  certificate: Versioned<CertificateRecord>,
  pending: PendingCertificate,
): Promise<readonly StateWrite[]> {
  const { id, value } = certificate;
  if (pending.status === 'completed') return [withoutPending(certificate)];
  if (value.currentVersion === pending.version) {
    const key = await state.get(vaultKeys, id);
    const ofKey = key === undefined ? [] : await purgeWrites(state, keyTables, key);
    return [...(await purgeWrites(state, certificateTables, certificate)), ...ofKey];
  }
  const versionId = `${id}/${pending.version}`;
  const [version, secret] = [
    await state.get(vaultKeyVersions, versionId),
    await state.get(vaultPrivateKeys, versionId),
  ];
  return [
    withoutPending(certificate),
    ...(version === undefined ? [] : [writeRecord(vaultKeyVersions, versionId, version.version, null)]),
    ...(secret === undefined ? [] : [writeRecord(vaultPrivateKeys, versionId, secret.version, null)]),
  ];
}

const outcome = (
  { vault }: VaultRequest,
  record: CertificateRecord,
  pending: PendingCertificate,
): { readonly status: 200; readonly id: string; readonly body: JsonObject } => ({
  status: 200,
  id: formatObjectId(vault, 'certificates', record.name, pending.version),
  body: operationBody(vault, record, pending),
});

/** Somebody else has signed the request. */
export async function mergeCertificate(services: VaultServices, request: VaultRequest): Promise<VaultOutcome> {
  const { vault, apiVersion } = request;
  const { certificate, pending } = await requirePending(services, request);
  if (pending.status !== 'inProgress') throw vaultError('pendingIsOver', certificate.value.name);
  const body = parseBodyObject(request.body ?? Buffer.from('{}'));
  const keyVersion = await services.state.get(vaultKeyVersions, `${certificate.id}/${pending.version}`);
  if (keyVersion === undefined) throw vaultError('pendingNotFound', certificate.value.name); // removed a moment ago
  const { value: key } = keyVersion;
  const jwk = key.kty === 'RSA' ? { kty: 'RSA', n: key.n, e: key.e } : { kty: 'EC', crv: key.crv, x: key.x, y: key.y };
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' });
  const sent = readChain(member(body, 'x5c'));
  const leaf = sent.find((one) => one.publicKey.equals(publicKey));
  if (leaf === undefined) throw vaultError('noLeaf');
  const chain = [leaf, ...sent.filter((one) => one !== leaf)].map((one) => one.raw);
  const completed = await completionWrites(services, certificate, pending, chain);
  if (completed === undefined) throw vaultError('pendingNotFound', certificate.value.name);
  const { found, write } = completed;
  return {
    status: 201,
    id: idOf(vault, certificateKind, found),
    body: certificateKind.bundle(vault, found, apiVersion),
    headers: {
      location: `${formatObjectId(vault, 'certificates', certificate.value.name)}?api-version=${apiVersion}`,
    },
    write,
    committed: () => expectAction(services, certificate.id),
  };
}

const certificatesMax = 20;

/** Base64 of DER, or of what is base64 of DER again: clients that take bytes send that. @throws VaultError 400 */
function readChain(sent: Json | undefined): readonly X509Certificate[] {
  const texts: readonly Json[] = Array.isArray(sent) ? sent : [];
  if (texts.length === 0 || texts.length > certificatesMax) throw vaultError('noLeaf');
  return texts.map((text) => {
    if (typeof text !== 'string') throw vaultError('noLeaf');
    const bytes = Buffer.from(text, 'base64');
    for (const der of [bytes, Buffer.from(bytes.toString('latin1'), 'base64')]) {
      try {
        return new X509Certificate(der);
      } catch {
        // the other form
      }
    }
    throw vaultError('noLeaf');
  });
}
