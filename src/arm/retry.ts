import { StateConflictError } from '../state/state-store.ts';

/** Runs read–decide–commit again when somebody else committed in between. `attempt` must start from fresh reads each time.
 * @throws StateConflictError after five attempts, which the plane answers as 409 */
export async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof StateConflictError) || tries === 5) throw error;
    }
  }
}
