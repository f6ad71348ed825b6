import { clusterNames } from './cluster-record.ts';
import type { KustoPorts } from './ports.ts';

export interface FoundName {
  readonly taken: boolean;
  /** Version of the record of the name, for the commit that takes it; `null` when there is none. */
  readonly version: number | null;
}

/** A name, in any case, is taken by a living cluster, and for a while by one that lived long and was deleted. */
export async function findClusterName(ports: Pick<KustoPorts, 'state' | 'clock'>, name: string): Promise<FoundName> {
  const claim = await ports.state.get(clusterNames, name.toLowerCase());
  if (claim === undefined) return { taken: false, version: null };
  const { blockedUntil } = claim.value;
  return { taken: blockedUntil === undefined || ports.clock.now() < blockedUntil, version: claim.version };
}
