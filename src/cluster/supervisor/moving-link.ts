import type { NodeFrame, NodeLink } from './remote-process.ts';

export interface MovingLinkOptions {
  /** Frames in the order in which they were sent, whichever link brought them. */
  readonly received: (frame: NodeFrame) => void;
  /** Called once: no link is left that the other end listens to. */
  readonly closed: () => void;
}

/** What two nodes say to each other about a process, over one link, and then over the next one, without losing a word: certificates of links end, and
 * processes go on. Order of a move: the one that begins it has a link that the other end has agreed to (`follow` there) → `moved` is its last word on the
 * one before → it is the other's last word there, too → the one that began closes it. What comes on the next link is held until `moved` is read.
 * Two links are open at most. Until the first `moved`, the next link may end, and nothing has happened; after that its end is the end of all. */
export class MovingLink implements NodeLink {
  readonly #options: MovingLinkOptions;
  /** The link that is written to, and the one that is read. */
  #out: NodeLink;
  #in: NodeLink;
  #next: NodeLink | undefined;
  #held: NodeFrame[] = [];
  #onMoved: () => void = () => undefined;
  #isClosed = false;

  constructor(first: NodeLink, options: MovingLinkOptions) {
    this.#options = options;
    this.#out = this.#in = first;
  }

  send(frame: NodeFrame, done?: (error: Error | null) => void): void {
    this.#out.send(frame, done);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const link of new Set([this.#in, this.#out, this.#next])) link?.close();
    this.#options.closed();
  }

  /** The other end may move to this link. @returns false when it may not: there is another one */
  follow(next: NodeLink): boolean {
    if (this.#isClosed || this.#next !== undefined) return false;
    this.#next = next;
    return true;
  }

  /** Moves there, once the other end has agreed. @param done called when nothing goes over the one before any more
   * @returns false when there is nothing to move */
  moveTo(next: NodeLink, done: () => void): boolean {
    if (!this.follow(next)) return false;
    this.#onMoved = done;
    this.#say();
    return true;
  }

  /** To be called with each frame that a link brings that has begun here. */
  heard(link: NodeLink, frame: NodeFrame): void {
    if (this.#isClosed) return;
    if (link === this.#in && frame.kind === 'moved') this.#moved();
    else if (link === this.#in) this.#options.received(frame);
    else if (link === this.#next) this.#held.push(frame);
  }

  /** To be called when one of them is closed. */
  ended(link: NodeLink): void {
    if (link === this.#in || link === this.#out) this.close();
    else if (link === this.#next) this.#forget();
  }

  #say(): void {
    this.#out.send({ kind: 'moved' });
    this.#out = this.#next ?? this.#out;
  }

  #moved(): void {
    const before = this.#in;
    const next = this.#next;
    if (next === undefined) {
      this.close(); // it has ended meanwhile
      return;
    }
    const hasBegun = this.#out === next;
    if (!hasBegun) this.#say();
    this.#in = next;
    if (hasBegun) before.close(); // not at the other end: what is on its way there would cut off the last word
    this.#onMoved();
    for (const frame of this.#forget()) this.heard(next, frame);
  }

  /** @returns what was held */
  #forget(): readonly NodeFrame[] {
    const held = this.#held;
    this.#next = undefined;
    this.#held = [];
    return held;
  }
}
