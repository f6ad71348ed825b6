import type { AllowedRequest, CallMain, DataPlaneCalls } from '../messages/data-plane-calls.ts';
import { KustoError, kustoError } from './errors/kusto-error.ts';

/** How long the cluster may use its key, as far as this process knows. The main process ends this one when it may not; this is the
 * second lock on the same door. */
export class LeaseWatch {
  readonly #call: CallMain;
  readonly #monotonicMs: () => number;
  #endsAt = 0;
  readonly #ended = new AbortController();

  constructor(call: CallMain, monotonicMs: () => number) {
    this.#call = call;
    this.#monotonicMs = monotonicMs;
  }

  /** Aborted when the cluster stops to serve, with the reason. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** For good: the next chunk fails with this error. */
  end(error: KustoError): void {
    this.#ended.abort(error);
  }

  /** To be called before the main process is asked. @returns takes what it answered: the lease counts from the question on, since this
   * process may be paused at any moment. */
  asking(): (leaseMs: number) => void {
    const asked = this.#monotonicMs();
    return (leaseMs) => {
      this.#endsAt = asked + leaseMs;
    };
  }

  /** Before each chunk of a result and before each acknowledgement. @throws KustoError `unavailable` */
  async require(): Promise<void> {
    this.#ended.signal.throwIfAborted();
    if (this.#monotonicMs() < this.#endsAt) return;
    const extend = this.asking();
    const { leaseMs } = await this.#call('renew', {});
    this.#ended.signal.throwIfAborted(); // there was a reason, which is told
    if (leaseMs <= 0) throw kustoError('unavailable', 'The cluster may not use its key now.');
    extend(leaseMs);
  }
}

/** Asks who sends a request and what they may do here.
 * @throws KustoError 401, 403, 503 */
export async function admitRequest(
  call: CallMain,
  lease: LeaseWatch,
  authorization: string | undefined,
  { ticket, catalog }: Pick<DataPlaneCalls['authorize'], 'ticket' | 'catalog'> = {},
): Promise<AllowedRequest> {
  const extend = lease.asking();
  const reply = await call('authorize', {
    authorization,
    ...(ticket === undefined ? {} : { ticket }),
    ...(catalog === undefined ? {} : { catalog }),
  });
  // Who may not ask is told that, whatever else there is to say.
  if (reply.outcome === 'allowed' || reply.kind === 'unavailable') lease.ended.throwIfAborted();
  if (reply.outcome === 'refused') throw new KustoError(reply.kind, reply.message, undefined, reply.challenge);
  extend(reply.leaseMs);
  return reply;
}
