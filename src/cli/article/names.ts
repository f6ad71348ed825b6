/** Names of one run. Vaults and clusters need names that nobody else has. */
export interface Names {
  readonly group: string;
  readonly cluster: string;
  /** Without an identity: for the errors that need one. */
  readonly bareCluster: string;
  readonly vault: string;
  /** The cluster has no access to it. */
  readonly foreignVault: string;
  /** Soft delete is off. */
  readonly unsafeVault: string;
  /** Soft delete is on, purge protection is not. */
  readonly purgeableVault: string;
  readonly key: string;
}

/** @param suffix a few random lower-case letters and digits */
export const namesFor = (suffix: string): Names => ({
  group: `article-${suffix}`,
  cluster: `adx${suffix}`,
  bareCluster: `adxbare${suffix}`,
  vault: `keys-${suffix}`,
  foreignVault: `keys-foreign-${suffix}`,
  unsafeVault: `keys-unsafe-${suffix}`,
  purgeableVault: `keys-purge-${suffix}`,
  key: 'cluster-key',
});
