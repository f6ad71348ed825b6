import { beginningOf } from '../../../base/beginning-of.ts';
import type { EndedRequest, RequestView } from '../../../database/commands/command-context.ts';
import { shownNameUnitsMax } from '../../messages/requests-elsewhere.ts';
import type { HistoryLimits } from './running-requests.ts';
import { shownCopy, unitsOf } from './running-requests.ts';

/** Tables of one answer, whose sizes are told. */
const tablesMax = 100;

/** Brings what has ended in a process that only reads to the cluster's own, which keeps it, shows it and counts it with its own. One message is under way
 * at a time, with all that ended meanwhile; the oldest go where too much waits, as they would there. */
export class EndedTeller {
  readonly #send: (requests: readonly RequestView[]) => Promise<unknown>;
  readonly #limits: HistoryLimits;
  #waiting: RequestView[] = [];
  #units = 0;
  #underWay: readonly RequestView[] = [];
  #isSending = false;

  constructor(limits: HistoryLimits, send: (requests: readonly RequestView[]) => Promise<unknown>) {
    this.#limits = limits;
    this.#send = send;
  }

  add(view: RequestView, ended: EndedRequest): void {
    const { usage } = ended;
    const told: RequestView = {
      ...shownCopy(view),
      ended: {
        ...ended,
        failure: beginningOf(ended.failure, shownNameUnitsMax),
        ...(usage && { usage: { ...usage, tables: usage.tables.slice(0, tablesMax) } }),
      },
    };
    this.#waiting.push(told);
    this.#units += unitsOf(told);
    while (this.#waiting.length > this.#limits.requestsMax || this.#units > this.#limits.unitsMax) {
      const oldest = this.#waiting.shift();
      this.#units -= oldest === undefined ? 0 : unitsOf(oldest);
    }
    if (!this.#isSending) void this.#sendAll();
  }

  /** What the other process may not know of yet. */
  untold(): readonly RequestView[] {
    return [...this.#underWay, ...this.#waiting];
  }

  async #sendAll(): Promise<void> {
    this.#isSending = true;
    try {
      await Promise.resolve(); // others that end in this turn go along
      while (this.#waiting.length > 0) {
        this.#underWay = this.#waiting.splice(0);
        this.#units = 0;
        await this.#send(this.#underWay);
      }
    } catch {
      // there is nobody to tell, as when the cluster's own process ends
    } finally {
      this.#underWay = [];
      this.#isSending = false;
    }
  }
}
