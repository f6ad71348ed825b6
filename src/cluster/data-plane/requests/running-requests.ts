import { beginningOf } from '../../../base/beginning-of.ts';
import type {
  CapacityView,
  EndedRequest,
  RequestUsage,
  RequestView,
} from '../../../database/commands/command-context.ts';
import { KustoError, kustoError } from '../errors/kusto-error.ts';
import { defaultGroup } from '../../../database/catalog/workload-group.ts';
import { ProcessorShares } from './processor-shares.ts';
import type { Limits, Refusal, Resource } from './request-capacity.ts';
import { capacityViews, countedAs, isOutsideGroup, quotasOf, refusalOf, resourcesOf } from './request-capacity.ts';
import { shownNameUnitsMax, shownTextUnitsMax } from '../../messages/requests-elsewhere.ts';
import { Utilization } from './utilization.ts';
import { RequestQueue } from './request-queue.ts';
import type { QueueOptions, RunningPlace } from './request-queue.ts';

interface RunningRequest {
  readonly view: RequestView;
  readonly controller: AbortController;
}

/** What is remembered of requests that have ended, in memory alone: it goes with the process. */
export interface HistoryLimits {
  readonly requestsMax: number;
  /** UTF-16 units of one text. The first few thousand tell which query it was. */
  readonly textUnitsMax: number;
  /** UTF-16 units of all texts together, names and failures included. */
  readonly unitsMax: number;
}

export const historyLimits: HistoryLimits = { requestsMax: 1_000, textUnitsMax: 4_096, unitsMax: 1_048_576 };

/** A request that uses no more is not counted. @see Kusto "Request rate limit policy" */
const uncountedCpuMs = 5;

/** Queries and commands under way in this cluster, to be counted, told of and cancelled. */
export class RunningRequests {
  readonly #running = new Set<RunningRequest>();
  readonly #history: RequestView[] = [];
  readonly #limits: HistoryLimits;
  readonly #told: (view: RequestView, ended: EndedRequest) => void;
  /** By what `countedAs` says. */
  readonly #inUse = new Map<string, number>();
  readonly #utilization = new Utilization();
  readonly #processors: ProcessorShares | undefined;
  readonly #queue: RequestQueue;
  readonly #entering = new Set<RunningRequest>();
  /** As they were told last: who waits is held to them. */
  #now: Limits = { machines: { coresPerNode: 0, nodes: 0 } };
  #units = 0;
  #ended: KustoError | undefined;

  /** @param queue without it nothing waits @param told hears of every request that is over
   * @param usedMs of processors by the process up to now; absent: it is not measured */
  constructor(
    limits: HistoryLimits = historyLimits,
    queue?: QueueOptions,
    told: (view: RequestView, ended: EndedRequest) => void = () => undefined,
    usedMs?: () => number,
  ) {
    this.#processors = usedMs && new ProcessorShares(usedMs);
    this.#told = told;
    this.#limits = limits;
    this.#queue = new RequestQueue(queue);
  }

  /** A place at once, or, where a request queuing policy asks for it, as soon as there is one: in the order of their coming, for a
   * while only, and as long as the request is wanted.
   * @param limits at this moment: they say how many can be under way
   * @throws KustoError as `begin`, and what the request was ended with while it waited */
  async enter(sent: RunningRequest, limits: Limits): Promise<RunningPlace> {
    this.#now = limits;
    this.#queue.tryAll(); // who waits comes first, by what holds now
    const { kind, workloadGroup = defaultGroup } = sent.view;
    const refusal = this.#ended === undefined ? this.#refusalOf(sent.view, limits) : undefined;
    const waits = refusal?.waits ?? (this.#queue.hasWaiting(kind, workloadGroup) && !isOutsideGroup(sent.view));
    if (!waits || !this.#queue.hasRoom) return this.begin(sent, limits);
    const attempt = (last: boolean): RunningPlace | undefined => {
      const still = this.#refusalOf(sent.view, this.#now);
      return still?.waits === true && !last ? undefined : this.begin(sent, this.#now);
    };
    this.#entering.add(sent);
    try {
      return await this.#queue.wait({ kind, workloadGroup, signal: sent.controller.signal, attempt });
    } catch (error) {
      if (sent.controller.signal.aborted) this.#rememberUnstarted(sent.view, error);
      throw error;
    } finally {
      this.#entering.delete(sent);
    }
  }

  /** @throws KustoError `throttledQuery` | `throttledCommand` | `throttled` | `quotaExceeded`, at once, or what `endAll` said */
  begin(sent: RunningRequest, limits: Limits): RunningPlace {
    if (this.#ended !== undefined) throw this.#ended;
    const refusal = this.#refusalOf(sent.view, limits)?.error;
    if (refusal !== undefined) {
      const ended = { on: sent.view.startedOn, milliseconds: 0, state: 'Throttled', failure: refusal.message } as const;
      this.#remember({ ...copyOf(sent.view, this.#limits.textUnitsMax), ended });
      this.#told(sent.view, ended);
      throw refusal;
    }
    const resources = new Set(resourcesOf(sent.view));
    const request = { view: shownCopy(sent.view), controller: sent.controller };
    this.#running.add(request);
    const group = sent.view.workloadGroup ?? defaultGroup;
    for (const resource of resources) this.#count(resource, group, 1);
    const quotas = quotasOf(sent.view, limits);
    for (const quota of quotas)
      if (quota.resource === 'RequestCount') this.#utilization.add(quota, 1, sent.view.startedOn);
    const processorsUsed = this.#processors?.begin();
    let usage: RequestUsage | undefined;
    return {
      measured: (measured) => {
        usage = measured;
      },
      end: (over) => {
        const cpuMs = processorsUsed?.();
        const ended = {
          ...over,
          ...(usage === undefined ? {} : { usage }),
          ...(cpuMs === undefined ? {} : { cpuMs }),
        };
        if (cpuMs !== undefined && cpuMs > uncountedCpuMs)
          for (const quota of quotas)
            if (quota.resource === 'TotalCpuSeconds') this.#utilization.add(quota, cpuMs / 1000, over.on);
        this.#running.delete(request);
        for (const resource of resources) this.#count(resource, group, -1);
        this.#remember({
          ...copyOf(request.view, this.#limits.textUnitsMax),
          ended: { ...ended, failure: beginningOf(ended.failure, shownNameUnitsMax) },
        });
        this.#told(request.view, ended);
        this.#queue.tryAll();
      },
      handOn: () => {
        if (!resources.delete('ingestions')) return () => undefined;
        return () => this.#count('ingestions', group, -1);
      },
    };
  }

  #refusalOf(view: RequestView, limits: Limits): Refusal | undefined {
    const group = view.workloadGroup ?? defaultGroup;
    const principal = (): number =>
      [...this.#running].filter(
        (other) =>
          other.view.kind === view.kind &&
          other.view.principal === view.principal &&
          (other.view.workloadGroup ?? defaultGroup) === group,
      ).length;
    const usedUp = quotasOf(view, limits).find((quota) => this.#utilization.isUsedUp(quota, view.startedOn));
    if (usedUp !== undefined) return { error: usedUp.error, waits: false };
    for (const resource of resourcesOf(view)) {
      const refusal = refusalOf(resource, { all: this.#countOf(resource, group), principal }, limits, view);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  #countOf(resource: Resource, group: string): number {
    return this.#inUse.get(countedAs(resource, group)) ?? 0;
  }

  #count(resource: Resource, group: string, by: number): void {
    const count = this.#countOf(resource, group) + by;
    if (count === 0) this.#inUse.delete(countedAs(resource, group));
    else this.#inUse.set(countedAs(resource, group), count);
  }

  /** For `.show capacity`. */
  capacity(limits: Limits, group = defaultGroup): readonly CapacityView[] {
    return capacityViews((resource) => this.#countOf(resource, group), limits, group);
  }

  /** It was ended while it waited. */
  #rememberUnstarted(view: RequestView, error: unknown): void {
    const isCancelled = error instanceof KustoError && error.kind === 'cancelled';
    const failure = beginningOf(error instanceof Error ? error.message : '', shownNameUnitsMax);
    const state = isCancelled ? 'Cancelled' : 'Failed';
    const ended = { on: view.startedOn, milliseconds: 0, state, failure } as const;
    this.#remember({ ...copyOf(view, this.#limits.textUnitsMax), ended });
    this.#told(view, ended);
  }

  #remember(view: RequestView): void {
    this.#history.push(view);
    this.#units += unitsOf(view);
    while (this.#history.length > this.#limits.requestsMax || this.#units > this.#limits.unitsMax) {
      const oldest = this.#history.shift();
      if (oldest === undefined) return;
      this.#units -= unitsOf(oldest);
    }
  }

  /** It has ended in another process of the cluster, which keeps nothing. */
  endedElsewhere(view: RequestView, ended: EndedRequest): void {
    this.#remember({ ...copyOf(view, this.#limits.textUnitsMax), ended });
    this.#told(view, ended);
  }

  /** Ends what is under way, and whatever comes, with this error. */
  endAll(error: KustoError): void {
    this.#ended ??= error;
    for (const { controller } of this.#running) controller.abort(this.#ended);
    this.#queue.endAll(this.#ended);
  }

  /** For `.show queries`; newest first. */
  list(): readonly RequestView[] {
    return [...this.#history, ...[...this.#running, ...this.#entering].map(({ view }) => view)].reverse();
  }

  /** Cancels what has this client request id.
   * @param principal whose alone; undefined: whoever has sent it
   * @returns how many there were */
  cancel(clientRequestId: string, principal?: string): number {
    const isMeant = ({ view }: RunningRequest): boolean =>
      view.clientRequestId === clientRequestId && (principal === undefined || view.principal === principal);
    const found = [...this.#running, ...this.#entering].filter(isMeant);
    for (const { controller } of found)
      controller.abort(kustoError('cancelled', 'The request was cancelled by a cancel command.'));
    return found.length;
  }
}

/** Nothing of it keeps the body of a request in memory. */
const copyOf = (view: RequestView, textUnits: number): RequestView => ({
  ...view,
  text: beginningOf(view.text, textUnits),
  database: beginningOf(view.database, shownNameUnitsMax),
  clientRequestId: beginningOf(view.clientRequestId, shownNameUnitsMax),
  user: beginningOf(view.user, shownNameUnitsMax),
  application: beginningOf(view.application, shownNameUnitsMax),
});

/** As it is shown while it runs. */
export const shownCopy = (view: RequestView): RequestView => copyOf(view, shownTextUnitsMax);

export const unitsOf = ({ text, database, clientRequestId, user, application, ended }: RequestView): number =>
  text.length +
  database.length +
  clientRequestId.length +
  user.length +
  application.length +
  (ended?.failure.length ?? 0);
