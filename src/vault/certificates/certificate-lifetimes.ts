import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/guid.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { State, StateWrite, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { VaultAuditRecord } from '../audit.ts';
import type { AuditEntry } from '../audit-spans.ts';
import type { DueSchedule, DueSweep } from '../objects/due-schedule.ts';
import { createDueSchedule, sweepDue } from '../objects/due-schedule.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import { findVersion } from '../objects/object-store.ts';
import { eachObject } from '../objects/retention.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import type { VaultDirectory, VaultSettings } from '../vault-directory.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { certificateTables, vaultCertificates } from './certificate-records.ts';
import { nextAction } from './lifetime-due.ts';
import { whatIsDue } from './pending-certificate.ts';
import { renewalWrites } from './renewal.ts';

export interface CertificateLifetimeOptions extends DueSweep {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly keyPool: RsaKeyPool;
  readonly directory: VaultDirectory;
  readonly audit: (record: Omit<VaultAuditRecord, 'time'>) => Promise<AuditEntry>;
  /** While true nothing is due, whatever the clock says: it is doubtful. */
  readonly held?: (() => boolean) | undefined;
}

const dayMs = 86_400_000;
/** Key Vault itself, as its application is known in every tenant. */
const keyVaultId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' as Guid;
/** As the service names these events. */
const auditedAs = { issue: 'CertificateNewVersionCreated', notify: 'CertificateNearExpiry' } as const;

/** Issues what was asked for, renews and gives notice by policies. The records are the truth, so whoever looks late does what is due once. */
export const createCertificateLifetimes = (options: CertificateLifetimeOptions): DueSchedule =>
  createDueSchedule(options.clock, options.held ?? (() => false), () =>
    sweepDue(
      eachObject(options.state, certificateTables, '', () => undefined),
      options,
      (certificate) => advance(options, certificate),
    ),
  );

/** Does what is due of one certificate. @returns when the next thing is */
async function advance(
  options: CertificateLifetimeOptions,
  listed: Versioned<CertificateRecord>,
): Promise<Instant | undefined> {
  const { state, clock, directory } = options;
  for (let certificate = listed; ;) {
    const { pending, deleted, vaultName } = certificate.value;
    const found = await findVersion(state, certificateTables, certificate);
    const isRequested = pending?.status === 'inProgress';
    const at = isRequested ? pending.dueAt : found && nextAction(found)?.at;
    if (found === undefined || at === undefined) return undefined;
    if (at > clock.now()) return instant(at);
    const vault = await directory.find(vaultName);
    // Of what is deleted nothing is renewed; it may come back.
    if (deleted !== undefined || vault === undefined || !certificate.id.startsWith(`${vault.vaultId}/`)) {
      return instant(clock.now() + dayMs);
    }
    try {
      if (!(await commitDue(options, vault, found))) return instant(clock.now() + dayMs);
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error; // somebody else changed it: look again
    }
    const again = await state.get(vaultCertificates, certificate.id);
    if (again === undefined) return undefined;
    certificate = again;
  }
}

/** @returns false when there is nothing that anybody here could do */
async function commitDue(
  options: CertificateLifetimeOptions,
  vault: VaultSettings,
  found: FoundCertificate,
): Promise<boolean> {
  const { state, randomBytes } = options;
  const due = await dueWrites(options, vault, found);
  if (due === undefined) return false;
  const { operation, write } = due;
  const { tenantId, vaultId, name } = vault;
  const id = formatObjectId(vault, 'certificates', found.object.value.name);
  const audit = await options.audit({
    ...{ vaultId, vaultName: name, operation, id, status: 200, clientAddress: '' },
    caller: { objectId: keyVaultId, appId: keyVaultId, tenantId, displayName: 'Azure Key Vault' },
    requestId: newGuid(randomBytes),
    correlationId: newGuid(randomBytes),
  });
  await state.commit({ write: [...write, ...audit.write] });
  audit.committed();
  return true;
}

async function dueWrites(
  options: CertificateLifetimeOptions,
  vault: VaultSettings,
  found: FoundCertificate,
): Promise<{ readonly operation: string; readonly write: readonly StateWrite[] } | undefined> {
  const { object, version } = found;
  const { pending } = object.value;
  const issued = pending && (await whatIsDue(options, object, pending));
  if (issued !== undefined) return { operation: auditedAs.issue, write: issued };
  if (nextAction(found)?.action === 'AutoRenew') {
    const write = await renewalWrites(options, vault, found);
    if (write !== undefined) return { operation: auditedAs.issue, write };
  }
  // Nobody signs it any more: contacts hear of it once.
  if (object.value.noticed === version.value.version) return undefined;
  const noticed: CertificateRecord = { ...object.value, noticed: version.value.version };
  return { operation: auditedAs.notify, write: [writeRecord(vaultCertificates, object.id, object.version, noticed)] };
}
