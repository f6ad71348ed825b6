/** At most so many entries. When another one needs room, the oldest go (one in 32) that nobody has asked for since they were last passed
 * over, so that a look costs no more than one into a `Map`. Only for what can be made again. */
export class RecentMap<K, V> {
  readonly #entriesMax: number;
  readonly #entries = new Map<K, { readonly value: V; asked: boolean }>();

  /** @param entriesMax at least 1 */
  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: K): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    entry.asked = true;
    return entry.value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    // Several at once: to look for the first of a `Map` is to pass all that were deleted before it.
    const sizeAfter = this.#entriesMax - Math.max(1, this.#entriesMax >> 5);
    const isFull = this.#entries.size >= this.#entriesMax;
    for (const [oldest, entry] of isFull ? this.#entries : []) {
      if (this.#entries.size <= sizeAfter) break;
      this.#entries.delete(oldest);
      if (!entry.asked) continue;
      entry.asked = false;
      this.#entries.set(oldest, entry);
    }
    this.#entries.set(key, { value, asked: false });
  }

  delete(key: K): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  get size(): number {
    return this.#entries.size;
  }
}
