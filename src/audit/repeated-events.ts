import type { Instant } from '../clock/clock.ts';
import { instant } from '../clock/clock.ts';
import type { State, StateExpectation } from '../state/state.ts';
import type { AuditEvent } from './audit-event.ts';
import type { AuditLog } from './audit-log.ts';
import { canonicalJson } from '../base/canonical-json.ts';

/** So long the first one stands for those that repeat it. */
const coveredMs = 10 * 60_000;
/** Clusters times operations; the one that was begun first is forgotten, and then written again. */
const openMax = 1_000;

/** Events that the server causes by itself, again and again: checks of keys, each half minute for each cluster. The first of them is durable
 * before it is answered. While caller, key and outcome stay the same, those of the next ten minutes are written with whatever is written
 * next, each as an event of its own, and the first one after that makes all of them durable again. A process that is killed takes at most
 * those ten minutes of them with it, and nothing else. */
export class RepeatedEvents {
  readonly #state: State;
  readonly #log: AuditLog;
  readonly #coveredUntil = new Map<string, Instant>();

  constructor(state: State, log: AuditLog) {
    this.#state = state;
    this.#log = log;
  }

  /** @throws StateConflictError when what the operation relied on does not hold */
  async record(now: Instant, event: AuditEvent, expect: readonly StateExpectation[]): Promise<void> {
    const key = canonicalJson(event.facts);
    const until = this.#coveredUntil.get(key);
    if (until !== undefined && now <= until) {
      await this.#state.commit({ expect, write: [] });
      if (this.#log.defer(event)) return;
    }
    await this.#log.commit({ events: [event], expect });
    this.#coveredUntil.delete(key);
    this.#coveredUntil.set(key, instant(now + coveredMs));
    const [oldest] = this.#coveredUntil.keys();
    if (this.#coveredUntil.size > openMax && oldest !== undefined) this.#coveredUntil.delete(oldest);
  }
}
