import type { EndedRequest, RequestUsage, RequestView } from '../../../database/commands/command-context.ts';
import type { StartTimer } from '../../../http/timer.ts';

export interface QueueOptions {
  readonly startTimer: StartTimer;
  /** How long a request waits: "a predefined short time period", which Microsoft's page does not give. */
  readonly waitMsMax?: number;
  /** How many wait at the same time, queries and commands together. */
  readonly waitingMax?: number;
}

/** The place that a request has among those running. */
export interface RunningPlace {
  /** Once, when the request is over. */
  end(ended: EndedRequest): void;
  /** What it has read and answered. */
  measured(usage: RequestUsage): void;
  /** What goes on after the answer keeps what it takes of the capacity for ingestions. @returns what gives that back */
  handOn(): () => void;
}

interface Waiting {
  readonly kind: RequestView['kind'];
  readonly workloadGroup: string;
  /** Ends the wait with its reason. */
  readonly signal: AbortSignal;
  /** @param last whatever it says then is the answer: a place, or the refusal
   * @returns undefined: there is no place yet @throws KustoError */
  readonly attempt: (last: boolean) => RunningPlace | undefined;
}

/** Requests that wait until others are over, in the order of their coming. */
export class RequestQueue {
  readonly #options: QueueOptions | undefined;
  /** Each leaves by itself when it is called: with an error, or by an attempt. */
  readonly #waiting = new Map<Waiting, (how: { readonly error: unknown } | { readonly last: boolean }) => void>();

  constructor(options: QueueOptions | undefined) {
    this.#options = options;
  }

  get hasRoom(): boolean {
    return this.#options !== undefined && this.#waiting.size < (this.#options.waitingMax ?? 1_000);
  }

  /** Whoever comes now must not be before them. */
  hasWaiting(kind: RequestView['kind'], workloadGroup: string): boolean {
    return [...this.#waiting.keys()].some(
      (waiting) => waiting.kind === kind && waiting.workloadGroup === workloadGroup,
    );
  }

  wait(request: Waiting): Promise<RunningPlace> {
    return new Promise((resolve, reject) => {
      const { signal } = request;
      const leave = (how: { readonly error: unknown } | { readonly last: boolean }): void => {
        try {
          if ('error' in how) throw how.error;
          const place = request.attempt(how.last);
          if (place === undefined) return;
          forget();
          resolve(place);
        } catch (error) {
          forget();
          // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- it is what was thrown
          reject(error);
        }
      };
      const aborted = (): void => leave({ error: signal.reason });
      const cancelTimer = this.#options?.startTimer(this.#options.waitMsMax ?? 10_000, () => leave({ last: true }));
      const forget = (): void => {
        this.#waiting.delete(request);
        cancelTimer?.();
        signal.removeEventListener('abort', aborted);
      };
      this.#waiting.set(request, leave);
      if (signal.aborted) aborted();
      else signal.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Something is over: whoever waits looks again. */
  tryAll(): void {
    for (const leave of [...this.#waiting.values()]) leave({ last: false });
  }

  endAll(error: unknown): void {
    for (const leave of [...this.#waiting.values()]) leave({ error });
  }
}
