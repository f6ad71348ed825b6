import type { ObjectName } from '../../base/names.ts';
import type { StateWrite, Versioned } from '../../state/state.ts';
import { keyTables, vaultKeys } from '../keys/key-records.ts';
import type { KeyRecord } from '../keys/key-records.ts';
import { requestedName } from '../objects/find-requested.ts';
import type { ObjectRecord, ObjectTables } from '../objects/object-kind.ts';
import { objectRecordId } from '../objects/object-kind.ts';
import { purgeWrites } from '../objects/object-store.ts';
import type { VaultRequest, VaultServices } from '../objects/operation.ts';
import { secretTables, vaultSecrets } from '../secrets/secret-records.ts';
import { vaultError } from '../vault-error.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { certificateTables, vaultCertificates } from './certificate-records.ts';

/** Where a certificate goes, with its key and its secret: a name nobody has, or a live certificate. */
export interface CertificatePlace {
  readonly name: ObjectName;
  /** Of all three records. */
  readonly id: string;
  readonly certificate: Versioned<CertificateRecord> | undefined;
  readonly key: Versioned<KeyRecord> | undefined;
  readonly secret: Versioned<ObjectRecord> | undefined;
  /** What is left of objects whose retention is over: to be removed by a commit of its own, before. */
  readonly leftovers: readonly StateWrite[];
}

/** @throws VaultError 409 where a deleted certificate, or a key or secret without one, has the name, or one is being asked for */
export async function requestedPlace(services: VaultServices, request: VaultRequest): Promise<CertificatePlace> {
  const { state } = services;
  const sent = requestedName(request);
  const id = objectRecordId(request.vault.vaultId, sent);
  const certificate = await standing(services, certificateTables, await state.get(vaultCertificates, id));
  const key = await standing(services, keyTables, await state.get(vaultKeys, id));
  const secret = await standing(services, secretTables, await state.get(vaultSecrets, id));
  const stored = certificate.stored;
  if (stored?.value.deleted !== undefined) throw vaultError('certificateIsDeleted', stored.value.name);
  if (stored === undefined && (key.stored !== undefined || secret.stored !== undefined)) {
    throw vaultError('nameTaken', sent);
  }
  if (stored?.value.pending?.status === 'inProgress') throw vaultError('pendingInProgress');
  return {
    name: stored?.value.name ?? sent,
    id,
    certificate: stored,
    key: key.stored,
    secret: secret.stored,
    leftovers: [...certificate.leftovers, ...key.leftovers, ...secret.leftovers],
  };
}

async function standing<Whole extends ObjectRecord>(
  { state, retention }: VaultServices,
  tables: ObjectTables,
  stored: Versioned<Whole> | undefined,
): Promise<{ readonly stored: Versioned<Whole> | undefined; readonly leftovers: readonly StateWrite[] }> {
  if (stored === undefined || !retention.isOver(stored.value)) return { stored, leftovers: [] };
  return { stored: undefined, leftovers: await purgeWrites(state, tables, stored) };
}

/** A commit writes a record once: what is over goes first. */
export async function withoutLeftovers(services: VaultServices, request: VaultRequest): Promise<CertificatePlace> {
  const place = await requestedPlace(services, request);
  if (place.leftovers.length === 0) return place;
  await services.state.commit({ write: place.leftovers });
  return requestedPlace(services, request);
}
