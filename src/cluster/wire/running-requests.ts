import type { RequestView } from '../../engine/commands/command-context.ts';
import type { KustoError } from './kusto-error.ts';
import { kustoError } from './kusto-error.ts';

export interface RunningRequest {
  readonly view: RequestView;
  readonly controller: AbortController;
}

/** Queries and commands under way in this cluster, to be counted and cancelled. */
export class RunningRequests {
  readonly #running = new Set<RunningRequest>();
  readonly #capacity: number;
  #ended: KustoError | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** @throws KustoError `throttled`, or what `endAll` said */
  begin(request: RunningRequest): () => void {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#running.size >= this.#capacity) {
      throw kustoError(
        'throttled',
        `The query was aborted due to throttling. Retrying after some backoff might help. CommandType: 'Query', Capacity: ${this.#capacity}, Origin: 'RequestRateLimitPolicy/WorkloadGroup'.`,
      );
    }
    this.#running.add(request);
    return () => this.#running.delete(request);
  }

  /** Ends what is under way, and whatever comes, with this error. */
  endAll(error: KustoError): void {
    this.#ended ??= error;
    for (const { controller } of this.#running) controller.abort(this.#ended);
  }

  /** For `.show queries`. */
  list(): readonly RequestView[] {
    return [...this.#running].map(({ view }) => view);
  }

  /** Cancels what has this client request id; others' requests only for those who may.
   * @returns how many there were */
  cancel(clientRequestId: string, mayCancel: (principal: string) => boolean): number {
    const found = [...this.#running].filter(
      ({ view }) => view.clientRequestId === clientRequestId && mayCancel(view.principal),
    );
    for (const { controller } of found)
      controller.abort(kustoError('cancelled', 'The request was cancelled by a cancel command.'));
    return found.length;
  }
}
