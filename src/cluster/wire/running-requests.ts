import { beginningOf } from '../../base/beginning-of.ts';
import type { CapacityView, EndedRequest, RequestView } from '../../engine/commands/command-context.ts';
import type { KustoError } from './kusto-error.ts';
import { kustoError } from './kusto-error.ts';
import type { Resource } from './request-capacity.ts';
import { capacityViews, refusalOf, resourcesOf } from './request-capacity.ts';
import type { Machines } from './wire-protocol.ts';

interface RunningRequest {
  readonly view: RequestView;
  readonly controller: AbortController;
}

/** The place that a request has among those running. */
export interface RunningPlace {
  /** Once, when the request is over. */
  end(ended: EndedRequest): void;
  /** What goes on after the answer keeps what it takes of the capacity for ingestions. @returns what gives that back */
  handOn(): () => void;
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

/** UTF-16 units of a text that is shown while its request runs, as in the service. */
const shownUnitsMax = 65_536;
/** UTF-16 units of every other text of a client's: names, ids, failures. */
const nameUnitsMax = 1_024;

/** Queries and commands under way in this cluster, to be counted, told of and cancelled. */
export class RunningRequests {
  readonly #running = new Set<RunningRequest>();
  readonly #history: RequestView[] = [];
  readonly #limits: HistoryLimits;
  readonly #inUse = new Map<Resource, number>();
  #units = 0;
  #ended: KustoError | undefined;

  constructor(limits: HistoryLimits = historyLimits) {
    this.#limits = limits;
  }

  /** @param machines that the cluster has at this moment: they say how many can be under way
   * @throws KustoError `throttledQuery` | `throttledCommand` | `throttled`, at once, or what `endAll` said */
  begin(sent: RunningRequest, machines: Machines): RunningPlace {
    if (this.#ended !== undefined) throw this.#ended;
    const resources = new Set(resourcesOf(sent.view));
    for (const resource of resources) {
      const refusal = refusalOf(resource, this.#countOf(resource), machines, sent.view.text);
      if (refusal === undefined) continue;
      const ended = { on: sent.view.startedOn, milliseconds: 0, state: 'Throttled', failure: refusal.message } as const;
      this.#remember({ ...copyOf(sent.view, this.#limits.textUnitsMax), ended });
      throw refusal;
    }
    const request = { view: copyOf(sent.view, shownUnitsMax), controller: sent.controller };
    this.#running.add(request);
    for (const resource of resources) this.#count(resource, 1);
    return {
      end: (ended) => {
        this.#running.delete(request);
        for (const resource of resources) this.#count(resource, -1);
        this.#remember({
          ...copyOf(request.view, this.#limits.textUnitsMax),
          ended: { ...ended, failure: beginningOf(ended.failure, nameUnitsMax) },
        });
      },
      handOn: () => {
        if (!resources.delete('ingestions')) return () => undefined;
        return () => this.#count('ingestions', -1);
      },
    };
  }

  #countOf(resource: Resource): number {
    return this.#inUse.get(resource) ?? 0;
  }

  #count(resource: Resource, by: number): void {
    this.#inUse.set(resource, this.#countOf(resource) + by);
  }

  /** For `.show capacity`. */
  capacity(machines: Machines): readonly CapacityView[] {
    return capacityViews((resource) => this.#countOf(resource), machines);
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

  /** Ends what is under way, and whatever comes, with this error. */
  endAll(error: KustoError): void {
    this.#ended ??= error;
    for (const { controller } of this.#running) controller.abort(this.#ended);
  }

  /** For `.show queries`; newest first. */
  list(): readonly RequestView[] {
    return [...this.#history, ...[...this.#running].map(({ view }) => view)].reverse();
  }

  /** Cancels what has this client request id; others' requests only for those who may.
   * @returns how many there were */
  cancel(clientRequestId: string, mayCancel: (principal: string) => boolean): number {
    const found = [...this.#running].filter(
      ({ view }) => view.clientRequestId === clientRequestId && mayCancel(view.principal),
    );
    for (const { controller } of found)
      controller.abort(kustoError('cancelled', 'The request was cancelled by a cancel command.'));
    return found.length;
  }
}

/** Nothing of it keeps the body of a request in memory. */
const copyOf = (view: RequestView, textUnits: number): RequestView => ({
  ...view,
  text: beginningOf(view.text, textUnits),
  database: beginningOf(view.database, nameUnitsMax),
  clientRequestId: beginningOf(view.clientRequestId, nameUnitsMax),
  user: beginningOf(view.user, nameUnitsMax),
  application: beginningOf(view.application, nameUnitsMax),
});

const unitsOf = ({ text, database, clientRequestId, user, application, ended }: RequestView): number =>
  text.length +
  database.length +
  clientRequestId.length +
  user.length +
  application.length +
  (ended?.failure.length ?? 0);
