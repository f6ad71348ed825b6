import type { OpenedClusterData } from '../../database/open-cluster-data.ts';
import type { ExtentFiles } from '../../encryption/extent-files/extent-files.ts';

/** The data of a cluster, open under one key. */
export interface Opened {
  readonly generation: number;
  readonly data: OpenedClusterData;
  readonly files: ExtentFiles;
}

/** Nobody is answered from it any more. Whoever opens the data anew does not wait: a file that is still being read may be of a store that
 * answers nothing. */
export function leave({ data, files }: Pick<Opened, 'data' | 'files'>): void {
  data.abandon();
  void files.dispose();
}
