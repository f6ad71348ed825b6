import { invariant } from '../../base/invariant.ts';

/** Calls over the IPC channel of a child process, in both directions. Structured clone carries bytes as they are. */
type Message =
  | { readonly kind: 'call'; readonly id: number; readonly operation: string; readonly body: unknown }
  | { readonly kind: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly kind: 'broken'; readonly id: number; readonly error: string };

export interface ChannelOptions {
  /** Hands a message to the other side. @throws when the channel is closed */
  readonly send: (message: unknown) => void;
  /** Answers a call of the other side; an error of it is told by name only. */
  readonly serve: (operation: string, body: unknown) => Promise<unknown>;
  /** More calls than this at the same time, from either side, are a mistake. */
  readonly inFlightMax: number;
}

/** The other side ended, or was ended, before it answered. The call may be made again. */
export class ChannelClosedError extends Error {
  override readonly name = 'ChannelClosedError';
}

/** The other side failed in its own code. */
export class ChannelBrokenError extends Error {
  override readonly name = 'ChannelBrokenError';
}

export class Channel {
  readonly #options: ChannelOptions;
  readonly #waiting = new Map<number, { resolve: (body: unknown) => void; reject: (error: Error) => void }>();
  #next = 1;
  #serving = 0;
  #closed: Error | undefined;

  constructor(options: ChannelOptions) {
    this.#options = options;
  }

  call(operation: string, body: unknown): Promise<unknown> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    invariant(this.#waiting.size < this.#options.inFlightMax, 'the number of calls in flight is bounded');
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#post({ kind: 'call', id, operation, body });
    });
  }

  receive(value: unknown): void {
    const message = parseMessage(value);
    if (message === undefined || this.#closed !== undefined) return;
    if (message.kind === 'call') {
      void this.#answer(message.id, message.operation, message.body);
      return;
    }
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (message.kind === 'reply') waiting?.resolve(message.body);
    else waiting?.reject(new ChannelBrokenError(`The other process failed: ${message.error.slice(0, 100)}.`));
  }

  /** Fails everything in flight and whatever comes after. */
  close(reason: string): void {
    if (this.#closed !== undefined) return;
    this.#closed = new ChannelClosedError(reason);
    for (const { reject } of this.#waiting.values()) reject(this.#closed);
    this.#waiting.clear();
  }

  get inFlight(): number {
    return this.#waiting.size;
  }

  async #answer(id: number, operation: string, body: unknown): Promise<void> {
    if (this.#serving >= this.#options.inFlightMax) {
      this.#post({ kind: 'broken', id, error: 'too many calls' });
      return;
    }
    this.#serving += 1;
    try {
      this.#post({ kind: 'reply', id, body: await this.#options.serve(operation, body) });
    } catch (error) {
      this.#post({ kind: 'broken', id, error: error instanceof Error ? error.name : 'unknown error' });
    } finally {
      this.#serving -= 1;
    }
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
    return { kind, id, operation: value.operation, body };
  }
  if (kind === 'reply') return { kind, id, body };
  if (kind === 'broken' && 'error' in value && typeof value.error === 'string') return { kind, id, error: value.error };
  return undefined;
}
