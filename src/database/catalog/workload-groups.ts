import type { Catalog } from './catalog.ts';
import type { WorkloadGroup } from './workload-group.ts';

export interface WorkloadGroups {
  /** The policies of the workload group `default`; undefined: what the machines give. */
  workloadGroup(): WorkloadGroup | undefined;
  /** @param change from what is set now; what it throws changes nothing. @returns what is set then, once durable */
  setWorkloadGroup(change: (held: WorkloadGroup | undefined) => WorkloadGroup): Promise<WorkloadGroup>;
}

export const defaultGroup = 'default';
const recordId = `w/${defaultGroup}`;

/** One record of the catalog: durable, sealed and re-wrapped as all others. */
export const createWorkloadGroups = (catalog: Catalog): WorkloadGroups => ({
  workloadGroup: () => {
    const found = catalog.image.get(recordId);
    return found?.kind === 'workloadGroup' ? found.group : undefined;
  },
  setWorkloadGroup: (change) =>
    catalog.change((draft) => {
      const found = draft.get(recordId);
      const group = change(found?.kind === 'workloadGroup' ? found.group : undefined);
      draft.put({ kind: 'workloadGroup', name: defaultGroup, group });
      return group;
    }),
});
