import type { AuditLog } from '../../audit/audit-log.ts';
import type { Guid } from '../../base/guid.ts';
import { newGuid } from '../../base/new-guid.ts';
import type { RandomBytes } from '../../base/random.ts';
import type { Instant } from '../../clock/clock.ts';
import { instant, toIso } from '../../clock/clock.ts';
import type { State, StateExpectation, StateWrite, Versioned } from '../../state/state.ts';
import { StateConflictError } from '../../state/state-store.ts';
import { auditedVault } from '../audited-operation.ts';
import type { RsaKeyPool } from '../rsa/rsa-keys.ts';
import type { VaultDirectory, VaultSettings } from '../vault-directory.ts';
import type { DueSchedule, DueSweep } from './due-schedule.ts';
import { createDueSchedule, sweepDue } from './due-schedule.ts';
import type { Found, ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { findVersion } from './object-store.ts';
import { eachObject } from './retention.ts';

/** What a vault does by itself needs. */
export interface DueWorkServices extends DueSweep {
  readonly state: State;
  readonly randomBytes: RandomBytes;
  readonly keyPool: RsaKeyPool;
  readonly directory: VaultDirectory;
  readonly audit: Pick<AuditLog, 'commit'>;
  /** While true nothing is due, whatever the clock says: it is doubtful. */
  readonly held?: (() => boolean) | undefined;
}

/** One commit that an object was due for. */
export interface DueWork {
  /** As diagnostic logs of the service name what it does by itself. */
  readonly operation: string;
  /** Of the object that it was done to. */
  readonly id: string;
  readonly expect?: readonly StateExpectation[];
  readonly write: readonly StateWrite[];
}

/** What objects of one kind are due for. */
export interface DueKind<Version extends VersionRecord, Whole extends ObjectRecord> {
  readonly tables: ObjectTables<Version, Whole>;
  /** Milliseconds on the Kustody clock. */
  readonly dueAt: (found: Found<Version, Whole>) => number | undefined;
  /** The vault of an object that has something due. */
  readonly vaultName: (object: Whole) => VaultSettings['name'] | undefined;
  /** @returns undefined when there is nothing that anybody here could do */
  readonly work: (vault: VaultSettings, found: Found<Version, Whole>) => Promise<DueWork | undefined>;
}

const dayMs = 86_400_000;
/** Key Vault itself, as its application is known in every tenant. */
const keyVaultId = 'cfa8b339-82a2-471a-a3c9-0fc0be7a4093' as Guid;

/** Does what objects are due for on the clock. The records are the truth, so whoever looks late does what is due once. */
export const createDueWork = <Version extends VersionRecord, Whole extends ObjectRecord>(
  services: DueWorkServices,
  kind: DueKind<Version, Whole>,
): DueSchedule =>
  createDueSchedule(services.clock, services.held ?? (() => false), () =>
    sweepDue(
      eachObject(services.state, kind.tables, '', () => undefined),
      services,
      (object) => advance(services, kind, object),
    ),
  );

/** Does what is due of one object. @returns when the next thing is */
async function advance<Version extends VersionRecord, Whole extends ObjectRecord>(
  services: DueWorkServices,
  kind: DueKind<Version, Whole>,
  listed: Versioned<Whole>,
): Promise<Instant | undefined> {
  const { state, clock, directory } = services;
  for (let object = listed; ;) {
    const found = await findVersion(state, kind.tables, object);
    const at = found && kind.dueAt(found);
    if (found === undefined || at === undefined) return undefined;
    if (at > clock.now()) return instant(at);
    const name = kind.vaultName(object.value);
    const vault = name && (await directory.find(name));
    const isHere =
      vault !== undefined && object.value.deleted === undefined && object.id.startsWith(`${vault.vaultId}/`);
    try {
      // For what is deleted nothing is done; it may come back.
      const work = isHere ? await kind.work(vault, found) : undefined;
      if (vault === undefined || work === undefined) return instant(clock.now() + dayMs);
      await commitWork(services, vault, work);
    } catch (error) {
      if (!(error instanceof StateConflictError)) throw error; // somebody else changed it: look again
    }
    const again = await state.get(kind.tables.objects, object.id);
    if (again === undefined) return undefined;
    object = again;
  }
}

async function commitWork(
  { randomBytes, clock, audit }: DueWorkServices,
  vault: VaultSettings,
  { operation, id, expect = [], write }: DueWork,
): Promise<void> {
  const { tenantId } = vault;
  const caller = { objectId: keyVaultId, appId: keyVaultId, tenantId, displayName: 'Azure Key Vault' };
  const event = {
    time: toIso(clock.now()),
    requestId: newGuid(randomBytes),
    correlationId: newGuid(randomBytes),
    durationMs: 0,
    facts: { ...auditedVault(vault), operation, id, status: 200, caller, clientAddress: '' },
  };
  await audit.commit({ events: [event], expect, write });
}
