export interface CacheLimits<V> {
  readonly countMax: number;
  /** What all entries together may weigh, and what one weighs. One that weighs more than all may is not kept. */
  readonly weight?: { readonly max: number; readonly of: (key: string, value: V) => number };
}

/** Keeps the entries used last. Only for what can be made again: nothing is lost when an entry goes. */
export class BoundedCache<V> {
  readonly #entries = new Map<string, { readonly value: V; readonly weight: number }>();
  readonly #limits: CacheLimits<V>;
  #weight = 0;

  constructor(limits: CacheLimits<V>) {
    this.#limits = limits;
  }

  get(key: string): V | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key); // a Map remembers insertion order: now the youngest
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: string, value: V): void {
    this.delete(key);
    const { countMax, weight } = this.#limits;
    const own = weight?.of(key, value) ?? 0;
    if (weight !== undefined && own > weight.max) return;
    this.#entries.set(key, { value, weight: own });
    this.#weight += own;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= countMax && this.#weight <= (weight?.max ?? 0)) break;
      this.delete(oldest);
    }
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#weight -= entry.weight;
    this.#entries.delete(key);
  }

  /** The entry used last comes last. */
  *entries(): IterableIterator<readonly [string, V]> {
    for (const [key, { value }] of this.#entries) yield [key, value];
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }
}
