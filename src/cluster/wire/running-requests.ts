import type { EndedRequest, RequestView } from '../../engine/commands/command-context.ts';
import type { KustoError } from './kusto-error.ts';
import { kustoError } from './kusto-error.ts';

export interface RunningRequest {
  readonly view: RequestView;
  readonly controller: AbortController;
}

/** So many requests that have ended are remembered, in memory alone: their texts go with the process. */
const historyMax = 1_000;

/** Queries and commands under way in this cluster, to be counted, told of and cancelled. */
export class RunningRequests {
  readonly #running = new Set<RunningRequest>();
  readonly #history: RequestView[] = [];
  readonly capacity: number;
  #ended: KustoError | undefined;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** @throws KustoError `throttled`, or what `endAll` said */
  begin(request: RunningRequest): (ended: EndedRequest) => void {
    if (this.#ended !== undefined) throw this.#ended;
    if (this.#running.size >= this.capacity) {
      throw kustoError(
        'throttled',
        `The query was aborted due to throttling. Retrying after some backoff might help. CommandType: 'Query', Capacity: ${this.capacity}, Origin: 'RequestRateLimitPolicy/WorkloadGroup'.`,
      );
    }
    this.#running.add(request);
    return (ended) => {
      this.#running.delete(request);
      this.#history.push({ ...request.view, ended });
      if (this.#history.length > historyMax) this.#history.shift();
    };
  }

  /** Ends what is under way, and whatever comes, with this error. */
  endAll(error: KustoError): void {
    this.#ended ??= error;
    for (const { controller } of this.#running) controller.abort(this.#ended);
  }

  /** For `.show queries`; newest first. */
  list(): readonly RequestView[] {
    return [...this.#history, ...[...this.#running].map(({ view }) => view)].reverse();
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
