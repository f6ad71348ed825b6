import type { FinishedSpan } from '../http/tracing/span.ts';
import type { Sampling } from '../http/tracing/tracer.ts';
import type { TakeMetrics } from './metrics-routes.ts';

/** Where spans and metrics go, as whoever starts the server has set it. Nothing of it makes a request wait or fail. */
export interface Telemetry {
  /** Undefined: no spans are made. */
  readonly sampling?: Sampling;
  ended(span: FinishedSpan): void;
  /** Takes them from time to time. @returns ends that, after having sent them once more */
  measure(take: TakeMetrics): () => Promise<void>;
  /** Sends what is left, for some seconds at most. */
  close(): Promise<void>;
}
