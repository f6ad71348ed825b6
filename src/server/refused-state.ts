import type { Log } from '../http/logging.ts';
import { AnchorError } from '../state/tree/anchor.ts';
import { StateRolledBackError } from '../state/tree/tree-state.ts';

/** The log says that a state was refused as older than it was, or put back. Nothing is written into a state that may not be the right one, so its audit
 * does not tell of it. @throws the same again */
export const tellRefused =
  (log: Pick<Log, 'failure'>) =>
  (error: unknown): never => {
    if (error instanceof StateRolledBackError || error instanceof AnchorError)
      log.failure('state-refused', error, { why: "without 'kustody state accept'" });
    throw error;
  };
