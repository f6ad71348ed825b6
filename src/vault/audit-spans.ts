import type { Instant } from '../clock/clock.ts';
import { instant, toIso } from '../clock/clock.ts';
import type { State, StateWrite } from '../state/state.ts';
import { StateConflictError } from '../state/state-store.ts';
import { writeRecord } from '../state/state.ts';
import type { AuditFacts, AuditWriter, VaultAuditRecord } from './audit.ts';
import { vaultAudit } from './audit.ts';

/** What goes into the commit of an operation. */
export interface AuditEntry {
  readonly write: readonly StateWrite[];
  /** The commit was made. */
  readonly committed: () => void;
}

/** A span covers so much time before it is written again, and then another begins. */
const coveredMs = 10 * 60_000;
const spanMs = 60 * 60_000;
/** Clusters times operations; the one that was begun first is left as it was last written. */
const openSpansMax = 1_000;

interface OpenSpan {
  readonly id: string;
  readonly facts: AuditFacts;
  readonly first: Instant;
  readonly until: Instant;
  last: Instant;
  count: number;
}

/** Audit of vaults. What the server itself asks again and again (checks of keys, each half minute for each cluster) is one record for a
 * span of at most an hour as long as caller, key and outcome stay the same: the record is durable before the first of them is answered and
 * says until when it covers more of the same. How many they were is exact once the span is over; after a crash it is a lower bound. */
export class AuditSpans {
  readonly #state: State;
  readonly #make: AuditWriter;
  readonly #open = new Map<string, OpenSpan>();

  constructor(state: State, make: AuditWriter) {
    this.#state = state;
    this.#make = make;
  }

  /** @param repeats the server asks by itself, and will ask again */
  async entry(now: Instant, facts: AuditFacts, repeats: boolean): Promise<AuditEntry> {
    if (!repeats) return { write: [this.#make.one(now, facts)], committed: () => undefined };
    const key = keyOf(facts);
    const open = this.#open.get(key);
    const counted = (): void => {
      if (open === undefined) return;
      open.count += 1;
      open.last = now;
    };
    if (open !== undefined && now <= open.until) return { write: [], committed: counted };
    const isYoung = open !== undefined && now < open.first + spanMs;
    const next: OpenSpan = isYoung
      ? { ...open, until: instant(now + coveredMs), last: now, count: open.count + 1 }
      : { id: '', facts, first: now, until: instant(now + coveredMs), last: now, count: 1 };
    const written = isYoung ? await this.#rewritten(next) : undefined;
    // It may have been pruned.
    const begun = written === undefined ? this.#begun(next) : undefined;
    const closing =
      begun !== undefined && open !== undefined && !isYoung ? await this.#rewritten(closed(open)) : undefined;
    return {
      write: [written, begun?.write, closing].filter((write) => write !== undefined),
      committed: () => this.#keep(key, begun?.span ?? next),
    };
  }

  /** Writes what was counted since: when the server stops in order. */
  async settle(): Promise<void> {
    const spans = [...this.#open.values()];
    this.#open.clear();
    for (const span of spans) {
      const write = await this.#rewritten(closed(span));
      try {
        if (write !== undefined) await this.#state.commit({ write: [write] });
      } catch (error) {
        if (!(error instanceof StateConflictError)) throw error;
      }
    }
  }

  #keep(key: string, span: OpenSpan): void {
    this.#open.delete(key);
    this.#open.set(key, span);
    const [oldest] = this.#open.keys();
    if (this.#open.size > openSpansMax && oldest !== undefined) this.#open.delete(oldest);
  }

  #begun(span: OpenSpan): { readonly span: OpenSpan; readonly write: StateWrite } {
    const write = this.#make.one(span.first, { ...span.facts, ...spanOf(span) });
    return { span: { ...span, id: write.id }, write };
  }

  async #rewritten(span: OpenSpan): Promise<StateWrite | undefined> {
    const found = await this.#state.get(vaultAudit, span.id);
    return found && writeRecord(vaultAudit, span.id, found.version, { ...found.value, ...spanOf(span) });
  }
}

/** Nothing more of it comes. */
const closed = (span: OpenSpan): OpenSpan => ({ ...span, until: span.last });

const spanOf = ({ last, until, count }: OpenSpan): Pick<VaultAuditRecord, 'span'> => ({
  span: { last: toIso(last), until: toIso(until), count },
});

const keyOf = ({ vaultId, operation, kid, id, status, error, caller, clientAddress }: AuditFacts): string =>
  JSON.stringify([vaultId, operation, kid, id, status, error, caller.objectId, caller.appId, clientAddress]);
