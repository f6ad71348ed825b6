import { Field, Input, Text } from '@fluentui/react-components';
import type { ReactNode } from 'react';
import { useState } from 'react';
import type { Cluster } from '../api/control.ts';
import { listClusters } from '../api/control.ts';

/** So many clusters are shown at once, and looked into: that wakes those at rest, each a process. */
export const clustersShownMax = 24;

/** All clusters; with what they hold where they are few. @throws ApiError */
export async function lookAtClusters(): Promise<readonly Cluster[]> {
  const all = await listClusters(false);
  return all.length > clustersShownMax ? all : listClusters(true);
}

export interface FoundClustersProps {
  readonly clusters: readonly Cluster[];
  /** Draws those that are shown. */
  readonly children: (shown: readonly Cluster[]) => ReactNode;
}

/** Few clusters as they are; of many the first that have a name like the one wanted: those without their key, then those with a warning. */
export function FoundClusters({ clusters, children }: FoundClustersProps) {
  const [wanted, want] = useState('');
  if (clusters.length <= clustersShownMax) return children(clusters);
  const like = wanted.trim().toLowerCase();
  const found = clusters.filter(({ name }) => name.toLowerCase().includes(like));
  const shown = found.toSorted((one, other) => need(other) - need(one)).slice(0, clustersShownMax);
  const cut = shown.length < found.length ? `, the first ${String(shown.length)} are shown` : '';
  return (
    <>
      <Field label={`Find one of ${String(clusters.length)} clusters by name`}>
        <Input type="search" size="small" value={wanted} onChange={(_, { value }) => want(value)} />
      </Field>
      <Text size={200} role="status">
        {`${String(found.length)} found${cut}: those without their key before the others. What they hold is not counted.`}
      </Text>
      {children(shown)}
    </>
  );
}

const need = ({ suspension, warning }: Cluster): number => (suspension !== undefined ? 2 : warning !== undefined ? 1 : 0); // prettier-ignore
