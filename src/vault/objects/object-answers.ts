import { invariant } from '../../base/invariant.ts';
import type { JsonObject } from '../../base/json.ts';
import type { HostName, ObjectName, ObjectVersion } from '../../base/names.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { Found, VersionRecord } from './object-kind.ts';
import type { Collection } from './operation.ts';

export const vaultHostOf = (vault: VaultSettings): HostName => `${vault.name}.vault.azure.net` as HostName;

const seconds = (milliseconds: number): number => toUnixSeconds(instant(milliseconds));

/** @returns `https://{vault host}/{collection}/{name}[/{version}]` */
export const formatObjectId = (
  vault: VaultSettings,
  collection: Collection,
  name: ObjectName,
  version?: ObjectVersion,
): string => `https://${vaultHostOf(vault)}/${collection}/${name}${version === undefined ? '' : `/${version}`}`;

export const idOf = (vault: VaultSettings, { collection }: { readonly collection: Collection }, found: Found): string =>
  formatObjectId(vault, collection, found.object.value.name, found.version.value.version);

/** What a deleted bundle or item has in front of the live one. */
export function deletionOf(
  vault: VaultSettings,
  { collection }: { readonly collection: Collection },
  { object }: Found,
): JsonObject {
  const { name, deleted } = object.value;
  invariant(deleted !== undefined, 'the object is deleted');
  return {
    recoveryId: `https://${vaultHostOf(vault)}/deleted${collection}/${name}`,
    deletedDate: seconds(deleted.at),
    scheduledPurgeDate: seconds(deleted.purgeAt),
  };
}

/** Says to a reader with only data-plane rights whether soft delete and purge protection are on. */
function recoveryLevelOf(vault: VaultSettings): { recoveryLevel: string; recoverableDays: number } {
  if (!vault.softDelete) return { recoveryLevel: 'Purgeable', recoverableDays: 0 };
  const level = vault.retentionDays === 90 ? 'Recoverable' : 'CustomizedRecoverable';
  return {
    recoveryLevel: vault.purgeProtection ? level : `${level}+Purgeable`,
    recoverableDays: vault.retentionDays,
  };
}

/** Before 7.1 answers had no `recoverableDays`. */
const withoutRecoverableDays: ReadonlySet<string> = new Set(['2015-06-01', '2016-10-01', '7.0']);

/** Members in the order the service writes them. */
export function attributesOf(vault: VaultSettings, version: VersionRecord, apiVersion: string): JsonObject {
  const { enabled, notBefore, expires, createdAt, updatedAt } = version;
  const { recoveryLevel, recoverableDays } = recoveryLevelOf(vault);
  return {
    enabled,
    ...(notBefore === undefined ? {} : { nbf: notBefore }),
    ...(expires === undefined ? {} : { exp: expires }),
    created: seconds(createdAt),
    updated: seconds(updatedAt),
    recoveryLevel,
    ...(withoutRecoverableDays.has(apiVersion) ? {} : { recoverableDays }),
  };
}

export const tagsOf = ({ tags }: VersionRecord): JsonObject => (tags === undefined ? {} : { tags });

export const managedOf = ({ managed }: VersionRecord): JsonObject => (managed === undefined ? {} : { managed });
