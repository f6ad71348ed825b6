import { zeroBytes } from '../../base/bytes.ts';
import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import { parseKeyName } from '../../base/names.ts';
import { listAll } from '../../state/list-all.ts';
import type { State, StateWrite, Table, Versioned } from '../../state/state.ts';
import { writeRecord } from '../../state/state.ts';
import { decodeBase64 } from '../base64url-bytes.ts';
import type { VaultSettings } from '../vault-directory.ts';
import { vaultError } from '../vault-error.ts';
import { member } from './attributes.ts';
import { parseBodyObject } from './body-object.ts';
import type { BackupKind } from './backup-seal.ts';
import { openBackup, sealBackup } from './backup-seal.ts';
import { requireVersion } from './find-requested.ts';
import { purgeId } from './deletions.ts';
import { refuseManaged } from './lifecycle.ts';
import { formatObjectId, idOf } from './object-answers.ts';
import type { ObjectKind, ObjectRecord, ObjectTables, VersionRecord } from './object-kind.ts';
import { objectRecordId } from './object-kind.ts';
import { purgeWrites, stillAsRead } from './object-store.ts';
import type { Collection, VaultOutcome, VaultRequest, VaultServices } from './operation.ts';

type Handle = (services: VaultServices, request: VaultRequest) => Promise<VaultOutcome>;

/** What a backup has inside: the records of an object and of those linked with it, by their collections. */
interface Backup {
  readonly format: number;
  readonly name: string;
  readonly parts: Readonly<Record<string, BackupPart>>;
}

/** Versions and their material by the version. */
interface BackupPart {
  readonly object: JsonObject;
  readonly versions: Readonly<Record<string, JsonObject>>;
  readonly material: Readonly<Record<string, JsonObject>>;
}

/** The documented number of past versions, and the current one. */
const versionsMax = 501;
/** So that the blob fits into the request that restores it. */
const contentBytesMax = 700_000;

const backupKinds = { keys: 'Key', secrets: 'Secret', certificates: 'Certificate' } as const satisfies Record<
  Collection,
  BackupKind
>;

/** The whole object with all versions, sealed. Disabled and expired ones are in it, too. */
export const backupObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    const { vault } = request;
    const found = await requireVersion(services, kind, request);
    refuseManaged(kind, found, 'backup');
    const { id, value } = found.object;
    const parts: Record<string, BackupPart> = {};
    for (const tables of [kind, ...(kind.linked ?? [])]) {
      const part = await partOf(services.state, tables, id);
      if (part !== undefined) parts[tables.collection] = part;
    }
    const backup: Backup = { format: 1, name: value.name, parts };
    const content = Buffer.from(JSON.stringify(backup), 'utf8');
    if (content.length > contentBytesMax) {
      zeroBytes(content);
      throw vaultError('backupTooLarge');
    }
    const { blob, write } = await sealBackup(services, vault, backupKinds[kind.collection], content);
    return {
      ...{ status: 200, id: idOf(vault, kind, found), body: { value: blob.toString('base64url') }, write },
      expect: stillAsRead(kind, found),
    };
  };

async function partOf(state: State, tables: ObjectTables, id: string): Promise<BackupPart | undefined> {
  const object = await state.get(tables.objects, id);
  if (object === undefined) return undefined;
  const versions = await listAll(state, tables.versions, `${id}/`);
  if (versions.length > versionsMax) throw vaultError('backupTooLarge');
  const material = tables.material === undefined ? [] : await listAll(state, tables.material, `${id}/`);
  return { object: jsonOf(object.value), versions: byVersion(versions), material: byVersion(material) };
}

const jsonOf = (value: object): JsonObject => value as JsonObject;

const byVersion = (records: readonly Versioned<object>[]): Readonly<Record<string, JsonObject>> =>
  Object.fromEntries(records.map(({ id, value }) => [id.slice(id.lastIndexOf('/') + 1), jsonOf(value)]));

/** Under the name and with the versions it had. @throws VaultError 400, 409 */
export const restoreObject =
  <Version extends VersionRecord, Whole extends ObjectRecord>(kind: ObjectKind<Version, Whole>): Handle =>
  async (services, request) => {
    const { vault, apiVersion } = request;
    const backup = await readBackup(services, request, backupKinds[kind.collection]);
    const name = parseKeyName(backup.name);
    invariant(name !== undefined, 'a backup that we sealed has a name');
    const id = objectRecordId(vault.vaultId, name);
    const tables: readonly ObjectTables[] = [kind, ...(kind.linked ?? [])];
    const parts = new Map(tables.map((one) => [one.collection, inVault(one, backup.parts[one.collection], vault)]));
    const writes = await Promise.all(
      tables.map(async (one) =>
        writesOf(one, id, parts.get(one.collection), await freePlace(services, vault, one, id)),
      ),
    );
    const own = parts.get(kind.collection);
    invariant(own !== undefined, 'a backup has a part of its own');
    const object = { id, version: 0, value: kind.objects.parse(own.object) };
    if (services.deletions.isUnderWay(purgeId(kind, id))) throw conflict(vault, kind, object.value);
    const version = own.versions[object.value.currentVersion];
    invariant(version !== undefined, 'the current version is among the versions');
    const found = { object, version: { id, version: 0, value: kind.versions.parse(version) } };
    const body = kind.bundle(vault, found, apiVersion);
    return {
      ...{ status: 200, id: idOf(vault, kind, found), body, write: writes.flat() },
      committed: () => kind.cameAlive?.(services, found),
    };
  };

function inVault(tables: ObjectTables, part: BackupPart | undefined, vault: VaultSettings): BackupPart | undefined {
  if (part === undefined || tables.inVault === undefined) return part;
  const versions = Object.values(part.versions).map((version) => tables.versions.parse(version));
  return { ...part, object: jsonOf(tables.inVault(tables.objects.parse(part.object), versions, vault)) };
}

/** @returns what is left under the name of an object whose retention is over
 * @throws VaultError 409 when there is one, deleted or not */
async function freePlace(
  { state, retention }: VaultServices,
  vault: VaultSettings,
  tables: ObjectTables,
  id: string,
): Promise<readonly StateWrite[]> {
  const stored = await state.get(tables.objects, id);
  if (stored === undefined) return [];
  if (retention.isOver(stored.value)) return purgeWrites(state, tables, stored);
  throw conflict(vault, tables, stored.value);
}

const conflict = (
  vault: VaultSettings,
  { collection }: Pick<ObjectTables, 'collection'>,
  { name, currentVersion }: ObjectRecord,
): Error =>
  vaultError('restoreConflict', collection.slice(0, -1), formatObjectId(vault, collection, name, currentVersion));

/** What is left of an object whose retention is over goes in the same commit. */
function writesOf(
  tables: ObjectTables,
  id: string,
  part: BackupPart | undefined,
  leftovers: readonly StateWrite[],
): readonly StateWrite[] {
  if (part === undefined) return leftovers;
  const left = new Map(leftovers.map((write) => [`${write.table.name} ${write.id}`, write]));
  const put = (table: Table<object>, recordId: string, value: JsonObject): StateWrite => {
    const key = `${table.name} ${recordId}`;
    const expect = left.get(key)?.expect ?? null;
    left.delete(key);
    return writeRecord<object>(table, recordId, expect, value);
  };
  const written = [
    put(tables.objects, id, part.object),
    ...Object.entries(part.versions).map(([version, value]) => put(tables.versions, `${id}/${version}`, value)),
    ...Object.entries(part.material).map(([version, value]) => {
      invariant(tables.material !== undefined, 'only what has material had it backed up');
      return put(tables.material, `${id}/${version}`, value);
    }),
  ];
  return [...left.values(), ...written];
}

async function readBackup({ state }: VaultServices, { vault, body }: VaultRequest, kind: BackupKind): Promise<Backup> {
  const value = member(parseBodyObject(body ?? Buffer.from('{}')), 'value');
  if (value === undefined) throw vaultError('requiredProperty', 'value');
  const blob = typeof value === 'string' ? decodeBase64(Buffer.from(value, 'latin1')) : undefined;
  if (blob === undefined) throw vaultError('notBase64Url', 'value');
  const content = await openBackup(state, vault, kind, blob);
  const backup = JSON.parse(content.toString('utf8')) as Backup; // nobody else can have sealed it
  zeroBytes(content);
  invariant(backup.format === 1, 'a backup is of format 1');
  return backup;
}
