import { AsyncLocalStorage } from 'node:async_hooks';
import type { Lane, LaneName } from './lanes.ts';
import { laneOf, lanes } from './lanes.ts';

/** Calls over the IPC channel of a child process, in both directions. Structured clone carries bytes as they are. */
type Message =
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly operation: string;
      readonly body: unknown;
      readonly trace?: string;
      /** Which call of the other side it is made for: that one goes on. */
      readonly within?: number;
    }
  | { readonly kind: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'broken'; readonly id: number; readonly error: string }
  | { readonly kind: 'busy'; readonly id: number };

export interface ChannelOptions {
  /** Hands a message to the other side. @throws when the channel is closed */
  readonly send: (message: unknown) => void;
  /** Answers a call of the other side; an error of it is told by name only. */
  readonly serve: (operation: string, body: unknown, trace?: string) => Promise<unknown>;
  /** What a call is part of, told with it (`trace`, a `traceparent`). Default: nothing. */
  readonly trace?: () => string | undefined;
  /** How many calls of each kind may be under way and wait. Both sides have the same. */
  readonly lanes?: Readonly<Record<LaneName, Lane>>;
}

/** There are too many calls already. This one was not made; it may be made in a moment. */
export class ChannelBusyError extends Error {
  override readonly name = 'ChannelBusyError';
}

/** The other side ended, or was ended, before it answered. The call may be made again. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError';
}

/** The other side failed in its own code. */
export class ChannelBrokenError extends Error {
  override readonly name = 'ChannelBrokenError';
  /** @param code the name of the other side's error, for the log */
  constructor(
    message: string,
    readonly code?: string,
  ) {
    super(message);
  }
}

interface Call {
  readonly lane: LaneName;
  readonly operation: string;
  readonly body: unknown;
  readonly trace: string | undefined;
  readonly within: number | undefined;
  readonly onProgress: (() => void) | undefined;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Sending {
  readonly limits: Lane;
  readonly queue: Call[];
  inFlight: number;
}

export class Channel {
  readonly #options: ChannelOptions;
  readonly #waiting = new Map<number, Call>();
  readonly #sending: Readonly<Record<LaneName, Sending>>;
  readonly #serving: Record<LaneName, number> = { requests: 0, log: 0, control: 0 };
  /** The call of the other side that is being answered. Disabled when there is none: while a storage is in use, Node.js follows each promise of
   * the process, and the main process answers vaults' clients, too. */
  readonly #within = new AsyncLocalStorage<number>();
  #next = 1;
  #closed: Error | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
    const limits = options.lanes ?? lanes;
    this.#sending = {
      requests: { limits: limits.requests, inFlight: 0, queue: [] },
      log: { limits: limits.log, inFlight: 0, queue: [] },
      control: { limits: limits.control, inFlight: 0, queue: [] },
    };
  }

  /** @param onProgress told whenever the other side asks something for the sake of this call
   * @throws ChannelClosedError, ChannelBusyError; ChannelBrokenError for a bug of the other side */
  call(operation: string, body: unknown, onProgress?: () => void): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    const lane = laneOf(operation);
    const sending = this.#sending[lane];
    if (sending.inFlight >= sending.limits.inFlightMax && sending.queue.length >= sending.limits.queueMax)
      return Promise.reject(new ChannelBusyError('Too many calls are under way.'));
    const trace = this.#options.trace?.();
    const within = this.#within.getStore();
    return new Promise((resolve, reject) => {
      sending.queue.push({ lane, operation, body, trace, within, onProgress, resolve, reject });
      this.#pump(sending);
    });
  }

  #pump(sending: Sending): void {
    while (sending.inFlight < sending.limits.inFlightMax) {
      const call = sending.queue.shift();
      if (call === undefined) return;
      const id = this.#next++;
      sending.inFlight += 1;
      this.#waiting.set(id, call);
      const { operation, body, trace, within } = call;
      const about = { ...(trace !== undefined && { trace }), ...(within !== undefined && { within }) };
      this.#post({ kind: 'call', id, operation, body, ...about });
    }
  }

  receive(value: unknown): void {
    const message = parseMessage(value);
    if (message === undefined || this.#closed !== undefined) return;
    if (message.kind === 'call') {
      if (message.within !== undefined) this.#waiting.get(message.within)?.onProgress?.();
      void this.#answer(message);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    if (waiting === undefined) return;
    this.#waiting.delete(message.id);
    if (message.kind === 'reply') waiting.resolve(message.body);
    else if (message.kind === 'busy') waiting.reject(new ChannelBusyError('The other process has too much to do.'));
    else
      waiting.reject(
        new ChannelBrokenError(`The other process failed: ${message.error.slice(0, 100)}.`, message.error),
      );
    const sending = this.#sending[waiting.lane];
    sending.inFlight -= 1;
    this.#pump(sending);
  }

  /** Fails everything in flight and whatever comes after. */
  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ChannelClosedError(reason);
    const queued = Object.values(this.#sending).flatMap(({ queue }) => queue.splice(0));
    for (const { reject } of [...this.#waiting.values(), ...queued]) reject(this.#closed);
    this.#waiting.clear();
  }

  /** Calls that have no answer yet, those that wait in line among them. */
  get inFlight(): number {
    return Object.values(this.#sending).reduce((sum, { queue }) => sum + queue.length, this.#waiting.size);
  }

  async #answer({ id, operation, body, trace }: Extract<Message, { kind: 'call' }>): Promise<void> {
    const lane = laneOf(operation);
    if (this.#serving[lane] >= this.#sending[lane].limits.inFlightMax) {
      this.#post({ kind: 'busy', id });
      return;
    }
    this.#serving[lane] += 1;
    let answer: Message;
    try {
      const served = await this.#within.run(id, () => this.#options.serve(operation, body, trace));
      answer = { kind: 'reply', id, body: served };
    } catch (error) {
      answer = { kind: 'broken', id, error: error instanceof Error ? error.name : 'unknown error' };
    }
    this.#serving[lane] -= 1; // before the other side knows, which may then call again
    if (Object.values(this.#serving).every((count) => count === 0)) this.#within.disable();
    this.#post(answer);
  }

  #post(message: Message): void {
    if (this.#closed !== undefined) return;
    try {
      this.#options.send(message);
    } catch {
      this.close('The channel to the other process is closed.');
    }
  }
}

function parseMessage(value: unknown): Message | undefined {
  if (typeof value !== 'object' || value === null || !('kind' in value) || !('id' in value)) return undefined;
  const { kind, id } = value;
  if (typeof id !== 'number') return undefined;
  const body = 'body' in value ? value.body : undefined;
  if (kind === 'call' && 'operation' in value && typeof value.operation === 'string') {
    const trace = 'trace' in value && typeof value.trace === 'string' ? { trace: value.trace } : {};
    const within = 'within' in value && typeof value.within === 'number' ? { within: value.within } : {};
    return { kind, id, operation: value.operation, body, ...trace, ...within };
  }
  if (kind === 'reply') return { kind, id, body };
  if (kind === 'busy') return { kind, id };
  if (kind === 'broken' && 'error' in value && typeof value.error === 'string') return { kind, id, error: value.error };
  return undefined;
}
