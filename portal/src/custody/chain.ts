import type { Cluster, KeyOfCluster, KeyVersion, Vault } from '../api/control.ts';

export type NodeState = 'good' | 'warning' | 'bad' | 'unknown';

/** One link of the chain that a cluster's data hangs on. */
export interface ChainNode {
  readonly kind: 'Vault' | 'Key' | 'Version' | 'Cluster key' | 'Databases' | 'Extents';
  readonly name: string;
  readonly state: NodeState;
  /** Why it has this state, in a few words. */
  readonly says: string;
}

/** `https://{vault}.vault.azure.net/keys/{key}/{version}`, in its parts. */
export interface KidParts {
  readonly vaultHost: string;
  readonly vault: string;
  readonly key: string;
  readonly version: string;
}

export function partsOf(kid: string): KidParts {
  const [, vaultHost = '', key = '', version = ''] = /^https:\/\/([^/]+)\/keys\/([^/]+)\/(\w+)$/.exec(kid) ?? [];
  return { vaultHost, vault: vaultHost.split('.')[0] ?? '', key, version };
}

export interface KeyInUse {
  readonly parts: KidParts;
  readonly vault: Vault | undefined;
  readonly key: Vault['keys'][number] | undefined;
  readonly version: KeyVersion | undefined;
}

export function keyInUse({ kid }: KeyOfCluster, vaults: readonly Vault[]): KeyInUse {
  const parts = partsOf(kid);
  const vault = vaults.find(({ name }) => name.toLowerCase() === parts.vault.toLowerCase());
  const key = vault?.keys.find(({ name }) => name.toLowerCase() === parts.key.toLowerCase());
  return { parts, vault, key, version: key?.versions.find(({ version }) => version === parts.version) };
}

/** Days before its end at which a version is told of. */
const soonDays = 30;

/** The chain from the vault to the rows. What is not known here, such as a vault outside, is said to be so.
 * @param now ISO, on the Kustody clock */
export function chainOf(cluster: Cluster, vaults: readonly Vault[], now: string): readonly ChainNode[] {
  return cluster.custody === 'microsoftManaged'
    ? [
        { kind: 'Key', name: 'Microsoft-managed', state: 'good', says: 'no key of yours' },
        clusterKey(cluster),
        ...contents(cluster),
      ]
    : [...keyNodes(cluster, vaults, now), clusterKey(cluster), ...contents(cluster)];
}

function keyNodes(cluster: Cluster, vaults: readonly Vault[], now: string): readonly ChainNode[] {
  const { parts, vault, key, version } = keyInUse(cluster, vaults);
  const node = (kind: ChainNode['kind'], name: string, [state, says]: readonly [NodeState, string]): ChainNode => ({
    ...{ kind, name, state, says },
  });
  const outside = ['unknown', 'in a vault outside'] as const;
  return [
    node('Vault', parts.vault, cluster.outsideVault ? outside : vaultState(vault)),
    node('Key', parts.key, cluster.outsideVault ? outside : keyState(key)),
    node('Version', parts.version, cluster.outsideVault ? outside : versionState(version, now)),
  ];
}

function vaultState(vault: Vault | undefined): readonly [NodeState, string] {
  if (vault === undefined) return ['bad', 'does not exist'];
  return vault.state === 'deleted' ? ['bad', 'deleted'] : ['good', 'exists'];
}

function keyState(key: KeyInUse['key']): readonly [NodeState, string] {
  if (key === undefined) return ['bad', 'does not exist'];
  return key.purgedOn === undefined ? ['good', 'exists'] : ['bad', 'deleted'];
}

export function versionState(version: KeyVersion | undefined, now: string): readonly [NodeState, string] {
  if (version === undefined) return ['bad', 'does not exist'];
  if (!version.enabled) return ['bad', 'disabled'];
  const { expiresOn } = version;
  if (expiresOn !== undefined) {
    const days = Math.floor((Date.parse(expiresOn) - Date.parse(now)) / 86_400_000);
    if (days < 0) return ['warning', `expired ${expiresOn.slice(0, 10)}`];
    if (days < soonDays) return ['warning', `expires in ${days} days`];
  }
  return version.current ? ['good', 'enabled, newest'] : ['good', 'enabled, not the newest'];
}

function clusterKey({ suspension, warning, generation, state }: Cluster): ChainNode {
  const name = `generation ${generation}`;
  if (suspension !== undefined) return { kind: 'Cluster key', name, state: 'bad', says: 'cannot be unwrapped' };
  if (warning !== undefined) return { kind: 'Cluster key', name, state: 'warning', says: 'see the warning' };
  if (state !== 'Running') return { kind: 'Cluster key', name, state: 'unknown', says: `cluster: ${state}` };
  return { kind: 'Cluster key', name, state: 'good', says: 'unwrapped' };
}

function contents({ suspension, databases, databaseNames, databaseKeys = [] }: Cluster): readonly ChainNode[] {
  const held = databaseKeys.filter((key) => key.suspension !== undefined).length;
  const names = databaseNames.length === 1 ? (databaseNames[0] ?? '') : `${databaseNames.length} databases`;
  const extents = databases?.flatMap(({ tables }) => tables.flatMap((table) => table.extents));
  const sealed = extents?.reduce((sum, { sealedBytes }) => sum + sealedBytes, 0) ?? 0;
  if (suspension !== undefined)
    return [
      { kind: 'Databases', name: names, state: 'bad', says: 'out of reach' },
      { kind: 'Extents', name: 'sealed', state: 'bad', says: 'nothing opens them' },
    ];
  return [
    {
      kind: 'Databases',
      name: names,
      state: held > 0 ? 'bad' : 'good',
      says: held > 0 ? `${held} without its own key` : 'served',
    },
    {
      kind: 'Extents',
      name: extents === undefined ? 'not counted' : extents.length === 1 ? '1 extent' : `${extents.length} extents`,
      state: extents === undefined ? 'unknown' : 'good',
      says: extents === undefined ? 'known while it runs' : `${sizeText(sealed)}, sealed`,
    },
  ];
}

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 ** 2 ? `${(bytes / 1024).toFixed(1)} KB` : `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}
