import type { Log } from './logging.ts';
import type { Metric } from './metrics-text.ts';

/** Upper bounds of the histogram, in seconds. */
const bounds = [0.01, 0.05, 0.25, 1, 5, 30] as const;

interface Durations {
  /** How many took at most so long as each bound says. */
  readonly upTo: number[];
  count: number;
  seconds: number;
}

/** Counts of the requests that planes of this process have answered since it began. Those that clusters answer in processes of their own
 * come with the lines of their log. As many series as there are planes and statuses: nothing that a client sends names one. */
export class RequestMetrics {
  readonly #answered = new Map<string, { readonly plane: string; readonly status: number; count: number }>();
  readonly #durations = new Map<string, Durations>();

  /** @returns a log that writes as the given one does, and has us count */
  beside(log: Log): Log {
    return {
      ...log,
      request: (line, seen) => {
        log.request(line, seen);
        this.#count(line.plane, line.status, line.ms / 1000);
      },
    };
  }

  list(): readonly Metric[] {
    const durations = [...this.#durations].flatMap(([plane, { upTo, count, seconds }]) => [
      ...bounds.map((bound, at) => ({ suffix: '_bucket', labels: { plane, le: String(bound) }, value: upTo[at] ?? 0 })),
      { suffix: '_bucket', labels: { plane, le: '+Inf' }, value: count },
      { suffix: '_sum', labels: { plane }, value: seconds },
      { suffix: '_count', labels: { plane }, value: count },
    ]);
    return [
      {
        ...{ name: 'kustody_http_requests_total', type: 'counter', help: 'Answered requests.' },
        samples: [...this.#answered.values()].map(({ plane, status, count }) => ({
          labels: { plane, status: String(status) },
          value: count,
        })),
      },
      {
        ...{ name: 'kustody_http_request_duration_seconds', type: 'histogram', help: 'From a request to its answer.' },
        samples: durations,
      },
    ];
  }

  #count(plane: string, status: number, seconds: number): void {
    const key = `${plane} ${status}`;
    const answered = this.#answered.get(key) ?? { plane, status, count: 0 };
    answered.count += 1;
    this.#answered.set(key, answered);
    const durations = this.#durations.get(plane) ?? { upTo: bounds.map(() => 0), count: 0, seconds: 0 };
    for (let at = bounds.findIndex((bound) => seconds <= bound); at >= 0 && at < bounds.length; at += 1)
      durations.upTo[at] = (durations.upTo[at] ?? 0) + 1;
    durations.count += 1;
    durations.seconds += seconds;
    this.#durations.set(plane, durations);
  }
}
