import { StateConflictError } from '../state/state-store.ts';

const attemptsMax = 16;

/** Runs read–decide–commit again when somebody else committed in between. `attempt` must start from fresh reads each time.
 * Of many at the same time one wins each time, so as many attempts let as many end.
 * @throws StateConflictError after sixteen attempts, which the plane answers as 409 */
export async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StateConflictError) || tries === attemptsMax) throw error;
    }
  }
}
