/** How many bytes of request bodies a plane holds at one time, for all its clients together. Each body counts as it arrives, until its
 * request is answered. */
export class BodyRoom {
  readonly #held = new WeakMap<object, number>();
  #free: number;

  constructor(bytesMax: number) {
    this.#free = bytesMax;
  }

  /** @returns whether there was room for so many bytes more of this request */
  take(request: object, bytes: number): boolean {
    if (bytes > this.#free) return false;
    this.#free -= bytes;
    this.#held.set(request, (this.#held.get(request) ?? 0) + bytes);
    return true;
  }

  /** What the request held is free again; safe to call twice. */
  release(request: object): void {
    this.#free += this.#held.get(request) ?? 0;
    this.#held.delete(request);
  }

  get free(): number {
    return this.#free;
  }
}
