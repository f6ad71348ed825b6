import type { State } from '../state/state.ts';
import type { AuditHead, AuditRecord, ChainPoint } from './audit-chain.ts';
import { auditChain, auditCheckpoint, auditHead, checkpointRecordId, firstOfId, genesis } from './audit-chain.ts';
import { headRecordId, pointAfter } from './audit-chain.ts';

/** `altered`: it is not what was written. `missing`: it was removed, or what lies there does not open. `moved`: it lies in another one's
 * place. `truncated`: the end is missing. `added`: nobody wrote it. `endLost`, `endAltered`: the sealed end itself. `beganAnew`: an end was
 * lost earlier, and the log went on after it. `notAsKnown`: not what it was when the given point was noted. */
export interface ChainFinding {
  readonly kind:
    'altered' | 'missing' | 'moved' | 'truncated' | 'added' | 'endLost' | 'endAltered' | 'beganAnew' | 'notAsKnown';
  /** Numbers of the first and the last event concerned. */
  readonly first: number;
  readonly last: number;
}

export interface ChainReport {
  /** That were read. */
  readonly records: number;
  readonly events: number;
  /** Of the oldest event that is kept, and of the one that comes next; the hash at the end. To be noted elsewhere: `next:hash`. */
  readonly from: number;
  readonly next: number;
  readonly hash: string;
  /** At most 1,000. */
  readonly findings: readonly ChainFinding[];
}

const findingsMax = 1_000;
const recordsPerPage = 500;

/** Reads the whole chain, and holds every record against the one before, the end against the sealed head, and all of it against the last
 * checkpoint. The log may go on meanwhile.
 * @param options.known a point that was noted at an earlier time
 * @param options.progress is told how many of how many events were read */
export async function verifyChain(
  state: State,
  options: {
    readonly known?: ChainPoint;
    readonly progress?: (read: number, of: number) => void;
  } = {},
): Promise<ChainReport> {
  const before = await readHead(state);
  const checkpoint = (await state.get(auditCheckpoint, checkpointRecordId))?.value;
  const walk = new ChainWalk(before?.kept ?? genesis, [checkpoint, options.known]);
  for (let after: string | undefined; ;) {
    const page = await state.list(auditChain, { limit: recordsPerPage, ...(after === undefined ? {} : { after }) });
    for (const { id, value } of page) {
      const kept = walk.skips(id) ? (await readHead(state))?.kept : undefined;
      if (kept !== undefined) walk.trimmedTo(kept);
      walk.record(id, value);
    }
    after = page.at(-1)?.id;
    options.progress?.(walk.events, before === undefined ? walk.events : before.next - before.kept.next);
    if (after === undefined || page.length < recordsPerPage) break;
  }
  return walk.end(await settledHead(state, walk, before));
}

const readHead = async (state: State): Promise<AuditHead | undefined> =>
  (await state.get(auditHead, headRecordId))?.value;

/** The log may have gone on after the last page: what came since is read, too. */
async function settledHead(
  state: State,
  walk: ChainWalk,
  before: AuditHead | undefined,
): Promise<AuditHead | undefined> {
  let head = await readHead(state);
  for (let grown = head?.next !== before?.next; grown;) {
    const more = await state.list(auditChain, { limit: recordsPerPage, ...walk.afterLast() });
    for (const { id, value } of more) walk.record(id, value);
    const now = await readHead(state);
    grown = now?.next !== head?.next || more.length === recordsPerPage;
    head = now;
  }
  return head;
}

/** What is known after each record. */
class ChainWalk {
  events = 0;
  #records = 0;
  #from: ChainPoint;
  /** Where the next record belongs. */
  #point: ChainPoint;
  #lastId: string | undefined;
  /** Whose hash is not the one that its successor carries. */
  #suspect: { readonly first: number; readonly last: number } | undefined;
  #last: { readonly first: number; readonly last: number } | undefined;
  readonly #findings: ChainFinding[] = [];
  readonly #known: readonly ChainPoint[];
  readonly #met = new Map<number, string>();

  constructor(from: ChainPoint, known: readonly (ChainPoint | undefined)[]) {
    this.#from = from;
    this.#point = from;
    this.#known = known.filter((point) => point !== undefined);
    this.#met.set(from.next, from.hash);
  }

  afterLast(): { readonly after?: string } {
    return this.#lastId === undefined ? {} : { after: this.#lastId };
  }

  /** Whether there are none between. */
  skips(id: string): boolean {
    return (firstOfId(id) ?? 0) > this.#point.next;
  }

  /** Older ones were removed in order while this walk was on its way. */
  trimmedTo(kept: ChainPoint): void {
    if (kept.next <= this.#point.next) return;
    this.#settleSuspect();
    this.#from = kept;
    this.#point = kept;
    this.#last = undefined;
  }

  record(id: string, record: AuditRecord): void {
    this.#lastId = id;
    const own = { first: record.first, last: record.first + record.events.length - 1 };
    const place = firstOfId(id);
    this.#records += 1;
    this.events += record.events.length;
    if (place !== record.first) {
      const at = place ?? record.first;
      this.#find('moved', at, at);
      return;
    }
    if (record.first < this.#point.next) {
      this.#find('added', own.first, own.last);
      return;
    }
    if (record.first > this.#point.next) {
      this.#settleSuspect();
      this.#find('missing', this.#point.next, record.first - 1);
    } else if (record.previous === this.#point.hash) this.#settleSuspect();
    else if (this.#suspect === undefined) this.#suspect = this.#last ?? own;
    // The one before carries another hash than its own, and has another than is carried: it was altered, or both were.
    else this.#suspect = { first: this.#suspect.first, last: (this.#last ?? own).last };
    this.#last = own;
    this.#point = pointAfter(record);
    if (this.#known.some(({ next }) => next === this.#point.next)) this.#met.set(this.#point.next, this.#point.hash);
  }

  end(head: AuditHead | undefined): ChainReport {
    if (head === undefined) {
      this.#settleSuspect();
      if (this.#records > 0 || this.#known.length > 0) this.#find('endLost', this.#point.next, this.#point.next);
    } else this.#holdAgainst(head);
    for (const point of this.#known) this.#holdAgainstKnown(point);
    return {
      ...{ records: this.#records, events: this.events, from: this.#from.next },
      ...{ next: this.#point.next, hash: this.#point.hash },
      findings: this.#findings,
    };
  }

  #holdAgainst(head: AuditHead): void {
    for (const { next } of head.restarts) this.#find('beganAnew', next, next);
    if (head.next === this.#point.next && head.hash !== this.#point.hash) {
      if (this.#last === undefined) this.#find('endAltered', head.next, head.next);
      else this.#suspect = { first: (this.#suspect ?? this.#last).first, last: this.#last.last };
    }
    this.#settleSuspect();
    if (head.next > this.#point.next) this.#find('truncated', this.#point.next, head.next - 1);
    if (head.next < this.#point.next) this.#find('endAltered', head.next, this.#point.next - 1);
  }

  #holdAgainstKnown({ next, hash }: ChainPoint): void {
    if (next < this.#from.next) return;
    const met = this.#met.get(next);
    if (next > this.#point.next) this.#find('truncated', this.#point.next, next - 1);
    else if (met !== hash) this.#find('notAsKnown', this.#from.next, next - 1);
  }

  #settleSuspect(): void {
    if (this.#suspect !== undefined) this.#find('altered', this.#suspect.first, this.#suspect.last);
    this.#suspect = undefined;
  }

  #find(kind: ChainFinding['kind'], first: number, last: number): void {
    if (this.#findings.length < findingsMax) this.#findings.push({ kind, first, last });
  }
}
