import type { JsonObject } from '../../base/json.ts';
import type { HostName, KeyName } from '../../base/names.ts';
import { formatKeyId } from '../../base/key-id.ts';
import { instant, toUnixSeconds } from '../../clock/clock.ts';
import type { VaultSettings } from '../vault-directory.ts';
import type { FoundVersion } from './key-store.ts';
import { invariant } from '../../base/invariant.ts';

export const vaultHostOf = (vault: VaultSettings): HostName => `${vault.name}.vault.azure.net` as HostName;

const seconds = (milliseconds: number): number => toUnixSeconds(instant(milliseconds));

export function kidOf(vault: VaultSettings, found: FoundVersion): string {
  const { name } = found.key.value;
  return formatKeyId({ vaultHost: vaultHostOf(vault), name, version: found.version.value.version });
}

export const baseKidOf = (vault: VaultSettings, name: KeyName): string =>
  formatKeyId({ vaultHost: vaultHostOf(vault), name });

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

/** KeyBundle, members in the order the service writes them. */
export function keyBundle(vault: VaultSettings, found: FoundVersion, apiVersion: string): JsonObject {
  const { kty, keyOps, n, e } = found.version.value;
  return {
    key: { kid: kidOf(vault, found), kty, key_ops: keyOps, n, e },
    attributes: attributesOf(vault, found, apiVersion),
    ...tagsOf(found),
  };
}

/** @param kid with its version in lists of versions, without in lists of keys */
export function keyItem(vault: VaultSettings, found: FoundVersion, kid: string, apiVersion: string): JsonObject {
  return { kid, attributes: attributesOf(vault, found, apiVersion), ...tagsOf(found) };
}

/** What a deleted bundle or item has in front of the live one. */
export function deletionOf(vault: VaultSettings, found: FoundVersion): JsonObject {
  const { name, deleted } = found.key.value;
  invariant(deleted !== undefined, 'the key is deleted');
  return {
    recoveryId: `https://${vaultHostOf(vault)}/deletedkeys/${name}`,
    deletedDate: seconds(deleted.at),
    scheduledPurgeDate: seconds(deleted.purgeAt),
  };
}

function attributesOf(vault: VaultSettings, found: FoundVersion, apiVersion: string): JsonObject {
  const { enabled, notBefore, expires, createdAt, updatedAt } = found.version.value;
  const { recoveryLevel, recoverableDays } = recoveryLevelOf(vault);
  return {
    enabled,
    ...(notBefore === undefined ? {} : { nbf: notBefore }),
    ...(expires === undefined ? {} : { exp: expires }),
    created: seconds(createdAt),
    updated: seconds(updatedAt),
    recoveryLevel,
    ...(withoutRecoverableDays.has(apiVersion) ? {} : { recoverableDays }),
    // Recorded since 2023, at every api-version; keys that can be exported are refused.
    exportable: false,
  };
}

const tagsOf = (found: FoundVersion): JsonObject => {
  const { tags } = found.version.value;
  return tags === undefined ? {} : { tags };
};
