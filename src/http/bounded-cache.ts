/** Keeps the `countMax` entries used last. Only for what can be made again: nothing is lost when an entry goes. */
export class BoundedCache<V> {
  readonly #entries = new Map<string, V>();

  constructor(readonly countMax: number) {}

  get(key: string): V | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value); // a Map remembers insertion order: now the youngest
    return value;
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    const oldest = this.#entries.keys().next();
    if (this.#entries.size > this.countMax && oldest.done !== true) this.#entries.delete(oldest.value);
  }

  delete(key: string): void {
    this.#entries.delete(key);
  }

  get size(): number {
    return this.#entries.size;
  }
}
