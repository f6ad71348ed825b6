/** Who waits, in turns by whom they are for: of a caller who sends many, one comes before the next of somebody else. */
export class FairQueue<T> {
  /** The caller whose turn it is comes first. */
  readonly #lines = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  push(caller: string, item: T): void {
    const line = this.#lines.get(caller);
    if (line === undefined) this.#lines.set(caller, [item]);
    else line.push(item);
    this.#size += 1;
  }

  /** Takes the next one. */
  shift(): T | undefined {
    for (const [caller, line] of this.#lines) {
      const item = line.shift();
      this.#lines.delete(caller);
      if (line.length > 0) this.#lines.set(caller, line); // its next turn comes after all others
      this.#size -= 1;
      return item;
    }
    return undefined;
  }

  /** Takes one out of its turn. @returns whether it waited */
  remove(isMeant: (item: T) => boolean): boolean {
    for (const [caller, line] of this.#lines) {
      const place = line.findIndex(isMeant);
      if (place < 0) continue;
      line.splice(place, 1);
      if (line.length === 0) this.#lines.delete(caller);
      this.#size -= 1;
      return true;
    }
    return false;
  }

  /** Takes all. */
  clear(): T[] {
    const all = [...this.#lines.values()].flat();
    this.#lines.clear();
    this.#size = 0;
    return all;
  }
}
