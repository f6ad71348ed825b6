import type { Guid } from '../base/guid.ts';
import { KqlError } from '../kql/plan/kql-error.ts';

/** Somebody wanted the operation to end. The engine says `cancelled` also where its cluster may not go on. */
export class OperationCanceledError extends KqlError {
  constructor(message: string) {
    super('cancelled', message);
  }
}

/** Work of operations that this process goes on with, and that may be stopped. */
export interface OperationsUnderWay {
  /** Does the work of one. @param work gets what stops it @throws OperationCanceledError when it was stopped before it was done */
  doing<T>(operationId: Guid, work: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** Waits until the work has ended.
   * @param reason what it ends with, unless it is done already
   * @returns whether it was stopped; undefined when nothing is under way that may be stopped */
  cancel(operationId: Guid, reason: OperationCanceledError): Promise<boolean> | undefined;
}

export function createOperationsUnderWay(): OperationsUnderWay {
  const underWay = new Map<
    Guid,
    { readonly stop: (reason: OperationCanceledError) => void; readonly stopped: Promise<boolean> }
  >();
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
      } catch (error) {
        throw stopping.signal.aborted ? (stopping.signal.reason as OperationCanceledError) : error;
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
