import type { Guid } from '../../base/guid.ts';
import type { MonotonicClock } from '../../clock/monotonic-clock.ts';
import type { ProcessPort } from './process-port.ts';

/** The way to the node that has the process. */
export interface NodeLink {
  /** @param done told when it is on its way, or why it is not */
  send(frame: NodeFrame, done?: (error: Error | null) => void): void;
  close(): void;
}

/** What nodes say to each other about a process of a cluster that one of them has. */
export type NodeFrame =
  /** The first one, of the node that reads: for a client who asks for this host. Nodes of two versions do not understand each other. */
  | { readonly kind: 'reads'; readonly host: string; readonly version: string; readonly reading: Guid }
  /** The first one of a link that comes after another: to be that of the process which `reads` has called so. */
  | { readonly kind: 'continues'; readonly reading: Guid }
  /** The answer: it may be moved to. */
  | { readonly kind: 'follows' }
  /** The last one on a link: more comes on the one that follows (`MovingLink`). */
  | { readonly kind: 'moved' }
  /** From the process or to it, as between parent and child. */
  | { readonly kind: 'message'; readonly message: unknown }
  /** It takes connections to these hosts. */
  | { readonly kind: 'serves'; readonly hosts: readonly string[] }
  | { readonly kind: 'kill' }
  /** It is gone. */
  | { readonly kind: 'exit' };

/** A process on another node. Whoever ends it waits until that node has said that it is gone, or until all that it was lent has run out: it answers
 * nothing after that, wherever it is. */
export class RemoteProcess implements ProcessPort {
  readonly pid = undefined;
  readonly #link: NodeLink;
  readonly #monotonic: Pick<MonotonicClock, 'now' | 'after'>;
  #leasedUntil = -Infinity;
  #isGone = false;
  #isLost = false;
  #onMessage: (message: unknown) => void = () => undefined;
  #onExit: () => void = () => undefined;

  constructor(link: NodeLink, monotonic: Pick<MonotonicClock, 'now' | 'after'>) {
    this.#link = link;
    this.#monotonic = monotonic;
  }

  send(message: object, done: (error: Error | null) => void): void {
    this.#link.send({ kind: 'message', message }, done);
  }

  onMessage(listener: (message: unknown) => void): void {
    this.#onMessage = listener;
  }

  onExit(listener: () => void): void {
    this.#onExit = listener;
    if (this.#isGone) listener();
  }

  whenRead(listener: () => void): void {
    listener();
  }

  /** It may answer for so long from now on at most. To be called before it is told so. */
  lent(leaseMs: number): void {
    this.#leasedUntil = Math.max(this.#leasedUntil, this.#monotonic.now() + leaseMs);
  }

  received(frame: NodeFrame): void {
    if (frame.kind === 'message' && !this.#isGone && !this.#isLost) this.#onMessage(frame.message);
    if (frame.kind === 'exit') this.#gone();
  }

  kill(): void {
    if (this.#isGone || this.#isLost) return;
    this.#link.send({ kind: 'kill' });
    this.#awaitLease();
  }

  /** The other node is out of reach. */
  lost(): void {
    if (this.#isGone) return;
    this.#link.close();
    this.#awaitLease();
  }

  /** Nothing that it says counts any more. */
  #awaitLease(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const left = this.#leasedUntil - this.#monotonic.now();
    if (left <= 0) this.#gone();
    else this.#monotonic.after(left, () => this.#gone());
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#link.close();
    this.#onExit();
  }
}
