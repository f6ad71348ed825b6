/** Of a text, in UTF-16 units. */
export interface Place {
  readonly from: number;
  readonly to: number;
}

/** Finds texts in others in time that grows with what is read, whatever the texts are (Aho and Corasick, 1975): an expression with an
 * alternative for each text takes seconds where they begin alike, and is refused where one is long. */
export class FoundTexts {
  /** By state: the next one for a code unit. State 0 is where nothing has been read of any text. */
  readonly #next = [new Map<number, number>()];
  /** By state: that of the longest end of what was read that some text begins with. */
  readonly #instead: number[] = [0];
  /** By state: how long the longest text is that ends here, or 0. */
  readonly #length: number[] = [0];

  /** @param texts none of them empty; a state is kept for each of their characters */
  constructor(texts: readonly string[]) {
    for (const text of texts) this.#add(text);
    this.#link();
  }

  #add(text: string): void {
    let state = 0;
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      let next = this.#next[state]?.get(code);
      if (next === undefined) {
        next = this.#next.push(new Map()) - 1;
        this.#next[state]?.set(code, next);
      }
      state = next;
    }
    this.#length[state] = text.length;
  }

  /** Shorter beginnings before longer ones. */
  #link(): void {
    const reached = [0];
    for (const state of reached) {
      for (const [code, next] of this.#next[state] ?? []) {
        const instead = state === 0 ? 0 : this.#after(this.#instead[state] ?? 0, code);
        this.#instead[next] = instead;
        this.#length[next] = Math.max(this.#length[next] ?? 0, this.#length[instead] ?? 0);
        reached.push(next);
      }
    }
  }

  #after(from: number, code: number): number {
    let state = from;
    for (;;) {
      const next = this.#next[state]?.get(code);
      if (next !== undefined) return next;
      if (state === 0) return 0;
      state = this.#instead[state] ?? 0;
    }
  }

  /** @returns in their order; one for those that overlap */
  placesIn(text: string): readonly Place[] {
    const found: Place[] = [];
    let state = 0;
    for (let at = 0; at < text.length; at++) {
      state = this.#after(state, text.charCodeAt(at));
      const length = this.#length[state] ?? 0;
      if (length === 0) continue;
      let from = at + 1 - length;
      for (let last = found.at(-1); last !== undefined && last.to > from; last = found.at(-1)) {
        from = Math.min(from, last.from);
        found.pop();
      }
      found.push({ from, to: at + 1 });
    }
    return found;
  }
}

/** Where places overlap, one replacement stands for all of them. */
export function replaceAt(text: string, places: readonly Place[], replacement: string): string {
  let [shown, end] = ['', 0];
  for (const { from, to } of places.toSorted((left, right) => left.from - right.from)) {
    if (from >= end) shown += text.slice(end, from) + replacement;
    end = Math.max(end, to);
  }
  return shown + text.slice(end);
}
