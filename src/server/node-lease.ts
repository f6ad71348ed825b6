import type { MonotonicClock, MonotonicMs } from '../clock/monotonic-clock.ts';
import type { Plane } from '../http/plane.ts';
import { nodeLeaseMs } from '../state/postgres/take-over.ts';

const beatEveryMs = 1_000;

/** What a node may still answer. Where the state is one that others can take over, a node answers only as long as it has told them that it
 * serves, so that what a later one has changed (a revocation above all) cannot be missed here: not while the database is out of reach, nor
 * after this machine was paused. */
export interface NodeLease {
  /** Milliseconds; 0 or less: nothing is answered. */
  remainingMs(): number;
}

/** Of a state that nobody else can reach. */
export const endlessLease: NodeLease = { remainingMs: () => Infinity };

/** Renewed by each heartbeat, from before it was sent, on real time with the machine's sleep in it. */
export class BeatingLease implements NodeLease {
  readonly #beat: () => Promise<void>;
  readonly #monotonic: Pick<MonotonicClock, 'now' | 'every'>;
  readonly #onFailure: (error: unknown) => void;
  #renewedAt: MonotonicMs | undefined;
  #hasEnded = false;
  #stop: () => void = () => undefined;

  /** @param beat tells others, and rejects when it may not have
   * @param onFailure hears of a heartbeat that failed */
  constructor(
    beat: () => Promise<void>,
    monotonic: Pick<MonotonicClock, 'now' | 'every'>,
    onFailure: (error: unknown) => void,
  ) {
    this.#beat = beat;
    this.#monotonic = monotonic;
    this.#onFailure = onFailure;
  }

  /** Resolves with the first heartbeat. */
  async start(): Promise<void> {
    await this.#renew();
    this.#stop = this.#monotonic.every(beatEveryMs, () => this.#renew().catch(this.#onFailure));
  }

  remainingMs(): number {
    return this.#renewedAt === undefined || this.#hasEnded ? 0 : this.#renewedAt + nodeLeaseMs - this.#monotonic.now();
  }

  /** For good. */
  end(): void {
    this.#stop();
    this.#hasEnded = true;
  }

  async #renew(): Promise<void> {
    const asked = this.#monotonic.now();
    await this.#beat();
    this.#renewedAt = asked;
  }
}

/** Everything that a plane would answer is refused while the lease does not hold. Connections to clusters are theirs: those ask for themselves
 * (`admitted`). */
export const underLease = (plane: Plane, lease: NodeLease): Plane => ({
  ...plane,
  handle: (request, response) => {
    if (lease.remainingMs() > 0) {
      plane.handle(request, response);
      return;
    }
    const body = JSON.stringify({ error: { code: 'NodeLeaseExpired', message: new NodeLeaseExpiredError().message } });
    response.writeHead(503, {
      ...{ 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(body) },
      'retry-after': '1',
    });
    response.end(body);
  },
});

export class NodeLeaseExpiredError extends Error {
  override readonly name = 'NodeLeaseExpiredError';
  constructor() {
    super(
      'This node of Kustody has not reached its state for some seconds. It answers nothing until it has, or another node does.',
    );
  }
}
