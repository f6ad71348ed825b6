import type { ClusterData } from '../../engine/catalog/cluster-data.ts';
import type { QueryEngine } from '../../engine/query-engine.ts';

/** The engine of a cluster and what it holds, while its key may be used. */
export interface ClusterHost {
  readonly clusterName: string;
  readonly engine: QueryEngine;
  /** Opened with the key when it is first needed. @throws KustoError `unavailable` when the key is not here */
  readonly data: () => Promise<ClusterData>;
}
