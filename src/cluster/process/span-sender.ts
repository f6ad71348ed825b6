import type { FinishedSpan } from '../../http/tracing/span.ts';
import { spansMax } from '../../http/tracing/span.ts';
import type { SpansCall } from '../messages/spans.ts';

/** Waiting ones; what comes beyond is lost, never waited for. */
const queueMax = 2_048;

/** Brings spans to the main process, which alone sends them on: this one speaks to vaults and storage, and to nobody else.
 * One message is under way at a time, with all that ended meanwhile. */
export class SpanSender {
  readonly #send: (call: SpansCall) => Promise<unknown>;
  #queue: FinishedSpan[] = [];
  #sending: Promise<void> | undefined;

  constructor(send: (call: SpansCall) => Promise<unknown>) {
    this.#send = send;
  }

  add(span: FinishedSpan): void {
    if (this.#queue.length >= queueMax) return;
    this.#queue.push(span);
    this.#sending ??= this.#sendAll();
  }

  /** Resolves when all that were added are there, or cannot be. */
  async flush(): Promise<void> {
    await this.#sending;
  }

  async #sendAll(): Promise<void> {
    await Promise.resolve(); // others that end in this turn go along
    try {
      while (this.#queue.length > 0) await this.#send({ spans: this.#queue.splice(0, spansMax) });
    } catch {
      this.#queue = []; // the main process is gone, or has too much to do
    } finally {
      this.#sending = undefined;
    }
  }
}
