import { AsyncLocalStorage } from 'node:async_hooks';
import type { RandomBytes } from '../../base/random.ts';
import type { FinishedSpan, SpanFields, SpanKind } from './span.ts';
import type { SpanContext } from './trace-context.ts';
import { formatTraceparent } from './trace-context.ts';

/** Which traces are recorded. Plain data: a cluster's process gets it. */
export interface Sampling {
  /** What has a parent does as that one does. */
  readonly followsParent: boolean;
  /** Share of the others, 0 to 1. */
  readonly ratio: number;
}

export interface TracerOptions {
  readonly sampling: Sampling;
  readonly randomBytes: RandomBytes;
  readonly wallMs: () => number;
  readonly monotonicMs: () => number;
  /** Hears of each span that is recorded. Must not wait, and must bound what it keeps. */
  readonly ended: (span: FinishedSpan) => void;
}

/** A span under way. */
export interface OpenSpan {
  readonly context: SpanContext;
  /** The first end counts. @param errorType it failed */
  end(name: string, fields?: SpanFields, errorType?: string): void;
}

/** Makes the spans of one process. Where tracing is off there is none of it, and nobody pays for it.
 * What runs within a span knows it by asynchronous context. */
export class Tracer {
  readonly sampling: Sampling;
  readonly #options: TracerOptions;
  readonly #running = new AsyncLocalStorage<SpanContext>();
  readonly #causes = new WeakMap<object, SpanContext>();

  constructor(options: TracerOptions) {
    this.sampling = options.sampling;
    this.#options = options;
  }

  get current(): SpanContext | undefined {
    return this.#running.getStore();
  }

  /** As a header, or in a message to another process. */
  get traceparent(): string | undefined {
    const { current } = this;
    return current === undefined ? undefined : formatTraceparent(current);
  }

  /** @param context undefined: as before */
  run<T>(context: SpanContext | undefined, work: () => T): T {
    return context === undefined ? work() : this.#running.run(context, work);
  }

  /** What brought a request about, where that is known before anything of it is read: the handing over of its connection. */
  causedBy(request: object, context: SpanContext): void {
    this.#causes.set(request, context);
  }

  causeOf(request: object): SpanContext | undefined {
    return this.#causes.get(request);
  }

  /** @param parent default: what runs now; null: none
   * @param link another one that brought it about */
  begin(kind: SpanKind, parent: SpanContext | null | undefined = this.current, link?: SpanContext): OpenSpan {
    const { wallMs, monotonicMs } = this.#options;
    const traceId = parent?.traceId ?? this.#id(16);
    const context = { traceId, spanId: this.#id(8), sampled: this.#isSampled(traceId, parent ?? undefined) };
    const [startMs, from] = [wallMs(), monotonicMs()];
    let isOpen = true;
    return {
      context,
      end: (name, fields = {}, errorType) => {
        if (!isOpen || !context.sampled) return;
        isOpen = false;
        this.#options.ended({
          ...{ traceId, spanId: context.spanId, kind, name, startMs, ms: Math.max(0, monotonicMs() - from), fields },
          ...(parent ? { parentId: parent.spanId } : {}),
          ...(link === undefined ? {} : { link: { traceId: link.traceId, spanId: link.spanId } }),
          ...(errorType === undefined ? {} : { errorType }),
        });
      },
    };
  }

  /** Spans that have ended in another process. */
  adopt(spans: readonly FinishedSpan[]): void {
    for (const span of spans) this.#options.ended(span);
  }

  /** A step of what runs now. Outside of a trace it is none. */
  async step<T>(name: string, work: () => Promise<T> | T): Promise<T> {
    if (this.current === undefined) return work();
    const span = this.begin('internal');
    try {
      const result = await this.run(span.context, work);
      span.end(name);
      return result;
    } catch (error) {
      span.end(name, {}, error instanceof Error ? error.name : '_OTHER');
      throw error;
    }
  }

  #isSampled(traceId: string, parent: SpanContext | undefined): boolean {
    const { followsParent, ratio } = this.sampling;
    if (followsParent && parent !== undefined) return parent.sampled;
    // The last 56 bits are random in ids that others made, too (W3C Trace Context 2, 3.2.2.3.2), and 52 are an exact number: all processes
    // decide alike.
    return Number.parseInt(traceId.slice(-13), 16) < ratio * 2 ** 52;
  }

  /** Not all zero, which would be no id. */
  #id(bytes: number): string {
    const drawn = Buffer.from(this.#options.randomBytes(bytes));
    if (drawn.every((byte) => byte === 0)) drawn[bytes - 1] = 1;
    return drawn.toString('hex');
  }
}

/** With a tracer a step of its trace; without one the work alone. */
export const step = <T>(tracer: Tracer | undefined, name: string, work: () => Promise<T>): Promise<T> =>
  tracer === undefined ? work() : tracer.step(name, work);
