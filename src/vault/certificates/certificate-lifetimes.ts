import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import type { DueSchedule } from '../objects/due-schedule.ts';
import type { DueWorkServices } from '../objects/due-work.ts';
import { createDueWork } from '../objects/due-work.ts';
import { formatObjectId } from '../objects/object-answers.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { FoundCertificate } from './certificate-bundle.ts';
import type { CertificateRecord } from './certificate-records.ts';
import { certificateTables, vaultCertificates } from './certificate-records.ts';
import { nextAction } from './lifetime-due.ts';
import { whatIsDue } from './pending-certificate.ts';
import { renewalWrites } from './renewal.ts';

const auditedAs = {
  issue: 'CertificateEnroll',
  renew: 'CertificateRenew',
  notify: 'CertificateNearExpiryEventGridNotification',
} as const;

/** Issues what was asked for, renews and gives notice by policies. */
export const createCertificateLifetimes = (services: DueWorkServices): DueSchedule =>
  createDueWork(services, {
    tables: certificateTables,
    dueAt: (found) => {
      const { pending } = found.object.value;
      return pending?.status === 'inProgress' ? pending.dueAt : nextAction(found)?.at;
    },
    vaultName: ({ vaultName }) => vaultName,
    work: async (vault, found) => {
      const due = await dueWrites(services, vault, found);
      return due && { ...due, id: formatObjectId(vault, 'certificates', found.object.value.name) };
    },
  });

async function dueWrites(
  services: DueWorkServices,
  vault: VaultSettings,
  found: FoundCertificate,
): Promise<{ readonly operation: string; readonly write: readonly StateWrite[] } | undefined> {
  const { object, version } = found;
  const { pending } = object.value;
  const issued = pending && (await whatIsDue(services, object, pending));
  if (issued !== undefined) return { operation: auditedAs.issue, write: issued };
  if (nextAction(found)?.action === 'AutoRenew') {
    const write = await renewalWrites(services, vault, found);
    if (write !== undefined) return { operation: auditedAs.renew, write };
  }
  // Nobody signs it any more: contacts hear of it once.
  if (object.value.noticed === version.value.version) return undefined;
  const noticed: CertificateRecord = { ...object.value, noticed: version.value.version };
  return { operation: auditedAs.notify, write: [writeRecord(vaultCertificates, object.id, object.version, noticed)] };
}
