import type { Json } from '../../base/json.ts';

/** What commands set for the whole cluster. */
export interface ClusterSettings {
  /** By the name that commands have: `caching`. Absent: the service's default. */
  readonly policies: Readonly<Record<string, Json>>;
  readonly disabledPlugins: readonly string[];
}

/** Of the record of it. */
export const clusterSettingsId = 'p/cluster';
