import type { Instant } from '../../clock/clock.ts';
import { instant } from '../../clock/clock.ts';
import type { Soon } from '../../base/soon.ts';
import { soon } from '../../base/soon.ts';
import type { StateWrite } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { vaultError } from '../vault-error.ts';
import { deletionId, purgeId, recoveryId } from './deletions.ts';
import { requestedName, requireDeleted, requireShown, requireVersion } from './find-requested.ts';
import { deletionOf, idOf } from './object-answers.ts';
import type { Found, ObjectKind, ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { objectRecordId } from './object-kind.ts';
import { createShownAnswers } from './shown-answers.ts';
import { findObject, findVersion, purgeWrites, stillAsRead } from './object-store.ts';
import type { VaultOutcome, VaultRequest, VaultServices } from './operation.ts';

const millisecondsPerDay = 86_400_000;

type Handle = (services: VaultServices, request: VaultRequest) => Soon<VaultOutcome>;

/** Shows disabled and expired versions too. */
export const getObject = <Version extends VersionRecord, Whole extends ObjectRecord>(
  kind: ObjectKind<Version, Whole>,
): Handle => {
  const answerOf = createShownAnswers(kind);
  return (services, request) =>
    soon(requireShown(services, kind, request), (found) => answerOf(request.vault, found, request.apiVersion));
};

/** All versions at once. Without soft delete the object is gone for good, and the answer says so by having no `recoveryId`. */
export const deleteObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    const { vault, apiVersion } = request;
    const found = await requireVersion(services, kind, request);
    refuseManaged(kind, found, 'delete');
    const id = idOf(vault, kind, found);
    if (!vault.softDelete) {
      const body = kind.bundle(vault, found, apiVersion);
      return { status: 200, id, body, ...(await forgetting(services, kind, found)) };
    }
    const now = services.clock.now();
    const purgeAt = instant(now + vault.retentionDays * millisecondsPerDay);
    const deleted = { at: now, purgeAt };
    const changed = touched(found, { ...found.object.value, deleted }, now);
    return {
      status: 200,
      id,
      body: { ...deletionOf(vault, kind, changed), ...kind.bundle(vault, changed, apiVersion) },
      write: await changes(services, kind, found, changed, (object) => ({ ...object, deleted }), now),
      committed: () => {
        services.retention.expectAt(purgeAt);
        for (const tables of [kind, ...(kind.linked ?? [])])
          services.deletions.begin(deletionId(tables, found.object.id));
      },
    };
  };

export const getDeletedObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    const { vault, apiVersion } = request;
    if (await services.deletions.isNotYet(requestedDeletion(kind, request)))
      throw vaultError(kind.errors.deletedNotFound, requestedName(request));
    const found = await requireDeleted(services, kind, request);
    return {
      status: 200,
      id: idOf(vault, kind, found),
      body: { ...deletionOf(vault, kind, found), ...kind.bundle(vault, found, apiVersion) },
      expect: stillAsRead(kind, found),
    };
  };

export const recoverObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    const { vault, apiVersion } = request;
    await services.deletions.over(requestedDeletion(kind, request));
    await refuseLive(services, kind, request);
    const found = await requireDeleted(services, kind, request);
    refuseManaged(kind, found, 'recover');
    const now = services.clock.now();
    const changed = touched(found, recovered(found.object.value), now);
    return {
      status: 200,
      id: idOf(vault, kind, changed),
      body: kind.bundle(vault, changed, apiVersion),
      write: await changes(services, kind, found, changed, recovered, now),
      committed: () => {
        services.deletions.begin(recoveryId(kind, found.object.id));
        kind.cameAlive?.(services, changed);
      },
    };
  };

export const purgeObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    await services.deletions.over(requestedDeletion(kind, request));
    const found = await requireDeleted(services, kind, request);
    refuseManaged(kind, found, 'purge');
    if (request.vault.purgeProtection) throw vaultError('purgeProtected', request.vault);
    const { write, committed } = await forgetting(services, kind, found);
    return {
      ...{ status: 204, id: idOf(request.vault, kind, found), write },
      committed: () => {
        services.deletions.begin(purgeId(kind, found.object.id));
        return committed();
      },
    };
  };

const requestedDeletion = (kind: ObjectTables, request: VaultRequest): string =>
  deletionId(kind, objectRecordId(request.vault.vaultId, requestedName(request)));

/** What backs a certificate lives and dies with it. */
export function refuseManaged({ errors }: Pick<ObjectKind, 'errors'>, { version }: Found, operation: string): void {
  if (version.value.managed === true && errors.managed !== undefined) throw vaultError(errors.managed, operation);
}

async function refuseLive(
  { state, retention }: VaultServices,
  kind: Pick<ObjectKind, 'errors'> & ObjectTables,
  request: VaultRequest,
): Promise<void> {
  const object = await findObject(state, kind, request.vault.vaultId, requestedName(request), retention.isOver);
  if (object !== undefined && object.value.deleted === undefined) {
    throw vaultError(kind.errors.isLive, object.value.name);
  }
}

function recovered<Whole extends ObjectRecord>(object: Whole): Whole {
  const kept = { ...object };
  delete (kept as { deleted?: unknown }).deleted;
  return kept;
}

const touched = <Version extends VersionRecord, Whole extends ObjectRecord>(
  { object, version }: Found<Version, Whole>,
  value: Whole,
  now: Instant,
): Found<Version, Whole> => ({
  object: { ...object, value },
  version: { ...version, value: { ...version.value, updatedAt: now } },
});

/** Of the object and of those linked with it: their records, and when their current versions were last touched. */
async function changes<Version extends VersionRecord, Whole extends ObjectRecord>(
  services: VaultServices,
  kind: ObjectTables<Version, Whole>,
  found: Found<Version, Whole>,
  changed: Found<Version, Whole>,
  change: (object: ObjectRecord) => ObjectRecord,
  now: Instant,
): Promise<readonly StateWrite[]> {
  const linked = await linkedWith(services, kind, found);
  return [
    ...writesOf(kind, changed),
    ...linked.flatMap(({ tables, found: other }) => writesOf(tables, touched(other, change(other.object.value), now))),
  ];
}

const writesOf = ({ objects, versions }: ObjectTables, { object, version }: Found): readonly StateWrite[] => [
  writeRecord(objects, object.id, object.version, object.value),
  writeRecord(versions, version.id, version.version, version.value),
];

interface Linked {
  readonly tables: ObjectTables;
  readonly found: Found;
}

async function linkedWith(
  { state }: VaultServices,
  { linked = [] }: ObjectTables,
  { object }: Found,
): Promise<readonly Linked[]> {
  const all = await Promise.all(
    linked.map(async (tables) => {
      const other = await state.get(tables.objects, object.id);
      const found = other && (await findVersion(state, tables, other));
      return found === undefined ? [] : [{ tables, found }];
    }),
  );
  return all.flat();
}

/** Gone means gone from memory and from the free pages of the disk, too. */
async function forgetting(
  services: VaultServices,
  kind: ObjectTables,
  found: Found,
): Promise<{ readonly write: readonly StateWrite[]; readonly committed: () => Promise<void> }> {
  const linked = await linkedWith(services, kind, found);
  const all = [{ tables: kind, found }, ...linked];
  const writes = await Promise.all(
    all.map(({ tables, found: { object } }) => purgeWrites(services.state, tables, object)),
  );
  return {
    write: writes.flat(),
    committed: () => {
      services.privateKeys.forget(`${found.object.id}/`);
      return services.compact();
    },
  };
}
