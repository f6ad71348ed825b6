import type { Catalog } from './catalog.ts';
import { clusterSettingsOf } from './cluster-settings.ts';
import { dataError } from './data-error.ts';
import type { CatalogDraft } from './catalog-draft.ts';
import type { CatalogReader } from './image.ts';
import type { WorkloadGroup } from './workload-group.ts';
import { builtInGroups, defaultGroup } from './workload-group.ts';

export interface WorkloadGroups {
  /** The policies of a group; undefined: nothing was set for it. */
  workloadGroup(name: string): WorkloadGroup | undefined;
  /** Names of all that something was set for, but `default`. */
  workloadGroupNames(): readonly string[];
  /** @param change from what is set now; what it throws changes nothing. @returns what is set then, once durable
   * @throws DataError `InvalidPolicy` when there are too many */
  setWorkloadGroup(name: string, change: (held: WorkloadGroup | undefined) => WorkloadGroup): Promise<WorkloadGroup>;
  /** @throws DataError `WorkloadGroupNotFound` */
  dropWorkloadGroup(name: string): Promise<void>;
}

/** @see Kusto "Workload groups" */
const ownGroupsMax = 10;
const defaultId = `w/${defaultGroup}`;

function groupOf(reader: Pick<CatalogReader, 'get'>, name: string): WorkloadGroup | undefined {
  if (name !== defaultGroup) return othersOf(reader)[name];
  const found = reader.get(defaultId);
  return found?.kind === 'workloadGroup' ? found.group : undefined;
}

function othersOf(reader: Pick<CatalogReader, 'get'>): Readonly<Record<string, WorkloadGroup>> {
  const { workloadGroups = {} } = clusterSettingsOf(reader);
  return Object.assign(Object.create(null) as Record<string, WorkloadGroup>, workloadGroups);
}

function putOthers(draft: CatalogDraft, workloadGroups: Readonly<Record<string, WorkloadGroup>>): void {
  draft.put({
    kind: 'clusterSettings',
    settings: { ...clusterSettingsOf(draft), workloadGroups: { ...workloadGroups } },
  });
}

/** `default` is a record of its own, all others are in that of the cluster's settings: durable, sealed and re-wrapped as all others. */
export const createWorkloadGroups = (catalog: Catalog): WorkloadGroups => ({
  workloadGroup: (name) => groupOf(catalog.image, name),
  workloadGroupNames: () => Object.keys(othersOf(catalog.image)).toSorted(),
  setWorkloadGroup: (name, change) =>
    catalog.change((draft) => {
      const group = change(groupOf(draft, name));
      if (name === defaultGroup) {
        draft.put({ kind: 'workloadGroup', name, group });
        return group;
      }
      const next = { ...othersOf(draft), [name]: group };
      const own = Object.keys(next).filter((one) => !builtInGroups.includes(one));
      if (own.length > ownGroupsMax)
        throw dataError(
          'InvalidPolicy',
          `There are at most ${ownGroupsMax} workload groups besides the built-in ones.`,
        );
      putOthers(draft, next);
      return group;
    }),
  dropWorkloadGroup: (name) =>
    catalog.change((draft) => {
      const others = othersOf(draft);
      if (others[name] === undefined) throw dataError('WorkloadGroupNotFound', name.slice(0, 200));
      putOthers(draft, Object.fromEntries(Object.entries(others).filter(([other]) => other !== name)));
    }),
});
