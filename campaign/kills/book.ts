import type { Seeded } from '../../src/server/seed.ts';
import { Ledger } from './ledger.ts';
import type { Found } from './ledger.ts';
import type { LiveServer } from './live-server.ts';
import type { Work } from './work.ts';

/** Which process is killed: the server with all of its processes, one of a cluster, or a parser. */
export type Victim = 'server' | 'cluster' | 'parser';

/** Of one kind. */
const problemsMax = 100;

/** What was sent and acknowledged over all kills of one instance, and what the kills have hit. */
export class Book {
  readonly works: readonly Work[];
  readonly #ledgers: ReadonlyMap<string, Ledger>;
  /** By kind of work: how many kills of each process came while it was under way. */
  readonly hits = new Map<string, Map<Victim, number>>();
  seeded: Seeded | undefined;
  kills = 0;
  #number = 0;
  /** Of the last comparison, by the noun of the work. */
  #found = new Map<string, Found>();

  constructor(works: readonly Work[], other?: Book) {
    this.works = works;
    this.#ledgers = new Map(works.map(({ noun }) => [noun, other?.ledger(noun).copy() ?? new Ledger(noun)]));
    this.seeded = other?.seeded;
    this.kills = other?.kills ?? 0;
    this.#number = other?.next() ?? 0;
  }

  /** For the same instance in another place. */
  copy(): Book {
    return new Book(this.works, this);
  }

  ledger(noun: string): Ledger {
    const ledger = this.#ledgers.get(noun);
    if (ledger === undefined) throw new Error(`nothing is done with a ${noun}`);
    return ledger;
  }

  next(): number {
    this.#number += 1;
    return this.#number;
  }

  hit(kinds: Iterable<string>, victim: Victim): void {
    for (const kind of kinds) {
      const counts = this.hits.get(kind) ?? new Map<Victim, number>();
      counts.set(victim, (counts.get(victim) ?? 0) + 1);
      this.hits.set(kind, counts);
    }
  }

  async setUp(server: LiveServer): Promise<void> {
    for (const work of this.works) await work.setUp?.(server, this.ledger(work.noun));
  }

  /** @returns what is not as it was acknowledged */
  async compare(server: LiveServer): Promise<readonly string[]> {
    const problems = await Promise.all(this.works.map((work) => this.#compareOne(server, work)));
    return problems.flat();
  }

  async #compareOne(server: LiveServer, work: Work): Promise<readonly string[]> {
    const ledger = this.ledger(work.noun);
    try {
      const found = await work.found(server, ledger);
      const problems = ledger.judge(found);
      if (problems.length > 0) return problems.slice(0, problemsMax);
      this.#found.set(work.noun, found);
      if (work.settles === true) for (const [name, state] of found) ledger.settle(name, state);
      await work.tidy?.(server, ledger);
      return [];
    } catch (error) {
      return [`${work.noun}s cannot be read: ${error instanceof Error ? error.message : String(error)}`];
    }
  }

  /** What would be found if all was as it was found last: what was acknowledged since is undone. */
  undone(): readonly string[] {
    return this.works.flatMap(({ noun }) => this.ledger(noun).judge(this.#found.get(noun) ?? new Map()));
  }

  /** What was acknowledged. */
  get summary(): string {
    return this.works.map(({ noun }) => `${this.ledger(noun).acknowledged} changes of ${noun}s`).join(', ');
  }
}
