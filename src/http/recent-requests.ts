import type { Clock } from '../clock/clock.ts';
import { toIso } from '../clock/clock.ts';
import { BodyRecording } from './body-recording.ts';
import type { SeenBodies } from './captured-bodies.ts';
import type { Log, RequestLine } from './logging.ts';

/** What is seen of a request beside its line in the log. It goes to `RecentRequests` and nowhere else: no log has it. */
export interface SeenRequest {
  /** Of the Host header, without a port. */
  readonly host: string;
  /** As `keptTarget` leaves it, or the pattern of the route. */
  readonly path: string;
  /** As the client chose it, shortened. */
  readonly clientRequestId?: string;
  /** Why it failed, as the answer says it. */
  readonly code?: string;
  readonly message?: string;
  /** Who sent it, once that is proved. */
  readonly callerId?: string;
  readonly appId?: string;
  /** Only while somebody has asked for them. */
  readonly bodies?: SeenBodies;
}

/** An answered request, as `GET /traffic` shows it. */
export interface RecentRequest extends SeenRequest {
  /** From 1 on, in the order of answers. */
  readonly sequence: number;
  /** When the answer was out: ISO 8601, by the Kustody clock. */
  readonly time: string;
  readonly plane: string;
  readonly method: string;
  /** The operation, or the pattern of the route. */
  readonly operation: string;
  readonly status: number;
  /** How long it took, in monotonic milliseconds. */
  readonly ms: number;
  readonly requestId: string;
  readonly correlationId: string;
  /** The client left before the answer was complete. */
  readonly aborted?: true;
}

export interface RequestFilter {
  /** Those with a greater number only. */
  readonly after: number;
  readonly host?: string | undefined;
  /** Those with a status from 400 on, or broken off. */
  readonly failedOnly?: boolean;
}

/** Each has some 2 KB at most, without bodies, for which `BodyRecording` has a limit. */
export const recentRequestsMax = 500;

type Kept = { readonly line: RequestLine; readonly seen: SeenRequest; readonly at: ReturnType<Clock['now']> };

/** The last requests of all planes, in memory alone: gone with the process, on no disk. */
export class RecentRequests {
  readonly #ring: Kept[] = [];
  readonly #clock: Pick<Clock, 'now'>;
  readonly recording: BodyRecording;
  #last = 0;

  constructor(clock: Pick<Clock, 'now'>, monotonicMs: () => number) {
    this.#clock = clock;
    this.recording = new BodyRecording(monotonicMs);
  }

  /** @returns a log that writes as the given one does, and tells us of what is seen */
  beside(log: Log): Log {
    return {
      ...log,
      request: (line, seen) => {
        log.request(line);
        if (seen === undefined) return;
        this.#ring[this.#last % recentRequestsMax] = { line, seen: this.#kept(seen), at: this.#clock.now() };
        this.#last += 1;
      },
      wantsBodies: () => this.recording.isOn(),
    };
  }

  #kept(seen: SeenRequest): SeenRequest {
    if (seen.bodies === undefined) return seen;
    const { bodies, ...rest } = seen;
    return this.recording.admit(bodies) === undefined ? rest : seen;
  }

  /** Ends the recording of bodies; those that there are go, too. */
  forgetBodies(): void {
    this.recording.end();
    for (const [at, kept] of this.#ring.entries()) {
      const { bodies, ...seen } = kept.seen;
      if (bodies !== undefined) this.#ring[at] = { ...kept, seen };
    }
  }

  /** The oldest first. `last`: the number of the newest of all, whatever the filter. */
  list({ after, host, failedOnly }: RequestFilter): {
    readonly requests: readonly RecentRequest[];
    readonly last: number;
  } {
    const requests: RecentRequest[] = [];
    for (let at = Math.max(after, this.#last - recentRequestsMax); at < this.#last; at += 1) {
      const kept = this.#ring[at % recentRequestsMax];
      if (kept === undefined) continue;
      if (host !== undefined && kept.seen.host !== host) continue;
      if (failedOnly === true && kept.line.status < 400 && kept.line.aborted === undefined) continue;
      requests.push(shown(at + 1, kept));
    }
    return { requests, last: this.#last };
  }
}

const shown = (sequence: number, { line: { route, ...line }, seen, at }: Kept): RecentRequest => ({
  ...{ sequence, time: toIso(at), operation: route.slice(0, 200) },
  ...line,
  ...seen,
});
