/** How things are found, by name. What is not in it is gone. */
export type Found = ReadonlyMap<string, string>;

export const gone = 'gone';
export const there = 'there';

/** What was sent and what was acknowledged of one kind of thing: how each may be found after a kill. */
export class Ledger {
  /** Of what the things are: the first word of what is said about them. */
  readonly noun: string;
  readonly #allowed: Map<string, ReadonlySet<string>>;
  #acknowledged = 0;

  constructor(noun: string, other?: Ledger) {
    this.noun = noun;
    this.#allowed = new Map(other === undefined ? [] : other.#allowed);
    this.#acknowledged = other?.acknowledged ?? 0;
  }

  copy(): Ledger {
    return new Ledger(this.noun, this);
  }

  /** How many changes were acknowledged. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  /** Things that are as acknowledged: nothing else was sent since. */
  in(state: string): readonly string[] {
    return [...this.#allowed].flatMap(([name, states]) => (states.size === 1 && states.has(state) ? [name] : []));
  }

  /** Things that are not known to be so. */
  not(state: string): readonly string[] {
    return [...this.#allowed].flatMap(([name, states]) => (states.size === 1 && states.has(state) ? [] : [name]));
  }

  /** Until it is acknowledged, it may be found as it was or as it is to be. */
  sent(name: string, state: string): void {
    this.#allowed.set(name, new Set([...(this.#allowed.get(name) ?? [gone]), state]));
  }

  took(name: string, state: string): void {
    this.#allowed.set(name, new Set([state]));
    this.#acknowledged += 1;
  }

  /** It was seen after a restart, so that is how it stays. */
  settle(name: string, state: string): void {
    this.#allowed.set(name, new Set([state]));
  }

  /** Does something to a thing, and keeps book of it before and after.
   * @param act rejects when it was not acknowledged */
  async change(name: string, state: string, act: () => Promise<unknown>): Promise<void> {
    this.sent(name, state);
    await act();
    this.took(name, state);
  }

  /** @returns a sentence for each thing that is not as it may be */
  judge(found: Found): readonly string[] {
    const problems: string[] = [];
    for (const [name, states] of this.#allowed) {
      const state = found.get(name) ?? gone;
      if (states.has(state)) continue;
      if (state === gone) problems.push(`${this.noun} ${name} is lost`);
      else if (states.has(gone)) problems.push(`${this.noun} ${name} is there again`);
      else problems.push(`${this.noun} ${name} is ${state}, not ${[...states].join(' or ')}`);
    }
    for (const name of found.keys())
      if (!this.#allowed.has(name)) problems.push(`${this.noun} ${name} is there and was never sent`);
    return problems;
  }
}
