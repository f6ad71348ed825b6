import { checkKeys } from '../api/control.ts';
import type { Cluster, Vault } from '../api/control.ts';
import { callPlaneJson } from '../api/planes.ts';
import { keyInUse } from '../custody/chain.ts';
import type { KeyInUse } from '../custody/chain.ts';

/** One thing to do to a key, with what somebody would type for it elsewhere. */
export interface KeyAction {
  readonly name: 'Rotate' | 'Revoke' | 'Restore' | 'Set policy' | 'Rehearse';
  readonly explains: string;
  readonly az: readonly string[];
  /** Of `@azure/keyvault-keys` and `@azure/arm-kusto`. */
  readonly typescript: readonly string[];
  readonly run: () => Promise<unknown>;
}

const vaultVersion = 'api-version=7.4';
const kustoVersion = 'api-version=2024-04-13';

/** What can be done to the key of a cluster as it stands. In a vault outside that is for whoever owns it. */
export function actionsFor(cluster: Cluster, vaults: readonly Vault[]): readonly KeyAction[] {
  if (cluster.custody !== 'customer' || cluster.outsideVault) return [];
  const used = keyInUse(cluster, vaults);
  if (used.key?.purgedOn !== undefined) return [recover(used)];
  if (used.version === undefined) return [];
  return used.version.enabled ? [rotate(cluster, used), setEnabled(used, false)] : [setEnabled(used, true)];
}

function rotate(cluster: Cluster, { parts: { vaultHost, vault, key } }: KeyInUse): KeyAction {
  const newVersion = {
    az: `az keyvault key rotate --vault-name ${vault} --name ${key}`,
    typescript: `const { properties } = await keys.rotateKey('${key}');`,
  };
  const make = (): Promise<{ readonly key: { readonly kid: string } }> =>
    callPlaneJson(vaultHost, `/keys/${key}/rotate?${vaultVersion}`, { method: 'POST' });
  if (cluster.followsLatest)
    return {
      name: 'Rotate',
      explains:
        'Makes a new version. The cluster follows the newest one: it wraps its cluster key anew, and no row is touched.',
      az: [newVersion.az],
      typescript: [newVersion.typescript],
      run: async () => {
        await make();
        await checkKeys();
      },
    };
  return {
    name: 'Rotate',
    explains:
      'Makes a new version, and tells the cluster, which names its version: it wraps its cluster key anew, and no row is touched.',
    az: [
      newVersion.az,
      `az kusto cluster update --ids ${cluster.resourceId} --key-vault-properties key-name=${key} key-vault-uri=https://${vaultHost}/ key-version=VERSION`,
    ],
    typescript: [
      newVersion.typescript,
      `await kusto.clusters.beginUpdateAndWait(group, '${cluster.name}', { keyVaultProperties: { keyName: '${key}', keyVaultUri: 'https://${vaultHost}/', keyVersion: properties.version } });`,
    ],
    run: async () => {
      const made = await make();
      const path = `${cluster.resourceId}?${kustoVersion}`;
      const { properties } = await callPlaneJson<{
        readonly properties: { readonly keyVaultProperties: Readonly<Record<string, unknown>> };
      }>('management.azure.com', path);
      const keyVersion = made.key.kid.split('/').at(-1);
      await callPlaneJson('management.azure.com', path, {
        method: 'PATCH',
        json: { properties: { keyVaultProperties: { ...properties.keyVaultProperties, keyVersion } } },
      });
    },
  };
}

function setEnabled({ parts: { vaultHost, vault, key, version } }: KeyInUse, enabled: boolean): KeyAction {
  return {
    name: enabled ? 'Restore' : 'Revoke',
    explains: enabled
      ? 'Enables the version again: the cluster finds that its key opens, and serves.'
      : 'Disables the version in use: the cluster is suspended, its process ends, and nothing opens its rows until the version is enabled again.',
    az: [
      `az keyvault key set-attributes --vault-name ${vault} --name ${key} --version ${version} --enabled ${String(enabled)}`,
    ],
    typescript: [`await keys.updateKeyProperties('${key}', '${version}', { enabled: ${String(enabled)} });`],
    run: async () => {
      await callPlaneJson(vaultHost, `/keys/${key}/${version}?${vaultVersion}`, {
        method: 'PATCH',
        json: { attributes: { enabled } },
      });
      await checkKeys();
    },
  };
}

function recover({ parts: { vaultHost, vault, key } }: KeyInUse): KeyAction {
  return {
    name: 'Restore',
    explains: 'Recovers the deleted key, as long as its retention lasts.',
    az: [`az keyvault key recover --vault-name ${vault} --name ${key}`],
    typescript: [`await (await keys.beginRecoverDeletedKey('${key}')).pollUntilDone();`],
    run: async () => {
      await callPlaneJson(vaultHost, `/deletedkeys/${key}/recover?${vaultVersion}`, { method: 'POST' });
      await checkKeys();
    },
  };
}
