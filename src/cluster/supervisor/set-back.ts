import type { KeyFailure } from '../../encryption/key-wrapper.ts';

/** What is kept beside its catalog opens with the cluster key of now alone. */
export const setBackMeanwhile: KeyFailure = {
  ...{ outcome: 'failed', kind: 'outage', cause: 'unknown' },
  message: 'The cluster was set back to a backup and has not opened its data since. Ask it for something once.',
};
