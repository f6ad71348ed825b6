import { setImmediate as othersTurn } from 'node:timers/promises';
import type { Instant } from '../clock/clock.ts';
import type { State, StateExpectation } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import type { AuditFacts, AuditWriter } from './audit.ts';

/** An operation that writes nothing but its audit record. */
interface Member {
  readonly at: Instant;
  readonly facts: AuditFacts;
  /** What the operation relied on: it must hold when the record is written. */
  readonly expect: readonly StateExpectation[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What may stand in one record: some 40 KB of requests that have nothing in common. */
const membersMax = 128;

/** Records of operations that only read. All that come while one commit is made are written by the next one, in ONE record; each is
 * told when that is durable. Where one of them relied on what has changed, each is tried by itself, so the others go on. */
export class AuditGroups {
  readonly #state: State;
  readonly #make: AuditWriter;
  #waiting: Member[] = [];
  #running = false;

  constructor(state: State, make: AuditWriter) {
    this.#state = state;
    this.#make = make;
  }

  /** Resolves when the record is durable. @throws StateConflictError when `expect` does not hold; then nothing is recorded */
  add(at: Instant, facts: AuditFacts, expect: readonly StateExpectation[]): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ at, facts, expect, resolve, reject });
      if (this.#running) return;
      this.#running = true;
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      // Who has just been answered asks again.
      await othersTurn();
      await this.#commit(this.#waiting.splice(0, membersMax));
    }
    this.#running = false;
  }

  async #commit(group: readonly Member[]): Promise<void> {
    const { together, alone } = sorted(group);
    await Promise.all([this.#commitTogether(together), ...alone.map((member) => this.#commitTogether([member]))]);
  }

  /** Never rejects. */
  async #commitTogether(members: readonly Member[]): Promise<void> {
    if (members.length === 0) return;
    try {
      const expect = [...expectations(members).values()];
      await this.#state.commit({ expect, write: [this.#make.group(members)] });
    } catch (error) {
      if (error instanceof StateConflictError && members.length > 1) {
        await Promise.all(members.map((member) => this.#commitTogether([member])));
        return;
      }
      for (const { reject } of members) reject(error);
      return;
    }
    for (const { resolve } of members) resolve();
  }
}

/** `alone`: relied on another version of a record than one before it, so at most one of the two can be right. */
function sorted(group: readonly Member[]): { readonly together: readonly Member[]; readonly alone: readonly Member[] } {
  const versions = new Map<string, StateExpectation['expect']>();
  /** Who reads the same record as it was kept relies on the same object. */
  const agreed = new Set<Member['expect']>();
  const agrees = ({ expect }: Member): boolean =>
    agreed.has(expect) ||
    expect.every((one) => {
      const known = versions.get(nameOf(one));
      return known === undefined || known === one.expect;
    });
  const together: Member[] = [];
  const alone: Member[] = [];
  for (const member of group) {
    if (agrees(member)) {
      together.push(member);
      if (agreed.has(member.expect)) continue;
      agreed.add(member.expect);
      for (const one of member.expect) versions.set(nameOf(one), one.expect);
    } else alone.push(member);
  }
  return { together, alone };
}

const expectations = (members: readonly Member[]): ReadonlyMap<string, StateExpectation> =>
  new Map([...new Set(members.map(({ expect }) => expect))].flatMap((all) => all.map((one) => [nameOf(one), one])));

const nameOf = ({ table, id }: StateExpectation): string => `${table.name}/${id}`;
