import type { ReactNode } from 'react';
import type { Cluster } from '../api/control.ts';
import { listClusters } from '../api/control.ts';
import { FoundByName, shownMax } from './found-by-name.tsx';

/** Whether they are too many to look into each: that wakes those at rest, each a process. */
export const areMany = (clusters: readonly unknown[]): boolean => clusters.length > shownMax;

/** All clusters; with what they hold where they are few. @throws ApiError */
export async function lookAtClusters(): Promise<readonly Cluster[]> {
  const all = await listClusters(false);
  return areMany(all) ? all : listClusters(true);
}

export interface FoundClustersProps {
  readonly clusters: readonly Cluster[];
  /** Draws those that are shown. */
  readonly children: (shown: readonly Cluster[]) => ReactNode;
}

/** Those without their key come first, then those with a warning. */
export function FoundClusters({ clusters, children }: FoundClustersProps) {
  return (
    <FoundByName
      things={clusters}
      kind="clusters"
      textOf={({ name }) => name}
      need={need}
      note=": those without their key before the others. What they hold is not counted."
    >
      {children}
    </FoundByName>
  );
}

const need = ({ suspension, warning }: Cluster): number => (suspension !== undefined ? 2 : warning !== undefined ? 1 : 0); // prettier-ignore
