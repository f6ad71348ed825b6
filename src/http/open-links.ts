import type { TLSSocket } from 'node:tls';
import type { StartTimer } from './timer.ts';

export interface OpenLinksOptions {
  /** Ids of the nodes that the instance has now. */
  readonly registered: () => Promise<ReadonlySet<string>>;
  readonly startTimer: StartTimer;
  readonly monotonicMs: () => number;
  /** Certificates go by it. */
  readonly wallMs: () => number;
  /** @param why a code */
  readonly ended: (why: string) => void;
}

const lookEveryMs = 1_000;
/** So long a link goes on while nobody says which nodes there are: as long as a node answers that does not reach its state. */
const unknownMsMax = 5_000;

interface OpenLink {
  readonly node: string;
  /** Of its certificate, milliseconds since 1970. */
  readonly goodUntilMs: number;
  /** It was one of the nodes then, by the question that was asked then. */
  knownAt: number;
}

/** Links that are open hold no longer than what let them in: the other end is a node of the instance, and its certificate is good. One question a
 * second serves all of them, and only one goes on at a time. Without links nothing is asked. */
export class OpenLinks {
  readonly #options: OpenLinksOptions;
  readonly #open = new Map<TLSSocket, OpenLink>();
  #isAsking = false;
  #cancel: (() => void) | undefined;

  constructor(options: OpenLinksOptions) {
    this.#options = options;
  }

  /** @param knownAt monotonic time before it was asked whether the instance has this node */
  add(socket: TLSSocket, node: string, knownAt: number): void {
    if (socket.destroyed) return;
    const goodUntilMs = Date.parse(socket.getPeerX509Certificate()?.validTo ?? '');
    this.#open.set(socket, { node, goodUntilMs, knownAt });
    socket.once('close', () => this.#closed(socket));
    if (this.#cancel === undefined) this.#wait();
  }

  #closed(socket: TLSSocket): void {
    this.#open.delete(socket);
    if (this.#open.size > 0) return;
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #wait(): void {
    this.#cancel = this.#options.startTimer(lookEveryMs, () => {
      this.#wait();
      this.#look();
    });
  }

  #look(): void {
    const { monotonicMs, wallMs } = this.#options;
    if (!this.#isAsking) void this.#ask();
    for (const [socket, { goodUntilMs, knownAt }] of this.#open) {
      if (!(wallMs() < goodUntilMs)) this.#end(socket, 'CERT_HAS_EXPIRED');
      else if (monotonicMs() - knownAt >= unknownMsMax) this.#end(socket, 'NODES_NOT_KNOWN');
    }
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const askedAt = this.#options.monotonicMs();
    try {
      const registered = await this.#options.registered();
      for (const [socket, link] of this.#open) {
        if (link.knownAt > askedAt) continue; // it came since, and was asked for
        if (registered.has(link.node)) link.knownAt = askedAt;
        else this.#end(socket, 'NODE_NOT_REGISTERED');
      }
    } catch {
      // Until it is known again, or for too long.
    } finally {
      this.#isAsking = false;
    }
  }

  #end(socket: TLSSocket, why: string): void {
    this.#open.delete(socket);
    this.#options.ended(why);
    socket.destroy();
  }
}
