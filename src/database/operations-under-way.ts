import type { Guid } from '../base/guid.ts';

/** Work of operations that this process goes on with, and that may be stopped. */
export interface OperationsUnderWay {
  /** Does the work of one. @param work gets what stops it */
  doing<T>(operationId: Guid, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits until the work has ended.
   * @param reason what it ends with, unless it is done already
   * @returns whether it was stopped; undefined when nothing is under way that may be stopped */
  cancel(operationId: Guid, reason: Error): Promise<boolean> | undefined;
}

export function createOperationsUnderWay(): OperationsUnderWay {
  const underWay = new Map<Guid, { readonly stop: (reason: Error) => void; readonly stopped: Promise<boolean> }>();
  return {
    async doing(operationId, work) {
      const stopping = new AbortController();
      const done = work(stopping.signal);
      const stopped = done.then(
        () => false,
        () => stopping.signal.aborted,
      );
      underWay.set(operationId, { stop: (reason) => stopping.abort(reason), stopped });
      try {
        return await done;
      } finally {
        underWay.delete(operationId);
      }
    },
    cancel(operationId, reason) {
      const found = underWay.get(operationId);
      found?.stop(reason);
      return found?.stopped;
    },
  };
}
