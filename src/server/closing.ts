import type { HostTime } from '../clock/host-time.ts';

/** What did not close in time was left behind. */
export class CloseLateError extends Error {
  override readonly name = 'CloseLateError';
  /** @param parts first those that were closed first */
  constructor(
    readonly parts: readonly string[],
    options?: ErrorOptions,
  ) {
    super(
      `Kustody has stopped without waiting any longer for ${parts.join(', ')}. What was acknowledged is kept.`,
      options,
    );
  }
}

/** Real time, for one part and for all of them together, beyond what a part gives others to come to their end. */
export const closingMs = { one: 10_000, all: 20_000 } as const;
/** A part gets so long when the time of all is used up: its connections are cut and its processes killed then, too. */
const leastMs = 500;

interface Part {
  readonly name: string;
  readonly close: () => unknown;
  readonly graceMs: () => number;
}

/** What was opened, part by part, and how it is closed: the last first, each once, and none for ever. A part that hangs (a database that does
 * not answer, a process that cannot be killed) is named and left behind, so that those after it close, too. */
export class Closing {
  readonly #time: Pick<HostTime, 'monotonic' | 'startTimer'>;
  readonly #parts: Part[] = [];
  #closed: Promise<void> | undefined;
  /** Told of each part that is left behind. */
  onLate: (part: string, waitedMs: number) => void = () => undefined;

  constructor(time: Pick<HostTime, 'monotonic' | 'startTimer'>) {
    this.#time = time;
  }

  /** @param graceMs asked when its turn comes: so long it gives others to come to their end */
  add(name: string, close: () => unknown, graceMs: () => number = () => 0): void {
    this.#parts.push({ name, close, graceMs });
  }

  /** Whoever asks again waits for the same.
   * @throws CloseLateError after all of it; else what the first part threw that could not be closed */
  close(): Promise<void> {
    return (this.#closed ??= this.#closeAll());
  }

  async #closeAll(): Promise<void> {
    const failures: unknown[] = [];
    const late: string[] = [];
    let leftMs: number = closingMs.all;
    for (const { name, close, graceMs } of this.#parts.splice(0).reverse()) {
      const began = this.#time.monotonic();
      const grace = graceMs();
      const closing = Promise.resolve().then(close);
      closing.catch((error: unknown) => failures.push(error)); // of one that is late, too
      const isClosed = await this.#within(closing, grace + Math.max(leastMs, Math.min(closingMs.one, leftMs)));
      const waitedMs = this.#time.monotonic() - began;
      leftMs -= Math.max(0, waitedMs - grace);
      if (isClosed) continue;
      late.push(name);
      this.onLate(name, Math.round(waitedMs));
    }
    const [first] = failures;
    if (late.length > 0) throw new CloseLateError(late, { cause: first });
    if (failures.length > 0) throw first;
  }

  /** The timer keeps the process: nothing else may be left that does, and there is more to close.
   * @returns whether it has ended, however */
  async #within(closing: Promise<unknown>, milliseconds: number): Promise<boolean> {
    let cancel = (): void => undefined;
    const enough = new Promise<false>((resolve) => {
      cancel = this.#time.startTimer(milliseconds, () => resolve(false));
    });
    const ended = closing.then(
      () => true,
      () => true,
    );
    const isClosed = await Promise.race([ended, enough]);
    cancel();
    return isClosed;
  }
}
