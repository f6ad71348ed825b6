import { beginningOf } from '../../../base/beginning-of.ts';
import type { Guid } from '../../../base/guid.ts';
import { newGuid } from '../../../base/new-guid.ts';
import type { RandomBytes } from '../../../base/random.ts';
import { defaultGroup } from '../../../database/catalog/workload-group.ts';
import { commandTypeOf } from '../../../database/commands/command-type.ts';
import type { EndedRequest, RequestView } from '../../../database/commands/command-context.ts';
import type { EndedRequestsCall, EndedRequestsReply, ToldRequest } from '../../messages/ended-requests.ts';
import { toldNameUnitsMax, toldTextUnitsMax } from '../../messages/ended-requests.ts';

export interface EndedRequestsLimits {
  readonly requestsMax: number;
  /** UTF-16 units of all texts together. */
  readonly unitsMax: number;
}

/** Until somebody asks, a second's worth; then what waits for a target that is not to be had. */
const unaskedLimits: EndedRequestsLimits = { requestsMax: 1_000, unitsMax: 1_048_576 };
export const askedLimits: EndedRequestsLimits = { requestsMax: 10_000, unitsMax: 16 * 1_048_576 };

/** Queries and commands of this cluster that are over, for diagnostic settings: in memory alone, the oldest go first where there are too
 * many. What nobody has taken is gone with the process. */
export class EndedRequests {
  readonly #bufferId: Guid;
  readonly #kept: ToldRequest[] = [];
  readonly #monotonicMs: () => number;
  readonly #askedLimits: EndedRequestsLimits;
  #last = 0;
  #units = 0;
  #lost = 0;
  #isAsked = false;

  constructor(parts: {
    readonly randomBytes: RandomBytes;
    readonly monotonicMs: () => number;
    readonly limits?: EndedRequestsLimits;
  }) {
    this.#bufferId = newGuid(parts.randomBytes);
    this.#monotonicMs = parts.monotonicMs;
    this.#askedLimits = parts.limits ?? askedLimits;
  }

  /** Somebody is to be told of what is kept. */
  get isAwaited(): boolean {
    return this.#isAsked && this.#kept.length > 0;
  }

  add(view: RequestView, ended: EndedRequest): void {
    // What came through a follower, that one tells of.
    if (view.kind === 'ingestion' || view.throughFollower) return;
    this.#last += 1;
    const told = toldOf(view, view.kind, ended, { sequence: this.#last, endedAtMs: this.#monotonicMs() });
    this.#kept.push(told);
    this.#units += unitsOf(told);
    const { requestsMax, unitsMax } = this.#isAsked ? this.#askedLimits : unaskedLimits;
    while (this.#kept.length > requestsMax || this.#units > unitsMax) {
      this.#dropOldest();
      if (this.#isAsked) this.#lost += 1;
    }
  }

  /** Those after a number, the oldest first; what everybody has is dropped. Without a limit nobody wants them any more. */
  list({ bufferId, dropTo, after, limit }: EndedRequestsCall): EndedRequestsReply {
    this.#isAsked = limit > 0;
    if (limit === 0) this.#forget();
    const isOurs = bufferId === this.#bufferId;
    while (isOurs && (this.#kept[0]?.sequence ?? Infinity) <= dropTo) this.#dropOldest();
    const from = isOurs ? after : 0;
    const requests = this.#kept.filter(({ sequence }) => sequence > from).slice(0, limit);
    return { outcome: 'listed', bufferId: this.#bufferId, last: this.#last, lost: this.#lost, requests };
  }

  #forget(): void {
    this.#kept.splice(0);
    this.#units = 0;
  }

  #dropOldest(): void {
    const oldest = this.#kept.shift();
    if (oldest !== undefined) this.#units -= unitsOf(oldest);
  }
}

const unitsOf = ({ text, failure }: ToldRequest): number => text.length + failure.length;

const toldOf = (
  view: RequestView,
  kind: ToldRequest['kind'],
  ended: EndedRequest,
  at: Pick<ToldRequest, 'sequence' | 'endedAtMs'>,
): ToldRequest => ({
  ...at,
  kind,
  text: beginningOf(view.text, toldTextUnitsMax),
  database: beginningOf(view.database, toldNameUnitsMax),
  clientRequestId: beginningOf(view.clientRequestId, toldNameUnitsMax),
  activityId: view.activityId,
  principal: beginningOf(view.principal, toldNameUnitsMax),
  user: beginningOf(view.user, toldNameUnitsMax),
  application: beginningOf(view.application, toldNameUnitsMax),
  commandType: kind === 'command' ? beginningOf(commandTypeOf(view.text), toldNameUnitsMax) : '',
  startedOn: view.startedOn,
  endedOn: ended.on,
  milliseconds: ended.milliseconds,
  state: ended.state,
  failure: beginningOf(ended.failure, toldNameUnitsMax),
  workloadGroup: view.workloadGroup ?? defaultGroup,
  ...(ended.usage === undefined ? {} : { usage: { ...ended.usage, tables: ended.usage.tables.slice(0, 100) } }),
});
