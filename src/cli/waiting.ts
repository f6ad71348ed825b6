/** Nobody wonders for so long whether anything still goes on. */
const tellAfterMs = 1_500;
/** A terminal's one line changes more often. */
const redrawMs = 500;

export interface Waiting {
  /** What goes on from now on: a few words, which may change as it goes on. */
  begin(what: string | (() => string)): void;
  /** Something else is written now: a terminal's line makes room for it. */
  pause(): void;
  /** Nothing goes on any more; a terminal's line goes away. */
  end(): void;
}

export interface WaitingPorts {
  readonly stream: { readonly isTTY?: boolean; write(text: string): unknown };
  readonly monotonicMs: () => number;
  /** Calls again and again. @returns what ends that */
  readonly every: (milliseconds: number, run: () => void) => () => void;
}

/** Says on standard error what takes its time, once it takes more than a moment: on a terminal in one line that changes, elsewhere in plain
 * lines. Whatever is quick says nothing. */
export function startWaiting({ stream, monotonicMs, every }: WaitingPorts = processPorts()): Waiting {
  const isTerminal = stream.isTTY === true;
  let stop: (() => void) | undefined;
  let isDrawn = false;
  const erase = (): void => {
    if (isDrawn) stream.write('\r\u001b[2K');
    isDrawn = false;
  };
  const end = (): void => {
    stop?.();
    stop = undefined;
    erase();
  };
  return {
    begin(what) {
      end();
      const startedMs = monotonicMs();
      stop = every(isTerminal ? redrawMs : tellAfterMs, () => {
        const seconds = Math.floor((monotonicMs() - startedMs) / 1000);
        const line = `kustody: ${typeof what === 'string' ? what : what()} … ${seconds} s`;
        erase();
        stream.write(isTerminal ? line : `${line}\n`);
        isDrawn = isTerminal;
      });
    },
    pause: erase,
    end,
  };
}

const processPorts = (): WaitingPorts => ({
  stream: process.stderr,
  monotonicMs: () => performance.now(),
  every: (milliseconds, run) => {
    const timer = setInterval(run, milliseconds);
    timer.unref();
    return () => clearInterval(timer);
  },
});

/** Does the work while telling of it. @param begin says what of it goes on */
export async function whileWaiting<T>(
  work: (begin: Waiting['begin']) => Promise<T>,
  waiting = startWaiting(),
): Promise<T> {
  try {
    return await work((what) => waiting.begin(what));
  } finally {
    waiting.end();
  }
}
