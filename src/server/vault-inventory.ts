import type { ServerParts } from './server-parts.ts';
import { toIso, instant } from '../clock/clock.ts';
import type { KeyVersion } from '../base/names.ts';
import { vaultNames } from '../providers/keyvault/vault-record.ts';
import type { VaultNameRecord } from '../providers/keyvault/vault-record.ts';
import { listAll } from '../state/list-all.ts';
import type { State } from '../state/state.ts';
import { vaultKeys, vaultKeyVersions } from '../vault/keys/key-records.ts';
import type { KeyVersionRecord } from '../vault/keys/key-records.ts';

/** One version of a key, without what it is made of. Times are ISO on the Kustody clock. */
export interface KeyVersionDescription {
  readonly version: KeyVersion;
  readonly current: boolean;
  readonly enabled: boolean;
  readonly createdOn: string;
  readonly notBefore?: string;
  readonly expiresOn?: string;
}

export interface KeyDescription {
  readonly name: string;
  /** Set while the key is soft-deleted. */
  readonly purgedOn?: string;
  /** The newest first. */
  readonly versions: readonly KeyVersionDescription[];
}

/** A vault of this instance, deleted ones included. */
export interface VaultDescription {
  readonly name: string;
  readonly resourceId: string;
  readonly state: VaultNameRecord['state'];
  readonly purgedOn?: string;
  readonly keys: readonly KeyDescription[];
}

/** What `GET /vaults` answers. */
export interface ListedVaults {
  readonly vaults: readonly VaultDescription[];
  /** Hosts of the vaults that were named with a credential; what is in them is not known here. */
  readonly outside: readonly string[];
}

/** What there is, and what was named with a credential. */
export const listedVaults = async ({ state, settings }: ServerParts): Promise<ListedVaults> => ({
  vaults: await listVaults(state),
  outside: [...new Set((settings.outsideVaults ?? []).map(({ host }) => host))],
});

/** All vaults of an instance but Kustody's own, with their keys: for the holder of the control token, whom no vault asks for permissions. */
async function listVaults(state: State): Promise<readonly VaultDescription[]> {
  const vaults = await listAll(state, vaultNames);
  return Promise.all(
    vaults.map(async ({ value }): Promise<VaultDescription> => {
      const { name, resourceId, vaultId } = value;
      const prefix = `${vaultId}/`;
      const keys = await listAll(state, vaultKeys, prefix);
      const versions = new Map<string, KeyVersionRecord[]>();
      for (const found of await listAll(state, vaultKeyVersions, prefix)) {
        const keyId = found.id.slice(0, found.id.lastIndexOf('/'));
        const known = versions.get(keyId);
        if (known === undefined) versions.set(keyId, [found.value]);
        else known.push(found.value);
      }
      return {
        ...{ name, resourceId, state: value.state },
        ...(value.state === 'deleted' ? { purgedOn: isoOf(value.purgeAt) } : {}),
        keys: keys.map((key) => ({
          name: key.value.name,
          ...(key.value.deleted === undefined ? {} : { purgedOn: isoOf(key.value.deleted.purgeAt) }),
          versions: (versions.get(key.id) ?? [])
            .sort((left, right) => right.createdAt - left.createdAt)
            .map(({ version, enabled, createdAt, notBefore, expires }) => ({
              ...{ version, enabled, current: version === key.value.currentVersion, createdOn: isoOf(createdAt) },
              ...(notBefore === undefined ? {} : { notBefore: isoOf(notBefore * 1000) }),
              ...(expires === undefined ? {} : { expiresOn: isoOf(expires * 1000) }),
            })),
        })),
      };
    }),
  );
}

const isoOf = (milliseconds: number): string => toIso(instant(milliseconds));

/** @returns an empty text for a vault that is not known any more */
export const vaultResourceId = async (state: State, name: string): Promise<string> =>
  (await state.get(vaultNames, name))?.value.resourceId ?? '';
