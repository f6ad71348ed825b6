import type { Catalog } from './catalog.ts';
import type { Policies } from './catalog-view.ts';
import type { ClusterSettings } from './cluster-setting.ts';
import { clusterSettingsId } from './cluster-setting.ts';
import type { CatalogReader } from './image.ts';

export interface ClusterSettingsChanges {
  clusterSettings(): ClusterSettings;
  /** @param change what it throws changes nothing. @returns what is set then, once durable */
  changeClusterSettings(change: (held: ClusterSettings) => ClusterSettings): Promise<ClusterSettings>;
}

/** Of a cluster that nothing was said to. */
export const unsetClusterSettings: ClusterSettings = { policies: {}, disabledPlugins: [] };

export function clusterSettingsOf(reader: Pick<CatalogReader, 'get'>): ClusterSettings {
  const found = reader.get(clusterSettingsId);
  return found?.kind === 'clusterSettings' ? found.settings : unsetClusterSettings;
}

const inheritedNames = ['ingestionbatching', 'sharding', 'streamingingestion'] as const;
export type InheritedPolicies = Pick<Policies, (typeof inheritedNames)[number]>;

/** What holds for databases and tables that have no such policy of their own; the caching policy of the cluster is beneath what the
 * resource manager says. */
export const inheritedPolicies = ({ policies }: ClusterSettings): InheritedPolicies =>
  Object.fromEntries(inheritedNames.flatMap((name) => (policies[name] === undefined ? [] : [[name, policies[name]]])));

/** One record of the catalog: durable, sealed and re-wrapped as all others. */
export const createClusterSettings = (catalog: Catalog): ClusterSettingsChanges => ({
  clusterSettings: () => clusterSettingsOf(catalog.image),
  changeClusterSettings: (change) =>
    catalog.change((draft) => {
      const settings = change(clusterSettingsOf(draft));
      draft.put({ kind: 'clusterSettings', settings });
      return settings;
    }),
});
